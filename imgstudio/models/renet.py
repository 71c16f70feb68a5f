"""ReNet (Visin et al. 2015, arXiv:1505.00393): recurrent sweeps over rows and columns, in a net that embeds pixels by texture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .segmenter import WIDTHS, Segmenter


class Sweep(nn.Module):
    """Two GRUs run along each row, one from either end, then two along each column of what those found.

    After one layer every position knows of all others. [N, C, H, W] -> [N, 2 * hidden, H, W].
    """

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.rows = nn.GRU(channels, hidden, batch_first=True, bidirectional=True)
        self.columns = nn.GRU(2 * hidden, hidden, batch_first=True, bidirectional=True)

    def forward(self, h: Tensor) -> Tensor:
        n, _, height, width = h.shape
        lines, _ = self.rows(h.permute(0, 2, 3, 1).flatten(0, 1))  # N*H,W,2*hidden
        lines = lines.reshape(n, height, width, -1).transpose(1, 2).flatten(0, 1)  # N*W,H,2*hidden
        lines, _ = self.columns(lines)
        return lines.reshape(n, width, height, -1).permute(0, 3, 2, 1)


class ReNet(Segmenter):
    """Sweeps at an eighth of the resolution, added to what was there before them."""

    def __init__(self, dimensions: int = 24, widths: tuple[int, ...] = WIDTHS, layers: int = 3):
        super().__init__(dimensions, widths)
        channels = widths[-1]
        self.sweeps = nn.ModuleList(Sweep(channels, channels // 2) for _ in range(layers))
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(layers))

    def global_context(self, x: Tensor, h: Tensor) -> Tensor:
        # In float32: rounding would pile up along the sweeps.
        with torch.autocast(h.device.type, enabled=False):
            h = h.float()
            for norm, sweep in zip(self.norms, self.sweeps):
                h = h + sweep(norm(h))
        return h.contiguous(memory_format=torch.channels_last)
