"""Directions along the edges of a picture, and noise smoothed along them, as a painter's strokes run.

Strokes run along the edges of what they paint (Litwinowicz 1997), that is, across the gradient of a smoothed structure tensor
(Kyprianidis and Kang 2011); white noise that is averaged along such lines turns into strokes (line integral convolution, Cabral
and Leedom 1993).

Axis letters: N pictures, C channels, H, W their sides. Lengths are in pixels. Pictures are float32 in [-1, 1].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import interrupt
from . import filters, tiles
from .filters import luma

SCALES = ((1.5, 1.0), (4.0, 0.5), (12.0, 0.5))  # standard deviations over which gradients are averaged, and what each counts for
LEAST_GRADIENT = 5e-3  # squared gradient below which there is no edge to follow
FLAT_WEIGHT = 0.06  # beside the structure tensors: where there is no edge, lines turn with the blurred luma
FLAT_SIGMA = 8.0  # standard deviation of that blur
STEP = 1.5  # pixels along a line: at 2 strokes get knots
WHITE_SHARE = 0.4  # share of the noise that is not smoothed along lines
TILE, MARGIN = 768, 64  # of a large picture, for the sake of memory; the margin covers what a pixel depends on


def blur(x: Tensor, sigma: float) -> Tensor:
    """x [N, C, H, W] under a Gaussian of this standard deviation, cut off where it has fallen to a twentieth; mirrored
    borders."""
    radius = min(int(2.5 * sigma + 0.5), min(x.shape[2:]) - 1)
    return x if radius < 1 else filters.gaussian_blur(x, sigma, radius, mode="reflect")


def edge_tangents(x: Tensor) -> Tensor:
    """Pictures [N, 3, H, W] -> unit vectors (x, y) along their edges, [N, 2, H, W]: the minor eigenvectors of the smoothed
    structure tensor. Their sign means nothing."""
    down, across = torch.gradient(blur(x, 1.0), dim=(2, 3))
    tensor = torch.stack([part.sum(dim=1) for part in (across * across, across * down, down * down)], dim=1)
    parts = [(blur(tensor, width), share) for width, share in SCALES]
    smoothed = sum(share * part / (part[:, :1] + part[:, 2:] + LEAST_GRADIENT) for part, share in parts)
    turn = math.pi * blur(luma(x), FLAT_SIGMA) + 2.2
    flat = torch.cat([1 + turn.cos(), turn.sin(), 1 - turn.cos()], dim=1)
    xx, xy, yy = blur(smoothed + FLAT_WEIGHT * flat, 1.5).split(1, dim=1)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy) + math.pi / 2
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def line_integral_convolution(planes: Tensor, lines: Tensor, length: float, bilateral_sigma: float = 0.0) -> Tensor:
    """Planes [N, C, H, W] averaged along the lines of a field [N, 2, H, W], over a Gaussian window of about `length` to either
    side. With `bilateral_sigma`, a place also counts the less, the more its values differ from those where the line starts."""
    n, c, height, width = planes.shape
    rows, columns = torch.meshgrid(
        torch.arange(height, device=planes.device), torch.arange(width, device=planes.device), indexing="ij"
    )
    start = torch.stack([columns, rows]).to(planes)[None].expand(n, -1, -1, -1)
    field = torch.cat([lines, planes], dim=1)
    total, weight = planes.clone(), torch.ones_like(planes[:, :1])
    for sense in (1, -1):
        place, way = start, sense * lines
        for step in range(1, int(length / STEP) + 1):
            interrupt.check()
            place = place + STEP * way
            seen, found = _sample(field, place).split([2, c], dim=1)
            x, y = seen.split(1, dim=1)
            ahead = way[:, :1] * x + way[:, 1:] * y  # a line has no sense: go on as before
            way = seen * (torch.where(ahead < 0, -1.0, 1.0) * torch.rsqrt((x * x + y * y).clamp_min(1e-12)))
            window = math.exp(-2 * (step * STEP / length) ** 2)
            if bilateral_sigma:
                share = window * torch.exp((found - planes).square().sum(dim=1, keepdim=True) / (-2 * bilateral_sigma**2))
                total, weight = total.addcmul_(share, found), weight + share
            else:
                total, weight = total.add_(found, alpha=window), weight + window
    return total / weight


def _sample(planes: Tensor, place: Tensor) -> Tensor:
    """Planes [N, C, H, W] between their pixels, at x and y of `place` [N, 2, H, W]; beyond the borders as they are there."""
    size = place.new_tensor([planes.shape[3], planes.shape[2]])
    grid = (2 * place.permute(0, 2, 3, 1) + 1) / size - 1
    return F.grid_sample(planes, grid, padding_mode="border", align_corners=False)


@torch.no_grad()
def stroke_noise(x: Tensor, noise: Tensor, length: float, width: float) -> Tensor:
    """White noise [N or 1, C, H, W] of unit variance, smoothed into strokes of this length and width along the edges of pictures
    [N, 3, H, W], but for a part that stays white: [N, C, H, W], of about unit variance again."""
    both = torch.cat([x, noise.expand(len(x), -1, -1, -1)], dim=1)

    def smooth(part: Tensor) -> Tensor:
        picture, grain = part[:, :3], part[:, 3:]
        strokes = line_integral_convolution(blur(grain, width), edge_tangents(picture), length)
        return (1 - WHITE_SHARE**2) ** 0.5 * strokes / _expected_std(length, width) + WHITE_SHARE * grain

    if max(x.shape[2:]) <= TILE + 2 * MARGIN:
        return smooth(both)
    return tiles.finished(tiles.tiled(smooth, both, side=TILE, margin=MARGIN))


def _expected_std(length: float, width: float) -> float:
    """About the standard deviation of white noise after `blur` and `line_integral_convolution` on straight lines, which are two
    Gaussian windows."""
    across = 2 * math.sqrt(math.pi) * max(width, 0.3)
    half = 2 * math.sqrt(math.pi) * math.hypot(width, length / 2)
    return (across * half) ** -0.5
