"""A picture optimised from coarse to fine towards the features of others. Pictures are float32 [1, 3 or 1, H, W] in [-1, 1]."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.vgg import VGG
from . import style as ops

RATE = 0.05  # of Adam: about what a value moves in a step, of a range of 2
BETAS = (0.8, 0.99)  # shorter memories than usual: the way is some hundred steps long
FIRST_STEP = 0.02  # of L-BFGS at each scale: the mean over all values
TOLERANCE = 1.01  # of the lowest loss at a scale: above that, a step is taken back
RATE_RECOVERY = 1.1  # Adam's rate after each step that was kept, until it is RATE again; a step taken back halves it
PATIENCE = 3  # steps taken back in a row, after which L-BFGS forgets the curvature that misled it
MOST_REJECTED = 6  # steps taken back in a row, after which losses that are no numbers end the optimisation
COARSEST = 96  # no scale has a longer side below this
STEPS_DECAY = 0.6  # each finer scale gets this share of the steps of the one before: they cost four times as much


class Diverged(ArithmeticError):
    """A loss or its gradient is no number any more."""


@dataclass(frozen=True)
class Progress:
    """`x` after `done` of `total` steps, at the scale in work, and its losses."""

    done: int
    total: int
    x: Tensor
    losses: dict[str, float]


@dataclass(frozen=True)
class Scale:
    height: int
    width: int
    steps: int


def scales(height: int, width: int, smallest: int, steps: int) -> list[Scale]:
    """The way up to `height` x `width`, halves of halves, and the steps of each; all sum to `steps`.

    No side falls below `smallest`. With few steps the finest scales are served first, as they make the result.
    """
    levels = 0
    while max(height, width) >= COARSEST * 2 ** (levels + 1) and min(height, width) >= smallest * 2 ** (levels + 1):
        levels += 1
    levels = min(levels, max(steps - 1, 0))
    shares = [STEPS_DECAY**i for i in range(levels + 1)]
    counts = [max(1, round(steps * share / sum(shares))) for share in shares]
    counts[0] += steps - sum(counts)
    return [
        Scale(max(1, round(height / 2**level)), max(1, round(width / 2**level)), count)
        for level, count in zip(range(levels, -1, -1), counts)
    ]


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Bicubic, antialiased, within [-1, 1]."""
    if x.shape[2:] == (height, width):
        return x
    return F.interpolate(x, (height, width), mode="bicubic", antialias=True).clamp(-1, 1)


def style_transfer(
    net: VGG,
    content: Tensor,
    styles: Sequence[Tensor],
    mix: Sequence[float],
    *,
    weights: ops.Weights,
    layers: Mapping[str, float],
    steps: int,
    start: Tensor,
    mask: Tensor | None = None,
    optimizer: str = "adam",
    finest_only: bool = False,
) -> Iterator[Progress]:
    """Optimises `start` from coarse to fine; yields before the first step and after every one.

    content and start [1, C, H, W], mask [1, 1, H, W] or None, styles [1, C, h, w] at the size their patterns are to have in the
    result. `finest_only` leaves out the coarse scales, to go on from a picture that has been through them.
    Raises Diverged when a loss is no finite number.
    """
    plan = scales(*content.shape[2:], net.smallest, steps)
    plan = plan[-1:] if finest_only else plan
    device = next(net.parameters()).device
    x, image, done, total = start, OPTIMIZERS[optimizer](), 0, sum(scale.steps for scale in plan)
    for scale in plan:
        size = (scale.height, scale.width)
        goal = _scale_goal(net, content, styles, mix, weights, layers, mask, size)
        image.reset(resize(x, *size).to(device), functools.partial(loss_and_gradient, net, goal, weights))
        for _ in range(scale.steps):
            image.evaluate()
            yield Progress(done, total, image.x.detach().clone(), image.losses)
            image.step()
            done += 1
        x = image.x.detach()
    image.evaluate()
    yield Progress(done, total, x, image.losses)


def _scale_goal(
    net: VGG,
    content: Tensor,
    styles: Sequence[Tensor],
    mix: Sequence[float],
    weights: ops.Weights,
    layers: Mapping[str, float],
    mask: Tensor | None,
    size: tuple[int, int],
) -> ops.Goal:
    """The goal at one scale, where styles shrink as much as the content does."""
    device, shrink = next(net.parameters()).device, size[0] / content.shape[2]
    smaller = []
    for style in styles if weights.style > 0 else ():
        factor = max(shrink, net.smallest / min(style.shape[2:]))
        smaller.append(resize(style, *(round(side * factor) for side in style.shape[2:])).to(device))
    return ops.style_goal(
        net,
        resize(content, *size).to(device) if weights.content > 0 else None,
        smaller,
        mix if smaller else (),
        layers,
        None if mask is None else F.adaptive_avg_pool2d(mask, size).to(device),
    )


