"""Pictures to translate, and which of them suit which model: photographs, paintings, flowers, and fruits that a GAN imagines."""

from __future__ import annotations

import functools
from pathlib import Path

import imgstudio
from imgstudio.errors import StudioError

from ...kit import demos, layout, prepared

GAN = "cgan/fruits"
SEEDS = {"apple": (22, 13, 11, 15), "tomato": (38, 7, 34, 19)}  # of clean ones, unlike each other
FLOWERS = ("daisy", "sunflower")
PAINTED = ("night", "rain", "pointillism", "watercolour")  # artworks of the studio in which the brush can be seen

FIRST_PHOTOGRAPH = "Lion"  # is shown before the first click, unless the model wants another kind

# What each of these models wants to see. The others, and imported ones begin with a photograph.
KINDS = {
    "cyclegan/apple2tomato": "apple",
    "cyclegan/tomato2apple": "tomato",
    "cyclegan/painting2photo": "painting",
    "cyclegan/daisy2sunflower": "daisy",
    "cyclegan/sunflower2daisy": "sunflower",
}


def offered() -> dict[str, dict[str, Path]]:
    """Pictures by kind and title; a kind that no model wants is empty, and fruits are where the GAN is missing."""
    wanted = {KINDS.get(spec.name) for spec in imgstudio.models("translate")}
    others = {kind: _find(kind) if kind in wanted else {} for kind in ("painting", *FLOWERS, *SEEDS)}
    return {"photograph": demos.contents(), **others}


def examples() -> dict[str, Path]:
    """All of them by title."""
    return {title: path for found in offered().values() for title, path in found.items()}


def fitting(model: str, title: str = "") -> str:
    """Which example suits a model when `title` is shown there: that one, the fruit or flower of the other kind with its number,
    or the first of the kind; `title` itself where there is none."""
    kind, kinds = KINDS.get(model, "photograph"), offered()
    if title in kinds[kind]:
        return title
    first = FIRST_PHOTOGRAPH if kind == "photograph" else next(iter(kinds[kind]), title)
    twin = f"{kind.title()} {title.split()[-1]}" if any(title in kinds[other] for other in (*SEEDS, *FLOWERS)) else first
    return twin if twin in kinds[kind] else first


def _find(kind: str) -> dict[str, Path]:
    if kind in SEEDS:
        return _fruits(kind)
    return demos.flowers(kind) if kind in FLOWERS else demos.artworks_named(PAINTED)


def _fruits(kind: str) -> dict[str, Path]:
    """Fruits of a kind, "Apple 1", "Apple 2", ...; none where the GAN's weights are missing."""
    try:
        return {f"{kind.title()} {i}": Path(path) for i, path in enumerate(imagined(kind), start=1)}
    except StudioError:
        return {}


@functools.cache
def imagined(kind: str) -> list[str]:
    """Paths of the fruits that the GAN makes, once in a process."""
    return prepared.opening(kind, lambda: [_sampled(kind, seed) for seed in SEEDS[kind]], GAN)


def _sampled(kind: str, seed: int) -> str:
    (picture,) = imgstudio.sample(GAN, seed, label=kind)
    return layout.save_result(picture, f"{kind}-{seed}", {"model": GAN, "seed": seed, "class": kind})
