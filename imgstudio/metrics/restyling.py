"""How near a restyled picture is to its style and to its content, in the features of a net (Gatys et al. 2016).

Both are squared errors as a share of the goal's energy: 0 is reached, 1 is as far away as nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def relative(found: Tensor, goal: Tensor) -> Tensor:
    """Squared error of [N, ...] as a share of the goal's energy, mean over N."""
    found, goal = found.float().flatten(1), goal.float().flatten(1)
    return ((found - goal).square().sum(dim=1) / goal.square().sum(dim=1).clamp_min(1e-6)).mean()


def grams(f: Tensor) -> Tensor:
    """Correlations of the channels [N, C, C] of activations [N, C, H, W], averaged over positions, in float32."""
    rows = f.float().flatten(2)
    return rows @ rows.transpose(1, 2) / rows.shape[2]


def gram_distance(found: Mapping[str, Tensor], goal: Mapping[str, Tensor]) -> Tensor:
    """Mean over layers of the relative distance of the Gram matrices of activations [N, C, H, W] to those of a style
    [N or 1, C, H', W'], a scalar."""
    return torch.stack([relative(grams(f), grams(goal[name]).expand(len(f), -1, -1)) for name, f in found.items()]).mean()
