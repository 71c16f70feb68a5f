"""Many pictures through one translation, into a zip."""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ...checks import listed
from ...errors import StudioError
from ...image import Source, carried, png
from ..records import zips
from ..steps import Step
from . import translation_steps

__all__ = ["BatchStep", "translate_many"]

MOST = 500  # pictures of one zip


@dataclass(frozen=True)
class BatchStep(Step):
    """One more picture is done. `image` is the last one that could be made.

    names: files in the zip so far; problems: what could not be translated, by name, with the reason in a sentence.
    """

    names: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


def translate_many(
    model: str,
    images: Sequence[Source],
    path: str | os.PathLike[str],
    *,
    size: int | None = None,
    strength: float = 1.0,
) -> Iterator[BatchStep]:
    """Translates pictures one after another into a zip at `path`; arguments as of `translate`.

    The records of all pictures lie beside them in `records.json`. A file that is no picture holds up nobody: it is reported and
    left out. Whoever stops iterating has a whole zip of what was made. Files are named after their pictures, plainly:
    `My Cat!.JPG` becomes `My-Cat-daisy2sunflower.png`.
    """
    images = listed("pictures", images, MOST)
    translation_steps(model, Image.new("RGB", (1, 1)), cycle=False, size=size, strength=strength)  # mistakes are reported at once
    return _batch(model, images, Path(path), size, strength)


def _batch(model: str, images: list[Source], path: Path, size: int | None, strength: float) -> Iterator[BatchStep]:
    names: list[str] = []
    problems: dict[str, str] = {}
    records: dict[str, dict[str, Any] | None] = {}
    made, seconds = None, 0.0
    with _archive(path) as archive, contextlib.ExitStack() as last:
        last.callback(zips.add, archive, records)
        for number, image in enumerate(images, start=1):
            step, name = None, _name(image, number)
            try:
                *_, step = translation_steps(model, image, cycle=False, size=size, strength=strength)
            except StudioError as error:
                problems[name] = str(error)
            if step is not None:
                made, seconds = step.image, seconds + step.seconds
                names.append(_unique(f"{name}-{model.partition('/')[2]}", names))
                _write(archive, names[-1], made)
                records[names[-1]] = carried(made)
            if made is not None:
                yield BatchStep(number, len(images), made, {}, seconds, tuple(names), dict(problems))
    if made is None:
        path.unlink(missing_ok=True)
        raise StudioError(next(iter(problems.values())))


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)  # PNGs are compressed already
    except OSError as error:
        raise StudioError(f"{path} cannot be written ({error.strerror or error}): choose another place.") from error


def _write(archive: zipfile.ZipFile, name: str, picture: Image.Image) -> None:
    try:
        archive.writestr(zipfile.ZipInfo(name), png.encoded(picture))  # without today's date: equal pictures, equal files
    except OSError as error:
        raise StudioError(f"{archive.filename} cannot be written ({error.strerror or error}): choose another place.") from error


def _name(image: Source, number: int) -> str:
    """A picture's file name without folder, ending and anything that some system could stumble over."""
    stem = Path(str(image).replace("\\", "/")).stem if isinstance(image, str | os.PathLike) else ""
    return re.sub(r"[^\w-]+", "-", stem).strip("-")[:80] or f"picture-{number}"


def _unique(name: str, taken: list[str]) -> str:
    candidates = (name, *(f"{name}-{again}" for again in range(2, len(taken) + 3)))
    lowered = {other.lower() for other in taken}  # some systems do not tell Cat from cat
    return next(f"{each}.png" for each in candidates if f"{each}.png".lower() not in lowered)
