"""Arbitrary style transfer: a picture's features take on the statistics of a style's, and a decoder draws the result.

Statistics are each channel's mean and deviation (AdaIN, Huang and Belongie 2017, arXiv:1703.06868), or the mean and the whole
covariance of the channels (whitening and colouring, Li et al. 2017, arXiv:1705.08086).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .vgg import VGG

DEEP, FINE = "relu4_1", "relu3_1"  # where the content is aligned to the style


def mean_and_deviation(f: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of [N, C, H, W] over positions, [N, C, 1, 1] each, in float32."""
    variance, mean = torch.var_mean(f.float(), dim=(2, 3), keepdim=True, correction=0)
    return mean, (variance + 1e-5).sqrt()


def adain(content: Tensor, style: Tensor) -> Tensor:
    """Content features [N, C, H, W] with the channel means and deviations of style features [N or 1, C, H', W']."""
    mean, deviation = mean_and_deviation(content)
    goal_mean, goal_deviation = mean_and_deviation(style)
    return (content.float() - mean) / deviation * goal_deviation + goal_mean


def whiten_and_colour(content: Tensor, style: Tensor) -> Tensor:
    """Content features [N, C, H, W] with the channel means and the covariance of style features [N or 1, C, H', W'].

    Directions in which the content hardly varies are left out: there is nothing in them but noise to be blown up.
    """
    f, goal = content.float().flatten(2), style.float().flatten(2)  # N,C,positions
    mean, goal_mean = f.mean(dim=2, keepdim=True), goal.mean(dim=2, keepdim=True)
    values, axes = _principal_axes(f - mean)
    white = axes @ (torch.where(values > 5e-3, values.rsqrt(), 0.0)[:, :, None] * (axes.mT @ (f - mean)))
    values, axes = _principal_axes(goal - goal_mean)
    coloured = axes @ (values.sqrt()[:, :, None] * (axes.mT @ white))
    return (coloured + goal_mean).unflatten(2, content.shape[2:])


def _principal_axes(centred: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues [N, C] and eigenvectors [N, C, C] of the covariance of [N, C, positions]."""
    covariance = centred @ centred.mT / centred.shape[2]
    # On the CPU: decompositions of this size are no faster elsewhere, and devices differ in the signs they choose.
    values, axes = torch.linalg.eigh(covariance.cpu() + 1e-3 * torch.eye(covariance.shape[1]))
    return values.clamp_min(0).to(centred.device), axes.to(centred.device)


MATCH = {"deviation": adain, "covariance": whiten_and_colour}


def convolution(narrow: int, wide: int) -> nn.Conv2d:
    return nn.Conv2d(narrow, wide, 3, padding=1, padding_mode="reflect")


class Decoder(nn.Module):
    """The encoder mirrored, with bilinear upsampling for pooling (nearest-neighbour upsampling leaves a checkerboard):
    features of both layers -> pictures in [-1, 1]."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        a, b, c, d = widths[:4]
        self.blocks = nn.ModuleList(
            [
                nn.ModuleList([convolution(d, c)]),
                nn.ModuleList([convolution(2 * c, c), convolution(c, c), convolution(c, c), convolution(c, b)]),
                nn.ModuleList([convolution(b, b), convolution(b, a)]),
                nn.ModuleList([convolution(a, a)]),
            ]
        )
        self.last = convolution(a, 3)
        # Written out, because arithmetic on the meta device makes PyTorch import its compiler.
        kernel = [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
        self.register_buffer("binomial", torch.tensor([[kernel]] * c), persistent=False)

    def forward(self, deep: Tensor, fine: Tensor) -> Tensor:
        h, fine = deep, self.low_passed(fine)
        for i, block in enumerate(self.blocks):
            if i > 0:
                h = F.interpolate(h, scale_factor=2, mode="bilinear", align_corners=False)
            if i == 1:
                h = torch.cat([h, fine.to(h.dtype)], dim=1)
            for layer in block:
                h = F.relu(layer(h))
        return self.last(h).float()

    def low_passed(self, fine: Tensor) -> Tensor:
        """Without what alternates from one position to the next: taking over a style's deviation blows that up on plain
        surfaces, and the decoder would draw a checkerboard of it."""
        with torch.autocast(fine.device.type, enabled=False):  # half precision has no fast way to do it on CPUs
            padded = F.pad(fine.float(), (1, 1, 1, 1), mode="reflect")
            return F.conv2d(padded, self.binomial / 16, groups=fine.shape[1])


class AdaIN(nn.Module):
    """A VGG encoder and its decoder; any picture can be the style.

    encode: [N, 3, H, W] in [-1, 1] -> features [N, C, H/8, W/8]; decode: features -> [N, 3, H, W]. H and W are multiples of 8.

    It differs from the papers in one thing: besides relu4_1, relu3_1 is aligned to the style and handed to the decoder, which
    keeps edges where a decoder of this size would blur them. Each 2 x 2 block of its positions is one position of the features.
    `match` is a name in MATCH: which statistics are taken over.
    """

    stride = 8
    receptive_radius = 48  # half of the receptive fields of encoder and decoder in pixels, rounded up to the stride: 30 and 44

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 256, 256), match: str = "deviation"):
        super().__init__()
        self.match = MATCH[match]
        self.encoder = VGG(widths=widths, deepest=DEEP)
        self.decoder = Decoder(widths)

    @property
    def channels(self) -> int:
        """Of the features."""
        return self.encoder.widths[DEEP] + 4 * self.encoder.widths[FINE]

    def encode(self, x: Tensor) -> Tensor:
        return self.pack(self.encoder(x, (DEEP, FINE)))

    @staticmethod
    def pack(found: Mapping[str, Tensor]) -> Tensor:
        """Activations of both layers as one tensor on the deep layer's grid."""
        return torch.cat([found[DEEP], F.pixel_unshuffle(found[FINE], 2)], dim=1)

    def unpack(self, features: Tensor) -> dict[str, Tensor]:
        """Inverts `pack`."""
        deep, fine = features.split([self.encoder.widths[DEEP], 4 * self.encoder.widths[FINE]], dim=1)
        return {DEEP: deep, FINE: F.pixel_shuffle(fine, 2)}

    def decode(self, features: Tensor) -> Tensor:
        """Values may leave [-1, 1] a little."""
        found = self.unpack(features)
        return self.decoder(found[DEEP], found[FINE])

    def align(self, content: Tensor, style: Tensor) -> Tensor:
        """Content features with the statistics of style features, layer by layer."""
        goal = self.unpack(style)
        return self.pack({name: self.match(f, goal[name]) for name, f in self.unpack(content).items()})

    def restyle(self, content: Tensor, styles: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
        """Content features aligned to each style's, mixed by `weights`, which sum to 1."""
        aligned = [weight * self.align(content, style) for style, weight in zip(styles, weights, strict=True)]
        return torch.stack(aligned).sum(dim=0)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Pictures of the content in one style, at full strength."""
        return self.decode(self.align(self.encode(content), self.encode(style)))
