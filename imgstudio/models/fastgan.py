"""FastGAN (Liu et al. 2021, arXiv:2101.04775): 1024 px from a few hundred training pictures.

Axis letters: N pictures, Z latent size,
C channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

SIDES = (4, 8, 16, 32, 64, 128, 256, 512, 1024)  # of the feature maps, in pixels
TWICE = (8, 32, 128, 512)  # sides at which there are two convolutions and noise
GATED = {64: 4, 128: 8, 256: 16, 512: 32}  # side -> side of the coarse features that weigh its channels


class Noise(nn.Module):
    """Adds a plane of noise [1, 1, H, W], as strong as was learned, to every channel; without a plane, nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, h: Tensor, plane: Tensor | None) -> Tensor:
        return h if plane is None else h + self.weight * plane


def _grow(narrow: int, wide: int, twice: bool) -> nn.Sequential:
    """Doubles the sides. The numbering of the layers is that of the public files."""
    layers = [nn.Upsample(scale_factor=2), *_convolution(narrow, wide, twice)]
    return nn.Sequential(*layers, *(_convolution(wide, wide, twice) if twice else []))


def _convolution(narrow: int, wide: int, noisy: bool) -> list[nn.Module]:
    noise = [Noise()] if noisy else []
    return [nn.Conv2d(narrow, 2 * wide, 3, padding=1, bias=False), *noise, nn.BatchNorm2d(2 * wide), nn.GLU(dim=1)]


def _gate(narrow: int, wide: int) -> nn.Sequential:
    """Skip-layer excitation: coarse features [N, narrow, h, w] -> a weight for each channel of finer ones, [N, wide, 1, 1]."""
    convolutions = [nn.Conv2d(narrow, wide, 4, bias=False), nn.SiLU(), nn.Conv2d(wide, wide, 1, bias=False)]
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), *convolutions, nn.Sigmoid())


class FastGAN(nn.Module):
    """Latent vectors z ~ N(0, I) [N, Z] -> pictures [N, 3, 1024, 1024] in [-1, 1].

    widths: C at each of SIDES.
    """

    size = SIDES[-1]

    def __init__(self, latent: int = 256, widths: Sequence[int] = (1024, 512, 256, 128, 128, 64, 32, 16, 8)):
        super().__init__()
        self.latent = latent
        wide = dict(zip(SIDES, widths, strict=True))
        first = nn.ConvTranspose2d(latent, 2 * wide[4], 4, bias=False)
        self.first = nn.Sequential(first, nn.BatchNorm2d(2 * wide[4]), nn.GLU(dim=1))
        grown = {str(side): _grow(wide[side // 2], wide[side], side in TWICE) for side in SIDES[1:]}
        self.grow = nn.ModuleDict(grown)
        self.gate = nn.ModuleDict({str(fine): _gate(wide[coarse], wide[fine]) for fine, coarse in GATED.items()})
        self.last = nn.Conv2d(wide[self.size], 3, 3, padding=1, bias=False)
        self.register_buffer("centre", torch.zeros(1, latent), persistent=False)  # to which truncation leads

    def noise(self, seed: int) -> list[Tensor]:
        """The planes of this seed, on the net's device: two at each side of TWICE. Drawn on the CPU, the same everywhere."""
        generator = torch.Generator().manual_seed(seed)
        planes = [torch.randn(1, 1, side, side, generator=generator) for side in TWICE for _ in range(2)]
        return [plane.to(self.centre.device) for plane in planes]

    def forward(self, z: Tensor, label: Tensor | None = None, noise: Sequence[Tensor] | None = None) -> Tensor:
        """noise: planes from `noise`; None adds none. `label` is for nets with classes, and not looked at."""
        planes = iter(noise or ())
        h = self.first(z[:, :, None, None])  # N,C,4,4
        coarse = {4: h}
        for side in SIDES[1:]:
            h = _through(self.grow[str(side)], h, planes)  # N,C,side,side
            if side in GATED:
                h = h * self.gate[str(side)](coarse[GATED[side]])
            coarse[side] = h if side in GATED.values() else None
        return torch.tanh(self.last(h).float())


def _through(layers: nn.Sequential, h: Tensor, planes: Iterator[Tensor]) -> Tensor:
    for layer in layers:
        h = layer(h, next(planes, None)) if isinstance(layer, Noise) else layer(h)
    return h
