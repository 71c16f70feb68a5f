"""Texture from the layers of a feature net: what style transfer calls style, looked at place by place.

No training of its own; the reduction is the picture's own principal components.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .embedding import blur, on_sphere, principal, standardised
from .vgg import VGG


class VGGSegmenter(VGG):
    """[N, 3, H, W] in [-1, 1] -> unit vectors [N, dimensions, H, W]. The weights are those of a `VGG`.

    Activations of the last layers of four blocks, each smoothed over about `reach` pixels of the picture, standardised so that
    the layers count alike, and reduced together.
    """

    stride = 4  # of the grid on which the components are found; the picture's own is coarser information than that

    def __init__(
        self,
        widths: tuple[int, ...] = (64, 128, 256, 512, 512),
        layers: tuple[str, ...] = ("relu1_2", "relu2_2", "relu3_2", "relu4_1"),
        reach: float = 6.0,
        dimensions: int = 24,
        **more: object,
    ):
        super().__init__(widths=widths, **more)
        self.seen, self.reach, self.dimensions = layers, reach, dimensions

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        side = max(self.smallest, self.stride)
        x = F.pad(x, (0, max(0, side - size[1]), 0, max(0, side - size[0])), mode="replicate")
        padded = x.shape[2:]
        grid = [-(-length // self.stride) for length in padded]
        groups = []
        for name, f in super().forward(x, self.seen).items():
            strength = (f.float().clamp_min(0) + 0.05).log()
            scale = 2 ** (int(name[4]) - 1)  # pixels of the picture a position
            if scale < self.stride:
                strength = F.interpolate(strength, size=grid, mode="area")
                scale = self.stride
            groups.append(F.interpolate(standardised(blur(strength, self.reach / scale)), size=grid, mode="bilinear"))
        found = principal(torch.cat(groups, dim=1), self.dimensions - 1)
        found = F.interpolate(found, size=padded, mode="bilinear", align_corners=False)
        return on_sphere(found)[:, :, : size[0], : size[1]]
