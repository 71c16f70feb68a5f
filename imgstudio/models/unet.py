"""U-Net (Ronneberger, Fischer and Brox 2015, arXiv:1505.04597) that embeds pixels by their texture."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .segmenter import WIDTHS, ConvNorm, Segmenter, Up


class UNet(Segmenter):
    """Goes further down, to 1/16 and 1/32, where a 3 x 3 convolution sees 100 pixels at once, and up again with skips."""

    stride = 32

    def __init__(self, dimensions: int = 24, widths: tuple[int, ...] = WIDTHS, deep: tuple[int, int] = (192, 224), **more: Any):
        super().__init__(dimensions, widths, **more)
        narrow, (wide, widest) = widths[-1], deep
        self.down = nn.ModuleList(
            [
                nn.Sequential(ConvNorm(narrow, wide, stride=2), ConvNorm(wide, wide)),
                nn.Sequential(ConvNorm(wide, widest, stride=2), ConvNorm(widest, widest)),
            ]
        )
        self.back = nn.ModuleList([Up(widest, wide), Up(wide, narrow)])

    def global_context(self, x: Tensor, h: Tensor) -> Tensor:
        half = self.down[0](h)
        return self.back[1](self.back[0](self.down[1](half), half), h)
