"""Pictures on their way to and from a person: read, shrink, enlarge, arrange, save with their settings."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from PIL import Image

from ..image import Source, fingerprint, read, read_layer, read_settings, save_png, to_image, to_tensor
from .records.sheets import enlarge, grid

__all__ = ["digest", "enlarge", "grid", "read", "read_layer", "read_settings", "save_png", "shrink", "square"]


def shrink(source: Source, side: int = 512) -> Image.Image:
    """Any picture as RGB with its longer side at most `side` px, for what is read again at every move of a slider."""
    picture = read(source)
    if max(picture.size) > side:
        original = {"size": list(picture.size), "sha256": fingerprint(picture), "side": side}
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        picture.original = original  # type: ignore[attr-defined]  # for the record of what is made of it
    return picture


def square(source: Source, side: int) -> Image.Image:
    """The middle square of any picture at `side` px: what a net of that size sees of it."""
    return to_image(to_tensor(source, side))


def digest(path: str | os.PathLike[str]) -> str:
    """The first half, 32 digits, of a file's SHA-256."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:32]
