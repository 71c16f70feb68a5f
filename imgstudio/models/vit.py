"""Vision Transformer (Dosovitskiy et al. 2020, arXiv:2010.11929) that embeds pixels by their texture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .segmenter import WIDTHS, Segmenter


def rotations(height: int, width: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines [H * W, size / 2] that turn queries and keys by where they stand, half of them by row, half by column.

    Attention then knows how far apart two patches are, and not where in the picture: it works at any size
    (rotary position embedding, Su et al. 2021, arXiv:2104.09864).
    """
    quarter = size // 4
    speeds = 0.5 * 40.0 ** (
        -torch.arange(quarter, device=device) / quarter
    )  # radians a patch: from half a turn in 6 to one in 500
    rows, columns = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    angles = torch.cat([rows.flatten()[:, None] * speeds, columns.flatten()[:, None] * speeds], dim=1)
    return angles.cos(), angles.sin()


def turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Queries or keys [N, heads, L, size] in pairs of numbers, each pair turned by its angle."""
    cosine, sine = (part.to(x.dtype) for part in turn)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], dim=-1)


class Block(nn.Module):
    """Self-attention and a small net a token, each after layer normalisation and added to what was there."""

    def __init__(self, channels: int, heads: int, ratio: int):
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.mlp = nn.Sequential(nn.Linear(channels, ratio * channels), nn.GELU(), nn.Linear(ratio * channels, channels))

    def forward(self, tokens: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        n, length, channels = tokens.shape
        qkv = self.qkv(self.before_attention(tokens)).reshape(n, length, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # N,heads,L,size each
        seen = F.scaled_dot_product_attention(turned(q, turn), turned(k, turn), v)
        tokens = tokens + self.out(seen.transpose(1, 2).reshape(n, length, channels))
        return tokens + self.mlp(self.before_mlp(tokens))


class ViT(Segmenter):
    """Attention among patches of 8 x 8 pixels; the stem's features, which the decoder needs anyway, join the patches."""

    max_tta_positions = 2048  # patches: attention costs their square, and a photograph of 512 px has 4,096

    def __init__(
        self,
        dimensions: int = 24,
        widths: tuple[int, ...] = WIDTHS,
        channels: int = 192,
        blocks: int = 4,
        heads: int = 6,
        ratio: int = 2,
    ):
        super().__init__(dimensions, widths)
        self.patches = nn.Conv2d(3, channels, self.stride, self.stride)
        self.join = nn.Conv2d(widths[-1], channels, 1)
        self.blocks = nn.ModuleList(Block(channels, heads, ratio) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)
        self.leave = nn.Conv2d(channels, widths[-1], 1)

    def global_context(self, x: Tensor, h: Tensor) -> Tensor:
        tokens = (self.patches(x) + self.join(h)).float()  # N,C,H/8,W/8
        n, channels, height, width = tokens.shape
        turn = rotations(height, width, channels // self.blocks[0].heads, h.device)
        tokens = tokens.flatten(2).transpose(1, 2)  # N,L,C
        for block in self.blocks:
            tokens = block(tokens, turn)
        tokens = self.norm(tokens).transpose(1, 2).reshape(n, channels, height, width)
        return h + self.leave(tokens)
