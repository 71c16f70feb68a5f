"""Lines along what a picture shows, as a painter's strokes run: their directions, and grain that is combed along them.

Strokes run along the edges of what they paint (Litwinowicz 1997), that is, across the gradient, as a smoothed structure tensor
tells it (Kyprianidis and Kang 2011); and noise that is averaged along such lines shows them (line integral convolution, Cabral
and Leedom 1993).

Axis letters: N pictures, C planes, H, W their sides. Lengths are in pixels. Pictures are float32 in [-1, 1].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import interrupt
from . import tiles

LIGHTNESS = (0.299, 0.587, 0.114)
SCALES = ((1.5, 1.0), (4.0, 0.5), (12.0, 0.5))  # widths over which gradients are gathered, and what each counts for
FAINT = 5e-3  # squared gradient below which there is no edge to follow
CALM = 0.06  # of what the tensors say: where there is no edge, lines turn with the lightness seen from far
FAR = 8.0  # which is a mean of this width
STEP = 1.5  # along a line: at 2 a stroke gets knots
WHITE = 0.4  # share of combed grain that is not
TILE, MARGIN = 768, 64  # of a large picture, for the sake of memory; the margin is as far as anything is looked for


def lightness(x: Tensor) -> Tensor:
    """[N, 3, H, W] -> [N, 1, H, W]."""
    return torch.einsum("c,nchw->nhw", x.new_tensor(LIGHTNESS), x)[:, None]


def blur(x: Tensor, width: float) -> Tensor:
    """Gaussian of this deviation along columns and along rows, cut off where it has fallen to a twentieth; mirrored borders."""
    reach = min(int(2.5 * width + 0.5), min(x.shape[2:]) - 1)
    if reach < 1:
        return x
    window = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype) / width) ** 2)
    window = (window / window.sum())[None, None, :, None]
    planes = F.pad(x.reshape(-1, 1, *x.shape[2:]), (reach,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(planes, window), window.transpose(2, 3)).view(x.shape)


def tangents(x: Tensor) -> Tensor:
    """Pictures [N, 3, H, W] -> unit vectors (x, y) along their edges, [N, 2, H, W]; of either sense, as a line has none."""
    down, across = torch.gradient(blur(x, 1.0), dim=(2, 3))
    tensor = torch.stack([part.sum(dim=1) for part in (across * across, across * down, down * down)], dim=1)
    parts = [(blur(tensor, width), share) for width, share in SCALES]
    gathered = sum(share * part / (part[:, :1] + part[:, 2:] + FAINT) for part, share in parts)
    turn = math.pi * blur(lightness(x), FAR) + 2.2
    calm = torch.cat([1 + turn.cos(), turn.sin(), 1 - turn.cos()], dim=1)
    xx, xy, yy = blur(gathered + CALM * calm, 1.5).split(1, dim=1)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy) + math.pi / 2
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def along(planes: Tensor, lines: Tensor, length: float, keen: float = 0.0) -> Tensor:
    """Planes [N, C, H, W] averaged along the lines of a field, over a Gaussian window of about `length` to either side. With
    `keen`, the less so, the more a place differs from where the line sets out, in all planes together."""
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
            seen, found = _sampled(field, place).split([2, c], dim=1)
            x, y = seen.split(1, dim=1)
            ahead = way[:, :1] * x + way[:, 1:] * y  # a line has no sense: go on as before
            way = seen * (torch.where(ahead < 0, -1.0, 1.0) * torch.rsqrt((x * x + y * y).clamp_min(1e-12)))
            window = math.exp(-2 * (step * STEP / length) ** 2)
            if keen:
                share = window * torch.exp((found - planes).square().sum(dim=1, keepdim=True) / (-2 * keen**2))
                total, weight = total.addcmul_(share, found), weight + share
            else:
                total, weight = total.add_(found, alpha=window), weight + window
    return total / weight


def _sampled(planes: Tensor, place: Tensor) -> Tensor:
    """Planes [N, C, H, W] between their pixels, at x and y of `place` [N, 2, H, W]; beyond the borders as they are there."""
    size = place.new_tensor([planes.shape[3], planes.shape[2]])
    grid = (2 * place.permute(0, 2, 3, 1) + 1) / size - 1
    return F.grid_sample(planes, grid, padding_mode="border", align_corners=False)


@torch.no_grad()
def combed(x: Tensor, noise: Tensor, length: float, width: float) -> Tensor:
    """White noise [N or 1, C, H, W] of unit variance, combed into strokes of this length and width along the lines of pictures
    [N, 3, H, W], but for a part that stays white: [N, C, H, W], of about unit variance again."""
    both = torch.cat([x, noise.expand(len(x), -1, -1, -1)], dim=1)

    def comb(part: Tensor) -> Tensor:
        picture, grain = part[:, :3], part[:, 3:]
        strokes = along(blur(grain, width), tangents(picture), length)
        return (1 - WHITE**2) ** 0.5 * strokes / _deviation(length, width) + WHITE * grain

    if max(x.shape[2:]) <= TILE + 2 * MARGIN:
        return comb(both)
    return tiles.finished(tiles.tiled(comb, both, side=TILE, margin=MARGIN))


def _deviation(length: float, width: float) -> float:
    """About the deviation of white noise after `blur` and `along`, on straight lines: those of two Gaussian windows."""
    across = 2 * math.sqrt(math.pi) * max(width, 0.3)
    half = 2 * math.sqrt(math.pi) * math.hypot(width, length / 2)
    return (across * half) ** -0.5
