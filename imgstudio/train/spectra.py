"""Power spectra of pictures: whether what is small in them repeats.

A generator betrays itself there (Durall, Keuper and Keuper 2020, arXiv:2003.01826): what it prints again and again stands out as
a peak, which a discriminator of patches does not see well.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 32  # pixels: side of the squares whose spectra are averaged (Welch 1967), overlapping by a half
CUTOFF = 4  # turns a window: lower frequencies are left alone, where spectra are steep and tell what a picture shows
NEIGHBOURHOOD = 5  # frequencies: side of the surroundings of a peak
MARGIN = 0.5  # logarithm of the factor by which chance alone lifts a frequency above its surroundings
ROUNDING = 1e-3  # about the power of rounding to 256 levels
OPPONENT = ((0.30, 0.59, 0.11), (0.5, -0.5, 0.0), (-0.25, -0.25, 0.5))  # lightness, red to green, yellow to blue


def power_spectrum(x: Tensor) -> Tensor:
    """Pictures [N, 3, H, W] in [-1, 1] -> power in lightness and in two colours at every frequency, [N, 3, w, w]."""
    colours = torch.einsum("kc,nchw->nkhw", x.new_tensor(OPPONENT, dtype=torch.float32), x.float())
    parts = colours.unfold(2, WINDOW, WINDOW // 2).unfold(3, WINDOW, WINDOW // 2).flatten(2, 3)  # N,3,P,w,w
    hann = torch.hann_window(WINDOW, device=x.device)
    parts = (parts - parts.mean(dim=(3, 4), keepdim=True)) * (hann[:, None] * hann)
    return torch.fft.fft2(parts).abs().square().mean(dim=2) + ROUNDING


@functools.lru_cache(maxsize=4)
def high_frequencies(device: torch.device) -> Tensor:
    """Which frequencies are looked at, bool [w, w]."""
    turns = WINDOW * torch.fft.fftfreq(WINDOW, device=device)
    return torch.hypot(turns[:, None], turns) >= CUTOFF


def checkerboard_penalty(found: Tensor) -> Tensor:
    """Spectral-peak penalty: how far the mean of power spectra [N, 3, w, w] has peaks, as checkerboard artefacts give. A scalar,
    next to 0 for photographs and paintings."""
    log = found.mean(dim=0).log()
    around = F.avg_pool2d(F.pad(log[None], (NEIGHBOURHOOD // 2,) * 4, mode="circular"), NEIGHBOURHOOD, stride=1)[0]
    return F.relu(log - around - MARGIN)[:, high_frequencies(log.device)].square().mean()
