"""Pixels of any kind as 8-bit RGB in sRGB: modes, bit depths, transparency, colour profiles, arrays."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ..errors import StudioError
from . import png, profiles

MAX_PIXELS = 50_000_000

log = logging.getLogger(__name__)


def check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise StudioError("This picture has no pixels: choose another one.")
    if width * height > MAX_PIXELS:
        raise StudioError(too_large(f" with {width} x {height} pixels"))


def too_large(size: str = "") -> str:
    return f"This picture{size} is too large: shrink it to at most {MAX_PIXELS // 1_000_000} megapixels."


def decode(image: Image.Image, name: str) -> Image.Image:
    """Pixels of an opened picture as RGB. `name` is for the message."""
    try:
        bits = png.depth(image)
        image.load()
        check_size(*image.size)  # an ICO file can hold a larger picture than its header tells
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


def from_array(array: np.ndarray) -> Image.Image:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise StudioError(f"A picture array has the shape [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], not {list(array.shape)}.")
    check_size(array.shape[1], array.shape[0])
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
