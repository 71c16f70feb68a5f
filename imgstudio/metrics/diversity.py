"""Does a generator show everything the data holds, or the same few pictures again and again?"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def thumbnails(x: Tensor, side: int = 16) -> Tensor:
    """Pictures [N, 3, S, S] -> rows of `side` x `side` colours [N, D], in which distances follow what a glance tells apart."""
    return F.adaptive_avg_pool2d(x.float(), side).flatten(1)


def coverage(real: Tensor, fake: Tensor, *, neighbours: int = 5) -> float:
    """Share of real pictures that have a generated one nearer than their `neighbours`-th nearest real one (Naeem et al. 2020,
    arXiv:2002.09797). Near 1 for a generator that covers the data; a collapsed one covers few. Takes features [N, D]."""
    radius = torch.cdist(real, real).kthvalue(neighbours + 1, dim=1).values  # the nearest is the picture itself
    return (torch.cdist(real, fake).amin(dim=1) < radius).float().mean().item()


def spread(real: Tensor, fake: Tensor) -> float:
    """Mean distance of two generated pictures over that of two real ones: 1 is as varied as the data, 0 is one picture."""
    return (torch.pdist(fake).mean() / torch.pdist(real).mean()).item()


def novelty(train: Tensor, held: Tensor, fake: Tensor) -> float:
    """Median distance of generated pictures to their nearest training picture, over that of held-out ones: about 1 for new
    pictures, near 0 for copies. Takes features [N, D]."""
    return (_nearest(fake, train).median() / _nearest(held, train).median().clamp_min(1e-9)).item()


def _nearest(rows: Tensor, others: Tensor) -> Tensor:
    return torch.cat([torch.cdist(part, others).amin(dim=1) for part in rows.split(256)])
