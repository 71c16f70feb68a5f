"""Targets of self-distillation: the texture of adversarial training without its specks.

A generator after adversarial training draws rough textures, with specks and blots on them. The same generator after supervised
fine-tuning draws smooth surfaces without specks. Both make nearly the same picture of one latent vector, so that their pictures
can be merged place by place, and the generator learns the result (distillation, Hinton et al. 2015, arXiv:1503.02531). For
drawings in flat colours the target needs no second generator: their regions between lines are flat.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

ABSOLUTE = 0.2  # difference in any channel, of pictures in [-1, 1], that counts as texture
RELATIVE = 0.5  # and this share of the local contrast: outlines and highlights differ in sharpness
REPLACED_WEIGHT = 5.0  # weight of replaced places, which are few

FLAT, LINE = 0.1, 0.25  # contrast within five pixels up to which there is no line, and from which on there is one
WINDOW = 9  # side in pixels of the mean filter of flat regions
AMOUNT, LINE_WIDTH = 0.4, 1.0  # of unsharp masking: strength, and deviation of the blur in pixels for line drawings
PHOTO_WIDTH = 0.7  # the same deviation for photographs, whose textures are finer


def merged_target(rough: Tensor, smooth: Tensor) -> tuple[Tensor, Tensor]:
    """Two versions of the same pictures [N, 3, H, W] in [-1, 1] -> the rough ones, replaced by the smooth ones
    where they differ by more than texture, and the mask of what was replaced, [N, 1, H, W] in [0, 1]."""
    contrast = (F.max_pool2d(smooth, 3, 1, 1) + F.max_pool2d(-smooth, 3, 1, 1)).amax(dim=1, keepdim=True)
    differs = (rough - smooth).abs().amax(dim=1, keepdim=True) > ABSOLUTE + RELATIVE * contrast
    mask = _soft(F.max_pool2d(differs.float(), 3, 1, 1))
    return torch.lerp(rough, smooth, mask), mask


def smooth_flat_regions(pictures: Tensor) -> Tensor:
    """Drawings [N, 3, H, W] in [-1, 1] with their flat regions smoothed and their lines sharpened.

    Codes that do not tell where exactly a line runs leave it pale: unsharp masking restores its contrast.
    """
    contrast = (F.max_pool2d(pictures, 5, 1, 2) + F.max_pool2d(-pictures, 5, 1, 2)).amax(dim=1, keepdim=True)
    flat = ((LINE - contrast) / (LINE - FLAT)).clamp(0, 1)
    mean = _mean(pictures * flat) / _mean(flat).clamp_min(1e-3)
    return torch.lerp(unsharp_mask(pictures, AMOUNT, LINE_WIDTH), mean, flat)


def unsharp_mask(pictures: Tensor, amount: float, width: float = PHOTO_WIDTH) -> Tensor:
    """Pictures [N, 3, H, W] in [-1, 1] after unsharp masking: what differs from the mean around it does so more."""
    blurred = gaussian_blur(pictures, 2 * int(3 * width) + 1, width)
    return (pictures + amount * (pictures - blurred)).clamp(-1, 1)


def _mean(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, WINDOW, 1, WINDOW // 2, count_include_pad=False)


def masked_l1(pictures: Tensor, wanted: Tensor, mask: Tensor | float = 0.0) -> Tensor:
    """Mean absolute error, in which the places of the mask weigh more."""
    return ((pictures - wanted).abs() * (1 + (REPLACED_WEIGHT - 1) * mask)).mean()


def _soft(mask: Tensor) -> Tensor:
    """Binomial filter of three places, so that no replaced place has an edge."""
    row = mask.new_tensor([0.25, 0.5, 0.25])
    return F.conv2d(F.pad(mask, (1, 1, 1, 1), mode="replicate"), (row[:, None] * row)[None, None])
