"""The discriminator of pix2pix and CycleGAN (Isola et al. 2017, arXiv:1611.07004): it judges each patch, not the picture."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .resnet_generator import instance_norm


class PatchGAN(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1] -> scores [N, 1, h, w], higher where a patch is taken to be real.

    `layers` halvings: a score sees a patch of 16, 34, 70 or 142 px for 1, 2, 3 or 4 of them. `channels` after the first,
    doubled by every further one up to eight times as many.
    """

    def __init__(self, channels: int = 64, layers: int = 3):
        super().__init__()
        widths = [channels * min(8, 2**i) for i in range(layers + 1)]
        strides = [2] * layers + [1]
        pairs = zip([3, *widths], widths, strides)
        self.main = nn.ModuleList(nn.Conv2d(narrow, wide, 4, stride, padding=1) for narrow, wide, stride in pairs)
        self.score = nn.Conv2d(widths[-1], 1, 4, padding=1)
        for layer in (*self.main, self.score):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            nn.init.zeros_(layer.bias)

    @property
    def patch(self) -> int:
        """Side in pixels of what one score sees."""
        side = 1
        for layer in (self.score, *reversed(self.main)):
            side = (side - 1) * layer.stride[0] + 4
        return side

    def forward(self, x: Tensor) -> Tensor:
        h = F.leaky_relu(self.main[0](x), 0.2)
        for layer in self.main[1:]:
            h = F.leaky_relu(instance_norm(layer(h)), 0.2)
        return self.score(h)
