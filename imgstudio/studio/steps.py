"""Long work as an iterator: each step shows how far it is and what the picture looks like by now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from PIL import Image

from ..errors import StudioError
from .notebook import png


@dataclass(frozen=True)
class Step:
    """A moment of long work. Whoever has seen enough stops iterating and keeps `image`.

    done, total: units of work, done == total in the last one; image: the picture so far, always at its final size;
    losses: by name, of exactly this picture, empty where nothing is optimised; seconds: since the work began.
    """

    done: int
    total: int
    image: Image.Image
    losses: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def _repr_png_(self) -> bytes | None:
        return png([self.image])


Kind = TypeVar("Kind", bound=Step)


def last(steps: Iterable[Kind]) -> Kind:
    """Does all the work and returns its last step. Raises StudioError where there is none."""
    kept = None
    for kept in _iterated(steps):
        if not isinstance(kept, Step):
            break
    if not isinstance(kept, Step):
        raise StudioError("There are no steps here: give last what stylize, synthesize, invert or complete returned.")
    return kept


def _iterated(steps: Iterable[Kind]) -> Iterator[Kind]:
    try:
        return iter(steps)
    except TypeError:  # also of arrays, which are Iterable whatever their shape
        return iter(())
