"""The losses of style transfer by optimisation (Gatys, Ecker and Bethge 2016, arXiv:1508.06576).

Every loss is relative to what it aims at, so that a weight means the same for every net and every size. Where Gatys et al.
compare Gram matrices, means and covariances are compared here: a Gram matrix is both in one, and its large part, the mean,
hides the rest, which holds the brush strokes (the shift of Novak and Nikulin 2016, arXiv:1605.04603).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import device as devices
from ...models.vgg import VGG

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"  # of Gatys et al.; used alone it forgets small faces
CONTENT_LAYERS = ("relu2_2", "relu3_3", CONTENT_LAYER)
BALANCE = {"content": 1.0, "style": 6.0, "tv": 0.6}  # what a loss counts when its weight is 1

COVARIANCE_FLOOR = 0.1  # of the squared mean: what a covariance counts for at least, for styles of a single colour have none

Moments = tuple[Tensor, Tensor]  # mean [C] and covariance [C, C] of a layer's channels over positions


@dataclass(frozen=True)
class Weights:
    """How much each loss counts, none below 0; a loss with weight 0 is left out."""

    content: float = 1.0
    style: float = 1.0
    tv: float = 1.0

    def total(self, losses: Mapping[str, float]) -> float:
        return sum(factor * getattr(self, name) * losses[name] for name, factor in BALANCE.items())

    def share(self, name: str) -> float:
        """Part of the sum of all weights: no weight is then too large for the arithmetic."""
        whole = sum(factor * (getattr(self, other) / self._largest) for other, factor in BALANCE.items())
        return BALANCE[name] * (getattr(self, name) / self._largest) / whole

    @property
    def _largest(self) -> float:
        return max(self.content, self.style, self.tv)


@dataclass(frozen=True)
class Goal:
    """What a picture is optimised towards at one scale, computed once."""

    style: dict[str, Moments]  # by style layer
    shares: dict[str, float]  # weights of those layers, which sum to 1
    content: dict[str, Tensor]  # [1, C, H, W] by content layer
    mask: Tensor | None = None  # [1, 1, H, W] in [0, 1], where style is wanted; None: everywhere

    @property
    def layers(self) -> tuple[str, ...]:
        return (*self.style, *self.content)


def default_layers(net: VGG) -> dict[str, float]:
    """The style layers of Gatys et al. that a net has, with equal weights."""
    return {name: 1.0 for name in STYLE_LAYERS if name in net.layers}


def content_layer(net: VGG) -> str:
    """The one layer of a net that likeness to a content is measured by."""
    return CONTENT_LAYER if CONTENT_LAYER in net.layers else net.layers[-1]


def content_layers(net: VGG) -> tuple[str, ...]:
    """The layers of the content loss that a net has."""
    return tuple(name for name in CONTENT_LAYERS if name in net.layers) or net.layers[-1:]


def features(net: VGG, x: Tensor, layers: Sequence[str], *, circular: bool = False) -> dict[str, Tensor]:
    """Activations of pictures [N, 3, H, W], or of grey ones [N, 1, H, W], in the precision of the device.

    circular: opposite sides of the picture meet (circular padding).
    """
    x = x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
    with devices.autocast(x.device):
        return net(x, layers, circular) if layers else {}


@torch.no_grad()
def style_goal(
    net: VGG,
    content: Tensor | None,
    styles: Sequence[Tensor],
    mix: Sequence[float],
    layers: Mapping[str, float],
    mask: Tensor | None = None,
) -> Goal:
    """The goal of one scale: content [1, 3, H, W] or None, and styles of any sizes, mixed by `mix`, which sums to 1."""
    used = {name: weight for name, weight in layers.items() if weight > 0} if styles else {}
    largest = max(used.values(), default=1.0)
    whole = sum(weight / largest for weight in used.values())
    seen = [features(net, style, tuple(used)) for style in styles]
    kept = {} if content is None else features(net, content, content_layers(net))
    return Goal(
        style={name: moments([f[name] for f in seen], mix) for name in used},
        shares={name: weight / largest / whole for name, weight in used.items()},
        content=kept,
        mask=mask,
    )


def moments(found: Sequence[Tensor], mix: Sequence[float]) -> Moments:
    """Moments of a picture that has a share of each style: first and second moments mix, covariances would not."""
    raw = [raw_moments(f) for f in found]
    mean = sum(share * first for share, (first, _) in zip(mix, raw, strict=True))
    second = sum(share * both for share, (_, both) in zip(mix, raw, strict=True))
    return mean, second - torch.outer(mean, mean)


def raw_moments(f: Tensor, mask: Tensor | None = None) -> Moments:
    """Mean [C] and Gram matrix [C, C] of activations [1, C, H, W] over positions, in float32.

    With a mask [1, 1, H', W'], over what it selects (Gatys et al. 2017, arXiv:1611.07865).
    """
    rows = f[0].permute(1, 2, 0).flatten(0, 1).float()  # HW,C
    if mask is None:
        mean, half = rows.mean(dim=0), rows.detach().T @ rows / len(rows)
    else:
        shares = _downsample_mask(mask, f).flatten()
        shares = shares / shares.sum().clamp_min(1e-6)
        mean, half = shares @ rows, (rows.detach() * shares[:, None]).T @ rows
    # Both factors are the same, so the gradient by one of them, counted twice, is the whole: half the work backwards.
    return mean, 2 * half - half.detach()


def _downsample_mask(mask: Tensor, f: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(mask, f.shape[2:])


def losses(found: Mapping[str, Tensor], x: Tensor, goal: Goal) -> dict[str, Tensor]:
    """The unweighted losses, scalars: "content", "style" and "tv". 0 is reached, about 1 is as far away as nothing at all."""
    style = [share * style_loss(found[name], goal.style[name], goal.mask) for name, share in goal.shares.items()]
    content = [content_loss(found[name], f, goal.mask) for name, f in goal.content.items()]
    zero = x.new_zeros(())
    return {"content": sum(content, zero) / max(1, len(content)), "style": sum(style, zero), "tv": total_variation(x)}


def style_loss(f: Tensor, goal: Moments, mask: Tensor | None = None) -> Tensor:
    """How far mean and covariance of activations [1, C, H, W] are from the goal's, relative to the goal's covariance."""
    mean, covariance = goal
    first, second = raw_moments(f, mask)
    shift = torch.outer(mean, first)
    second = second - shift - shift.T + torch.outer(mean, mean)  # about the goal's mean
    first = first - mean
    floor = COVARIANCE_FLOOR * mean.square().sum() + 1e-6
    off_mean = first.square().sum() / (covariance.trace() + floor)
    off_covariance = (second - covariance).square().sum() / (covariance.square().sum() + floor.square())
    return off_mean + off_covariance


def content_loss(f: Tensor, goal: Tensor, mask: Tensor | None = None) -> Tensor:
    """Squared distance of activations [1, C, H, W], relative to the goal's squared length."""
    f, goal = f.float(), goal.float()
    share = f.new_ones(()) if mask is None else _downsample_mask(mask, f)
    return ((f - goal).square() * share).sum() / (goal.square() * share).sum().clamp_min(1e-12)


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels."""
    down, right = x[:, :, 1:] - x[:, :, :-1], x[:, :, :, 1:] - x[:, :, :, :-1]
    return down.square().mean() + right.square().mean()


def weighted(terms: Mapping[str, Tensor], weights: Weights) -> Tensor:
    """The loss to be minimised, a scalar."""
    return sum(weights.share(name) * term for name, term in terms.items() if weights.share(name) > 0)