def loss_and_gradient(net: VGG, goal: ops.Goal, weights: ops.Weights, x: Tensor) -> tuple[Tensor, Tensor, dict[str, float]]:
    """The weighted loss of x [1, C, H, W] (a scalar), its gradient (like x), and the unweighted losses.

    The loss counts once for each value of the picture: gradients are then of order 1 at every size, which half precision and
    the optimisers' small constants are made for.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        terms = ops.losses(ops.features(net, x, goal.layers), x, goal)
        loss = ops.weighted(terms, weights) * x.numel()
        (gradient,) = torch.autograd.grad(loss, x)
    gradient = gradient.contiguous() if goal.mask is None else gradient * goal.mask
    # All numbers at once, because asking for one makes the processor wait for the GPU.
    sound, *numbers = torch.stack([gradient.isfinite().all() & loss.isfinite(), *terms.values()]).tolist()
    if not sound:
        raise Diverged
    named = dict(zip(terms, numbers))
    return loss.detach(), gradient, {**named, "total": weights.total(named)}


Objective = Callable[[Tensor], tuple[Tensor, Tensor, dict[str, float]]]


class ImageOptimizer:
    """A picture `x` and an optimiser of PyTorch: `evaluate` computes losses and gradient, `step` follows the gradient.

    A step that raised the loss is taken back, and shorter ones follow: within a scale, losses never jump.
    """

    x: Tensor
    losses: dict[str, float]
    _loss: Tensor

    def reset(self, x: Tensor, objective: Objective) -> None:
        """Starts at x, or goes on with it at another scale."""
        self.x = x.detach().clone().requires_grad_(True)
        self._objective = objective
        self._optimizer = self._make_optimizer()
        self._good: tuple[Tensor, Tensor, Tensor, dict[str, float]] | None = None  # picture, gradient, loss and losses
        self._lowest = math.inf  # loss at this scale
        self._rejected = 0  # steps in a row

    def evaluate(self) -> None:
        """Raises Diverged when the losses of the first picture are no numbers, or nothing leads back to such that are."""
        try:
            self._loss, self.x.grad, self.losses = self._objective(self.x)
            loss = self._loss.item()
        except Diverged:
            loss = math.inf
        if loss < math.inf and loss <= TOLERANCE * self._lowest:
            self._lowest, self._rejected = min(loss, self._lowest), 0
            self._good = self.x.detach().clone(), self.x.grad, self._loss, self.losses
        else:
            self._restore(finite=loss < math.inf)

    def _restore(self, *, finite: bool) -> None:
        self._rejected += 1
        if self._good is None or (self._rejected >= MOST_REJECTED and not finite):
            raise Diverged
        x, self.x.grad, self._loss, self.losses = self._good
        self.x.detach().copy_(x)

    def step(self) -> None:
        self._optimizer.step(lambda: self._loss)

    def _make_optimizer(self) -> torch.optim.Optimizer:
        raise TypeError("an optimiser has to be chosen")


class Adam(ImageOptimizer):
    """Kingma and Ba 2014, arXiv:1412.6980. Its averages grow along with the picture, so a new scale begins with its momentum."""

    _optimizer: torch.optim.Optimizer | None = None

    def _make_optimizer(self) -> torch.optim.Optimizer:
        before = next(iter(self._optimizer.state.values())) if self._optimizer and self._optimizer.state else None
        optimizer = torch.optim.Adam([self.x], lr=RATE, betas=BETAS)
        if before is not None:
            optimizer.state[self.x] = {name: self._resized(value) for name, value in before.items()}
        return optimizer

    def _resized(self, value: Tensor) -> Tensor:
        return F.interpolate(value, self.x.shape[2:], mode="bilinear") if value.ndim == 4 else value

    def step(self) -> None:
        group = self._optimizer.param_groups[0]
        group["lr"] = group["lr"] / 2 if self._rejected else min(RATE, group["lr"] * RATE_RECOVERY)
        super().step()
        self.x.detach().clamp_(-1, 1)


class LBFGS(ImageOptimizer):
    """Liu and Nocedal 1989, without a line search, which takes several evaluations a step. It gets further in as many steps.

    The curvature of another scale would mislead it, so each begins anew; and so would clipping, so values may leave [-1, 1] a
    little until the picture is shown.
    """

    _optimizer: torch.optim.LBFGS

    def _make_optimizer(self) -> torch.optim.LBFGS:
        return torch.optim.LBFGS([self.x], max_iter=1, history_size=10, tolerance_grad=0, tolerance_change=0)

    def step(self) -> None:
        if self._rejected and (self._rejected % PATIENCE == 0 or not self._optimizer.state[self.x]["old_dirs"]):
            self._optimizer = self._make_optimizer()
        # Knowing no curvature yet, PyTorch's first move has the length `lr` in all, which is nothing for a picture.
        first = not self._optimizer.state[self.x]
        self._optimizer.param_groups[0]["lr"] = (FIRST_STEP * self.x.numel() if first else 1.0) * 0.5**self._rejected
        super().step()


OPTIMIZERS: dict[str, Callable[[], ImageOptimizer]] = {"adam": Adam, "lbfgs": LBFGS}
