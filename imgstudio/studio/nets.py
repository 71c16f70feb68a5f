"""Models by name, with the mistakes that people make answered in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from .. import catalog
from ..errors import StudioError
from ..loading import load
from ..spec import Spec, Task

LARGEST_SEED = 2**32 - 1


def open_model(name: str, task: Task) -> tuple[Spec, nn.Module]:
    """The record and the net of a model that can do `task`."""
    spec = catalog.find(name)
    if spec.task != task:
        fitting = ", ".join(other.name for other in catalog.models(task))
        raise StudioError(f"{name} can't do this ({task}): choose one of {fitting}.")
    return spec, load(name)


def check_seeds(seeds: int | Iterable[int], most: int = 1024) -> list[int]:
    """One or several seeds as a list of whole numbers."""
    listed = [seeds] if isinstance(seeds, int) else list(seeds)
    if not 1 <= len(listed) <= most:
        raise StudioError(f"Give from 1 to {most} seeds; there are {len(listed)}.")
    for seed in listed:
        if not _whole(seed) or not 0 <= seed <= LARGEST_SEED:
            raise StudioError(f"A seed is a whole number from 0 to {LARGEST_SEED}, not {seed!r}.")
    return [int(seed) for seed in listed]


def check_range(name: str, value: float, low: float, high: float) -> float:
    """A number within its limits; `name` is for the message."""
    if not isinstance(value, int | float) or not low <= value <= high:  # NaN fails too
        raise StudioError(f"{name} goes from {low} to {high}, not {value!r}.")
    return float(value)


def check_count(name: str, value: int, low: int, high: int) -> int:
    """A whole number within its limits; `name` is for the message."""
    if not _whole(value) or not low <= value <= high:
        raise StudioError(f"{name} is a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def _whole(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and value == int(value) if value == value else False
