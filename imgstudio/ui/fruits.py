"""Fruits to translate: pictures that the conditional GAN imagines, of the domains that apples and tomatoes lead to and from."""

from __future__ import annotations

import functools
from pathlib import Path

import imgstudio

from ..errors import StudioError
from . import common

MODEL = "cgan/fruits"
SEEDS = {"apple": (0, 12, 11, 5), "tomato": (12, 0, 13, 31)}  # of clean ones, unlike each other
KINDS = {"cyclegan/apple2tomato": "apple", "cyclegan/tomato2apple": "tomato"}  # what each of these models wants to see


def offered() -> dict[str, Path]:
    """Pictures by title, "Apple 1", "Tomato 1", ...; none where no model wants them, or the GAN's weights are missing."""
    wanted = {KINDS[spec.name] for spec in imgstudio.models("translate") if spec.name in KINDS}
    try:
        return {_title(kind, i): _imagined(kind, seed) for kind in SEEDS if kind in wanted for i, seed in enumerate(SEEDS[kind])}
    except StudioError:
        return {}


@functools.cache
def _imagined(kind: str, seed: int) -> Path:
    (picture,) = imgstudio.sample(MODEL, seed, label=kind)
    return Path(common.keep(picture, f"{kind}-{seed}", {"model": MODEL, "seed": seed, "class": kind}))


def _title(kind: str, number: int) -> str:
    return f"{kind.title()} {number + 1}"


def fitting(model: str, title: str, otherwise: str) -> str:
    """Which example suits a model when `title`, another one, hangs there: a fruit of its kind, or no fruit.

    otherwise: the example for a model that is not about fruits.
    """
    kind, is_fruit = KINDS.get(model), title in offered()
    if kind is None:
        return otherwise if is_fruit else title
    wanted = _title(kind, int(title.split()[-1]) - 1 if is_fruit else 0)
    return wanted if wanted in offered() else title
