"""Texture from the layers of a feature net: what style transfer calls style, place by place.

No training of its own; the reduction is the picture's own principal components.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .embedding import texture_descriptor
from .vgg import VGG


class VGGSegmenter(VGG):
    """[N, 3, H, W] in [-1, 1] -> unit vectors [N, dimensions, H, W]. The weights are those of a `VGG`.

    Activations of the last layers of four blocks, each blurred by a Gaussian of `sigma` pixels of the picture, standardised so
    that the layers count alike, and reduced together.
    """

    stride = 4  # of the grid on which the components are found; the picture's own is coarser information than that

    def __init__(
        self,
        widths: tuple[int, ...] = (64, 128, 256, 512, 512),
        layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_2", "relu4_1"),
        sigma: float = 6.0,
        dimensions: int = 24,
        **more: object,
    ):
        super().__init__(widths=widths, **more)
        self.descriptor_layers, self.sigma, self.dimensions = layers, sigma, dimensions

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        side = max(self.smallest, self.stride)
        x = F.pad(x, (0, max(0, side - size[1]), 0, max(0, side - size[0])), mode="replicate")
        found = super().forward(x, self.descriptor_layers)
        layers = [(f.float().clamp_min(0), 2 ** (int(name[4]) - 1)) for name, f in found.items()]
        return texture_descriptor(layers, x.shape[2:], self.stride, self.sigma, self.dimensions)[:, :, : size[0], : size[1]]
