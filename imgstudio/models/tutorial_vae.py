"""The fully connected variational autoencoder of the tutorials (Kingma and Welling 2013, arXiv:1312.6114; layers fc1, fc21, fc22,
fc3, fc4 as in pytorch/examples)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .tutorial_gan import in_colour, picture_of

_LUMINANCE = (0.299, 0.587, 0.114)


class DenseVAE(nn.Module):
    """Pictures [N, 3, size, size] in [-1, 1], seen in grey -> latent vectors [N, Z] -> pictures in grey.

    encoder: widths from the pixels to the last layer before mean and log variance; latent: Z; decoder: widths from the layer
    after z to the pixels. ReLU between the layers, a sigmoid at the end.
    """

    def __init__(self, encoder: Sequence[int], latent: int, decoder: Sequence[int]):
        super().__init__()
        self.latent = latent
        self.channels, self.size = picture_of(encoder[0])
        self.encoder = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(encoder))
        self.mean, self.logvar = nn.Linear(encoder[-1], latent), nn.Linear(encoder[-1], latent)
        widths = (latent, *decoder)
        self.decoder = nn.ModuleList(nn.Linear(*pair) for pair in itertools.pairwise(widths))
        self.register_buffer("luminance", torch.tensor(_LUMINANCE)[:, None, None], persistent=False)
        self.register_buffer("group_means", torch.zeros(0, latent), persistent=False)

    @property
    def information(self) -> Tensor:
        """How much each latent dimension counts, [Z]: the length of its column in the decoder's first layer, which training
        shrinks for dimensions that say nothing."""
        return self.decoder[0].weight.norm(dim=0)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures in [-1, 1] -> posterior mean and log variance, [N, Z] each."""
        seen = x if self.channels == 3 else (self.luminance * x).sum(dim=1, keepdim=True)
        h = ((seen + 1) / 2).flatten(1)
        for layer in self.encoder:
            h = F.relu(layer(h))
        return self.mean(h).float(), self.logvar(h).float()

    def decode(self, z: Tensor) -> Tensor:
        """Latent vectors [N, Z] -> pictures in [-1, 1]."""
        h = z
        for layer in self.decoder[:-1]:
            h = F.relu(layer(h))
        x = 2 * torch.sigmoid(self.decoder[-1](h).float()) - 1
        return in_colour(x.unflatten(1, (self.channels, self.size, self.size)))

    def prior(self, noise: Tensor, choice: Tensor) -> Tensor:
        """Latent vectors from N(0, I): the noise [N, Z] itself."""
        return noise

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The reconstruction from the posterior's mean, with the posterior's mean and log variance."""
        mean, logvar = self.encode(x)
        return self.decode(mean), mean, logvar
