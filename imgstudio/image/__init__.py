"""Reading and writing of pictures: whatever a person gives becomes plain RGB or a tensor in [-1, 1], and results leave as
pictures.

`read` takes a path, a numpy array or a PIL image; every other function that takes a picture goes through it.
"""

from __future__ import annotations

from .carrying import carried, carry, fingerprint
from .decoding import MAX_PIXELS
from .files import Source, read, read_layer, read_record, read_settings, save_png
from .png import SETTINGS_KEY
from .sheets import LARGEST_SIDE, MAX_SHEET, check_columns, check_side, enlarge, grid, sheet_size
from .tensors import to_image, to_images, to_tensor

__all__ = [
    "LARGEST_SIDE",
    "MAX_PIXELS",
    "MAX_SHEET",
    "SETTINGS_KEY",
    "Source",
    "carried",
    "carry",
    "check_columns",
    "check_side",
    "enlarge",
    "fingerprint",
    "grid",
    "read",
    "read_layer",
    "read_record",
    "read_settings",
    "save_png",
    "sheet_size",
    "to_image",
    "to_images",
    "to_tensor",
]
