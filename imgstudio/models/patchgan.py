"""The discriminator of pix2pix and CycleGAN (Isola et al. 2017, arXiv:1611.07004): it scores each patch, not the picture."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .resnet_generator import instance_norm


class PatchGAN(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1] -> scores [N, 1, h, w], higher where a patch is taken to be real.

    `layers` halvings: a score sees a patch of 16, 34, 70 or 142 px for 1, 2, 3 or 4 of them. `channels` after the first,
    doubled by every further one up to eight times as many.

    norm: "instance" as in the paper; or "none", which keeps what instance norm takes away: the mean colour of a picture, and so
          whether one that is all petals is all yellow or all white.
    """

    def __init__(self, channels: int = 64, layers: int = 3, norm: str = "instance"):
        super().__init__()
        if norm not in ("instance", "none"):
            raise ValueError(f"norm is instance or none, got {norm!r}")
        self.norm = instance_norm if norm == "instance" else nn.Identity()
        widths = [channels * min(8, 2**i) for i in range(layers + 1)]
        strides = [2] * layers + [1]
        pairs = zip([3, *widths], widths, strides)
        self.main = nn.ModuleList(nn.Conv2d(narrow, wide, 4, stride, padding=1) for narrow, wide, stride in pairs)
        self.score = nn.Conv2d(widths[-1], 1, 4, padding=1)
        for layer in (*self.main, self.score):
            if norm == "instance":
                nn.init.normal_(layer.weight, 0.0, 0.02)
            else:  # layers keep the scale of what comes in, which no norm does for them
                nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.score.weight, 0.0, 0.02 if norm == "instance" else 0.005)

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
            h = F.leaky_relu(self.norm(layer(h)), 0.2)
        return self.score(h)
