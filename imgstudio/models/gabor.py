"""A bank of Gabor filters (Jain and Farrokhnia 1991): the classical texture segmenter, with nothing learned at all."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .embedding import blur, on_sphere, principal, standardised

_OPPONENT = ((0.299, 0.587, 0.114), (0.5, -0.5, 0.0), (0.25, 0.25, -0.5))  # brightness, red-green, yellow-blue


def kernels(wavelengths: tuple[float, ...], orientations: int, radius: int) -> Tensor:
    """Gabor functions of one octave's bandwidth, even and odd ones in turn [2 * count, 1, side, side]. Flat areas give 0, and
    each even one has the absolute sum 1."""
    grid = torch.arange(-radius, radius + 1, dtype=torch.float64)
    y, x = torch.meshgrid(grid, grid, indexing="ij")
    found = []
    for wavelength in wavelengths:
        envelope = torch.exp(-(x.square() + y.square()) / (2 * (0.56 * wavelength) ** 2))
        for i in range(orientations):
            angle = math.pi * i / orientations
            phase = 2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / wavelength
            even = envelope * phase.cos()
            even = even - envelope * (even.sum() / envelope.sum())
            found += [even / even.abs().sum(), envelope * phase.sin() / even.abs().sum()]
    return torch.stack(found)[:, None].float()


class Gabor(nn.Module):
    """[N, 3, H, W] in [-1, 1] -> unit vectors [N, dimensions, H, W].

    How strongly each wavelength and direction is present around a pixel, on three octaves of the picture, and its colours;
    smoothed, standardised and reduced to the picture's own principal components.
    """

    smallest = 16

    def __init__(
        self,
        wavelengths: tuple[float, ...] = (2.8, 4.0),
        orientations: int = 6,
        octaves: int = 3,
        dimensions: int = 24,
    ):
        super().__init__()
        self.octaves, self.dimensions = octaves, dimensions
        self.register_buffer("bank", kernels(wavelengths, orientations, radius=7), persistent=False)
        self.register_buffer("opponent", torch.tensor(_OPPONENT)[:, :, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # weak filters' answers would drown in bfloat16's rounding
            return self._embed(x.float())

    def _embed(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        x = F.pad(x.contiguous(), (0, max(0, self.smallest - size[1]), 0, max(0, self.smallest - size[0])), mode="replicate")
        colours = F.conv2d(x, self.opponent)
        groups = [standardised(blur(colours, 4.0)), standardised(self.energies(colours[:, :1]))]
        found = principal(torch.cat(groups, dim=1), self.dimensions - 1)
        return on_sphere(found)[:, :, : size[0], : size[1]]

    def energies(self, grey: Tensor) -> Tensor:
        """Logarithms of the smoothed amplitudes of all filters [N, 1, H, W] -> [N, filters * octaves, H, W]."""
        size, found = grey.shape[2:], []
        for octave in range(self.octaves):
            level = F.pad(grey, (7, 7, 7, 7), mode="replicate")
            even, odd = F.conv2d(level, self.bank).unflatten(1, (-1, 2)).unbind(2)
            amplitude = F.avg_pool2d((even.square() + odd.square()).sqrt(), 2, ceil_mode=True)
            amplitude = blur(amplitude, 2.5 if octave == 0 else 2.0)
            found.append(F.interpolate((amplitude + 0.01).log(), size=size, mode="bilinear", align_corners=False))
            grey = F.avg_pool2d(grey, 2, ceil_mode=True)
        return torch.cat(found, dim=1)
