"""Residual convolutional variational autoencoder (Kingma and Welling 2013, arXiv:1312.6114).

Axis letters: N pictures, Z latent size, C channels, G labelled groups, K mixture components.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dcgan import BinomialBlur


class Residual(nn.Module):
    """x + f(x) with two 3 x 3 convolutions. The last starts at zero, so that a deep stack starts as the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(x))))


class Encoder(nn.Module):
    """Pictures [N, 3, size, size] in [-1, 1] -> mean and log variance of the posterior, [N, Z] each.

    The first layer trades `patch` x `patch` pixels for channels: convolutions at full resolution cost most and see least.
    """

    def __init__(self, latent: int, widths: Sequence[int], size: int, patch: int, depth: int):
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(patch), nn.Conv2d(3 * patch**2, widths[0], 3, padding=1)]
        for narrow, wide in itertools.pairwise(widths):
            layers += [*(Residual(narrow) for _ in range(depth)), nn.Conv2d(narrow, wide, 4, stride=2, padding=1)]
        layers += [*(Residual(widths[-1]) for _ in range(depth)), nn.SiLU(), nn.Flatten()]
        self.main = nn.Sequential(*layers)
        side = size // patch // 2 ** (len(widths) - 1)
        self.posterior = nn.Linear(widths[-1] * side**2, 2 * latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, logvar = self.posterior(self.main(x)).float().chunk(2, dim=1)
        return mean, logvar.clamp(-12, 4)


class Decoder(nn.Module):
    """Latent vectors [N, Z] -> pictures [N, 3, size, size] in [-1, 1]; the encoder mirrored."""

    def __init__(self, latent: int, widths: Sequence[int], size: int, patch: int, depth: int, antialias: bool):
        super().__init__()
        side = size // patch // 2 ** (len(widths) - 1)
        layers: list[nn.Module] = [nn.Linear(latent, widths[-1] * side**2), nn.Unflatten(1, (widths[-1], side, side))]
        for wide, narrow in zip(widths[::-1], widths[-2::-1]):
            layers += [*(Residual(wide) for _ in range(depth)), nn.SiLU()]
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(wide, narrow, 3, padding=1)]
        layers += [*(Residual(widths[0]) for _ in range(depth)), nn.SiLU()]
        layers += [nn.Conv2d(widths[0], 3 * patch**2, 3, padding=1), nn.PixelShuffle(patch)]
        layers += [BinomialBlur(), nn.Tanh()] if antialias else [nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        return self.main(z)


class VAE(nn.Module):
    """Encoder, decoder, and what was measured on the training pictures once the two were trained.

    latent:     Z.
    widths:     channels from the finest to the coarsest stage; each stage halves the side.
    size:       side of the square picture in pixels.
    patch:      pixels a side that the first layer folds into channels.
    depth:      residual blocks a stage.
    antialias:  whether `dcgan.binomial_blur` follows the last layer, against the checkerboard of the pixel shuffle.
    groups:     number of labelled groups whose mean latent vector is stored (`group_means`), for latent arithmetic.
    components: number of Gaussians in the fitted prior (`prior_*`). A well-trained posterior does not fill N(0, I) evenly;
                sampling from a mixture fitted to it afterwards avoids the empty places (Ghosh et al. 2020, arXiv:1903.12436).
    """

    def __init__(
        self,
        *,
        latent: int = 96,
        widths: Sequence[int] = (48, 96, 144, 192),
        size: int = 64,
        patch: int = 2,
        depth: int = 1,
        antialias: bool = False,
        groups: int = 0,
        components: int = 8,
    ):
        super().__init__()
        self.latent, self.size = latent, size
        self.encoder = Encoder(latent, widths, size, patch, depth)
        self.decoder = Decoder(latent, widths, size, patch, depth, antialias)
        self.register_buffer("group_means", torch.zeros(groups, latent))
        self.register_buffer("prior_weights", torch.full((components,), 1 / components))
        self.register_buffer("prior_means", torch.zeros(components, latent))
        self.register_buffer("prior_factors", torch.eye(latent).repeat(components, 1, 1))  # lower triangular, K,Z,Z
        self.register_buffer("information", torch.zeros(latent))  # KL a dimension, nats, mean over the training set

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [N, 3, size, size] in [-1, 1] -> posterior mean and log variance, float32 [N, Z] each."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Latent vectors [N, Z] -> pictures [N, 3, size, size] in [-1, 1]."""
        return self.decoder(z)

    def prior(self, noise: Tensor, choice: Tensor) -> Tensor:
        """Draws from the fitted mixture: noise [N, Z] ~ N(0, I), choice [N] uniform in [0, 1) -> latent vectors [N, Z]."""
        component = torch.searchsorted(self.prior_weights.cumsum(0), choice).clamp(max=len(self.prior_weights) - 1)
        return self.prior_means[component] + torch.einsum("nij,nj->ni", self.prior_factors[component], noise)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction through one random draw from the posterior, with the posterior's mean and log variance."""
        mean, logvar = self.encode(x)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        return self.decode(z), mean, logvar
