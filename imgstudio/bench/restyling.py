"""How good style transfer is, on photographs and artworks that no training saw: distances to style and content, and a sheet.

python -m imgstudio bench --restyling sheet.jpg
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from skimage import data

from .. import catalog
from ..image import read, to_tensor
from ..loading import load
from ..metrics.restyling import gram_distance, relative
from ..ops.style import STYLE_LAYERS, content_layer
from ..studio import style
from ..studio.steps import last

SIZE = 512  # longer side of a result
SHOWN = 190  # side of a picture on the sheet
GAP, HEAD = 6, 30

STYLES = ("night", "wave", "glass", "tesserae", "ink", "pointillism")


@dataclass(frozen=True)
class Row:
    """Mean distances to the styles and the contents, and seconds a picture. 0 is reached, 1 as far as nothing at all."""

    name: str
    style: float
    content: float
    seconds: float


def contents() -> dict[str, Image.Image]:
    """Photographs that come with scikit-image."""
    found = {"astronaut": data.astronaut(), "cat": data.chelsea(), "coffee": data.coffee(), "rocket": data.rocket()}
    return {name: Image.fromarray(pixels) for name, pixels in found.items()}


def styles(folder: Path = Path("assets/styles")) -> dict[str, Image.Image]:
    """Six of the project's own artworks."""
    return {name: read(folder / f"{name}.jpg") for name in STYLES}


def restyle(model: str, photographs: Mapping[str, Image.Image], artworks: Mapping[str, Image.Image]) -> Iterator[Image.Image]:
    """Every photograph in every style of a model that takes any, row by row, with the default settings."""
    for photograph in photographs.values():
        for artwork in artworks.values():
            yield last(style.stylize(model, photograph, artwork, size=SIZE)).image


@torch.no_grad()
def distances(picture: Image.Image, content: Image.Image, artwork: Image.Image, judge: str) -> tuple[float, float]:
    """Distance to the style and to the content (brought to the picture's size), in the features of the model `judge`."""
    net = load(judge)
    scale = max(picture.size) / max(artwork.size)
    goal = artwork.resize((round(artwork.width * scale), round(artwork.height * scale)), Image.Resampling.LANCZOS)
    seen, wanted = (net(to_tensor(p), STYLE_LAYERS) for p in (picture, goal))
    layer = content_layer(net)
    kept = [net(to_tensor(p), [layer])[layer] for p in (picture, content.resize(picture.size, Image.Resampling.LANCZOS))]
    return gram_distance(seen, wanted).item(), relative(*kept).item()


def score(name: str, pictures: Sequence[Image.Image], seconds: float, judge: str = "features/vgg-small") -> Row:
    """Mean distances of pictures that `restyle` made, or of the photographs themselves."""
    pairs = [(c, a) for c in contents().values() for a in styles().values()]
    found = [distances(picture, c, a, judge) for picture, (c, a) in zip(pictures, pairs, strict=True)]
    return Row(name, *(statistics.fmean(column) for column in zip(*found)), seconds)


def any_style_models() -> list[str]:
    """Embedded models that can take any picture for their style."""
    return [s.name for s in catalog.models("stylize") if s.embedded and style.kind(s.name) != "one pass"]


def one_pass_models() -> list[str]:
    return [s.name for s in catalog.models("stylize") if s.embedded and style.kind(s.name) == "one pass"]


def sheet(
    blocks: Mapping[str, tuple[Sequence[str], Sequence[Image.Image]]], tops: Mapping[str, Sequence[Image.Image]]
) -> Image.Image:
    """One picture of all: a block for each title, with (names of the columns, pictures row by row), and the styles above."""
    step = SHOWN + GAP
    left = list(contents().values())
    heights = {title: HEAD + (SHOWN // 2 + GAP if title in tops else 0) + len(left) * step for title in blocks}
    width = max(len(names) for names, _ in blocks.values()) * step + step + GAP
    page = Image.new("RGB", (width, sum(heights.values()) + GAP), "white")
    y = GAP
    for title, (names, pictures) in blocks.items():
        _block(page, y, title, names, pictures, tops.get(title, ()), left)
        y += heights[title]
    return page


def _block(page, y, title, names, pictures, top, left) -> None:
    step, draw = SHOWN + GAP, ImageDraw.Draw(page)
    draw.text((GAP, y + 8), title, fill="black")
    for column, name in enumerate(names):
        draw.text((GAP + (column + 1) * step, y + 8), name, fill="black")
    y += HEAD
    for column, artwork in enumerate(top):
        page.paste(_square(artwork, SHOWN // 2), (GAP + (column + 1) * step + SHOWN // 4, y))
    y += SHOWN // 2 + GAP if top else 0
    for row, photograph in enumerate(left):
        cells = [photograph, *pictures[row * len(names) : (row + 1) * len(names)]]
        for column, cell in enumerate(cells):
            page.paste(_square(cell, SHOWN), (GAP + column * step, y + row * step))


def _square(picture: Image.Image, side: int) -> Image.Image:
    """The middle square."""
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    return picture.crop((left, top, left + short, top + short)).resize((side, side), Image.Resampling.LANCZOS)
