"""From many measurements a pixel to a short unit vector: what segmenters without training of their own share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing of [N, C, H, W] with the standard deviation `sigma` in pixels, borders mirrored as far as they reach.
    In float32, because the CPU's bfloat16 is hundreds of times slower here."""
    planes = x.float().contiguous().flatten(0, 1)[:, None]  # NC,1,H,W
    with torch.autocast(x.device.type, enabled=False):
        for dim in (2, 3):
            reach = min(math.ceil(3 * sigma), x.shape[dim] - 1)
            if reach < 1:
                continue
            offsets = torch.arange(-reach, reach + 1, dtype=torch.float32, device=x.device)
            weights = torch.exp(-offsets.square() / (2 * sigma**2))
            shape, pad = ([1, 1, -1, 1], (0, 0, reach, reach)) if dim == 2 else ([1, 1, 1, -1], (reach, reach, 0, 0))
            planes = F.conv2d(F.pad(planes, pad, mode="reflect"), (weights / weights.sum()).view(shape))
    return planes.view(x.shape)


def standardised(x: Tensor) -> Tensor:
    """[N, C, H, W] with mean 0 a channel and variance 1 in all of a picture: no group of measurements outweighs another, and
    within a group the channels that vary most keep their lead."""
    centred = x - x.mean(dim=(2, 3), keepdim=True)
    return centred / centred.square().mean(dim=(2, 3), keepdim=True).sum(dim=1, keepdim=True).sqrt().clamp_min(1e-3)


def principal(x: Tensor, count: int) -> Tensor:
    """The `count` principal components of each picture's own measurements [N, C, H, W] -> [N, count, H, W].

    A direction's sign is that of its largest entry, so that the same picture always gives the same numbers. Where there are
    fewer measurements than `count`, the rest is zero.
    """
    n, c, h, w = x.shape
    rows = (x - x.mean(dim=(2, 3), keepdim=True)).flatten(2)  # N,C,HW
    _, axes = torch.linalg.eigh((rows @ rows.transpose(1, 2) / (h * w)).double())
    axes = axes.flip(2)[:, :, :count].to(x.dtype)  # N,C,count
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    found = (axes * largest.sign()).transpose(1, 2) @ rows
    return F.pad(found, (0, 0, 0, max(0, count - c))).view(n, count, h, w)


def on_sphere(x: Tensor) -> Tensor:
    """[N, C, H, W] -> unit vectors [N, C + 1, H, W], lifted by one more dimension so that lengths still count.

    Plain normalisation would throw together what differs in strength only.
    """
    height = x.square().sum(dim=1, keepdim=True).mean(dim=(2, 3), keepdim=True).sqrt().clamp_min(0.1)  # flat: rounding only
    return F.normalize(torch.cat([x, height.expand(-1, 1, *x.shape[2:])], dim=1), dim=1)


def texture_descriptor(
    layers: Sequence[tuple[Tensor, int]], size: Sequence[int], stride: int, sigma: float, dimensions: int
) -> Tensor:
    """Unit vectors [N, dimensions, H, W] that describe the texture around each pixel by the activations of a feature net.

    layers: activations >= 0 [N, C, h, w], and how many pixels of the picture a position of them is. Each is blurred by a
            Gaussian of `sigma` pixels, standardised so that the layers count alike, and all are reduced together, on a grid of
            `stride` pixels.
    size:   H and W.
    """
    grid = [-(-length // stride) for length in size]
    groups = []
    for f, scale in layers:
        strength = (f.float() + 0.05).log()
        if scale < stride:
            strength, scale = F.interpolate(strength, size=grid, mode="area"), stride
        groups.append(F.interpolate(standardised(blur(strength, sigma / scale)), size=grid, mode="bilinear"))
    found = principal(torch.cat(groups, dim=1), dimensions - 1)
    return on_sphere(F.interpolate(found, size=list(size), mode="bilinear", align_corners=False))
