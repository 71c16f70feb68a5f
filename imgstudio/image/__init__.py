"""Reading and writing of pictures: whatever a person gives becomes plain RGB or a tensor in [-1, 1], and results leave as
pictures.

`read` takes a path, a numpy array or a PIL image; every other function that takes a picture goes through it.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..checks import check_count, shown
from ..errors import StudioError
from . import png, profiles

Source: TypeAlias = "str | os.PathLike[str] | np.ndarray | Image.Image"

MAX_PIXELS = 50_000_000
MAX_SHEET = 200_000_000  # pixels of a sheet of many pictures: 600 MB
LARGEST_SIDE = 8192  # pixels, of a picture that is enlarged
SETTINGS_KEY = png.SETTINGS_KEY

# Formats people have pictures in. Pillow knows more, but some of those start other programs (EPS runs Ghostscript).
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "PPM", "TGA", "ICO")

log = logging.getLogger(__name__)


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
        return _from_array(source)
    if isinstance(source, Image.Image):
        _check_size(*source.size)
        return _decode(source, "This picture")
    if isinstance(source, str | os.PathLike):
        path = _file(source)
        with _open(path) as image:
            return _decode(image, path.name)
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
        raise StudioError(_too_large()) from error
    except PermissionError as error:
        raise StudioError(f"{name} may not be read: change its permissions, or choose another picture.") from error
    except Exception as error:  # broken headers make Pillow raise almost anything
        raise StudioError(f"{name} is not a picture that can be read: use PNG, JPEG, WebP, GIF, BMP or TIFF.") from error
    with image:
        _check_size(*image.size)
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


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise StudioError("This picture has no pixels: choose another one.")
    if width * height > MAX_PIXELS:
        raise StudioError(_too_large(f" with {width} x {height} pixels"))


def _too_large(size: str = "") -> str:
    return f"This picture{size} is too large: shrink it to at most {MAX_PIXELS // 1_000_000} megapixels."


def _decode(image: Image.Image, name: str) -> Image.Image:
    """Pixels of an opened picture as RGB. `name` is for the message."""
    try:
        bits = png.depth(image)
        image.load()
        _check_size(*image.size)  # an ICO file can hold a larger picture than its header tells
        rgb = _to_rgb(_upright(image), bits)
    except StudioError:
        raise
    except Exception as error:  # damaged data makes decoders raise almost anything
        raise StudioError(f"{name} is damaged or incomplete: save it again, or choose another picture.") from error
    clean = Image.new("RGB", rgb.size)
    clean.paste(rgb)
    return clean


def _upright(image: Image.Image) -> Image.Image:
    """Applies the camera's rotation; a broken EXIF block is no reason to refuse the picture."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        log.info("unreadable EXIF data ignored", exc_info=True)
        return image


