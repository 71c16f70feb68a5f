"""Texture synthesis by optimisation (Gatys, Ecker and Bethge 2015, arXiv:1505.07376): noise is changed until a net's features
have the sample's statistics. Pictures are float32 [1, 3, H, W] in [-1, 1]."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import device as devices
from ...models.vgg import VGG
from .. import optimise, style
from ..optimise import Diverged, Progress
from ..style import colors

MULTIPLE = 16  # sides of a seamless picture, so that the deepest layer's positions meet across the sides
# Of the largest variance of any direction of colour: what smaller ones are raised to, and below what they count as grey.
LEAST_VARIANCE, GREY_VARIANCE = 0.1, 1e-3
SMOOTHNESS = 0.02  # what total variation counts beside the statistics: just enough to keep single pixels quiet


@dataclass(frozen=True)
class ColorTransform:
    """Whitening of a sample's colours: their mean and principal directions; what is optimised are amounts of those.

    Amounts are uncorrelated and of unit variance, which suits an optimiser, and a grey sample can't get coloured fringes.
    """

    mean: Tensor  # [3, 1, 1]
    directions: Tensor  # [3, 3], a column each

    @classmethod
    def of(cls, sample: Tensor) -> ColorTransform:
        mean, covariance = colors.statistics(sample)
        values, vectors = torch.linalg.eigh(covariance.double())
        values = torch.where(values > GREY_VARIANCE * values[-1], values.clamp_min(LEAST_VARIANCE * values[-1]), 0)
        return cls(mean[:, :, None], (vectors * values.clamp_min(0).sqrt()).float())

    def amounts(self, x: Tensor) -> Tensor:
        """A picture [1, 3, H, W] in amounts of the directions, as far as they reach."""
        return torch.einsum("ij,njhw->nihw", torch.linalg.pinv(self.directions, rtol=1e-3), x - self.mean)

    def picture(self, amounts: Tensor) -> Tensor:
        """Amounts [1, 3, H, W] -> [1, 3, H, W]."""
        return torch.einsum("ij,njhw->nihw", self.directions.to(amounts.device), amounts) + self.mean.to(amounts.device)


@dataclass(frozen=True)
class Goal:
    """What is wanted at one scale."""

    moments: dict[str, style.Moments]
    colors: ColorTransform
    circular: bool  # circular padding: opposite sides of the picture meet


def synthesize(
    net: VGG,
    sample: Tensor,
    height: int,
    width: int,
    *,
    steps: int,
    seed: int,
    seamless: bool = False,
    start: Tensor | None = None,
) -> Iterator[Progress]:
    """Synthesises a picture of height x width, coarse to fine; yields before the first step and after every one.

    sample: [1, 3, h, w], at the size its pattern is to have in the result.
    start:  a picture [1, 3, height, width] whose large shapes are kept, or None for noise of the seed.
    Raises Diverged when a loss is no finite number.
    """
    device, optimizer, done = next(net.parameters()).device, optimise.OPTIMIZERS["lbfgs"](), 0
    plan, transform = optimise.scales(height, width, net.smallest, steps), ColorTransform.of(sample)
    x = devices.normal(seed, 1, 3, plan[0].height, plan[0].width) if start is None else transform.amounts(start)

    def progress() -> Progress:
        shown = resize(transform.picture(optimizer.x.detach()), height, width, circular=seamless).clamp(-1, 1)
        return Progress(done, steps, shown, optimizer.losses)

    for scale in plan:
        size = [_round_to_multiple(side) for side in (scale.height, scale.width)] if seamless else [scale.height, scale.width]
        goal = Goal(texture_statistics(net, _shrink(sample, scale.height / height, net.smallest).to(device)), transform, seamless)
        optimizer.reset(resize(x, *size, circular=seamless).to(device), functools.partial(loss_and_gradient, net, goal))
        for _ in range(scale.steps):
            optimizer.evaluate()
            yield progress()
            optimizer.step()
            done += 1
        x = optimizer.x.detach()
    optimizer.evaluate()
    yield progress()


def _round_to_multiple(side: int) -> int:
    return max(2, round(side / MULTIPLE)) * MULTIPLE


def _shrink(sample: Tensor, factor: float, smallest: int) -> Tensor:
    factor = max(factor, smallest / min(sample.shape[2:]))
    return optimise.resize(sample, *(round(side * factor) for side in sample.shape[2:]))


def resize(x: Tensor, height: int, width: int, *, circular: bool) -> Tensor:
    """Bicubic, antialiased; with circular padding also across the sides."""
    if x.shape[2:] == (height, width):
        return x
    if not circular:
        return F.interpolate(x, (height, width), mode="bicubic", antialias=True)
    rows, columns = (min(side, 8) for side in x.shape[2:])
    around = F.pad(x, (columns, columns, rows, rows), mode="circular")
    return _resampled(around, x.shape[2:], (rows, columns), height, width)


def _resampled(around: Tensor, size: torch.Size, margin: tuple[int, int], height: int, width: int) -> Tensor:
    """The middle of a picture with margins at another size, with each pixel's centre exactly where it belongs."""
    axes = []
    for old, new, extra, whole in zip(size, (height, width), margin, around.shape[2:]):
        centres = (torch.arange(new, device=around.device) + 0.5) * (old / new) + extra
        axes.append(centres / whole * 2 - 1)
    rows, columns = torch.meshgrid(*axes, indexing="ij")
    grid = torch.stack([columns, rows], dim=-1)[None]
    return F.grid_sample(around, grid, mode="bicubic", align_corners=False)


@torch.no_grad()
def texture_statistics(net: VGG, sample: Tensor) -> dict[str, style.Moments]:
    """The statistics of a sample, by layer."""
    found = style.features(net, sample, tuple(style.default_layers(net)))
    return {name: style.moments([f], [1.0]) for name, f in found.items()}


def loss_and_gradient(net: VGG, goal: Goal, amounts: Tensor) -> tuple[Tensor, Tensor, dict[str, float]]:
    """The loss (a scalar, once for each value as in `optimise`), its gradient (like amounts), and its parts by name."""
    with torch.enable_grad():
        amounts = amounts.detach().requires_grad_(True)
        x = goal.colors.picture(amounts)
        found = style.features(net, x, tuple(goal.moments), circular=goal.circular)
        texture = sum(style.style_loss(found[name], moments) for name, moments in goal.moments.items()) / len(goal.moments)
        loss = (texture + SMOOTHNESS * style.total_variation(x)) * x.numel()
        (gradient,) = torch.autograd.grad(loss, amounts)
    sound, number = torch.stack([gradient.isfinite().all() & loss.isfinite(), texture]).tolist()
    if not sound:
        raise Diverged
    return loss.detach(), gradient.contiguous(), {"texture": number}
