"""A painter by rules, from whom a translation to paintings learns where strokes belong before it meets a critic.

Out of photographs and paintings that show other things a critic teaches what paint looks like, but hardly that a stroke follows
the shape it paints: a weave or dots get past it sooner. Rules have known that for long. Strokes run along the edges of what they
paint (Litwinowicz 1997), that is, across the gradient, as a smoothed structure tensor tells it (Kyprianidis and Kang 2011); and
noise that is averaged along such lines shows them (line integral convolution, Cabral and Leedom 1993). Here the noise is the
grain that the net is given with its picture, so that what it is to draw follows from what it sees.

Axis letters: N pictures, H, W their sides. Lengths are in pixels. Pictures are float32 in [-1, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .spectra import OPPONENT

LIGHTNESS = (0.299, 0.587, 0.114)
WARM, ROSE, COOL = (1.0, -0.2, -0.9), (0.7, -0.7, 0.6), (-0.6, -0.1, 1.0)  # ways to go in colour, none of them in lightness much
SCALES = ((1.5, 1.0), (4.0, 0.5), (12.0, 0.5))  # widths over which gradients are gathered, and what each counts for
FAINT = 5e-3  # squared gradient below which there is no edge to follow
CALM = 0.06  # of what the tensors say: where there is no edge, strokes turn with the lightness seen from far
DETAILED = 0.1  # detail, in lightness, beside which strokes are half as strong
STEP = 2.0  # along a line
CLOTH = 0.67  # deviation of the lightness of grain that is 1 in each colour
# Lightness of photographs at their 0, 2, 10, 25, 50, 75, 90, 98 and 100 % of pixels, and of paintings at theirs, where dark
# places are few (training pictures of cyclegan/photo2painting).
TONES = (-1.0, -0.89, -0.8, -0.57, -0.29, 0.11, 0.43, 0.78, 1.0), (-0.97, -0.85, -0.63, -0.29, 0.1, 0.41, 0.61, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True)
class Painter:
    """How strokes are laid.

    width, length: of a stroke.
    light, hue: how far strokes differ from each other in lightness and in colour.
    bristle:    how far the hairs of a brush show.
    relief:     how much thick paint is lit from the upper left.
    tone:       share of the way from the lightness of photographs to that of paintings; sat: saturation, as a factor.
    keen:       difference in colour over which paint is not carried along a line.
    canvas:     how far the grain itself shows, as of cloth under thin paint.
    """

    width: float = 0.8
    length: float = 8.0
    light: float = 0.14
    hue: float = 0.12
    bristle: float = 0.07
    relief: float = 0.08
    tone: float = 0.8
    sat: float = 1.05
    keen: float = 0.18
    canvas: float = 0.1

    def __call__(self, x: Tensor, grained: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] and the same with grain, from which the strokes come -> paintings of them."""
        light = lightness(x)
        lit = torch.lerp(light, toned(light), self.tone)
        ground = blur(x + (lit - light) + self.hue * _colour(COOL, x) * ((0.2 - lit) / 2).clamp(0, 1), 0.6)
        lines = tangents(x)
        strokes, base = along(self._sources(grained), lines, self.length, ground, self.keen)
        base = base + 0.3 * (base - blur(base, 1.5))
        stroke, warm, rose, hair = self._even(strokes).split(1, dim=1)
        light = lightness(base)
        detail = blur((ground - blur(ground, 1.2)).abs().amax(dim=1, keepdim=True), 1.0)
        force = (0.3 + 0.7 * (1 - light.abs())).clamp_min(0.3) / (1 + detail / DETAILED)  # least in black and white, and on edges
        colour = (base - light) * self.sat * (1 + 0.3 * force * warm)
        colour = colour + self.hue * force * (_colour(WARM, x) * warm + _colour(ROSE, x) * rose)
        relief = self.relief * lit_from_above(stroke + 0.3 * hair)
        paint = light + colour + force * (self.light * stroke + self.bristle * hair + relief)
        grain = lightness(grained - x)
        grain = grain * torch.rsqrt(grain.square().mean(dim=(2, 3), keepdim=True) + 1e-6)
        return (paint + CLOTH * self.canvas * force * grain).clamp(-1, 1)

    def _sources(self, grained: Tensor) -> Tensor:
        """What is to be averaged along the lines, [N, 4, H, W]: what is small, in lightness and in two colours, and lightness
        once more as it is, for the hairs of a brush. As strong everywhere, be it grain or leaves."""
        source = torch.einsum("kc,nchw->nkhw", grained.new_tensor(OPPONENT), grained)
        source = source - blur(source, 3.0)
        source = source * torch.rsqrt(blur(source.square(), 6.0) + 1e-4)
        return torch.cat([blur(source, self.width), source[:, :1]], dim=1)

    def _even(self, planes: Tensor) -> Tensor:
        """Averages along lines at unit variance; strokes with edges rather than as waves."""
        planes = planes * torch.rsqrt(planes.square().mean(dim=(2, 3), keepdim=True) + 1e-6)
        return torch.cat([torch.tanh(1.5 * planes[:, :1]) / math.tanh(1.5), planes[:, 1:].clamp(-2.5, 2.5)], dim=1)


