"""Mends what a critic has spoiled: keeps the skin that it taught, and takes out the specks that it likes.

A generator that has learned to the end with a critic draws rough skins, and specks, blots and crumbs on them. The same generator
after a while without a critic draws smooth skins, and no specks. Both make nearly the same picture of one latent vector, so that
it can be told place by place which of them to believe, and a third one learns to draw what comes out (distillation, Hinton et al.
2015, arXiv:1503.02531). Of drawings in flat colours it is known without another generator what they should be: even between
their lines.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

SKIN = 0.2  # difference in any channel, of pictures in [-1, 1], that a skin may make
EDGE = 0.5  # and this share of the contrast around a place: outlines and lights are sharper in one than in the other
MENDED = 5.0  # weight of a mended place beside one that stays

PLAIN, DRAWN = 0.1, 0.25  # contrast within five pixels up to which there is no line, and from which on there is one
EVEN = 9  # side in pixels of the square over which plain places are evened out
CRISP, LINE = 0.4, 1.0  # lines: how far they are lifted from their surroundings, and the width of those in pixels, a deviation
GRAIN = 0.7  # the same width for photographs of things, whose skins are to be crisper, too


def target(rough: Tensor, smooth: Tensor) -> tuple[Tensor, Tensor]:
    """Two versions of the same pictures [N, 3, H, W] in [-1, 1] -> the rough ones with everything mended that is no skin, and
    how much of each place is: [N, 1, H, W] in [0, 1]."""
    contrast = (F.max_pool2d(smooth, 3, 1, 1) + F.max_pool2d(-smooth, 3, 1, 1)).amax(dim=1, keepdim=True)
    spoiled = (rough - smooth).abs().amax(dim=1, keepdim=True) > SKIN + EDGE * contrast
    share = _soft(F.max_pool2d(spoiled.float(), 3, 1, 1))
    return torch.lerp(rough, smooth, share), share


def redrawn(pictures: Tensor) -> Tensor:
    """Drawings [N, 3, H, W] in [-1, 1] with crisper lines and with the ripples taken out of what lies between them.

    Lessons from codes that do not tell where exactly a line runs leave it pale; unsharp masking brings back what such pictures
    lack beside real ones.
    """
    contrast = (F.max_pool2d(pictures, 5, 1, 2) + F.max_pool2d(-pictures, 5, 1, 2)).amax(dim=1, keepdim=True)
    plain = ((DRAWN - contrast) / (DRAWN - PLAIN)).clamp(0, 1)
    even = _mean(pictures * plain) / _mean(plain).clamp_min(1e-3)
    return torch.lerp(crisper(pictures, CRISP, LINE), even, plain)


def crisper(pictures: Tensor, amount: float, width: float = GRAIN) -> Tensor:
    """Pictures [N, 3, H, W] in [-1, 1] after unsharp masking: what differs from the mean around it does so more."""
    blurred = gaussian_blur(pictures, 2 * int(3 * width) + 1, width)
    return (pictures + amount * (pictures - blurred)).clamp(-1, 1)


def _mean(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, EVEN, 1, EVEN // 2, count_include_pad=False)


def unlikeness(pictures: Tensor, wanted: Tensor, share: Tensor | float = 0.0) -> Tensor:
    """Mean absolute error, in which mended places, which are few, weigh more."""
    return ((pictures - wanted).abs() * (1 + (MENDED - 1) * share)).mean()


def _soft(mask: Tensor) -> Tensor:
    """Binomial filter of three places, so that no mended place has an edge."""
    row = mask.new_tensor([0.25, 0.5, 0.25])
    return F.conv2d(F.pad(mask, (1, 1, 1, 1), mode="replicate"), (row[:, None] * row)[None, None])
