"""How results show themselves in a notebook: `_repr_png_` is what Jupyter and its relatives ask for."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from ..errors import StudioError
from ..image import grid

SMALL = 96  # pixels: smaller pictures are enlarged up to this side
LARGEST = 1536  # pixels: longer side of what is shown


class Pictures(list[Image.Image]):
    """A list of pictures that a notebook shows as a sheet. In all else a plain list."""

    def _repr_png_(self) -> bytes | None:
        return png(self)


class Rows(list[Pictures]):
    """Rows of equally many pictures, shown as one sheet."""

    def _repr_png_(self) -> bytes | None:
        return png([picture for row in self for picture in row], len(self[0]) if self else None)


def png(pictures: Sequence[Image.Image], columns: int | None = None) -> bytes | None:
    """A PNG of the pictures side by side; None, which makes the notebook write the object instead, where they are no pictures."""
    if not pictures or not all(isinstance(picture, Image.Image) for picture in pictures):
        return None
    try:
        sheet = pictures[0].copy() if len(pictures) == 1 else grid(pictures, columns, side=SMALL)
    except StudioError:  # too large for one sheet
        return None
    sheet.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()
