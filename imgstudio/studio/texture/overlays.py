"""Regions laid over their picture: colours, borders, numbers and a legend."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from ...checks import check_choice, check_count, check_flag, check_range, check_type
from ...errors import StudioError
from ...image import Source, read
from ...ops.texture import labels as maps
from ..records import recorded
from .regions import Segmentation

VIEWS = ("overlay", "borders", "labels", "side by side", "original")
MOST = 255  # regions that a label map of eight bits holds beside 0, no region

# Okabe and Ito 2008 without black (and two greys and a brown that stay apart from them): told apart with any colour vision.
_FIRST = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#FFFFFF", "#4D4D4D", "#8C5A2B")


def palette(n: int) -> list[tuple[int, int, int]]:
    """n distinct colours as (red, green, blue) of 0 to 255; the first ones are always the same."""
    count = check_count("The number of colours", n, 0, MOST)
    first = [_rgb(bytes.fromhex(code[1:])) for code in _FIRST[:count]]
    return first + [_further(i) for i in range(len(first), count)]


def _further(i: int) -> tuple[int, int, int]:
    """Hues by the golden angle, on four rings of lightness."""
    hue, lightness = (0.08 + 0.381966 * i) % 1, (0.36, 0.72, 0.50, 0.84)[i % 4]
    return _rgb(round(255 * c) for c in colorsys.hls_to_rgb(hue, lightness, 0.65))


def _rgb(values: Iterable[int]) -> tuple[int, int, int]:
    red, green, blue = values
    return red, green, blue


@recorded()
def overlay(
    image: Source,
    segmentation: Segmentation,
    *,
    opacity: float = 0.5,
    view: str = "overlay",
    numbers: bool = True,
) -> Image.Image:
    """The regions shown on the picture, in its own size ("side by side": twice as wide).

    opacity: of the colours, from 0 to 1. view: "overlay", "borders" (lines only), "labels" (colours only), "side by side"
    (picture and overlay) or "original". numbers: each region's number stands in it.
    """
    opacity, view = check_range("The opacity", opacity, 0, 1), check_choice("view", view, VIEWS)
    numbers = check_flag("Numbers", numbers)
    picture = read(image)
    check_same_size(picture, segmentation)
    if view == "original":
        return picture
    if view == "side by side":
        shown = overlay(picture, segmentation, opacity=opacity, numbers=numbers)
        sheet = Image.new("RGB", (2 * picture.width, picture.height))
        sheet.paste(picture, (0, 0))
        sheet.paste(shown, (picture.width, 0))
        return sheet
    share = {"overlay": opacity, "labels": 1.0, "borders": 0.0}[view]
    shown = Image.blend(picture, label_map(segmentation).convert("RGB"), share)
    _draw_borders(shown, segmentation)
    if numbers:
        _write_numbers(shown, segmentation)
    return shown


@recorded()
def label_map(segmentation: Segmentation) -> Image.Image:
    """The labels as a picture of mode "P": each pixel's value is its region from 1, and the palette holds the colours of the
    overlay; black is 0, no region.

    Lossless as PNG; `numpy.asarray` of it gives the labels back.
    """
    if segmentation.regions > MOST:
        raise StudioError(f"A label map holds up to {MOST} regions, not {segmentation.regions}: choose fewer.")
    picture = Image.fromarray(segmentation.labels.astype(np.uint8))
    picture.putpalette([value for colour in [(0, 0, 0), *palette(segmentation.regions)] for value in colour])
    return picture


def check_same_size(picture: Image.Image, segmentation: Segmentation) -> None:
    """Raises StudioError unless the regions can be those of this picture."""
    check_type("Regions", segmentation, Segmentation, "segment the picture first")
    if picture.size != segmentation.size:
        sizes = ["{} x {}".format(*size) for size in (picture.size, segmentation.size)]
        raise StudioError(f"The regions are those of another picture ({sizes[1]} pixels, not {sizes[0]}): segment this one.")


def _draw_borders(shown: Image.Image, segmentation: Segmentation) -> None:
    """White lines, as wide as shows on a screen."""
    lines, width = maps.borders(segmentation.labels), round(max(shown.size) / 700)
    if width > 1:
        lines = ndimage.maximum_filter(lines, width)
    shown.paste((255, 255, 255), mask=Image.fromarray(lines))


def _write_numbers(shown: Image.Image, segmentation: Segmentation) -> None:
    """Each region's number deep inside it, in a disc of its colour that the picture holds whole: the legend, on the spot."""
    draw, size = ImageDraw.Draw(shown), max(10, round(min(shown.size) / 26))
    font, every = ImageFont.load_default(size), max(1, max(shown.size) // 512)
    coarse = segmentation.labels[::every, ::every]
    for region, colour in enumerate(palette(segmentation.regions), start=1):
        if (coarse == region).any():
            row, column = (every * at for at in maps.interior_point(coarse == region))
        else:
            row, column = maps.interior_point(segmentation.labels == region)
        across, down = (int(np.clip(at, size, max(size, side - 1 - size))) for at, side in zip((column, row), shown.size))
        place = across, down
        dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 128
        draw.circle(place, 0.8 * size, fill=colour, outline="white", width=max(1, size // 10))
        draw.text(place, str(region), fill="white" if dark else "black", font=font, anchor="mm")
