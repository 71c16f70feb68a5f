"""The inputs of a style transfer, resized and checked: content, styles, mask, and the picture to start from."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image, ImageFilter
from torch import Tensor

from ... import device as devices
from ...checks import check_mapping, check_range, listed, shown
from ...errors import StudioError
from ...image import Source, read, to_image, to_tensor
from ...ops import filters, optimise
from ...ops.style import colors

COLORS = {False: None, None: None, True: "luminance", "luminance": "luminance", "match": "match"}
KEPT = tuple(name for name in COLORS if isinstance(name, str))  # of the content's colours
STARTS = ("content", "noise", "style")
SMALLEST_STYLE = 16  # pixels on the shorter side; fewer hold no pattern
NARROWEST = 100  # times as long as wide
MOST_STYLES = 32
_MOST_ENLARGED = 4  # times; beyond that a style is a blur
_SOFT_EDGE = 0.01  # of the longer side: standard deviation of the mask's blur


@dataclass(frozen=True)
class Canvas:
    """The content [1, 3, H, W] at the size of the result, and how results are composited with it."""

    content: Tensor
    keep: str | None = None  # "luminance": only light and dark come from the result; "match" or None: its colours too
    mask: Tensor | None = None  # [1, 1, H, W] in [0, 1], 1 where the result shows

    @property
    def size(self) -> tuple[int, int]:
        return self.content.shape[2], self.content.shape[3]

    @property
    def net_input(self) -> Tensor:
        """What is restyled: the content, or its grey picture [1, 1, H, W] (Gatys et al. 2016b, arXiv:1606.05897)."""
        return filters.luma(self.content) if self.keep == "luminance" else self.content

    def composite(self, x: Tensor, strength: float) -> Image.Image:
        """A result [1, 3 or 1, h, w] of any size over the content."""
        x = optimise.resize(x.float().cpu(), *self.size)
        if self.keep == "luminance":
            x = colors.with_luminance(self.content, filters.luma(x) if x.shape[1] == 3 else x)
        share = strength if self.mask is None else strength * self.mask
        return to_image(torch.lerp(self.content, x, share) if self.mask is None else self.content + share * (x - self.content))


def fit_content(content: Source, size: int, smallest: int) -> Tensor:
    """The content with its longer side at `size`, [1, 3, H, W]. `smallest`: what the net needs on the shorter side."""
    picture = read(content)
    factor = size / max(picture.size)
    width, height = (max(1, round(side * factor)) for side in picture.size)
    if min(width, height) < smallest:
        raise StudioError(
            f"At {width} x {height} pixels this picture is too narrow, as the net needs {smallest} on the shorter side: "
            "crop it, or choose a larger size."
        )
    return to_tensor(picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0))


def fit_style(style: Source, area: int, smallest: int) -> Tensor:
    """A style [1, 3, h, w] with as many pixels as the content, so that its strokes are as large in the result as in itself."""
    picture = read(style)
    narrow, long = sorted(picture.size)
    if narrow < SMALLEST_STYLE or long > NARROWEST * narrow:
        raise StudioError(
            f"A style picture of {picture.width} x {picture.height} pixels has too little to show: choose one with at least "
            f"{SMALLEST_STYLE} pixels a side that is not a narrow strip."
        )
    factor = min(math.sqrt(area / (narrow * long)), _MOST_ENLARGED)
    factor = max(factor, smallest / narrow)
    width, height = (round(side * factor) for side in picture.size)
    return to_tensor(picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0))


def fit_styles(
    styles: Source | Sequence[Source] | None,
    shares: Sequence[float] | None,
    canvas: Canvas,
    smallest: int,
    area: int | None = None,
):
    """The styles with a share above 0, in the colours they are to be copied in, and those shares, which sum to 1.

    area: pixels of a style. None: as many as the content has.
    """
    given: list[Any] = list(styles) if isinstance(styles, list | tuple) else [] if styles is None else [styles]
    if not given:
        raise StudioError("There is no style picture yet: choose one first.")
    if len(given) > MOST_STYLES:
        raise StudioError(f"{len(given)} styles are too many: choose at most {MOST_STYLES}.")
    chosen = [(style, share) for style, share in zip(given, _shares(shares, len(given))) if share > 0]
    height, width = canvas.size
    fitted = [_recoloured(fit_style(style, area or height * width, smallest), canvas) for style, _ in chosen]
    return fitted, [share for _, share in chosen]


def _shares(shares: Sequence[float] | None, count: int) -> list[float]:
    """Weights of `count` styles, made to sum to 1."""
    if shares is None:
        return [1 / count] * count
    given = [check_weight("Each share of a style", share) for share in listed("shares", shares, MOST_STYLES)]
    if len(given) != count:
        raise StudioError(f"There are {count} styles and {len(given)} shares: give each style one.")
    if max(given) == 0:
        raise StudioError("The shares of the styles are all 0: raise at least one.")
    scaled = [share / max(given) for share in given]
    return [share / sum(scaled) for share in scaled]


def _recoloured(style: Tensor, canvas: Canvas) -> Tensor:
    if canvas.keep == "luminance":
        return colors.match_luminance(filters.luma(style), canvas.net_input)
    if canvas.keep == "match":
        return colors.match(style, *colors.statistics(canvas.content))
    return style


def check_weight(name: str, value: float) -> float:
    """A finite number from 0 on; `name` is for the message."""
    return check_range(name, value, 0, math.inf)


def check_layers(layers: Mapping[str, float] | None, known: Sequence[str], default: dict[str, float]) -> dict[str, float]:
    """Weights by style layer; without any, the default ones."""
    if layers is None:
        return default
    if unknown := [name for name in check_mapping("the layers", layers) if name not in known]:
        raise StudioError(f"There is no layer {shown(unknown[0])}: choose from {', '.join(known)}.")
    checked = {name: check_weight(f"The weight of {name}", weight) for name, weight in layers.items()}
    if max(checked.values(), default=0) == 0:
        raise StudioError("The weights of the style layers are all 0: raise at least one.")
    return checked


def fit_mask(mask: Source | None, size: tuple[int, int]) -> Tensor | None:
    """A picture, white where style is wanted, stretched to height x width -> [1, 1, H, W] in [0, 1] with a soft edge."""
    if mask is None:
        return None
    height, width = size
    grey = read(mask).convert("L").resize((width, height), Image.Resampling.BILINEAR)
    if grey.getextrema()[1] == 0:
        raise StudioError("The region is empty: paint the part of the picture that is to be restyled.")
    soft = grey.filter(ImageFilter.GaussianBlur(_SOFT_EDGE * max(size)))
    return to_tensor(soft)[:, :1].add(1).div(2)


def fit_start(start: str | Source, canvas: Canvas, styles: Sequence[Tensor], shares: Sequence[float], seed: int) -> Tensor:
    """The picture to begin with, [1, C, H, W] like what is restyled. Outside the region it is the content itself."""
    net_input = canvas.net_input
    if start == "content" if isinstance(start, str) else False:
        return net_input
    if isinstance(start, str) and start in STARTS:
        begun = _from_statistics(start, canvas, styles, shares, seed)
    else:
        begun = _from_picture(start, canvas)
    return begun if canvas.mask is None else net_input + canvas.mask * (begun - net_input)


def continues(start: str | Source) -> bool:
    """True if `start` is a picture to go on from."""
    return not (isinstance(start, str) and start in STARTS)


def _from_picture(start: Source, canvas: Canvas) -> Tensor:
    if isinstance(start, str) and not os.path.splitext(start)[1] and not os.path.exists(start):
        raise StudioError(f"There is no start {shown(start)}: choose {', '.join(STARTS)}, or give a picture.")
    height, width = canvas.size
    x = to_tensor(read(start).resize((width, height), Image.Resampling.LANCZOS))
    return filters.luma(x) if canvas.keep == "luminance" else x


def _from_statistics(start: str, canvas: Canvas, styles: Sequence[Tensor], shares: Sequence[float], seed: int) -> Tensor:
    """Noise, or the content, in the mean and covariance of the styles' colours (of the content's own without a style)."""
    height, width = canvas.size
    if start == "noise":
        # One grain a pixel of the coarsest scale: finer noise would average out before the work begins.
        grain = max(1.0, max(height, width) / optimise.COARSEST)
        coarse = devices.normal(seed, 1, 3, max(2, round(height / grain)), max(2, round(width / grain)))
        x = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    else:
        x = canvas.content
    palettes = [colors.statistics(style.expand(-1, 3, -1, -1)) for style in styles] or [colors.statistics(canvas.content)]
    mean, covariance = (sum(share * part for share, part in zip(shares or [1.0], parts)) for parts in zip(*palettes))
    x = colors.match(x, mean, covariance)
    return filters.luma(x) if canvas.keep == "luminance" else x
