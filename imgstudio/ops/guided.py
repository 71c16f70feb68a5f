"""The guided filter (He, Sun and Tang 2013): values get edges where a picture has its own, and only there.

In every small window the values are taken for a linear function of the picture: so a net that saw a shrunk picture has what it
made carried over to the large one.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import interrupt

MATRIX = 640  # pixels: up to this side a product with a matrix is a faster way to means than pooling, about fivefold at 96


def carried(values: Tensor, small: Tensor, large: Tensor, *, radius: int = 2, epsilon: float = 4e-3) -> Tensor:
    """values [1, C, h, w], which belong to `small` [1, 3, h, w] -> [1, C, H, W], which belong to `large` [1, 3, H, W].

    The fast guided filter (He and Sun 2015, arXiv:1505.00996): the linear functions are smooth, and can be enlarged.

    radius:  of the windows, in pixels of `small`.
    epsilon: variance of the colours, in [-1, 1], below which a window counts as plain: there the values are evened out.
    """
    slopes, offsets = _linear(values, small, radius, epsilon)
    made = []
    for slope, offset in zip(slopes.split(1, dim=1), offsets.split(1, dim=1)):  # one map at a time: large pictures fill memory
        interrupt.check()
        channel = _enlarged(offset, large)
        for colour in range(3):
            channel += _enlarged(slope[:, :, colour], large) * large[:, colour : colour + 1]
        made.append(channel)
    return torch.cat(made, dim=1)


def _linear(values: Tensor, guide: Tensor, radius: int, epsilon: float) -> tuple[Tensor, Tensor]:
    """Slopes [1, C, 3, h, w] and offsets [1, C, h, w] of the best linear functions of the guide's colours, evened out."""
    n, c, h, w = values.shape
    guide_mean, value_mean = _mean(guide, radius), _mean(values, radius)
    spread = _mean((guide[:, :, None] * guide[:, None]).flatten(1, 2), radius).reshape(n, 3, 3, h, w)
    spread = spread - guide_mean[:, :, None] * guide_mean[:, None] + epsilon * torch.eye(3)[:, :, None, None]
    joint = _mean((guide[:, :, None] * values[:, None]).flatten(1, 2), radius).reshape(n, 3, c, h, w)
    joint = joint - guide_mean[:, :, None] * value_mean[:, None]
    slopes = torch.linalg.solve(spread.permute(0, 3, 4, 1, 2), joint.permute(0, 3, 4, 1, 2))  # N,h,w,3,C
    slopes = slopes.permute(0, 4, 3, 1, 2)  # N,C,3,h,w
    offsets = value_mean - (slopes * guide_mean[:, None]).sum(dim=2)
    return _mean(slopes.flatten(1, 2), radius).reshape(n, c, 3, h, w), _mean(offsets, radius)


def _mean(x: Tensor, radius: int) -> Tensor:
    """Means over squares of 2 * radius + 1 pixels, of what lies inside the picture."""
    height, width = x.shape[2:]
    if max(height, width) <= MATRIX:
        return _band(height, radius, x.device) @ x @ _band(width, radius, x.device).T
    side = 2 * radius + 1
    rows = F.avg_pool2d(x, (1, side), stride=1, padding=(0, radius), count_include_pad=False)
    return F.avg_pool2d(rows, (side, 1), stride=1, padding=(radius, 0), count_include_pad=False)


@functools.lru_cache(maxsize=32)
def _band(length: int, radius: int, device: torch.device) -> Tensor:
    """Matrix [length, length] that takes values to their means over 2 * radius + 1 places, of those that there are."""
    place = torch.arange(length, device=device)
    near = ((place[:, None] - place).abs() <= radius).float()
    return near / near.sum(dim=1, keepdim=True)


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)
