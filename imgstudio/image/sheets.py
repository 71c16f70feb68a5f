"""Pictures enlarged, and many of them on one sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image

from ..checks import check_count
from ..errors import StudioError

MAX_SHEET = 200_000_000  # pixels of a sheet of many pictures: 600 MB
LARGEST_SIDE = 8192  # pixels, of a picture that is enlarged


def check_side(side: int) -> int:
    """The longer side that pictures are enlarged to, in pixels."""
    return check_count("The side", side, 1, LARGEST_SIDE)


def enlarge(image: Image.Image, side: int, smooth: bool = False) -> Image.Image:
    """Enlarges so that the longer side has about `side` pixels, up to LARGEST_SIDE; never shrinks.

    Plain: every pixel becomes a square, by the largest whole factor that stays within `side`. Smooth: Lanczos, to `side`.
    """
    size = _enlarged_size(image.size, side, smooth)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST)


def _enlarged_size(size: tuple[int, int], side: int, smooth: bool = False) -> tuple[int, int]:
    side, longest = check_side(side), max(size)
    factor = max(1.0, side / longest) if smooth else max(1, side // longest)
    width, height = (max(1, round(length * factor)) for length in size)
    return width, height


def grid(images: Sequence[Image.Image], columns: int | None = None, gap: int = 2, side: int | None = None) -> Image.Image:
    """Pictures row by row on white, `gap` pixels apart. Without `columns` the grid is as square as possible.

    side: each is enlarged to it first, as by `enlarge`. A sheet has at most MAX_SHEET pixels.
    """
    if not images:
        raise StudioError("There are no pictures to arrange: ask for at least one.")
    columns = check_columns(columns) or math.ceil(math.sqrt(len(images)))
    columns, gap = min(columns, len(images)), check_count("The gap", gap, 0, 1000)
    sizes = [image.size if side is None else _enlarged_size(image.size, side) for image in images]
    width, height = max(w for w, _ in sizes), max(h for _, h in sizes)
    size = sheet_size(len(images), columns, (width, height), gap)
    sheet = Image.new("RGB", size, "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        shown = image if side is None else enlarge(image, side)
        left, top = column * (width + gap), row * (height + gap)
        sheet.paste(shown, (left + (width - shown.width) // 2, top + (height - shown.height) // 2))
    return sheet


def check_columns(columns: int | None) -> int | None:
    """Pictures in a row; None for as many as make the sheet square."""
    return None if columns is None else check_count("The number of columns", columns, 1, 100_000)


def sheet_size(count: int, columns: int, size: tuple[int, int], gap: int = 2) -> tuple[int, int]:
    """Width and height of a sheet of `count` pictures. Raises StudioError if that is more than MAX_SHEET pixels."""
    width, height = (sides * (side + gap) - gap for sides, side in zip((columns, math.ceil(count / columns)), size))
    if width * height > MAX_SHEET:
        raise StudioError(f"{count} pictures make a sheet of {width} x {height} pixels: choose fewer or smaller ones.")
    return width, height
