"""Linear filters that several operations share: Gaussian and box blur, and the luma of a colour picture.

Axis letters: N pictures, C channels, H, W their sides. Lengths are in pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

BT601 = (0.299, 0.587, 0.114)  # Y of YIQ and of JPEG, of stored values (ITU-R BT.601)
BT709 = (0.2126, 0.7152, 0.0722)  # of linear light (ITU-R BT.709)
MATRIX = 640  # pixels: up to this side a product with a matrix is a faster way to means than pooling, about fivefold at 96


def luma(x: Tensor, weights: Sequence[float] = BT601) -> Tensor:
    """Weighted sum of red, green and blue: [..., 3, H, W] -> [..., 1, H, W]."""
    return (x * x.new_tensor(weights)[:, None, None]).sum(dim=-3, keepdim=True)


def gaussian_window(sigma: float, radius: int, like: Tensor) -> Tensor:
    """A Gaussian of standard deviation `sigma` at the offsets -radius to radius, sum 1: [2 * radius + 1]."""
    window = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=like.device) / sigma) ** 2)
    return (window / window.sum()).to(like.dtype)


def gaussian_blur(x: Tensor, sigma: float, radius: int, *, mode: str, dims: tuple[int, int] = (-2, -1)) -> Tensor:
    """x [..., H, W] under a Gaussian window, one axis of `dims` after the other.

    radius: at which the window ends; `mode`: of the padding at the borders, as of `torch.nn.functional.pad`.
    """
    window = gaussian_window(sigma, radius, x)
    planes = x.reshape(-1, 1, *x.shape[-2:])
    for dim in dims:
        shape, padding = ((1, 1, -1, 1), (0, 0, radius, radius)) if dim == -2 else ((1, 1, 1, -1), (radius, radius, 0, 0))
        planes = F.conv2d(F.pad(planes, padding, mode=mode), window.view(shape))
    return planes.view(x.shape)


def box_blur(x: Tensor, radius: int) -> Tensor:
    """Means over squares of 2 * radius + 1 pixels, of what lies inside the picture: [N, C, H, W] like x."""
    height, width = x.shape[2:]
    if max(height, width) <= MATRIX:
        return _box_matrix(height, radius, x.device) @ x @ _box_matrix(width, radius, x.device).T
    side = 2 * radius + 1
    rows = F.avg_pool2d(x, (1, side), stride=1, padding=(0, radius), count_include_pad=False)
    return F.avg_pool2d(rows, (side, 1), stride=1, padding=(radius, 0), count_include_pad=False)


@functools.lru_cache(maxsize=32)
def _box_matrix(length: int, radius: int, device: torch.device) -> Tensor:
    """Matrix [length, length] that takes values to their means over 2 * radius + 1 places, of those that there are."""
    place = torch.arange(length, device=device)
    near = ((place[:, None] - place).abs() <= radius).float()
    return near / near.sum(dim=1, keepdim=True)
