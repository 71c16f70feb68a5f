"""Arbitrary style transfer by adaptive instance normalisation (Huang and Belongie 2017, arXiv:1703.06868)."""

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


def convolution(narrow: int, wide: int) -> nn.Conv2d:
    return nn.Conv2d(narrow, wide, 3, padding=1, padding_mode="reflect")


class Decoder(nn.Module):
    """The encoder mirrored, with nearest-neighbour upsampling for pooling: features of both layers -> pictures in [-1, 1]."""

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

    def forward(self, deep: Tensor, fine: Tensor) -> Tensor:
        h = deep
        for i, block in enumerate(self.blocks):
            if i > 0:
                h = F.interpolate(h, scale_factor=2)
            if i == 1:
                h = torch.cat([h, fine.to(h.dtype)], dim=1)
            for layer in block:
                h = F.relu(layer(h))
        return self.last(h).float()


class AdaIN(nn.Module):
    """A VGG encoder and its decoder; any picture can be the style.

    encode: [N, 3, H, W] in [-1, 1] -> features [N, C, H/8, W/8]; decode: features -> [N, 3, H, W]. H and W are multiples of 8.

    It differs from the paper in one thing: besides relu4_1, relu3_1 is aligned to the style and handed to the decoder, which
    keeps edges where a decoder of this size would blur them. Each 2 x 2 block of its positions is one position of the features.
    """

    stride = 8

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 256, 256)):
        super().__init__()
        self.encoder = VGG(widths=widths, deepest=DEEP)
        self.decoder = Decoder(widths)

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
        return self.pack({name: adain(f, goal[name]) for name, f in self.unpack(content).items()})

    def restyle(self, content: Tensor, styles: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
        """Content features aligned to each style's, mixed by `weights`, which sum to 1."""
        aligned = [weight * self.align(content, style) for style, weight in zip(styles, weights, strict=True)]
        return torch.stack(aligned).sum(dim=0)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """Pictures of the content in one style, at full strength."""
        return self.decode(self.align(self.encode(content), self.encode(style)))
