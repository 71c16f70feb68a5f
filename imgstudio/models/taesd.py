"""Tiny autoencoders for the latent spaces of diffusion models: TAESD and its family (Ollin Boer Bohan 2023,
https://github.com/madebyollin/taesd).

A latent is a small picture of its own, [N, C, H/8, W/8]; nothing makes it follow a distribution that one could draw from.
The layers are numbered as in the public files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .given import need

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


# --- files of others ---


def recognise(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments for TAESD, and the tensors under our keys, of a file with one half or both.

    Names are those of the original, `0.weight`, `1.conv.0.weight`, with or without `encoder.` and `decoder.` before them, or
    those of the diffusers library, `encoder.layers.0.weight`, whose decoder counts from one less.
    Raises ValueError that names the key that is wrong.
    """
    named = state if any(key.startswith(HALVES) for key in state) else {f"{_half(state)}.{key}": v for key, v in state.items()}
    ours = {_own_name(key): value for key, value in named.items()}
    halves = tuple(half for half in HALVES if any(key.startswith(half) for key in ours))
    widest = ours.get("encoder.14.weight"), ours.get("decoder.1.weight")
    if widest[0] is None and widest[1] is None:
        raise ValueError("encoder.14.weight and decoder.1.weight are missing")
    latent = need(ours, "encoder.14.weight", 4).shape[0] if widest[0] is not None else need(ours, "decoder.1.weight", 4).shape[1]
    return {"latent": latent, "pool": any(".pool." in key for key in ours), "halves": halves}, ours


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public file under our keys: `recognise` for a model whose arguments are known."""
    return recognise(state)[1]


def _half(state: Mapping[str, Any]) -> str:
    """Which half a file without prefixes holds: only an encoder begins by looking at three colours."""
    first = state.get("0.weight")
    return "encoder" if isinstance(first, Tensor) and first.ndim == 4 and first.shape[1] == 3 else "decoder"


def _own_name(key: str) -> str:
    found = re.fullmatch(r"(encoder|decoder)\.(layers\.)?(\d+)\.(.+)", key)
    if found is None:
        raise ValueError(f"{key} is unknown")
    half, diffusers, number, rest = found.groups()
    shift = 1 if diffusers and half == "decoder" else 0  # there, the clamp is no layer
    return f"{half}.{int(number) + shift}.{rest}"
