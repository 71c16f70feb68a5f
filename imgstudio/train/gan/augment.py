"""Differentiable augmentation (DiffAugment, Zhao et al. 2020, arXiv:2006.10738): random shifts of real and generated pictures.

Functions map [N, 3, H, W] in [-1, 1] to the same shape, and let gradients through.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def translation(x: Tensor, ratio: float = 1 / 16) -> Tensor:
    """Shifts by up to `ratio` of the side; the border repeats, so that a plain ground stays plain."""
    n, _, h, w = x.shape
    reach = max(1, round(h * ratio))
    padded = F.pad(x, (reach,) * 4, mode="replicate")
    dy = torch.randint(0, 2 * reach + 1, (n, 1), device=x.device) + torch.arange(h, device=x.device)  # N,H
    dx = torch.randint(0, 2 * reach + 1, (n, 1), device=x.device) + torch.arange(w, device=x.device)  # N,W
    rows = torch.arange(n, device=x.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[rows, dy[:, :, None], dx[:, None, :]].permute(0, 3, 1, 2)


def diffaugment(x: Tensor, enabled: bool) -> Tensor:
    """What a discriminator is shown of pictures: shifted if `enabled`. The other changes of the paper do not suit this project's
    sets, whose colours and objects tell what they are."""
    return translation(x) if enabled else x
