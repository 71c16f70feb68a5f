"""DINOv2 (Oquab et al. 2023, arXiv:2304.07193): a vision transformer that learned from pictures alone, here to embed pixels.

Names of the layers are timm's. Its patches say what a place shows rather than how its surface looks, so its regions are
things rather than textures.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .embedding import on_sphere, principal, standardised

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # N,heads,T,d each
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class LayerScale(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Mlp(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)
        self.ls2 = LayerScale(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    def __init__(self, width: int, patch: int):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class DINOv2(nn.Module):
    """[N, 3, H, W] in [-1, 1] -> unit vectors [N, dimensions, H, W].

    The patches' features, reduced to the picture's own principal components and enlarged. Pictures whose longer side is below
    `side` px are enlarged to it, since a patch is `patch` px wide.
    """

    smallest = 1

    def __init__(
        self,
        width: int = 384,
        depth: int = 12,
        heads: int = 6,
        patch: int = 14,
        side: int = 518,
        dimensions: int = 24,
    ):
        super().__init__()
        self.patch, self.side, self.dimensions = patch, side, dimensions
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (side // patch) ** 2, width))
        self.patch_embed = PatchEmbed(width, patch)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def patches(self, x: Tensor) -> Tensor:
        """Features of the patches [N, width, h, w] of pictures [N, 3, h * patch, w * patch] in [-1, 1]."""
        x = self.patch_embed(((x + 1) / 2 - self.mean) / self.std)
        tokens = x.flatten(2).transpose(1, 2) + self.positions(*x.shape[2:])  # N,hw,width
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        h = self.norm(self.blocks(torch.cat([first, tokens], dim=1)))
        return h[:, 1:].transpose(1, 2).unflatten(2, x.shape[2:])

    def positions(self, height: int, width: int) -> Tensor:
        """Embeddings of the positions [1, height * width, C], stretched from the square that the net was trained with."""
        side = self.side // self.patch
        square = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        if (height, width) != (side, side):
            square = F.interpolate(square.float(), (height, width), mode="bicubic", align_corners=False, antialias=True)
        return square.flatten(2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        scale = max(1.0, self.side / max(size))
        fitted = [max(1, round(length * scale / self.patch)) * self.patch for length in size]
        if tuple(fitted) != tuple(size):
            x = F.interpolate(x.float(), fitted, mode="bicubic", align_corners=False, antialias=True)
        found = principal(standardised(self.patches(x).float()), self.dimensions - 1)
        return on_sphere(F.interpolate(found, size, mode="bilinear", align_corners=False))
