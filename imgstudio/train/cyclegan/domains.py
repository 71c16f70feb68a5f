"""The two heaps of pictures a translation is learned from, and random views of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...errors import StudioError
from ..data import Pictures, split, to_unit
from ..features.scenes import ASIDE, members, read_crops


@dataclass(frozen=True, kw_only=True)
class Source:
    """Pictures of one tar file whose names begin with `prefix`.

    way: "crops", random squares of any size, many of a large picture; or "squares", all of it, shrunk, as one or two.
    """

    file: str
    prefix: str = ""
    way: Literal["crops", "squares"] = "squares"
    most: int = 24  # crops of one picture
    pixels_each: int = 16_000  # one crop for so many pixels
    sides: tuple[float, float] = (0.0, 1.0)  # of the smallest and the largest crop, as shares of the picture's short side
    aside: float = 0.0  # share of each picture, at its right, that is cut off first; and held out: of few, large pictures


Domain = tuple[Source, ...]

SKY = 0.2  # of a picture's upper half: so much blue is a sky

PHOTOGRAPHS = (
    Source(file="photos512.tar", way="crops"),
    Source(file="flowers256.tar", way="crops", most=1),
)
# Those whose strokes are wide and lie apart: van Gogh, Gauguin, Monet, Renoir. From nearer no stroke is whole, and what is seen
# is canvas and cracks; from further off they are too fine for the nets to draw one by one.
PAINTINGS = tuple(
    Source(
        file="paintings.tar",
        prefix=f"impressionist/{number:04d}",
        way="crops",
        most=160,
        pixels_each=6_000,
        sides=(0.22, 0.5),
        aside=0.25,
    )
    for number in (1, 2, 4, 5, 6, 13, 14, 15, 16)
)
DAISIES = (Source(file="flowers256.tar", prefix="daisy/"),)
SUNFLOWERS = (Source(file="flowers256.tar", prefix="sunflower/"),)
APPLES = (Source(file="fruits64.tar", prefix="Apple/"),)
TOMATOES = (Source(file="fruits64.tar", prefix="Tomato/"),)


@dataclass(frozen=True)
class Pairs:
    """Training and held-out pictures of both domains."""

    a: Pictures
    b: Pictures
    held_a: Pictures
    held_b: Pictures


def load_pairs(recipe: Any, data: Path) -> Pairs:
    """Reads both domains of a recipe. Held out is one picture in ten, with all that was cut from it, and what was cut off."""
    groups = (ASIDE, *recipe.held_out_groups)
    (a, held_a), (b, held_b) = (split(read_domain(domain, data, recipe.pixels), groups=groups) for domain in (recipe.a, recipe.b))
    return Pairs(a, b, held_a, held_b)


def read_domain(domain: Domain, data: Path, size: int) -> Pictures:
    """All pictures of a domain, size x size."""
    parts = [_read(source, data, size) for source in domain]
    names = tuple(name for part in parts for name in part.names)
    images = torch.cat([part.images for part in parts])
    return Pictures(images, torch.zeros(len(names), dtype=torch.long), ("",), names)


def _read(source: Source, data: Path, size: int) -> Pictures:
    path = data / source.file
    if source.way == "crops":
        cuts = {"pixels_each": source.pixels_each, "most": source.most, "sides": source.sides}
        return read_crops(path, size, prefix=source.prefix, aside=source.aside, **cuts)
    found = [(name, part) for name, picture in members(path, source.prefix) for part in squares(picture, size)]
    if not found:
        raise StudioError(f"{source.file} has no pictures {source.prefix}*: get the data of this version.")
    images = torch.from_numpy(np.stack([part for _, part in found])).permute(0, 3, 1, 2).contiguous()
    return Pictures(images, torch.zeros(len(found), dtype=torch.long), ("",), tuple(name for name, _ in found))


def squares(picture: Image.Image, size: int) -> list[np.ndarray]:
    """A picture as squares [size, size, 3]: its middle, or both ends of one that is a quarter longer than wide."""
    side, extra = min(picture.size), max(picture.size) - min(picture.size)
    starts = [0, extra] if extra >= side / 4 else [extra // 2]
    wide = picture.width > picture.height
    boxes = [(start, 0, start + side, side) if wide else (0, start, side, start + side) for start in starts]
    return [np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS, box=box)) for box in boxes]


@dataclass(frozen=True)
class Batch:
    """Random views of both domains, [N, 3, S, S] in [-1, 1] each."""

    a: Tensor
    b: Tensor


def draw(pairs: Pairs, recipe: Any, seed: int, device: torch.device) -> Iterator[Batch]:
    """Endless batches."""
    torch.manual_seed(seed)
    heaps = [pairs.a.images, pairs.b.images]
    odds = [None if recipe.sky_share is None else sky_odds(heap, recipe.sky_share) for heap in heaps]
    while True:
        chosen = [_choose(len(heap), recipe.batch, share) for heap, share in zip(heaps, odds)]
        pictures = (views(heap, numbers, recipe.view, device) for heap, numbers in zip(heaps, chosen))
        yield Batch(*(turned(x) if recipe.rotate else x for x in pictures))


def _choose(count: int, chosen: int, odds: Tensor | None) -> Tensor:
    return torch.randint(count, (chosen,)) if odds is None else torch.multinomial(odds, chosen, replacement=True)


def sky_odds(images: Tensor, share: float) -> Tensor:
    """Odds of drawing each of uint8 [N, 3, S, S], [N], so that this share of the draws shows a blue sky."""
    seen = sky(images) > SKY
    return torch.where(seen, share / max(1, seen.sum()), (1 - share) / max(1, (~seen).sum()))


def sky(images: Tensor) -> Tensor:
    """Share of the upper half of each picture, uint8 [N, 3, S, S], that is blue as skies are: [N]."""
    red, green, blue = images[:, :, : images.shape[2] // 2].int().unbind(1)
    return ((blue > red + 12) & (blue >= green)).double().mean(dim=(1, 2))


def views(images: Tensor, chosen: Tensor, side: int, device: torch.device) -> Tensor:
    """Squares of the `chosen` ones of uint8 [N, 3, S, S], half of them mirrored: [len(chosen), 3, side, side] in [-1, 1].

    Cut out and never resized: a discriminator would tell resized pictures by their softness.
    """
    free = images.shape[2] - side + 1
    parts = []
    for number, (down, across) in zip(chosen.tolist(), torch.randint(free, (len(chosen), 2)).tolist()):
        part = images[number, :, down : down + side, across : across + side]
        parts.append(part.flip(2) if torch.rand(()) < 0.5 else part)
    return to_unit(torch.stack(parts), device).contiguous(memory_format=torch.channels_last)


def turned(x: Tensor) -> Tensor:
    """Each of [N, 3, S, S] by a random number of right angles."""
    turns = torch.randint(4, (len(x),)).tolist()
    parts = [part.rot90(count, (2, 3)) for part, count in zip(x.split(1), turns)]
    return torch.cat(parts).contiguous(memory_format=torch.channels_last)
