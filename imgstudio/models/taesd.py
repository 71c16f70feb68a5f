"""Tiny autoencoders for the latent spaces of diffusion models: TAESD and its family (Ollin Boer Bohan 2023,
https://github.com/madebyollin/taesd).

A latent is a small picture of its own, [N, C, H/8, W/8]; nothing makes it follow a distribution that one could draw from.
The layers are numbered as in the public files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HALVES = ("encoder", "decoder")
WIDTH = 64


def _convolution(narrow: int, wide: int, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(narrow, wide, 3, padding=1, **options)


class Block(nn.Module):
    """relu(x + f(x)) with three 3 x 3 convolutions; with `pool`, x is first corrected by what is normalised over the picture."""

    def __init__(self, width: int, pool: bool = False):
        super().__init__()
        convolutions = [_convolution(width, width) for _ in range(3)]
        self.conv = nn.Sequential(convolutions[0], nn.ReLU(), convolutions[1], nn.ReLU(), convolutions[2])
        self.pool = self._normalised(width) if pool else None

    @staticmethod
    def _normalised(width: int) -> nn.Sequential:
        up, down = nn.Conv2d(width, 4 * width, 1, bias=False), nn.Conv2d(4 * width, width, 1, bias=False)
        return nn.Sequential(up, nn.GroupNorm(4, 4 * width), nn.ReLU(), down)

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.pool is None else x + self.pool(x)
        return F.relu(x + self.conv(x))


class Clamp(nn.Module):
    """Latents drawn softly into [-3, 3]."""

    def forward(self, z: Tensor) -> Tensor:
        return 3 * torch.tanh(z / 3)


def _encoder(latent: int, pool: bool) -> nn.Sequential:
    layers: list[nn.Module] = [_convolution(3, WIDTH), Block(WIDTH)]
    for last in (False, False, True):
        layers += [_convolution(WIDTH, WIDTH, stride=2, bias=False), *(Block(WIDTH, pool and last) for _ in range(3))]
    return nn.Sequential(*layers, _convolution(WIDTH, latent))


def _decoder(latent: int, pool: bool) -> nn.Sequential:
    layers: list[nn.Module] = [Clamp(), _convolution(latent, WIDTH), nn.ReLU()]
    for first in (True, False, False):
        layers += [Block(WIDTH, pool and first) for _ in range(3)]
        layers += [nn.Upsample(scale_factor=2), _convolution(WIDTH, WIDTH, bias=False)]
    return nn.Sequential(*layers, Block(WIDTH), _convolution(WIDTH, 3))


class TAESD(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1], H and W multiples of 8 -> latents [N, latent, H/8, W/8], and back.

    latent: channels of a latent: 4 for Stable Diffusion and SDXL, 16 for SD3 and FLUX.1, 32 for FLUX.2.
    pool:   whether the blocks at the coarsest size have a normalised branch, as for FLUX.2.
    halves: a file may hold only one of encoder and decoder.
    """

    multiple = 8

    def __init__(self, latent: int = 4, pool: bool = False, halves: Sequence[str] = HALVES):
        super().__init__()
        self.latent, self.halves = latent, tuple(halves)
        if "encoder" in halves:
            self.encoder = _encoder(latent, pool)
        if "decoder" in halves:
            self.decoder = _decoder(latent, pool)

    def encode(self, x: Tensor) -> Tensor:
        """Pictures in [-1, 1] -> latents, about as large as standard normal numbers."""
        return self.encoder((x + 1) / 2)

    def decode(self, z: Tensor) -> Tensor:
        """Latents -> pictures in [-1, 1], which values may leave a little."""
        return 2 * self.decoder(z).float() - 1

    def forward(self, x: Tensor) -> Tensor:
        """Pictures through the bottleneck and back."""
        return self.decode(self.encode(x))
