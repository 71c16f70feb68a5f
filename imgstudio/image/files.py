"""Pictures from files, arrays and PIL images, and into PNG files with their settings."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from ..checks import shown
from ..errors import StudioError
from . import metadata, png
from .decoding import check_size, decode, from_array, too_large

Source: TypeAlias = "str | os.PathLike[str] | np.ndarray | Image.Image"

# Formats people have pictures in. Pillow knows more, but some of those start other programs (EPS runs Ghostscript).
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "PPM", "TGA", "ICO")


def read(source: Source) -> Image.Image:
    """Any picture as a new PIL image in mode RGB, without metadata.

    source: a path; an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] of integers in 0..255, uint16 or floats in [0, 1];
            or a PIL image of any mode.

    A colour profile is applied, so that the result is in sRGB; transparency is laid on white, the camera's rotation is applied,
    16-bit values are scaled to 8, and an animation gives its first frame. Raises StudioError for what is not a picture, is
    damaged or has more than MAX_PIXELS pixels.
    """
    if source is None:
        raise StudioError("There is no picture yet: choose one first.")
    if isinstance(source, np.ndarray):
        return from_array(source)
    if isinstance(source, Image.Image):
        check_size(*source.size)
        return decode(source, "This picture")
    if isinstance(source, str | os.PathLike):
        path = _file(source)
        with _open(path) as image:
            picture = decode(image, path.name)
        picture.filename = path.name  # type: ignore[attr-defined]  # for its record: without the folder
        return picture
    raise StudioError(f"A picture can be a file, a PIL image or a numpy array, but not a {type(source).__name__}.")


def _file(source: str | os.PathLike[str]) -> Path:
    """A plain file with something in it: no folder, and nothing that could keep a reader waiting, such as a pipe."""
    try:
        path = Path(source)
        found = path.stat()
    except (OSError, ValueError, TypeError):  # there is none, its name is too long, or it can be no name
        raise StudioError(f"There is no picture file at {_named(source)}: check the name.") from None
    if stat.S_ISDIR(found.st_mode):
        raise StudioError(f"There is no picture file at {_named(path)}: it is a folder, choose a picture in it.")
    if not stat.S_ISREG(found.st_mode):
        raise StudioError(f"There is no picture file at {_named(path)}: check the name.")
    if found.st_size == 0:
        raise StudioError(f"{path.name} is an empty file: choose another picture.")
    return path


def _named(source: object) -> str:
    """A path as it can stand in a sentence."""
    text = str(source)
    return text if len(text) <= 200 and text.isprintable() else shown(text)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    """The file's header, checked; no pixel is decoded yet."""
    with _header(path, path.name) as image:
        yield image


@contextlib.contextmanager
def _header(file: Path | io.BytesIO, name: str) -> Iterator[Image.Image]:
    Image.init()
    try:
        file = png.opened(file) if isinstance(file, Path) else file
        image = Image.open(file, formats=[kind for kind in _FORMATS if kind in Image.OPEN])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise StudioError(too_large()) from error
    except PermissionError as error:
        raise StudioError(f"{name} may not be read: change its permissions, or choose another picture.") from error
    except Exception as error:  # broken headers make Pillow raise almost anything
        raise StudioError(f"{name} is not a picture that can be read: use PNG, JPEG, WebP, GIF, BMP or TIFF.") from error
    with image:
        check_size(*image.size)
        yield image


def read_layer(source: str | os.PathLike[str] | bytes) -> Image.Image:
    """What was painted over a picture, as RGBA with its transparency. source: a path, or the bytes of a file.

    Raises StudioError as `read` does.
    """
    opened = _header(io.BytesIO(source), "This layer") if isinstance(source, bytes) else _open(_file(source))
    with opened as image:
        try:
            return image.convert("RGBA")
        except Exception as error:  # damaged data makes decoders raise almost anything
            raise StudioError("What was painted is damaged or incomplete: paint it again.") from error


def save_png(image: Image.Image, path: str | os.PathLike[str], settings: dict | None = None) -> Path:
    """Writes a lossless PNG in sRGB; `settings` (anything JSON can hold) go into its text chunk, for `read_settings`."""
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise StudioError(f"Pictures are written as PNG: give {_named(path.name)} the ending .png.")
    data = png.encoded(image, settings)
    try:
        path.write_bytes(data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudioError(f"{_named(path)} cannot be written ({reason}): choose another place.") from error
    return path


def read_record(path: str | os.PathLike[str]) -> tuple[str | None, dict | None]:
    """The text of the record in a file of a picture or a film, and what an older PNG holds in its place: its settings.

    None for what is not there. Raises StudioError for what is no file of a picture or a film.
    """
    path = _file(path)
    if (text := metadata.read_text(path)) is not None or path.suffix.lower() == ".mp4":
        return text, None
    with _open(path) as image:
        try:
            texts = image.text if image.format == "PNG" else {}
        except Exception:  # damaged
            texts = {}
    text = texts.get(png.RECORD_KEY)
    return text, _settings(texts) if text is None else None


def _settings(texts: Mapping[str, str]) -> dict | None:
    """The settings among the texts of a PNG."""
    try:
        settings = json.loads(texts[png.SETTINGS_KEY])
    except (KeyError, ValueError, RecursionError):
        return None
    return settings if isinstance(settings, dict) else None


def read_settings(path: str | os.PathLike[str]) -> dict:
    """The settings that `save_png` wrote. Raises StudioError if the file has none."""
    path = _file(path)
    with _open(path) as image:
        try:
            settings = json.loads(image.text[png.SETTINGS_KEY])
        except Exception as error:  # another format, no such chunk, damaged
            raise StudioError(f"{path.name} holds no settings: choose a PNG that was saved by this studio.") from error
    if not isinstance(settings, dict):
        raise StudioError(f"{path.name} holds no settings: choose a PNG that was saved by this studio.")
    return settings