def _to_rgb(image: Image.Image, bits: int = 8) -> Image.Image:
    """bits: of a sample in the file, in which a PNG writes its transparent colour too."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _deep_to_rgb(image)
    if bits != 8 and "transparency" in image.info:
        image = image.copy()
        image.info["transparency"] = _transparent_in_8_bit(image.info["transparency"], bits)
    image = profiles.to_srgb(image)
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), colours).convert("RGB")
    return image.convert("RGB")


def _deep_to_rgb(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    grey = _deep_to_8_bit(values)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    plain = Image.fromarray(grey)
    plain.info["icc_profile"] = image.info.get("icc_profile")
    return profiles.to_srgb(plain).convert("RGB")


def _transparent_in_8_bit(colour: Any, bits: int) -> Any:
    """One colour of a PNG that is transparent, in the levels that its pixels are read in."""
    if isinstance(colour, tuple):
        return tuple(_transparent_in_8_bit(value, bits) for value in colour)
    if not isinstance(colour, int):
        return colour
    return colour >> (bits - 8) if bits > 8 else colour * 255 // (2**bits - 1)


def _deep_to_8_bit(values: np.ndarray) -> np.ndarray:
    """Grey values with more than 8 bits [H, W] -> uint8. White is 65535 for 16-bit pictures; other types do not say, so it
    is the first of 1 (floats only), 255 and 65535 that holds every value, and else the range is stretched."""
    ranges = {"u": (65535,), "i": (255, 65535), "f": (1, 255, 65535)}[values.dtype.kind]
    values = np.nan_to_num(values.astype(np.float32))
    low, high = float(values.min()), float(values.max())
    white = next((white for white in ranges if low >= 0 and high <= white), None)
    if white is None:
        values, white = values - low, max(high - low, 1e-12)
    return np.rint(values * (255 / white)).astype(np.uint8)


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise StudioError(f"A picture array has the shape [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], not {list(array.shape)}.")
    _check_size(array.shape[1], array.shape[0])
    pixels = _array_to_8_bit(array)
    return _to_rgb(Image.fromarray(pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels))


def _array_to_8_bit(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "buif":
        raise StudioError(f"A picture array holds numbers, not {array.dtype}.")
    white = {"b": 1, "f": 1}.get(array.dtype.kind, 65535 if array.dtype == np.uint16 else 255)
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    slack = 0.02 if array.dtype.kind == "f" else 0  # resampling overshoots a little
    if not (values.min() >= -slack and values.max() <= white + slack):  # written so that NaN fails too
        raise StudioError(f"A picture array of {array.dtype} holds values from 0 to {white}: scale it first.")
    return np.rint(values.clip(0, white) * (255 / white)).astype(np.uint8)


def to_tensor(image: Source, size: int | None = None) -> Tensor:
    """A picture as float32 [1, 3, H, W] in [-1, 1]. With `size`: the middle square, resized with antialiasing to size x size."""
    rgb = read(image)
    if size is not None:
        rgb = _square(rgb, size)
    pixels = torch.from_numpy(np.array(rgb))  # H,W,3
    return pixels.permute(2, 0, 1)[None].float().div_(127.5).sub_(1.0).contiguous()


def _square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    # The box filter is what training pictures are shrunk with; it needs an even division.
    return square.resize((size, size), Image.Resampling.BOX if side % size == 0 else Image.Resampling.LANCZOS)


def to_images(tensor: Tensor) -> list[Image.Image]:
    """[N, 3, H, W] in [-1, 1] (values outside are clipped) -> N pictures. Inverts `to_tensor` exactly."""
    if tensor.ndim != 4 or tensor.shape[1] != 3:
        raise ValueError(f"expected [N, 3, H, W], got {list(tensor.shape)}")
    pixels = tensor.detach().float().clamp(-1, 1).add(1).mul(127.5).round().to("cpu", torch.uint8)
    return [Image.fromarray(p) for p in pixels.permute(0, 2, 3, 1).contiguous().numpy()]


def to_image(tensor: Tensor) -> Image.Image:
    """[3, H, W] or [1, 3, H, W] in [-1, 1] -> one picture."""
    (image,) = to_images(tensor[None] if tensor.ndim == 3 else tensor)
    return image


def check_side(side: int) -> int:
    """The longer side that pictures are enlarged to, in pixels."""
    return check_count("The side", side, 1, LARGEST_SIDE)


def enlarge(image: Image.Image, side: int, smooth: bool = False) -> Image.Image:
    """Enlarges so that the longer side has about `side` pixels, up to LARGEST_SIDE; never shrinks.

    Plain: every pixel becomes a square, by the largest whole factor that stays within `side`. Smooth: Lanczos, to `side`.
    """
    size = _enlarged_size(image.size, side, smooth)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST)


def _enlarged_size(size: tuple[int, int], side: int, smooth: bool = False) -> tuple[int, int]:
    side, longest = check_side(side), max(size)
    factor = max(1.0, side / longest) if smooth else max(1, side // longest)
    width, height = (max(1, round(length * factor)) for length in size)
    return width, height


def grid(images: Sequence[Image.Image], columns: int | None = None, gap: int = 2, side: int | None = None) -> Image.Image:
    """Pictures row by row on white, `gap` pixels apart. Without `columns` the grid is as square as possible.

    side: each is enlarged to it first, as by `enlarge`. A sheet has at most MAX_SHEET pixels.
    """
    if not images:
        raise StudioError("There are no pictures to arrange: ask for at least one.")
    columns = check_columns(columns) or math.ceil(math.sqrt(len(images)))
    columns, gap = min(columns, len(images)), check_count("The gap", gap, 0, 1000)
    sizes = [image.size if side is None else _enlarged_size(image.size, side) for image in images]
    width, height = max(w for w, _ in sizes), max(h for _, h in sizes)
    size = sheet_size(len(images), columns, (width, height), gap)
    sheet = Image.new("RGB", size, "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        shown = image if side is None else enlarge(image, side)
        left, top = column * (width + gap), row * (height + gap)
        sheet.paste(shown, (left + (width - shown.width) // 2, top + (height - shown.height) // 2))
    return sheet


def check_columns(columns: int | None) -> int | None:
    """Pictures in a row; None for as many as make the sheet square."""
    return None if columns is None else check_count("The number of columns", columns, 1, 100_000)


def sheet_size(count: int, columns: int, size: tuple[int, int], gap: int = 2) -> tuple[int, int]:
    """Width and height of a sheet of `count` pictures. Raises StudioError if that is more than MAX_SHEET pixels."""
    width, height = (sides * (side + gap) - gap for sides, side in zip((columns, math.ceil(count / columns)), size))
    if width * height > MAX_SHEET:
        raise StudioError(f"{count} pictures make a sheet of {width} x {height} pixels: choose fewer or smaller ones.")
    return width, height


def save_png(image: Image.Image, path: str | os.PathLike[str], settings: dict | None = None) -> Path:
    """Writes a lossless PNG in sRGB; `settings` (anything JSON can hold) go into its text chunk, for `read_settings`."""
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise StudioError(f"Pictures are written as PNG: give {_named(path.name)} the ending .png.")
    data = png.encoded(image, settings)
    try:
        path.write_bytes(data)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise StudioError(f"{_named(path)} cannot be written ({told}): choose another place.") from error
    return path


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
