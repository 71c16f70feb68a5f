"""Tiny Darknet (J. Redmon 2016, https://pjreddie.com/darknet/tiny-darknet/): an ImageNet classifier of a million parameters, and
texture from its layers."""

from __future__ import annotations

from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn

from .embedding import texture_descriptor

WIDTHS = (16, 32, 16, 128, 16, 128, 32, 256, 32, 256, 64, 512, 64, 512, 128, 1000)
SIDES = (3, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 1)  # of the kernels
POOLED = (1, 2, 6, 10)  # layers, from 1, after which the sides are halved
LAYERS = (*(f"conv{i}" for i in range(1, len(WIDTHS))), "logits")


class TinyDarknet(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1] -> activations by layer name; the "logits" of ImageNet's classes are [N, 1000]."""

    smallest = 2 ** len(POOLED)

    def __init__(self) -> None:
        super().__init__()
        narrow = (3, *WIDTHS)
        made = [nn.Conv2d(a, b, side, padding=side // 2) for a, b, side in zip(narrow, WIDTHS, SIDES)]
        self.convolutions = nn.ModuleList(made)

    def forward(self, x: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Activations of `layers` (None: all). Nothing deeper than the last of them is computed."""
        wanted = set(LAYERS if layers is None else layers)
        h, found = (x + 1) / 2, {}
        for i, (name, convolution) in enumerate(zip(LAYERS, self.convolutions), 1):
            h = convolution(h)
            h = h.mean(dim=(2, 3)) if name == "logits" else F.leaky_relu(h, 0.1)
            if name in wanted:
                found[name] = h
                if len(found) == len(wanted):
                    break
            if i in POOLED:
                h = F.max_pool2d(h, 2)
        return found


class DarknetSegmenter(TinyDarknet):
    """[N, 3, H, W] in [-1, 1] -> unit vectors [N, dimensions, H, W] that tell one texture from another, as in `VGGSegmenter`."""

    descriptor_layers = {"conv2": 2, "conv6": 4, "conv10": 8}  # layer -> pixels of the picture a position  # noqa: RUF012
    stride = 4

    def __init__(self, sigma: float = 6.0, dimensions: int = 24):
        super().__init__()
        self.sigma, self.dimensions = sigma, dimensions

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = F.pad(x, (0, max(0, self.smallest - width), 0, max(0, self.smallest - height)), mode="replicate")
        found = super().forward(x, self.descriptor_layers)
        layers = [(found[name].clamp_min(0), scale) for name, scale in self.descriptor_layers.items()]
        return texture_descriptor(layers, x.shape[2:], self.stride, self.sigma, self.dimensions)[:, :, :height, :width]
