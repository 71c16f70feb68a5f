"""How well pictures survive a bottleneck."""

from __future__ import annotations

import torch
from torch import Tensor


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, one a picture: [N, 3, H, W] in [-1, 1] twice -> [N]."""
    return 10 * torch.log10(4 / (x - y).square().flatten(1).mean(dim=1).clamp_min(1e-10))


def principal_components(train: Tensor, held_out: Tensor, count: int) -> Tensor:
    """Held-out pictures as the best linear code of `count` numbers gives them back: the baseline for an autoencoder."""
    mean = train.flatten(1).mean(dim=0)
    _, _, axes = torch.svd_lowrank(train.flatten(1) - mean, q=min(count, len(train)), niter=4)  # D,count
    codes = (held_out.flatten(1) - mean) @ axes
    return (mean + codes @ axes.T).reshape(held_out.shape).clamp(-1, 1)


def gaussian_samples(train: Tensor, count: int, *, components: int = 256, seed: int = 0) -> Tensor:
    """Pictures drawn from a Gaussian fitted to the training pixels: the baseline for a generator."""
    flat = train.flatten(1)
    mean = flat.mean(dim=0)
    _, scale, axes = torch.svd_lowrank(flat - mean, q=min(components, len(flat)), niter=4)
    noise = torch.randn(count, len(scale), generator=torch.Generator().manual_seed(seed))
    return (mean + (noise * scale / len(flat) ** 0.5) @ axes.T).reshape(count, *train.shape[1:]).clamp(-1, 1)
