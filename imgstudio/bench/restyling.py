"""How good style transfer is, on photographs and artworks that no training saw: distances to style and content, and a sheet.

python -m imgstudio bench --restyling sheet.jpg
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from skimage import data

from .. import catalog, resources
from ..image import read, to_tensor
from ..loading import load
from ..metrics.restyling import gram_distance, relative
from ..ops.style import content_layer, default_layers
from ..studio import style
from ..studio.steps import last

SIZE = 512  # longer side of a result
SHOWN = 190  # side of a picture on the sheet
GAP, HEAD = 6, 30

ARTWORKS = resources.folder("assets") / "styles"
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


def styles(folder: Path = ARTWORKS) -> dict[str, Image.Image]:
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
    seen, wanted = (net(to_tensor(p), tuple(default_layers(net))) for p in (picture, goal))
    layer = content_layer(net)
    kept = [net(to_tensor(p), [layer])[layer] for p in (picture, content.resize(picture.size, Image.Resampling.LANCZOS))]
    return gram_distance(seen, wanted).item(), relative(*kept).item()


def score(name: str, pictures: Sequence[Image.Image], seconds: float, judge: str = "features/vgg-small") -> Row:
    """Mean distances of pictures that `restyle` made, or of the photographs themselves."""
    pairs = [(c, a) for c in contents().values() for a in styles().values()]
    found = [distances(picture, c, a, judge) for picture, (c, a) in zip(pictures, pairs, strict=True)]
    return Row(name, *(statistics.fmean(column) for column in zip(*found)), seconds)


def report(path: Path) -> Iterator[str]:
    """Restyles everything, writes the sheet as a JPEG, and tells the scores line by line."""
    photographs, artworks = contents(), styles()
    names = [spec.name for spec in catalog.models("stylize") if spec.embedded]
    one_style = [name for name in names if style.kind(name) == "one pass"]
    blocks: dict[str, Block] = {}
    yield f"{'model':24}{'style distance':>16}{'content distance':>18}{'s a picture':>13}"
    untouched = [photograph for photograph in photographs.values() for _ in artworks]
    yield line(score("photographs as they are", untouched, 0.0))
    for name in names:
        if name not in one_style:
            started = time.perf_counter()
            pictures = list(restyle(name, photographs, artworks))
            yield line(score(name, pictures, (time.perf_counter() - started) / len(pictures)))
            blocks[name] = Block(list(artworks), pictures, list(artworks.values()))
    if one_style:
        pictures = [last(style.stylize(name, photo, size=SIZE)).image for photo in photographs.values() for name in one_style]
        blocks["fast"] = Block([name.partition("/")[2] for name in one_style], pictures, [])
    sheet(blocks, list(photographs.values())).save(path, quality=82)


def line(row: Row) -> str:
    return f"{row.name:24}{row.style:16.3f}{row.content:18.3f}{row.seconds:13.2f}"


@dataclass(frozen=True)
class Block:
    """What one method made: names of the columns, pictures row by row, and the styles that stand above, if they can be shown."""

    names: list[str]
    pictures: list[Image.Image]
    top: list[Image.Image]

    @property
    def height(self) -> int:
        rows = len(self.pictures) // len(self.names)
        return HEAD + (SHOWN // 2 + GAP if self.top else 0) + rows * (SHOWN + GAP)


def sheet(blocks: Mapping[str, Block], photographs: Sequence[Image.Image]) -> Image.Image:
    """All blocks one below the other, the photographs on their left."""
    width = GAP + (1 + max(len(block.names) for block in blocks.values())) * (SHOWN + GAP)
    page = Image.new("RGB", (width, GAP + sum(block.height for block in blocks.values())), "white")
    y = GAP
    for title, block in blocks.items():
        _lay(page, y, title, block, photographs)
        y += block.height
    return page


def _lay(page: Image.Image, y: int, title: str, block: Block, photographs: Sequence[Image.Image]) -> None:
    step, draw = SHOWN + GAP, ImageDraw.Draw(page)
    for column, name in enumerate([title, *block.names]):
        draw.text((GAP + column * step, y + 8), name, fill="black")
    y += HEAD
    for column, artwork in enumerate(block.top, 1):
        page.paste(_square(artwork, SHOWN // 2), (GAP + column * step + SHOWN // 4, y))
    y += SHOWN // 2 + GAP if block.top else 0
    for row, photograph in enumerate(photographs):
        cells = [photograph, *block.pictures[row * len(block.names) : (row + 1) * len(block.names)]]
        for column, cell in enumerate(cells):
            page.paste(_square(cell, SHOWN), (GAP + column * step, y + row * step))


def _square(picture: Image.Image, side: int) -> Image.Image:
    """The middle square."""
    short = min(picture.size)
    left, top = (picture.width - short) // 2, (picture.height - short) // 2
    return picture.crop((left, top, left + short, top + short)).resize((side, side), Image.Resampling.LANCZOS)
