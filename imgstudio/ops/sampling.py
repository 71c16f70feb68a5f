"""Pictures from a generator's latent vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import device as devices


@torch.no_grad()
def generate(net: nn.Module, z: Tensor, labels: Tensor) -> Tensor:
    """Latent vectors [N, Z] and classes int [N] -> pictures float32 [N, 3, H, W] in [-1, 1], on the CPU.

    On a CPU the pictures are made one at a time: kernels round differently for different batch sizes, and a seed has to give
    the same picture alone and in a grid, to the bit. It costs little, as one picture already keeps the cores busy.
    """
    device = next(net.parameters()).device
    size = 1 if device.type == "cpu" else 32
    pictures = []
    for part, classes in zip(z.split(size), labels.split(size)):
        with devices.autocast(device):
            pictures.append(net(part.to(device), classes.to(device)).float().cpu())
    return torch.cat(pictures)
