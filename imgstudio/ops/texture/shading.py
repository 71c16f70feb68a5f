"""Light and shadow on a surface, apart from its pattern. Pictures are float32 [3, H, W] in [0, 1], as they are stored: gamma 2.2.

Light multiplies what a surface reflects, so everything here happens to logarithms of linear light.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import filters
from .decomposition import REFERENCE, blur, rtv

GAMMA = 2.2
DARKEST = 0.01  # linear light that counts as black
STRENGTH = 0.5  # of the decomposition that takes the region's own pattern off its shading
PATTERN_SIGMA = 0.04  # of the longer side: standard deviation of a window in which a pattern averages out
SAMPLE_SIGMA = 0.3  # of a sample's shorter side: standard deviation of what counts as light on it
MOST_STOPS = 1.5  # logarithm to base 2: lighter or darker than on the average, a region doesn't get


def _log_luminance(x: Tensor) -> Tensor:
    """Logarithm to base 2 of the luminance of linear light, [1, H, W]."""
    return filters.luma(x.clamp(0, 1) ** GAMMA, filters.BT709).clamp_min(DARKEST).log2()


def relight(x: Tensor, light: Tensor) -> Tensor:
    """A picture [3, H, W] under more or less light, [1, H, W] in stops."""
    return (x * 2 ** (light / GAMMA)).clamp(0, 1)


def illumination(x: Tensor, inside: Tensor) -> Tensor:
    """The illumination of a region, bool [H, W], in stops [1, H, W]; 0 on the average. Nothing outside counts.

    It is the structure of the region's luminance (see `decomposition`): soft shadows, their edges and the form of things, without
    the pattern.
    """
    light, weight = _log_luminance(x), inside[None].float()
    sigma = 0.02 * max(light.shape[1:]) + 1
    around = light
    for _ in range(3):  # goes on outwards, so that no edge with what lies outside is seen
        around = torch.where(inside[None], light, _local_mean(around, weight, sigma))
        sigma *= 3
    low, high = light[:, inside].amin(), light[:, inside].amax()
    span = (high - low).clamp_min(1e-3)
    scale = max(1.0, max(light.shape[1:]) / REFERENCE)
    structure = rtv(((around - low) / span).clamp(0, 1), STRENGTH, scale) * span + low
    slow = _local_mean(light - structure, weight, PATTERN_SIGMA * max(light.shape[1:]))
    structure = structure + slow  # slow changes are light too
    return (structure - structure[:, inside].mean()).clamp(-MOST_STOPS, MOST_STOPS)


def flatten_illumination(x: Tensor, valid: Tensor) -> Tensor:
    """A sample whose light is the same everywhere; valid: bool [h, w], what of it counts."""
    light, weight = _log_luminance(x), valid[None].float()
    slow = _local_mean(light, weight, SAMPLE_SIGMA * min(light.shape[1:]))
    return relight(x, slow[:, valid].mean() - slow)


def _local_mean(x: Tensor, weight: Tensor, sigma: float) -> Tensor:
    """Mean over a Gaussian window of what has weight; where there is nothing near, over everything."""
    whole = (x * weight).sum() / weight.sum()
    sums, weights = _downsampled_blur(torch.cat([x * weight, weight]), sigma)
    return ((sums + 1e-4 * whole) / (weights + 1e-4))[None]


def _downsampled_blur(x: Tensor, sigma: float) -> Tensor:
    """`blur`, at a smaller size where the window is large."""
    factor = max(1, int(sigma / 4))
    if factor == 1:
        return blur(x, sigma)
    size = [max(1, side // factor) for side in x.shape[1:]]
    small = F.interpolate(x[None], size, mode="area")[0]
    return F.interpolate(blur(small, sigma / factor)[None], x.shape[1:], mode="bilinear")[0]
