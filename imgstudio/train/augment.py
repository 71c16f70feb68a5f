"""Differentiable augmentation (Zhao et al. 2020, arXiv:2006.10738): the same random changes for real and generated pictures.

Every function maps [N, 3, H, W] in [-1, 1] to the same shape, and lets gradients through.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor


def _uniform(x: Tensor, low: float, high: float) -> Tensor:
    return torch.empty(x.shape[0], 1, 1, 1, device=x.device, dtype=x.dtype).uniform_(low, high)


def colour(x: Tensor) -> Tensor:
    """Brightness by up to 0.5, saturation by a factor up to 2, contrast by 0.5 to 1.5."""
    x = x + _uniform(x, -0.5, 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * _uniform(x, 0.0, 2.0)
    level = x.mean(dim=(1, 2, 3), keepdim=True)
    return level + (x - level) * _uniform(x, 0.5, 1.5)


def translation(x: Tensor, ratio: float = 1 / 16) -> Tensor:
    """Shifts by up to `ratio` of the side; the border repeats, so that a plain ground stays plain."""
    n, _, h, w = x.shape
    reach = max(1, round(h * ratio))
    padded = F.pad(x, (reach,) * 4, mode="replicate")
    dy = torch.randint(0, 2 * reach + 1, (n, 1), device=x.device) + torch.arange(h, device=x.device)  # N,H
    dx = torch.randint(0, 2 * reach + 1, (n, 1), device=x.device) + torch.arange(w, device=x.device)  # N,W
    rows = torch.arange(n, device=x.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[rows, dy[:, :, None], dx[:, None, :]].permute(0, 3, 1, 2)


def cutout(x: Tensor, ratio: float = 0.5) -> Tensor:
    """Greys out a square of `ratio` of the side, at a random place."""
    n, _, h, w = x.shape
    cy = torch.randint(0, h, (n, 1), device=x.device)
    cx = torch.randint(0, w, (n, 1), device=x.device)
    rows = (torch.arange(h, device=x.device) - cy).abs() < h * ratio / 2  # N,H
    columns = (torch.arange(w, device=x.device) - cx).abs() < w * ratio / 2  # N,W
    return x * ~(rows[:, None, :, None] & columns[:, None, None, :])


POLICIES = {"colour": colour, "translation": translation, "cutout": cutout}


def diffaugment(x: Tensor, policy: Iterable[str]) -> Tensor:
    """Applies the named policies in turn."""
    for name in policy:
        x = POLICIES[name](x)
    return x
