"""A sheet of pictures with labels along its axes, filled cell by cell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from ...checks import number, shown
from ...image import sheet_size

_LONGEST = 32  # letters of a label
_SMALLEST = 64  # pixels: smaller pictures are enlarged by a whole factor
_GAP = 4
_INK, _PAPER, _EMPTY = "#222222", "#ffffff", "#eeeeee"


def labels(name: str, values: Sequence[Any]) -> tuple[str, ...]:
    """One a value: "truncation 0.5", or what a picture or a model is called."""
    return tuple("" if not name else f"{name} {_label(value, place)}" for place, value in enumerate(values, start=1))


def _label(value: Any, place: int) -> str:
    if (found := number(value)) is not None:
        return f"{found:g}" if isinstance(found, float) else str(found)[:_LONGEST]
    if isinstance(value, Image.Image) or hasattr(value, "shape"):
        return str(place)
    text = str(value) if isinstance(value, str) else shown(value)
    if isinstance(value, os.PathLike) or Path(text).suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
        text = Path(os.fspath(value)).stem
    plain = "".join(letter for letter in text if letter.isprintable())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."


class Sheet:
    """As large as it ends from the first picture on, whose size the cells have; larger ones are shrunk to it."""

    def __init__(self, x: Sequence[str], y: Sequence[str]) -> None:
        self._x, self._y = x, y
        self._sheet: Image.Image | None = None

    def put(self, picture: Image.Image, row: int, column: int) -> None:
        if self._sheet is None:
            self._begin(picture.size)
        assert self._sheet is not None
        width, height = self._cell
        shown = picture.convert("RGB").resize([side * self._factor for side in picture.size], Image.Resampling.NEAREST)
        shown.thumbnail((width, height), Image.Resampling.LANCZOS)
        left, top = self._place(row, column)
        self._sheet.paste(shown, (left + (width - shown.width) // 2, top + (height - shown.height) // 2))

    def image(self) -> Image.Image:
        """What there is by now, as a picture of its own."""
        assert self._sheet is not None
        return self._sheet.copy()

    def _begin(self, size: tuple[int, int]) -> None:
        self._factor = max(1, -(-_SMALLEST // max(size)))
        width, height = self._cell = size[0] * self._factor, size[1] * self._factor
        text = max(11, min(28, max(size) * self._factor // 12))
        self._font = ImageFont.load_default(text)
        widest = max(int(self._font.getlength(label)) for label in self._y) if any(self._y) else 0
        self._left, self._top = (widest + 2 * _GAP if widest else _GAP), text + 3 * _GAP
        sheet_size(len(self._x) * len(self._y), len(self._x), (width, height), _GAP)  # refuses what is too large
        right, down = self._place(len(self._y), len(self._x))
        self._sheet = Image.new("RGB", (right, down), _PAPER)
        self._label(ImageDraw.Draw(self._sheet), text)

    def _place(self, row: int, column: int) -> tuple[int, int]:
        width, height = self._cell
        return self._left + column * (width + _GAP), self._top + row * (height + _GAP)

    def _label(self, draw: ImageDraw.ImageDraw, text: int) -> None:
        width, height = self._cell
        for column, label in enumerate(self._x):
            left, top = self._place(0, column)
            draw.text((left + width // 2, top - text // 2 - _GAP), self._fitted(label, width), _INK, self._font, anchor="mm")
        for row, label in enumerate(self._y):
            left, top = self._place(row, 0)
            draw.text((left - _GAP, top + height // 2), label, _INK, self._font, anchor="rm")
            for column in range(len(self._x)):
                left, top = self._place(row, column)
                draw.rectangle((left, top, left + width - 1, top + height - 1), _EMPTY)

    def _fitted(self, label: str, width: int) -> str:
        """As much of a label as its column has room for: the value, which stands last, rather than the name."""
        if self._font.getlength(label) <= width:
            return label
        value = label.partition(" ")[2]
        while len(value) > 1 and self._font.getlength(value) > width:
            value = value[:-1]
        return value
