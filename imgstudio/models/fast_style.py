"""Feed-forward style transfer (Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155) as others publish it: the net of
pytorch/examples, and that of rrmina/fast-neural-style-pytorch, which the Hub's maze/FastStyleTransfer follows.

They draw the whole picture anew, in values from 0 to 255; in that they differ from `transformer_net`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from .transformer_net import InstanceNorm, Moments, OnePass, convolution

UPSAMPLE = ("resize", "transposed")


class FastStyle(OnePass):
    """Pictures [N, 3, H, W] in [-1, 1] -> the same pictures in one style; any size from 8 x 8.

    widths:   channels at full, half and quarter resolution, where the residual `blocks` work.
    upsample: "resize" repeats pixels and convolves, "transposed" convolves backwards.

    The right and lower border are reflected up to a multiple of 4, and cut off again.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128), blocks: int = 5, upsample: str = "resize"):
        super().__init__()
        if upsample not in UPSAMPLE:
            raise ValueError(f"upsample is one of {', '.join(UPSAMPLE)}, got {upsample!r}")
        full, half, quarter = widths
        self.resize = upsample == "resize"
        self.down = nn.ModuleList([convolution(3, full, 9), convolution(full, half, 3, 2), convolution(half, quarter, 3, 2)])
        self.residual = nn.ModuleList(convolution(quarter, quarter, 3) for _ in range(2 * blocks))
        self.up = nn.ModuleList(self._enlarging(*pair) for pair in ((quarter, half), (half, full)))
        self.last = convolution(full, 3, 9)
        self.norms = nn.ModuleList(InstanceNorm(c) for c in (full, half, *[quarter] * (2 * blocks + 1), half, full))

    def _enlarging(self, wide: int, narrow: int) -> nn.Module:
        if self.resize:
            return convolution(wide, narrow, 3)
        return nn.ConvTranspose2d(wide, narrow, 3, 2, padding=1, output_padding=1)

    def _run(self, x: Tensor, moments_for: Callable[[Tensor], Moments]) -> Tensor:
        height, width = x.shape[2:]
        h = F.pad(127.5 * (x + 1), (0, -width % self.stride, 0, -height % self.stride), mode="reflect")
        norms = iter(self.norms)

        def normalised(h: Tensor) -> Tensor:
            return next(norms)(h, moments_for(h))

        for layer in self.down:
            h = F.relu(normalised(layer(h)))  # N,quarter,H/4,W/4 in the end
        for first, second in zip(self.residual[::2], self.residual[1::2]):
            h = h + normalised(second(F.relu(normalised(first(h)))))
        for layer in self.up:
            h = F.relu(normalised(layer(F.interpolate(h, scale_factor=2) if self.resize else h)))
        drawn = self.last(h).float()[:, :, :height, :width]
        return drawn.clamp(0, 255) / 127.5 - 1
