"""What the segmenting nets share: a convolutional stem, a decoder that brings sharp borders back, and an embedding a pixel.

A net maps a picture to one vector of unit length a pixel; pixels of the same texture get similar ones, whatever texture it is
(metric learning, as in Fathi et al. 2017, arXiv:1703.10277). Regions come from clustering them. The nets differ in one thing
only, how far-apart places get to know of each other: `global_context`, which works at an eighth of the resolution.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (16, 48, 96, 160)  # channels at full, half, quarter and eighth resolution


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation, ReLU. Borders are reflected: zeros would look like a texture of their own."""

    def __init__(self, narrow: int, wide: int, side: int = 3, stride: int = 1):
        mode = "reflect" if side > 1 else "zeros"
        convolution = nn.Conv2d(narrow, wide, side, stride, padding=side // 2, padding_mode=mode, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True))


class Up(nn.Module):
    """From a coarse level to the next finer one: fewer channels first, enlarged, then mixed with what the stem saw there."""

    def __init__(self, coarse: int, fine: int, out: int | None = None):
        super().__init__()
        self.narrow = ConvNorm(coarse, fine, side=1)
        self.mix = ConvNorm(2 * fine, out or fine)

    def forward(self, h: Tensor, skip: Tensor) -> Tensor:
        enlarged = F.interpolate(self.narrow(h), size=skip.shape[2:], mode="bilinear", align_corners=False)
        return self.mix(torch.cat([enlarged, skip], dim=1))


class Segmenter(nn.Module, ABC):
    """Pictures [N, 3, H, W] in [-1, 1] -> embeddings [N, dimensions, H, W] of unit length, float32.

    In evaluation there is test-time augmentation (TTA): the embedding is the mean of those of the four mirror images, up to a
    size that the net may set. Any size: the right and lower border are reflected up to a multiple of `stride`, and cut off again.
    """

    stride = 8
    smallest = 1
    max_tta_positions: float = math.inf  # positions at an eighth of the resolution; larger pictures get no TTA

    def __init__(self, dimensions: int = 24, widths: tuple[int, ...] = WIDTHS):
        super().__init__()
        full, half, quarter, eighth = widths
        self.stem = nn.ModuleList(
            [
                ConvNorm(3, full),
                nn.Sequential(ConvNorm(full, half, stride=2), ConvNorm(half, half)),
                nn.Sequential(ConvNorm(half, quarter, stride=2), ConvNorm(quarter, quarter)),
                nn.Sequential(ConvNorm(quarter, eighth, stride=2), ConvNorm(eighth, eighth)),
            ]
        )
        self.up = nn.ModuleList([Up(eighth, quarter), Up(quarter, half), Up(half, full, 2 * full)])
        self.embed = nn.Conv2d(2 * full, dimensions, 1)

    @abstractmethod
    def global_context(self, x: Tensor, h: Tensor) -> Tensor:
        """Features that know of far-apart places [N, C, H/8, W/8], from the picture x and the stem's features h of that size."""

    def padded(self, x: Tensor) -> Tensor:
        """x with sides that are multiples of `stride`, at least two of them: reflection needs two positions at every level."""
        wanted = [max(2, -(-side // self.stride)) * self.stride for side in x.shape[2:]]
        down, across = (goal - side for goal, side in zip(wanted, x.shape[2:]))
        mode = "reflect" if down < x.shape[2] and across < x.shape[3] else "replicate"
        return F.pad(x, (0, across, 0, down), mode=mode)

    def embedded(self, x: Tensor) -> Tensor:
        """The embedding of pictures seen once."""
        height, width = x.shape[2:]
        x = self.padded(x)
        levels, h = [], x
        for layer in self.stem:
            h = layer(h)
            levels.append(h)
        h = self.global_context(x, levels.pop())
        for layer in self.up:
            h = layer(h, levels.pop())
        return _unit(self.embed(h)[:, :, :height, :width].float())

    def forward(self, x: Tensor) -> Tensor:
        if self.training or x.shape[2] * x.shape[3] > self.max_tta_positions * self.stride**2:
            return self.embedded(x)
        # A texture is the same in the mirror, and what the net finds in its four mirror images errs in four ways.
        return _unit(sum(self.embedded(x.flip(turn)).flip(turn) for turn in ((), (2,), (3,), (2, 3))))


def _unit(h: Tensor) -> Tensor:
    """Vectors over dimension 1 [N, D, H, W] with length 1.

    In rows of pixels, not of channels: dividing by one number a pixel is several times as fast that way round, and so is a sum of
    squares beside torch's own norm.
    """
    h = h.contiguous()
    return h * (h.square().sum(dim=1, keepdim=True) + 1e-12).rsqrt()
