"""DCGAN (Radford, Metz and Chintala 2015, arXiv:1511.06434), also conditional (Mirza and Osindero 2014, arXiv:1411.1784).

Axis letters: N pictures, Z latent size, C channels, H = W = 4, 8, ..., size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from .flow import Flow


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
    widest:   most channels of any layer.
    pixel:    side in pixels that one drawn pixel has in the data: pixel art is generated small and then upsampled.
    antialias: how many of the last transposed convolutions `binomial_blur` follows, against the checkerboard that they leave.
    flow:     width and depth of the `models.flow.Flow` by which z is first carried to where the codes of real pictures lie.
    """

    def __init__(
        self,
        *,
        latent: int = 128,
        channels: int = 64,
        size: int = 64,
        classes: int = 0,
        widest: int = 512,
        pixel: int = 1,
        antialias: int = 0,
        flow: Mapping[str, int] | None = None,
    ):
        super().__init__()
        self.latent, self.size, self.classes, self.pixel = latent, size, classes, pixel
        self.flow = Flow(latent, classes, **flow).requires_grad_(False) if flow else None
        self.embed = nn.Embedding(classes, latent) if classes else None
        widths = [min(widest, channels * 2**i) for i in reversed(range(_stages(size)))]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent * (2 if classes else 1), widths[0], 4, bias=False),  # N,C,4,4
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        ]
        for left, (narrow, wide) in zip(reversed(range(1, len(widths))), zip(widths[1:], widths)):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False),  # N,C,2H,2W
                *([BinomialBlur()] if left < antialias else []),
                nn.BatchNorm2d(narrow),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(widths[-1], 3, 4, stride=2, padding=1), *([BinomialBlur()] if antialias else []), nn.Tanh()]
        self.main = nn.Sequential(*layers)
        # w_avg of truncation, here in z: that of a typical picture, one a class. Files in `weights/` have this name.
        self.register_buffer("centre", torch.zeros(max(classes, 1), latent))
        self.apply(_init_normal)
        if self.embed is not None:
            # Far smaller than z at first: with equal shares the generator settles for one picture a class and never looks at z.
            nn.init.normal_(self.embed.weight, 0.0, 0.1)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """z [N, Z] (and label int [N] for a conditional net) -> pictures [N, 3, S, S] in [-1, 1], S = size * pixel."""
        return self.picture(self.codes(z, label), label)

    def picture(self, codes: Tensor, label: Tensor | None = None) -> Tensor:
        """Codes [N, Z] as of `codes` -> pictures [N, 3, S, S] in [-1, 1]."""
        return nn.functional.interpolate(self.draw(codes, label), scale_factor=self.pixel, mode="nearest")

    def without_upsampling(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """The pictures before `pixel` upsamples them, [N, 3, size, size]: what the discriminator is shown."""
        return self.draw(self.codes(z, label), label)

    def codes(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """z [N, Z] -> [N, Z], what `draw` expects: z itself where there is no flow."""
        return z if self.flow is None else self.flow(z, label)

    def draw(self, codes: Tensor, label: Tensor | None = None) -> Tensor:
        """Codes [N, Z] as of `codes` -> pictures [N, 3, size, size]."""
        if self.embed is not None:
            if label is None:
                raise ValueError("a conditional generator needs a label for each latent vector")
            codes = torch.cat([codes, self.embed(label)], dim=1)  # N,2Z
        return self.main(codes[:, :, None, None])


def binomial_blur(x: Tensor) -> Tensor:
    """Anti-checkerboard filter: 3 x 3 binomial, on [N, C, H, W], as two means of 2 x 2.

    Where a layer doubles the side, neighbouring pixels come from weights of their own, and what differs from one to the next
    lies over the picture as a checkerboard (Odena et al. 2016): this filter removes what alternates from pixel to pixel, and
    lets the rest through, the finest detail weakened.
    """
    x = nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
    return nn.functional.avg_pool2d(nn.functional.avg_pool2d(x, 2, stride=1), 2, stride=1)


class BinomialBlur(nn.Module):
    """`binomial_blur` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return binomial_blur(x)


class Discriminator(nn.Module):
    """Pictures to realness scores. Spectral norm (Miyato et al. 2018, arXiv:1802.05957) in place of batch norm.

    Two additions to the 2015 net keep the generator varied and make it obey its class: the minibatch standard deviation of the
    features among neighbours in the batch (Karras et al. 2018, arXiv:1710.10196), and for `classes` > 0 the projection of the
    features on an embedding of the class (Miyato and Koyama 2018, arXiv:1802.05637). Sort a batch by class, so that neighbours
    share it: then a generator that ignores z and shows each class as one picture gives itself away.
    """

    def __init__(self, *, channels: int = 64, size: int = 64, classes: int = 0, widest: int = 512):
        super().__init__()
        widths = [min(widest, channels * 2**i) for i in range(_stages(size))]
        layers: list[nn.Module] = []
        for narrow, wide in zip([3, *widths], widths):
            layers += [spectral_norm(nn.Conv2d(narrow, wide, 4, stride=2, padding=1)), nn.LeakyReLU(0.2, inplace=True)]
        self.features = nn.Sequential(*layers)  # N,C,4,4
        self.score = spectral_norm(nn.Linear(widths[-1] * 16, 1))
        self.minibatch_std_weight = nn.Parameter(torch.tensor(5.0))  # free of the norm, which would silence it
        self.embed = spectral_norm(nn.Embedding(classes, widths[-1])) if classes else None

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        """x [N, 3, size, size] in [-1, 1] -> scores [N], higher for pictures taken to be real."""
        h = self.features(x)
        score = self.score(h.flatten(1)).squeeze(1) + self.minibatch_std_weight * minibatch_std(h)
        if self.embed is not None:
            score = score + (self.embed(label) * h.mean(dim=(2, 3))).sum(dim=1)
        return score


def minibatch_std(h: Tensor, group: int = 4) -> Tensor:
    """Mean relative standard deviation of the features [N, C, H, W] within groups of `group` neighbours, one a picture [N].

    A last, smaller group counts with the one before it.
    """
    n = len(h)
    groups = max(1, n // group)
    numbers = (torch.arange(n, device=h.device) * groups) // n  # N: which group a picture belongs to
    one_hot = nn.functional.one_hot(numbers, groups).float()  # N,G
    one_hot = one_hot / one_hot.sum(dim=0)
    flat = h.flatten(1).float()  # N,D
    variance = one_hot.T @ flat.square() - (one_hot.T @ flat).square()  # G,D
    scale = flat.square().mean().sqrt() + 1e-6
    return ((variance.clamp_min(0) + 1e-8).sqrt().mean(dim=1) / scale)[numbers]


def _init_normal(module: nn.Module) -> None:
    """The paper's initialisation: weights from N(0, 0.02)."""
    if isinstance(module, nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
