"""The intermediate space of a StyleGAN2: directions, truncation, mixing, edits. Styles are float32, w [N, W] for a whole picture
or [N, L, W] with a vector for each layer."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def principal_directions(w: Tensor, count: int) -> Tensor:
    """The `count` directions [count, W] in which rows w [M, W] of mean 0 vary most, the strongest first (GANSpace, Harkonen et
    al. 2020, arXiv:2004.02546). Each is as long as one standard deviation; its largest element is positive, so that a fresh
    decomposition can't turn it round."""
    values, vectors = torch.linalg.eigh((w.double().T @ w.double() / len(w)).cpu())
    rows = (vectors * values.clamp_min(0).sqrt()).T.flip(0)[:count]
    largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
    return (rows * largest.sign()).float()


def broadcast_layers(w: Tensor, depth: int) -> Tensor:
    """w [N, W] -> [N, L, W], the same in all `depth` layers."""
    return w[:, None].expand(-1, depth, -1)


def truncate(w: Tensor, psi: float, centre: Tensor) -> Tensor:
    """w [N, W] drawn towards `centre` [N, W] in a straight line (Karras et al. 2019): 0 is the centre, 1 changes nothing."""
    return centre + psi * (w - centre) if psi != 1 else w


def mix(coarse: Tensor, fine: Tensor, crossover: int) -> Tensor:
    """Style mixing of [N, L, W]: layers before `crossover` from `coarse`, the others from `fine`. 0 is all fine, L all coarse."""
    return torch.cat([coarse[:, :crossover], fine[:, crossover:]], dim=1)


def edit(w: Tensor, direction: Tensor, amount: float, first: int, last: int) -> Tensor:
    """w [N, L, W] moved along `direction` [W] by `amount`, in the layers from `first` to `last` only."""
    if amount == 0:
        return w
    moved = w.clone()
    moved[:, first : last + 1] += amount * direction
    return moved
