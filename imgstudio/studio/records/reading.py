"""Records from pictures and files, which anybody may have written: bounded before they are parsed, and taken as plain values."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NoReturn

from PIL import Image

from ... import image as images
from ...checks import shown
from ...errors import StudioError
from ...image.carrying import LONGEST

MOST_VALUES = 20_000
DEEPEST = 40
_DIGITS = 40  # of a number

NONE = "holds no record: choose a picture that was made by this studio, and saved with its record."


def record(picture: Image.Image | str | os.PathLike[str]) -> dict[str, Any]:
    """How a picture was made, as plain values for JSON: the operation with every setting, the models, the inputs by name, size
    and SHA-256, versions and time.

    picture: what a function of the studio returned, or the path of a PNG, WebP, JPEG, GIF or MP4 that `save`, the page or the
    command line wrote. "changed" is True where the pixels of a picture in memory are no longer those that were made. A PNG of an
    older version gives the settings that it has. Raises StudioError where there is no record.
    """
    if isinstance(picture, Image.Image):
        if (found := images.carried(picture)) is None:
            raise StudioError(f"This picture {NONE}")
        return found
    if not isinstance(picture, str | os.PathLike):
        raise StudioError(f"A record is read from a picture or its file, not from {shown(picture)}.")
    text, settings = images.read_record(picture)
    found = parsed(text) if text is not None else settings
    if found is None:
        raise StudioError(f"{os.path.basename(os.fspath(picture))} {NONE}")
    return found


def parsed(text: str) -> dict[str, Any] | None:
    """The record that a text is; None for any other text. Within its bounds everything in it is a plain value."""
    if not text.startswith("{") or len(text) > LONGEST:
        return None
    try:
        found = json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    known = isinstance(found, dict) and isinstance(found.get("operation"), str) and "record" in found
    return found if known and bounded(found) else None


def _whole(text: str) -> int:
    return int(text) if len(text) <= _DIGITS else _refuse(text)


def _real(text: str) -> float:
    return float(text) if len(text) <= _DIGITS else _refuse(text)


def _refuse(text: str) -> NoReturn:
    raise ValueError(text[:_DIGITS])


def bounded(value: Any) -> bool:
    """Whether a value of JSON is neither too deep nor too long."""
    count, level = 0, [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, Mapping):
                inner.extend(each.values())
            elif isinstance(each, list):
                inner.extend(each)
        count, level = count + len(inner), inner
        if not level:
            return True
        if count > MOST_VALUES:
            return False
    return False
