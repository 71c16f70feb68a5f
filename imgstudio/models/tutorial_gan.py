"""Generators as tutorials build them: transposed convolutions after Radford et al. 2015 (arXiv:1511.06434) in any arrangement,
and fully connected layers after Goodfellow et al. 2014 (arXiv:1406.2661).

Their files tell widths and kernels; what they don't tell (strides, activations) is an argument here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS = {"relu": F.relu, "leaky relu": lambda h: F.leaky_relu(h, 0.2)}
OUTPUTS = {"tanh": torch.tanh, "sigmoid": lambda h: 2 * torch.sigmoid(h) - 1}  # to [-1, 1]


class Layer(NamedTuple):
    """A transposed convolution, and whether a batch norm follows it."""

    channels: int  # that come out
    kernel: int
    stride: int = 2
    padding: int = 1
    bias: bool = False
    norm: bool = True

    def side(self, side: int) -> int:
        """Of what comes out, for what comes in."""
        return (side - 1) * self.stride - 2 * self.padding + self.kernel


def in_colour(x: Tensor) -> Tensor:
    """[N, 1 or 3, H, W] -> [N, 3, H, W]."""
    return x.expand(-1, 3, -1, -1)


class TransposedGenerator(nn.Module):
    """Latent vectors z ~ N(0, I) [N, latent] -> pictures [N, 3, size, size] in [-1, 1]; nets with one channel draw in grey.

    layers:     each a Layer or its values; the last makes the picture.
    start:      side in pixels of what a first, fully connected layer makes of z; 0: there is none, and z is one pixel.
    norm:       what follows that layer: "" for nothing, "features" or "channels" for a batch norm over either.
    wide:       channels of what it makes.
    activation: between the layers, a name in ACTIVATIONS.
    output:     of the last layer, a name in OUTPUTS.
    """

    def __init__(
        self,
        latent: int,
        layers: Sequence[Sequence[int]],
        start: int = 0,
        norm: str = "",
        wide: int = 0,
        activation: str = "relu",
        output: str = "tanh",
    ):
        super().__init__()
        self.latent, self.start = latent, start
        self.activation, self.output = ACTIVATIONS[activation], OUTPUTS[output]
        self.project = nn.Linear(latent, wide * start**2) if start else None
        norms = {"": None, "features": nn.BatchNorm1d(wide * start**2), "channels": nn.BatchNorm2d(wide)} if start else {"": None}
        self.project_norm = norms[norm]
        self.convolutions, self.norms, self.size = nn.ModuleList(), nn.ModuleList(), start or 1
        narrow = wide if start else latent
        for layer in (Layer(*values) for values in layers):
            geometry = (layer.kernel, layer.stride, layer.padding)
            self.convolutions.append(nn.ConvTranspose2d(narrow, layer.channels, *geometry, bias=layer.bias))
            self.norms.append(nn.BatchNorm2d(layer.channels) if layer.norm else nn.Identity())
            self.size, narrow = layer.side(self.size), layer.channels
        self.register_buffer("centre", torch.zeros(1, latent), persistent=False)  # to which truncation leads

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """`label` is for nets with classes, and not looked at."""
        h = z[:, :, None, None] if self.project is None else self._projected(z)
        for convolution, norm in zip(self.convolutions[:-1], self.norms[:-1]):
            h = self.activation(norm(convolution(h)))
        return in_colour(self.output(self.norms[-1](self.convolutions[-1](h)).float()))

    def _projected(self, z: Tensor) -> Tensor:
        h = self.project(z)
        h = self.project_norm(h) if isinstance(self.project_norm, nn.BatchNorm1d) else h
        h = h.unflatten(1, (-1, self.start, self.start))
        return self.activation(self.project_norm(h) if isinstance(self.project_norm, nn.BatchNorm2d) else h)


class DenseGenerator(nn.Module):
    """Latent vectors z ~ N(0, I) [N, widths[0]] -> pictures [N, 3, size, size] in [-1, 1].

    widths: from the latent vector to the pixels, of which there are size * size in grey, or three times as many.
    norms:  after which layers there is a batch norm, counted from 0; eps: its epsilon.
    """

    def __init__(
        self,
        widths: Sequence[int],
        norms: Sequence[int] = (),
        activation: str = "leaky relu",
        output: str = "tanh",
        eps: float = 1e-5,
    ):
        super().__init__()
        self.latent = widths[0]
        self.channels, self.size = picture_of(widths[-1])
        self.activation, self.output = ACTIVATIONS[activation], OUTPUTS[output]
        self.layers = nn.ModuleList(nn.Linear(narrow, wide) for narrow, wide in itertools.pairwise(widths))
        normed = [nn.BatchNorm1d(wide, eps) if i in norms else nn.Identity() for i, wide in enumerate(widths[1:])]
        self.norms = nn.ModuleList(normed)
        self.register_buffer("centre", torch.zeros(1, widths[0]), persistent=False)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        h = z
        for layer, norm in zip(self.layers[:-1], self.norms[:-1]):
            h = self.activation(norm(layer(h)))
        x = self.output(self.norms[-1](self.layers[-1](h)).float())
        return in_colour(x.unflatten(1, (self.channels, self.size, self.size)))


def picture_of(pixels: int) -> tuple[int, int]:
    """Channels and side of a square picture of so many values. Raises ValueError if there is none."""
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if channels * side**2 == pixels > 0:
            return channels, side
    raise ValueError(f"{pixels} values are no square picture, neither in grey nor in colour")
