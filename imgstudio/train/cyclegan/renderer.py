"""A stroke-based renderer, which supervises a translation to paintings before adversarial training.

From unpaired photographs and paintings a discriminator teaches what paint looks like, but hardly that a stroke follows the shape
it paints: a weave or dots pass it sooner. Stroke-based rendering has known that for long (Hertzmann 1998; Kyprianidis et al.
2013). The strokes are the noise that the net is given with its picture, smoothed by line integral convolution (`ops.lines`), so
that the target follows from the input.

Pictures are [N, 3, H, W] in [-1, 1], lengths are in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ...ops.filters import luma
from ...ops.lines import blur, edge_tangents, line_integral_convolution, stroke_noise
from ..spectra import OPPONENT

WARM, ROSE, COOL = (1.0, -0.2, -0.9), (0.7, -0.7, 0.6), (-0.6, -0.1, 1.0)  # ways to go in colour, none of them in lightness much
# Fields of a StrokeRenderer.
STROKE_FIELDS = ("width", "length", "light", "hue", "relief", "canvas")
COLOUR_FIELDS = ("tone", "saturation", "bilateral_sigma")
VARIATION = 2.5  # factor by which `randomised` changes strokes at most
DETAILED = 0.1  # detail, in lightness, beside which strokes are half as strong
# Lightness of photographs at their 0, 2, 10, 25, 50, 75, 90, 98 and 100 % of pixels, and of paintings at theirs, where dark
# places are few (training pictures of cyclegan/photo2painting).
TONES = (-1.0, -0.89, -0.8, -0.57, -0.29, 0.11, 0.43, 0.78, 1.0), (-0.97, -0.85, -0.63, -0.29, 0.1, 0.41, 0.61, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True)
class StrokeRenderer:
    """How strokes are laid.

    width, length: of a stroke.
    light, hue: how far strokes differ from each other in lightness and in colour.
    relief:     how much thick paint is lit from the upper left.
    canvas:     how far what is white in the noise shows, as hairs of a brush and as cloth.
    tone:       share of the way from the lightness of photographs to that of paintings.
    saturation: as a factor.
    bilateral_sigma: difference in colour over which paint is not carried along a line (bilateral weight).
    """

    width: float = 0.8
    length: float = 8.0
    light: float = 0.15
    hue: float = 0.13
    relief: float = 0.08
    canvas: float = 0.08
    tone: float = 0.8
    saturation: float = 1.05
    bilateral_sigma: float = 0.18

    def __call__(self, x: Tensor, grained: Tensor) -> Tensor:
        """Pictures and the same with LIC noise added, as a net is given them -> paintings of them."""
        light = luma(x)
        lit = torch.lerp(light, tone_curve(light), self.tone)
        ground = blur(x + (lit - light) + self.hue * _colour(COOL, x) * ((0.2 - lit) / 2).clamp(0, 1), 0.6)
        base = line_integral_convolution(ground, edge_tangents(x), 0.75 * self.length, self.bilateral_sigma)
        base = base + 0.3 * (base - blur(base, 1.5))
        stroke, warm, rose, cloth = self._paint(grained - x).split(1, dim=1)
        light = luma(base)
        detail = blur((ground - blur(ground, 1.2)).abs().amax(dim=1, keepdim=True), 1.0)
        force = (0.3 + 0.7 * (1 - light.abs())).clamp_min(0.3) / (1 + detail / DETAILED)  # least in black and white, and on edges
        colour = (base - light) * self.saturation * (1 + 0.3 * force * warm)
        colour = colour + self.hue * force * (_colour(WARM, x) * warm + _colour(ROSE, x) * rose)
        paint = self.light * stroke + self.canvas * cloth + self.relief * emboss(stroke)
        return (light + colour + force * paint).clamp(-1, 1)

    def stroke_noise(self, x: Tensor) -> Tensor:
        """Fresh noise for pictures, smoothed by line integral convolution (LIC) into strokes of this length and width, at unit
        variance."""
        return stroke_noise(x, torch.randn_like(x), self.length, self.width)

    def _paint(self, noise: Tensor) -> Tensor:
        """Planes [N, 4, H, W] of unit variance: how strokes differ in lightness, with edges rather than as waves, and in two
        colours; and what is finer than they are."""
        planes = torch.einsum("kc,nchw->nkhw", noise.new_tensor(OPPONENT), noise)
        strokes = blur(planes, 0.6)
        planes = torch.cat([strokes, planes[:, :1] - strokes[:, :1]], dim=1)
        planes = planes * torch.rsqrt(planes.square().mean(dim=(2, 3), keepdim=True) + 1e-6)
        return torch.cat([torch.tanh(1.5 * planes[:, :1]) / math.tanh(1.5), planes[:, 1:].clamp(-2.5, 2.5)], dim=1)


def randomised(renderer: StrokeRenderer) -> StrokeRenderer:
    """A random variation of the renderer, against overfitting of the way back to one: strokes change by up to a factor of
    VARIATION, colours by up to a quarter."""
    changed = {name: getattr(renderer, name) * VARIATION ** (2 * torch.rand(()).item() - 1) for name in STROKE_FIELDS}
    colours = {name: getattr(renderer, name) * (0.75 + 0.5 * torch.rand(()).item()) for name in COLOUR_FIELDS}
    return replace(renderer, **(changed | colours | {"tone": min(1.0, colours["tone"])}))


def tone_curve(light: Tensor) -> Tensor:
    """Lightness of a photograph -> what a painting would have in its place: a curve through TONES."""
    given, wanted = (light.new_tensor(values) for values in TONES)
    place = torch.bucketize(light.clamp(-1, 1).contiguous(), given[1:-1])
    share = (light - given[place]) / (given[place + 1] - given[place])
    return torch.lerp(wanted[place], wanted[place + 1], share)


def emboss(height: Tensor) -> Tensor:
    """A relief [N, 1, H, W] lit from the upper left: brighter where it rises to the lower right."""
    padded = F.pad(blur(height, 0.6), (1, 1, 1, 1), mode="replicate")
    return padded[:, :, 2:, 2:] - padded[:, :, :-2, :-2]


def _colour(way: tuple[float, float, float], like: Tensor) -> Tensor:
    return like.new_tensor(way)[:, None, None]
