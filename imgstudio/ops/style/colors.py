"""Colour apart from luminance, and one picture's colours given to another. Pictures are float32 [N, 3, H, W] in [-1, 1].

Luminance is Y of YIQ (`filters.luma`), which Gatys et al. 2016b separate style from colour by.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..filters import luma


def with_luminance(x: Tensor, y: Tensor) -> Tensor:
    """The colours of x with the luminance y [N, 1, H, W].

    Adding the same to red, green and blue changes Y and neither I nor Q. Colours that no screen shows are pulled towards
    their grey just as far as needed, because clipping would change the luminance.
    """
    y = y.clamp(-1, 1)
    chroma = x - luma(x)
    room = torch.where(chroma > 0, 1 - y, 1 + y) / chroma.abs().clamp_min(1e-6)
    return y + chroma * room.amin(dim=1, keepdim=True).clamp(0, 1)


def match_luminance(y: Tensor, goal: Tensor) -> Tensor:
    """The grey picture y with mean and standard deviation of another, so that light and dark mean the same in both."""
    scale = goal.std() / y.std().clamp_min(1e-4)
    return ((y - y.mean()) * scale + goal.mean()).clamp(-1, 1)


def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [3, 1] and covariance [3, 3] of the colours of one picture [1, 3, H, W]."""
    colours = x[0].flatten(1)  # 3,HW
    mean = colours.mean(dim=1, keepdim=True)
    centred = colours - mean
    return mean, centred @ centred.T / colours.shape[1]


def match(x: Tensor, goal_mean: Tensor, goal_covariance: Tensor) -> Tensor:
    """One picture [1, 3, H, W] with colours of the given mean and covariance (Gatys et al. 2016b, arXiv:1606.05897).

    Of the linear maps that do this, the one made of symmetric square roots: it turns hues least.
    """
    mean, covariance = statistics(x)
    away, back = _root(covariance, -0.5), _root(goal_covariance, 0.5)
    colours = back @ away @ (x[0].flatten(1) - mean) + goal_mean
    return colours.view_as(x).clamp(-1, 1)


def _root(covariance: Tensor, power: float) -> Tensor:
    """A power of a symmetric matrix. Directions without any colour keep a little, so that grey pictures have a root too."""
    values, vectors = torch.linalg.eigh(covariance.double())
    return (vectors * values.clamp_min(1e-4) ** power @ vectors.T).to(covariance.dtype)