def varied(painter: Painter) -> Painter:
    """Another hand: every one of the rules changed at random by up to half, so that what learns to see through one painter
    learns to see through many."""
    factors = (1 + torch.rand(len(Painter.__dataclass_fields__)) - 0.5).tolist()
    names = list(Painter.__dataclass_fields__)
    changed = {name: getattr(painter, name) * factor for name, factor in zip(names, factors)}
    return replace(painter, **(changed | {"tone": min(1.0, changed["tone"])}))


def lightness(x: Tensor) -> Tensor:
    """[N, 3, H, W] -> [N, 1, H, W]."""
    return torch.einsum("c,nchw->nhw", x.new_tensor(LIGHTNESS), x)[:, None]


def toned(light: Tensor) -> Tensor:
    """Lightness of a photograph -> what a painting would have in its place: a curve through TONES."""
    given, wanted = (light.new_tensor(values) for values in TONES)
    place = torch.bucketize(light.clamp(-1, 1).contiguous(), given[1:-1])
    share = (light - given[place]) / (given[place + 1] - given[place])
    return torch.lerp(wanted[place], wanted[place + 1], share)


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
    turn = math.pi * blur(lightness(x), 8.0) + 2.2
    calm = torch.cat([1 + turn.cos(), turn.sin(), 1 - turn.cos()], dim=1)
    xx, xy, yy = blur(gathered + CALM * calm, 1.5).split(1, dim=1)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy) + math.pi / 2
    return torch.cat([angle.cos(), angle.sin()], dim=1)


def along(planes: Tensor, lines: Tensor, length: float, ground: Tensor, keen: float) -> tuple[Tensor, Tensor]:
    """Planes [N, C, H, W] and a ground [N, 3, H, W], averaged along the lines of a field over a Gaussian window of about `length`
    to either side; the ground the less, the more a place differs in colour from where the line sets out (see `Painter`)."""
    n, c, height, width = planes.shape
    rows, columns = torch.meshgrid(
        torch.arange(height, device=planes.device), torch.arange(width, device=planes.device), indexing="ij"
    )
    start = torch.stack([columns, rows]).to(planes)[None].expand(n, -1, -1, -1)
    field = torch.cat([lines, planes, ground], dim=1)
    total, whole, base, weight = planes.clone(), 1.0, ground.clone(), torch.ones_like(planes[:, :1])
    for sense in (1, -1):
        place, way = start, sense * lines
        for step in range(1, int(length / STEP) + 1):
            place = place + STEP * way
            seen, found, colour = sampled(field, place).split([2, c, 3], dim=1)
            way = F.normalize(torch.where((seen * way).sum(dim=1, keepdim=True) < 0, -seen, seen), dim=1)
            window = math.exp(-2 * (step * STEP / length) ** 2)
            share = window * torch.exp((colour - ground).square().sum(dim=1, keepdim=True) / (-2 * keen**2))
            total, whole = total.add_(found, alpha=window), whole + window
            base, weight = base.addcmul_(share, colour), weight + share
    return total / whole, base / weight


def sampled(planes: Tensor, place: Tensor) -> Tensor:
    """Planes [N, C, H, W] between their pixels, at x and y of `place` [N, 2, H, W]; beyond the borders as they are there."""
    size = place.new_tensor([planes.shape[3], planes.shape[2]])
    grid = (2 * place.permute(0, 2, 3, 1) + 1) / size - 1
    return F.grid_sample(planes, grid, padding_mode="border", align_corners=False)


def lit_from_above(height: Tensor) -> Tensor:
    """A relief [N, 1, H, W] lit from the upper left: brighter where it rises to the lower right."""
    padded = F.pad(blur(height, 0.6), (1, 1, 1, 1), mode="replicate")
    return padded[:, :, 2:, 2:] - padded[:, :, :-2, :-2]


def _colour(way: tuple[float, float, float], like: Tensor) -> Tensor:
    return like.new_tensor(way)[:, None, None]
