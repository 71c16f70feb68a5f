"""Style in one pass: a net for each style (Johnson et al. 2016), or one for all (Huang and Belongie 2017, Ghiasi et al. 2017).

Pictures are float32 [1, 3, H, W] in [-1, 1] on the CPU. Large ones go in tiles; what the nets measure over all positions is
then measured once for all tiles, since a tile that measures itself would come out in its own brightness and colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import device as devices
from ...models.adain import AdaIN
from ...models.arbitrary_style import ArbitraryStyle, ConditionalTransformer
from ...models.resnet_generator import ResnetGenerator
from ...models.transformer_net import Moments, OnePass
from .. import pieces, tiles

WHOLE = 1024  # up to this side a picture is done in one piece
TILE = 768
SMALLEST_STYLE = 32  # pixels a side of what a style vector is predicted from

Parts = Iterator[tuple[int, int, Tensor]]  # tiles done, tiles in all, the picture so far


def restyle(net: OnePass | ResnetGenerator | Styled, x: Tensor, *, tile: int = TILE, whole: int = WHOLE) -> Parts:
    """x in the net's one style, or in the domain that it leads to."""

    def attempt(most: int) -> Parts:
        if max(x.shape[2:]) <= most:
            yield 1, 1, run(net, net, x)
            return
        moments = measure(net, x, most)
        side = min(tile, most)
        yield from tiles.tiled(lambda part: run(net, net, part, moments), x, side=side, margin=net.receptive_radius, canvas=x)

    yield from pieces.tiles(attempt, whole, net.stride)


def measure(net: OnePass | ResnetGenerator | Styled, x: Tensor, whole: int = WHOLE) -> list[Moments]:
    """The moments of every instance norm, from x shrunk to a longer side of `whole`."""
    shrink = min(1.0, whole / max(x.shape[2:]))
    size = [max(8, round(length * shrink)) for length in x.shape[2:]]
    return run(net, net.measure, F.interpolate(x, size, mode="bicubic", antialias=True).clamp(-1, 1))


def mix(
    net: AdaIN | ArbitraryStyle,
    x: Tensor,
    styles: Sequence[Tensor],
    weights: Sequence[float],
    strength: float = 1.0,
    *,
    tile: int = TILE,
    whole: int = WHOLE,
) -> Parts:
    """x in the styles [1, 3, h, w], mixed by `weights`, which sum to 1.

    The strength blends features, or x's own style vector with that of the styles. What the net alone loses of the picture is
    given back in the same measure, so that strength 0 is the picture itself.
    """
    if isinstance(net, ArbitraryStyle):
        yield from _by_vector(net, x, styles, weights, strength, tile, whole)
    else:
        yield from _by_features(net, x, styles, weights, strength, tile, whole)


def _by_vector(
    net: ArbitraryStyle, x: Tensor, styles: Sequence[Tensor], weights: Sequence[float], strength: float, tile: int, whole: int
) -> Parts:
    """A style vector is a place in a latent space: styles mix, and fade, on the straight line between theirs."""
    vectors = [weight * run(net, net.predict, style)[0] for style, weight in zip(styles, weights, strict=True)]
    goal = torch.stack(vectors).sum(dim=0)
    own = goal if strength == 1 else run(net, net.predict, _at_style_size(net, x))[0]
    parts = restyle(Styled(net.transform, torch.lerp(own, goal, strength)), x, tile=tile, whole=whole)
    if strength == 1:
        yield from parts
        return
    plain = tiles.finished(restyle(Styled(net.transform, own), x, tile=tile, whole=whole))
    for done, total, made in parts:
        yield done, total, (made + (1 - strength) * (x - plain)).clamp(-1, 1)


class Styled(nn.Module):
    """A conditional net with one style vector [latent]: a net of one style."""

    def __init__(self, net: ConditionalTransformer, vector: Tensor):
        super().__init__()
        self.net, self.stride, self.receptive_radius = net, net.stride, net.receptive_radius
        self._vector = vector.to(next(net.parameters()).device)

    def forward(self, x: Tensor, moments: list[Moments] | None = None) -> Tensor:
        return self.net(x, self._vector, moments)

    def measure(self, x: Tensor) -> list[Moments]:
        return self.net.measure(x, self._vector)


def _at_style_size(net: ArbitraryStyle, x: Tensor) -> Tensor:
    """x shrunk or enlarged to as many pixels as a style has."""
    factor = net.style_side / (x.shape[2] * x.shape[3]) ** 0.5
    size = [max(SMALLEST_STYLE, round(length * factor)) for length in x.shape[2:]]
    return F.interpolate(x, size, mode="bicubic", antialias=True).clamp(-1, 1)


def _by_features(
    net: AdaIN, x: Tensor, styles: Sequence[Tensor], weights: Sequence[float], strength: float, tile: int, whole: int
) -> Parts:
    height, width = x.shape[2:]
    padded = F.pad(x, (0, -width % net.stride, 0, -height % net.stride), mode="reflect")
    side = tile if max(height, width) > whole else max(padded.shape[2:])
    content = _encoded(net, padded, side)
    goal = net.restyle(content, [_encoded(net, _crop_to_stride(net, style), WHOLE) for style in styles], weights)
    decode = _decoder(net, strength)
    features = goal if strength == 1 else torch.cat([torch.lerp(content, goal, strength), content], dim=1)
    canvas = padded.repeat(1, 2 if strength < 1 else 1, 1, 1)

    def attempt(side: int) -> Parts:
        cells, margin = side // net.stride, net.receptive_radius // net.stride
        return tiles.tiled(decode, features, side=cells, margin=margin, scale=Fraction(net.stride), canvas=canvas)

    for done, total, out in pieces.tiles(attempt, side, net.stride):
        made, plain = out[:, :3, :height, :width], out[:, 3:, :height, :width]
        yield done, total, (made + (1 - strength) * (x - plain) if strength < 1 else made).clamp(-1, 1)


def _decoder(net: AdaIN, strength: float) -> Callable[[Tensor], Tensor]:
    """Blended features, and below strength 1 the content's behind them [1, 2C, h, w] -> pictures [1, 3 or 6, H, W] of them."""

    def decode(features: Tensor) -> Tensor:
        return torch.cat([run(net, net.decode, part) for part in features.chunk(1 if strength == 1 else 2, dim=1)], dim=1)

    return decode


def _encoded(net: AdaIN, x: Tensor, side: int) -> Tensor:
    """Features float32 [1, C, H/8, W/8] of a picture whose sides are multiples of 8."""

    def attempt(side: int) -> Parts:
        scale = Fraction(1, net.stride)
        return tiles.tiled(lambda part: run(net, net.encode, part), x, side=side, margin=net.receptive_radius, scale=scale)

    return tiles.finished(pieces.tiles(attempt, side, net.stride))


def _crop_to_stride(net: AdaIN, x: Tensor) -> Tensor:
    """The picture without what goes beyond a multiple of the net's grid."""
    height, width = (length // net.stride * net.stride for length in x.shape[2:])
    return x[:, :, :height, :width]


@torch.no_grad()
def run(net: nn.Module, function: Callable, x: Tensor, *more: object) -> Tensor:
    """One pass in the precision of the device; tensors come back in float32 on the CPU, anything else as it is."""
    device = next(net.parameters()).device
    with devices.autocast(device):
        made = function(x.to(device).contiguous(memory_format=torch.channels_last), *more)
    return made.float().cpu() if isinstance(made, Tensor) else made
