"""Fréchet distance (Heusel et al. 2017, arXiv:1706.08500) between two sets of pictures, on the features of a net of our own.

On another net than Inception the numbers compare with each other only, never with published ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..models.vgg import VGG

LAYERS = ("relu2_2", "relu3_4", "relu4_4")  # strokes and textures as well as things


@torch.no_grad()
def activations(net: VGG, pictures: Tensor, layers: Sequence[str] = LAYERS, *, batch: int = 16) -> Tensor:
    """Pictures [N, 3, H, W] in [-1, 1] -> float64 [N, D] on the CPU: each channel's mean over positions, layer after layer."""
    device = next(net.parameters()).device
    rows = []
    for part in pictures.split(batch):
        found = net(part.to(device).contiguous(memory_format=torch.channels_last), layers)
        rows.append(torch.cat([found[name].float().mean(dim=(2, 3)) for name in layers], dim=1).double().cpu())
    return torch.cat(rows)


def frechet(a: Tensor, b: Tensor) -> float:
    """Squared Fréchet distance of the Gaussians fitted to the rows of a [N, D] and b [M, D]; N and M at least 2.

    |mean a - mean b|^2 + tr(A + B - 2 (A B)^(1/2)) with the covariances A and B, in float64. With A = X^T X, where the rows of
    X are centred and divided by the root of N - 1, and B = Y^T Y likewise, the trace of the root is the sum of the singular
    values of X Y^T. This needs no root of a matrix and holds however few pictures there are: with fewer than D the covariances
    are singular, which hurts nothing. The estimate is too large by an amount that grows as the sets get smaller: compare
    sets of the same sizes.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError("a covariance needs at least two pictures")
    x, y = (_centred(rows.double()) for rows in (a, b))
    root = torch.linalg.svdvals(_short(x) @ _short(y).T).sum()
    means = (a.double().mean(dim=0) - b.double().mean(dim=0)).square().sum()
    return max(0.0, (means + x.square().sum() + y.square().sum() - 2 * root).item())


def _centred(rows: Tensor) -> Tensor:
    return (rows - rows.mean(dim=0)) / (len(rows) - 1) ** 0.5


def _short(x: Tensor) -> Tensor:
    """A matrix of at most D rows with the same x^T x."""
    return torch.linalg.qr(x, mode="r")[1] if len(x) > x.shape[1] else x
