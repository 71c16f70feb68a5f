"""Feed-forward style transfer net (Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155).

With instance norm (Ulyanov et al. 2016, arXiv:1607.08022) and upsampling before convolving (Odena et al. 2016) as in the
implementations that followed the paper. Unlike theirs, the net draws a change that is added to the picture in new colours: it
begins by leaving everything as it is, and need not learn to draw first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INSIDE = 0.98  # pure black and white are drawn in by this factor, so that there is a way to change them
OUTPUT_GAIN = 0.2  # of the last layer, whose kernels are so large that a step of the optimiser would paint everything over

Moments = tuple[Tensor, Tensor]  # mean and variance over positions, [N, C, 1, 1] each


def moments_of(h: Tensor) -> Moments:
    """Mean and variance of each channel over positions, in float32."""
    h = h.float()
    mean = h.mean(dim=(2, 3), keepdim=True)
    return mean, (h - mean).square().mean(dim=(2, 3), keepdim=True)  # a third of the time of torch.var_mean


def convolution(narrow: int, wide: int, side: int, stride: int = 1) -> nn.Conv2d:
    """Reflected at the borders: zeros would paint a frame."""
    return nn.Conv2d(narrow, wide, side, stride, padding=side // 2, padding_mode="reflect")


class InstanceNorm(nn.Module):
    """Instance normalisation whose moments can come from elsewhere."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, h: Tensor, moments: Moments) -> Tensor:
        mean, variance = moments
        scale = self.weight[:, None, None] * torch.rsqrt(variance + 1e-5)  # N,C,1,1
        return h * scale.to(h.dtype) + (self.bias[:, None, None] - mean * scale).to(h.dtype)


class OnePass(nn.Module, ABC):
    """A net that restyles pictures [N, 3, H, W] in [-1, 1] in one pass. It has the layers `down`, `residual`, `up` and `last`,
    and instance norms whose moments can be measured on one picture and used on its tiles."""

    stride = 4  # a tile that starts at a multiple of this lies on the grid of the whole picture
    down: nn.ModuleList
    residual: nn.ModuleList
    last: nn.Conv2d

    @property
    def receptive_radius(self) -> int:
        """Half of the receptive field in pixels, when the moments are given: tiles need this margin; a multiple of `stride`."""
        down, residual, up = 4 + 1 + 2, 4 * len(self.residual), 4 + 2 + 4  # each layer's radius times the pixels of its step
        pixels = down + residual + up + 8  # upsampling adds a few
        return -(-pixels // self.stride) * self.stride

    def forward(self, x: Tensor, moments: list[Moments] | None = None) -> Tensor:
        """With `moments` (from `measure`) every norm uses those: tiles of one picture then agree with each other."""
        if moments is None:
            return self._run(x, moments_of)
        given = iter(moments)
        return self._run(x, lambda h: next(given))  # noqa: ARG005

    def measure(self, x: Tensor) -> list[Moments]:
        """The moments that each norm sees in x, in the order of use."""
        found: list[Moments] = []

        def note(h: Tensor) -> Moments:
            found.append(moments_of(h))
            return found[-1]

        self._run(x, note)
        return found

    @abstractmethod
    def _run(self, x: Tensor, moments_for: Callable[[Tensor], Moments]) -> Tensor:
        """The whole pass; `moments_for` tells the moments that a norm uses on its features."""


class TransformerNet(OnePass):
    """Pictures [N, 3, H, W] in [-1, 1] -> the same pictures restyled; one net is one style.

    `width` channels at full resolution, twice and four times as many at half and at a quarter, where the residual
    `blocks` work. Any size from 8 x 8: the right and lower border are reflected up to a multiple of 4, and cut off again.
    """

    def __init__(self, width: int = 32, blocks: int = 5):
        super().__init__()
        w = width
        self.down = nn.ModuleList([convolution(3, w, 9), convolution(w, 2 * w, 3, 2), convolution(2 * w, 4 * w, 3, 2)])
        self.residual = nn.ModuleList(convolution(4 * w, 4 * w, 3) for _ in range(2 * blocks))
        self.up = nn.ModuleList([convolution(4 * w, 2 * w, 3), convolution(2 * w, w, 3)])
        self.last = convolution(w, 3, 9)
        nn.init.normal_(self.last.weight, std=1e-2)
        self.colour = nn.Conv2d(3, 3, 1)
        nn.init.eye_(self.colour.weight[:, :, 0, 0])
        nn.init.zeros_(self.colour.bias)
        self.norms = nn.ModuleList(InstanceNorm(c) for c in (w, 2 * w, *[4 * w] * (2 * blocks + 1), 2 * w, w))

    def _run(self, x: Tensor, moments_for: Callable[[Tensor], Moments]) -> Tensor:
        height, width = x.shape[2:]
        h = F.pad(x, (0, -width % self.stride, 0, -height % self.stride), mode="reflect")
        norms = iter(self.norms)

        def normalised(h: Tensor) -> Tensor:
            return next(norms)(h, moments_for(h))

        for layer in self.down:
            h = F.relu(normalised(layer(h)))  # N,4w,H/4,W/4 in the end
        for first, second in zip(self.residual[::2], self.residual[1::2]):
            h = h + normalised(second(F.relu(normalised(first(h)))))
        for layer in self.up:  # enlarged smoothly: nearest-neighbour upsampling leaves a checkerboard
            h = F.relu(normalised(layer(F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False))))
        change = OUTPUT_GAIN * self.last(h).float()[:, :, :height, :width]
        return torch.tanh(self.colour(torch.atanh(INSIDE * x.float())).float() + change)
