"""DCGAN (Radford, Metz and Chintala 2015, arXiv:1511.06434), also conditional (Mirza and Osindero 2014, arXiv:1411.1784).

Axis letters: N pictures, Z latent size, C channels, H = W = 4, 8, ..., size.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


def _stages(size: int) -> int:
    """Number of doublings that lead from 4 px to `size` px."""
    stages = int(math.log2(size)) - 2
    if size != 4 * 2**stages or stages < 1:
        raise ValueError(f"size must be 8, 16, 32, 64, ...; got {size}")
    return stages


class Generator(nn.Module):
    """Latent vectors to pictures by strided transposed convolutions.

    latent:   Z, length of z ~ N(0, I).
    channels: C at the last hidden layer; it doubles towards the 4 x 4 end, up to `widest`.
    size:     side of the square picture in pixels, a power of two from 8.
    classes:  0 for an unconditional net; otherwise a learned embedding of the class is appended to z.
    """

    def __init__(self, *, latent: int = 128, channels: int = 64, size: int = 64, classes: int = 0, widest: int = 512):
        super().__init__()
        self.latent, self.size, self.classes = latent, size, classes
        self.embed = nn.Embedding(classes, latent) if classes else None
        widths = [min(widest, channels * 2**i) for i in reversed(range(_stages(size)))]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent * (2 if classes else 1), widths[0], 4, bias=False),  # N,C,4,4
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        for narrow, wide in zip(widths[1:], widths):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False),  # N,C,2H,2W
                nn.BatchNorm2d(narrow),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], 3, 4, stride=2, padding=1), nn.Tanh()]
        self.main = nn.Sequential(*layers)
        self.register_buffer("centre", torch.zeros(max(classes, 1), latent))  # z of a typical picture, one a class
        self.apply(_init_normal)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """z [N, Z] (and label int [N] for a conditional net) -> pictures [N, 3, size, size] in [-1, 1]."""
        if self.embed is not None:
            if label is None:
                raise ValueError("a conditional generator needs a label for each latent vector")
            z = torch.cat([z, self.embed(label)], dim=1)  # N,2Z
        return self.main(z[:, :, None, None])


class Discriminator(nn.Module):
    """Pictures to realness scores. Spectral norm (Miyato et al. 2018, arXiv:1802.05957) in place of batch norm.

    Two additions to the 2015 net keep the generator varied and make it obey its class: one feature with the batch's
    standard deviation (Karras et al. 2018, arXiv:1710.10196), and for `classes` > 0 the projection of the features
    on an embedding of the class (Miyato and Koyama 2018, arXiv:1802.05637).
    """

    def __init__(self, *, channels: int = 64, size: int = 64, classes: int = 0, widest: int = 512):
        super().__init__()
        widths = [min(widest, channels * 2**i) for i in range(_stages(size))]
        layers: list[nn.Module] = []
        for narrow, wide in zip([3] + widths, widths):
            layers += [spectral_norm(nn.Conv2d(narrow, wide, 4, stride=2, padding=1)), nn.LeakyReLU(0.2, inplace=True)]
        self.features = nn.Sequential(*layers)  # N,C,4,4
        self.score = spectral_norm(nn.Linear(widths[-1] * 16 + 1, 1))
        self.embed = spectral_norm(nn.Embedding(classes, widths[-1])) if classes else None

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        """x [N, 3, size, size] in [-1, 1] -> scores [N], higher for pictures taken to be real."""
        h = self.features(x)
        spread = h.float().std(dim=0, unbiased=False).mean().to(h.dtype)
        score = self.score(torch.cat([h.flatten(1), spread.expand(len(h), 1)], dim=1)).squeeze(1)
        if self.embed is not None:
            score = score + (self.embed(label) * h.mean(dim=(2, 3))).sum(dim=1)
        return score


def _init_normal(module: nn.Module) -> None:
    """The paper's initialisation: weights from N(0, 0.02)."""
    if isinstance(module, nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
