"""Perceptual distance on a pretrained classifier's features, for training only (Johnson et al. 2016; Zhang et al. 2018).

The network is Tiny Darknet trained on ImageNet (J. Redmon; `python -m imgstudio data tiny-darknet` makes the state dict): 16
convolutions, small enough to run beside the net that is being trained on a CPU.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (16, 32, 16, 128, 16, 128, 32, 256, 32, 256, 64, 512, 64, 512, 128, 1000)
POOL_AFTER = (1, 2, 6, 10)


def kernel(i: int) -> int:
    """Side of the kernels of convolution `i`, counted from 1."""
    return 1 if (i > 2 and i % 2 == 1) or i == len(WIDTHS) else 3


class TinyDarknet(nn.Module):
    """The first `layers` convolutions. Pictures [N, 3, H, W] in [-1, 1] -> list of activations, one a layer, numbered from 1."""

    def __init__(self, layers: int = 6):
        super().__init__()
        widths = (3, *WIDTHS[:layers])
        self.kernels = nn.ModuleDict()
        for i, (narrow, wide) in enumerate(itertools.pairwise(widths), start=1):
            self.kernels[f"conv{i}"] = nn.Conv2d(narrow, wide, kernel(i), padding=kernel(i) // 2)

    @classmethod
    def from_file(cls, path: Path, layers: int = 6) -> TinyDarknet:
        """Reads `conv{i}` and `bn{i}` and folds each batch norm (eps 1e-3) into its convolution."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        net = cls(layers)
        for name, conv in net.kernels.items():
            bn = {k: state[f"bn{name[4:]}.{k}"] for k in ("weight", "bias", "running_mean", "running_var")}
            scale = bn["weight"] / (bn["running_var"] + 1e-3).sqrt()
            conv.weight.data.copy_(state[f"{name}.weight"] * scale[:, None, None, None])
            conv.bias.data.copy_(bn["bias"] - bn["running_mean"] * scale)
        return net.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        h, features = (x + 1) / 2, []
        for i, conv in enumerate(self.kernels.values(), start=1):
            h = F.leaky_relu(conv(h), 0.1)
            features.append(h)
            if i in POOL_AFTER:
                h = F.max_pool2d(h, 2)
        return features


class PerceptualDistance(nn.Module):
    """Distance of two pictures [N, 3, H, W] in [-1, 1] as squared differences of unit-length feature columns, [N].

    Each layer contributes its mean over positions, so that the value doesn't depend on the picture's size; 0 for equal
    pictures, about 1 for unrelated ones. Both are cropped by the same random offset of up to `jitter` pixels first: pooling
    looks at a fixed grid, and a decoder whose loss has one grid learns to draw it.
    """

    def __init__(self, network: TinyDarknet, layers: tuple[int, ...] = (1, 2, 4, 6), jitter: int = 8):
        super().__init__()
        self.network, self.layers, self.jitter = network, layers, jitter

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        top, left = torch.randint(0, self.jitter + 1, (2,)).tolist()
        height, width = x.shape[2] - self.jitter, x.shape[3] - self.jitter
        x, y = (picture[:, :, top : top + height, left : left + width] for picture in (x, y))
        with torch.no_grad():
            target = self.network(y)
        distance = torch.zeros(len(x), device=x.device)
        for i, (a, b) in enumerate(zip(self.network(x), target), start=1):
            if i in self.layers:
                energy = b.float().square().sum(dim=1).mean()
                distance = distance + (_scaled(a, energy) - _scaled(b, energy)).square().sum(dim=1).mean(dim=(1, 2))
        return distance / len(self.layers)


def _scaled(x: Tensor, energy: Tensor) -> Tensor:
    """Feature columns at about unit length; those far weaker than the layer's mean `energy` stay short.

    Plain unit length would weigh the faint noise of a plain surface like an edge, and a decoder fakes such
    noise as a checkerboard.
    """
    return x.float() * torch.rsqrt(x.float().square().sum(dim=1, keepdim=True) + energy)
