"""Mends what a critic has spoiled: keeps the skin that it taught, and takes out the specks that it likes.

A generator that has learned to the end with a critic draws rough skins, and specks, blots and crumbs on them. The same generator
after a while without a critic draws smooth skins, and no specks. Both make nearly the same picture of one latent vector, so that
it can be told place by place which of them to believe, and a third one learns to draw what comes out (distillation, Hinton et al.
2015, arXiv:1503.02531).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SKIN = 0.2  # difference in any channel, of pictures in [-1, 1], that a skin may make
EDGE = 0.5  # and this share of the contrast around a place: outlines and lights are sharper in one than in the other
MENDED = 5.0  # weight of a mended place beside one that stays


def target(rough: Tensor, smooth: Tensor) -> tuple[Tensor, Tensor]:
    """Two versions of the same pictures [N, 3, H, W] in [-1, 1] -> the rough ones with everything mended that is no skin, and
    how much of each place is: [N, 1, H, W] in [0, 1]."""
    contrast = (F.max_pool2d(smooth, 3, 1, 1) + F.max_pool2d(-smooth, 3, 1, 1)).amax(dim=1, keepdim=True)
    spoiled = (rough - smooth).abs().amax(dim=1, keepdim=True) > SKIN + EDGE * contrast
    share = _soft(F.max_pool2d(spoiled.float(), 3, 1, 1))
    return torch.lerp(rough, smooth, share), share


def unlikeness(pictures: Tensor, wanted: Tensor, share: Tensor) -> Tensor:
    """Mean absolute error, in which mended places, which are few, weigh more."""
    return ((pictures - wanted).abs() * (1 + (MENDED - 1) * share)).mean()


def _soft(mask: Tensor) -> Tensor:
    """Binomial filter of three places, so that no mended place has an edge."""
    row = mask.new_tensor([0.25, 0.5, 0.25])
    return F.conv2d(F.pad(mask, (1, 1, 1, 1), mode="replicate"), (row[:, None] * row)[None, None])
