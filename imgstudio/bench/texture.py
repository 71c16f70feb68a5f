"""How fast pictures fall apart into textures, beside scikit-image's Felzenszwalb (2004) on the same picture."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from skimage import data
from skimage.segmentation import felzenszwalb

from .. import catalog
from ..studio import texture
from .timing import interleaved

SIZE = 512  # of the photograph, in pixels a side


@dataclass(frozen=True)
class Row:
    """One measurement. Medians, in seconds."""

    name: str
    what: str
    studio: float
    plain: float


def rows(repeats: int = 15) -> Iterator[Row]:
    """Measures every segmenter that comes with the project: picture to regions, and other numbers of regions after that."""
    repeats = max(3, repeats // 3)
    picture = Image.fromarray(data.astronaut()).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture)
    for spec in catalog.models("segment"):
        if spec.embedded:
            looked = texture.embed(spec.name, picture, size=SIZE)
            numbers = itertools.cycle((None, 3, 4, 5, 6, 7, 8))
            works = (
                lambda name=spec.name: texture.segment(name, picture),
                lambda looked=looked, numbers=numbers: texture.regions_of(looked, next(numbers)),
                lambda: felzenszwalb(pixels, scale=100),
            )
            whole, again, plain = interleaved(*works, repeats=repeats, warm_up=1)
            yield Row(spec.name, "picture to regions", whole, plain)
            yield Row(spec.name, "another number", again, plain)


def heading() -> str:
    """The table's first lines."""
    return f"\n{f'texture at {SIZE} px, ms':42}" + f"{'studio':>10}{'Felzenszw.':>12}{'ratio':>8}"


def line(row: Row) -> str:
    """One measurement. A ratio above 1 means that the studio is the faster one."""
    return f"{row.name:22}{row.what:20}{1000 * row.studio:10.0f}{1000 * row.plain:12.0f}{row.plain / row.studio:8.2f}"
