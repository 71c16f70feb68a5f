"""A picture through the generator of a CycleGAN, whole or in tiles, and the error of the cycle.

Pictures are float32 [1, 3, H, W] in [-1, 1] on the CPU.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.resnet_generator import ResnetGenerator, white_noise
from . import guided, lines
from .style import feedforward
from .style.feedforward import Parts

STROKE_ASPECT = 0.1  # width of a stroke of the input noise, as a share of its length
_MOST_ASPECT = 12  # long side over short side: for a net with one input size, a longer picture is shrunk further
_VALUES = 32 * 1024**2  # that the widest layers may hold in one piece: 1024 px a side for a net of 32 channels


def whole_side(net: ResnetGenerator) -> int:
    """Up to this side a picture is done in one piece, for the sake of memory; a multiple of the net's stride."""
    side = math.isqrt(_VALUES // net.channels)
    return max(256, side // net.stride * net.stride)


def translate(net: ResnetGenerator, x: Tensor, *, tile: int | None = None, whole: int | None = None) -> Parts:
    """x in the other domain, tile after tile. All tiles share the statistics of the instance norms: no seams, no patches of
    colour.

    A net with one input size gets x at that; its change of x is upsampled to the size of x.
    """
    small = to_input_size(x, net.input_size) if net.input_size else x
    for done, total, made in _pieces(net, small, tile, whole):
        yield done, total, made if small is x else apply_change(x, small, made)


def to_input_size(x: Tensor, side: int) -> Tensor:
    """x at the input size of a net, its short side at `side`."""
    factor = min(side / min(x.shape[2:]), _MOST_ASPECT * side / max(x.shape[2:]))
    size = [max(1, round(length * factor)) for length in x.shape[2:]]
    return x if size == list(x.shape[2:]) else F.interpolate(x, size, mode="bicubic", antialias=True).clamp(-1, 1)


def apply_change(x: Tensor, small: Tensor, made: Tensor) -> Tensor:
    """x [1, 3, H, W] plus the upsampled change from `small`, which is x at another size, to `made` [1, 3, h, w]."""
    change = made - small
    if small.shape[2] < x.shape[2]:
        return (x + guided.guided_upsample(change, small, x)).clamp(-1, 1)
    return (x + F.interpolate(change, x.shape[2:], mode="bilinear", antialias=True)).clamp(-1, 1)


def _pieces(net: ResnetGenerator, x: Tensor, tile: int | None, whole: int | None) -> Parts:
    height, width = x.shape[2:]
    padded = with_input_noise(net, _pad_to(x, net.smallest))
    whole = whole or whole_side(net)
    tile = tile or whole * 3 // 4 // net.stride * net.stride
    for done, total, made in feedforward.restyle(net, padded, tile=tile, whole=whole):
        yield done, total, made[:, :, :height, :width]


def with_input_noise(net: ResnetGenerator, x: Tensor, seed: int | None = 0) -> Tensor:
    """Pictures [N, 3, H, W] with the noise that a net takes in its input; the seed is that of the noise, None for another each
    time.

    Left to the caller, since tiles must be cut from the whole with its noise.
    """
    if not net.noise_std:
        return x
    noise = white_noise(x, 3 if net.per_channel_noise else 1, seed)
    return x + net.noise_std * (
        lines.stroke_noise(x, noise, net.lic_length, net.lic_length * STROKE_ASPECT) if net.lic_length else noise
    )


def _pad_to(x: Tensor, side: int) -> Tensor:
    """x, its right and lower border repeated where it has fewer than `side` pixels."""
    height, width = x.shape[2:]
    missing = (0, max(0, side - width), 0, max(0, side - height))
    return F.pad(x, missing, mode="replicate") if any(missing) else x


def absolute_error(x: Tensor, y: Tensor) -> Tensor:
    """Absolute difference of two pictures, mean over the colours, in levels from 0 to 255: [H, W]."""
    return (x.clamp(-1, 1) - y.clamp(-1, 1)).abs().mean(dim=(0, 1)) * 127.5


def blend(x: Tensor, made: Tensor, strength: float) -> Tensor:
    """From x, at strength 0, to the whole translation, at 1."""
    return made if strength == 1 else torch.lerp(x, made, strength)
