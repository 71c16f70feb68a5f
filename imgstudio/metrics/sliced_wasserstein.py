"""Sliced Wasserstein distance of patches on a Laplacian pyramid (Rabin et al. 2011; Karras et al. 2018, arXiv:1710.10196)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_BINOMIAL = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def sliced_wasserstein(x: Tensor, y: Tensor, *, patches: int = 64, directions: int = 256, seed: int = 0) -> dict[int, float]:
    """Distance of two sets of pictures [N, 3, S, S] in [-1, 1], as {side of the pyramid level: distance * 1000}.

    Of every picture `patches` random 7 x 7 patches are taken on each level down to 16 px, in the same places of both sets.
    Each channel is normalised by the mean and deviation of x (the real pictures), so that both sets are judged on one scale.
    The smaller set decides how many patches are compared. High levels show sharpness and texture, the lowest layout and colour.
    """
    count = min(len(x), len(y))
    result = {}
    for real, fake in zip(laplacian_pyramid(x[:count]), laplacian_pyramid(y[:count])):
        a, b = (_patches(level, patches, torch.Generator().manual_seed(seed)) for level in (real, fake))
        mean, deviation = a.mean(dim=(0, 2), keepdim=True), a.std(dim=(0, 2), keepdim=True)
        a, b = (((part - mean) / deviation).flatten(1) for part in (a, b))  # M,147
        axes = F.normalize(torch.randn(a.shape[1], directions, generator=torch.Generator().manual_seed(seed)), dim=0)
        sliced = ((a @ axes).sort(dim=0).values - (b @ axes).sort(dim=0).values).abs().mean()
        result[real.shape[-1]] = 1000 * sliced.item()
    return result


def laplacian_pyramid(x: Tensor, smallest: int = 16) -> list[Tensor]:
    """Band-pass pictures from full size down to `smallest`, the last one low-pass."""
    levels = []
    while x.shape[-1] > smallest:
        low = _blur(x)[:, :, ::2, ::2]
        spread = torch.zeros_like(x)
        spread[:, :, ::2, ::2] = low
        levels.append(x - 4 * _blur(spread))
        x = low
    return [*levels, x]


def _blur(x: Tensor) -> Tensor:
    kernel = _BINOMIAL.expand(x.shape[1], 1, 1, 5)
    x = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=x.shape[1])
    return F.conv2d(x, kernel.transpose(2, 3), groups=x.shape[1])


def _patches(x: Tensor, count: int, generator: torch.Generator, side: int = 7) -> Tensor:
    """`count` random patches of each picture: [N, C, S, S] -> [N * count, C, side * side]."""
    n, _c, h, w = x.shape
    top = torch.randint(0, h - side + 1, (n * count, 1, 1), generator=generator)
    left = torch.randint(0, w - side + 1, (n * count, 1, 1), generator=generator)
    offset = torch.arange(side)
    picture = torch.arange(n).repeat_interleave(count)[:, None, None]
    taken = x.permute(0, 2, 3, 1)[picture, top + offset[:, None], left + offset]  # M,7,7,C
    return taken.permute(0, 3, 1, 2).flatten(2)
