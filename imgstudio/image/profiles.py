"""Colour profiles: pictures whose numbers mean other colours than those of sRGB, brought to sRGB."""

from __future__ import annotations

import functools
import io
import logging
import struct

import numpy as np
from PIL import ExifTags, Image, ImageCms

LARGEST = 4_000_000  # bytes of a profile; those of printing presses take two to three million
SAME = 2  # levels of 255 by which a profile may miss sRGB and still be taken for it: then nothing is rounded twice
_UNCALIBRATED = 0xFFFF  # what EXIF says of colours that are not those of sRGB
_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}

log = logging.getLogger(__name__)


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture with its profile applied, in mode RGB, or RGBA where it has transparency; the picture itself where it has no
    profile, one of another kind of colours, a broken one, or that of sRGB. Without a profile, EXIF may tell of Adobe RGB."""
    data = image.info.get("icc_profile") or (_adobe_rgb() if _says_adobe_rgb(image) else None)
    if not isinstance(data, bytes) or not 128 <= len(data) <= LARGEST:
        return image
    plain = image.convert("RGBA" if image.has_transparency_data else "RGB") if image.mode in ("P", "PA") else image
    if plain.mode not in _SPACES:
        return image
    try:
        return _converted(plain, data)
    except Exception:  # the library raises almost anything for a broken profile
        log.info("unreadable colour profile ignored", exc_info=True)
        return image


def _says_adobe_rgb(image: Image.Image) -> bool:
    """Whether a camera wrote the picture in Adobe RGB, of which files after DCF 2.0 hold no profile: EXIF says that the colours
    are not those of sRGB, and that the file is of the kind R03."""
    if image.mode not in ("RGB", "RGBA") or "exif" not in image.info:
        return False
    try:
        exif = image.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        kind = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    except Exception:  # broken data makes the reader raise almost anything
        log.info("unreadable EXIF data ignored", exc_info=True)
        return False
    return space == _UNCALIBRATED and str(kind).strip("\0 ") == "R03"


@functools.lru_cache(maxsize=1)
def _adobe_rgb() -> bytes:
    """The profile of Adobe RGB (1998): its primaries, adapted to the white D50 of profiles, and its gamma of 563/256."""
    primaries = {b"rXYZ": (0.60974, 0.31111, 0.01947), b"gXYZ": (0.20528, 0.62567, 0.06087), b"bXYZ": (0.14919, 0.06322, 0.74457)}
    white = (0.9642, 1.0, 0.8249)
    tags = {name: b"XYZ \0\0\0\0" + _fixed(*values) for name, values in {b"wtpt": white, **primaries}.items()}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), struct.pack(">4sIIHH", b"curv", 0, 1, 563, 0))
    table, data, begin = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, begin + len(data), len(content))
        data += content
    kind = struct.pack(">I4s4s4s12s4s", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"", b"acsp")  # version 2.4, of a screen
    body = struct.pack(">4s", b"") + kind + bytes(28) + _fixed(*white) + bytes(48) + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", 4 + len(body)) + body


def _fixed(*numbers: float) -> bytes:
    """Numbers as profiles write them: 16 bits before the point and 16 behind."""
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def _converted(image: Image.Image, data: bytes) -> Image.Image:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    if profile.profile.xcolor_space != _SPACES[image.mode]:
        return image
    alpha = _alpha(image)
    colours = image.convert(image.mode.removesuffix("A")) if image.mode in ("RGBA", "LA") else image
    # Printing colours reach further than a screen and are brought in as a whole; others agree in all but their edges.
    printed = colours.mode == "CMYK"
    intent = ImageCms.Intent.PERCEPTUAL if printed else ImageCms.Intent.RELATIVE_COLORIMETRIC
    transform = ImageCms.buildTransform(
        profile, _srgb(), colours.mode, "RGB", renderingIntent=intent, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION
    )
    if not printed and _is_srgb(transform, colours.mode):
        return image
    made = ImageCms.applyTransform(colours, transform)
    made.info.pop("icc_profile", None)
    made.info.pop("transparency", None)
    if alpha is not None:
        made.putalpha(alpha)
    return made


def _alpha(image: Image.Image) -> Image.Image | None:
    """The transparency, also where it is one colour that stands for it."""
    if not image.has_transparency_data:
        return None
    return image.convert("RGBA").getchannel("A")


@functools.lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a transform leaves a cube of colours, or a ramp of greys, as it is."""
    if mode == "L":
        probe = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    else:
        levels = np.linspace(0, 255, 9).round().astype(np.uint8)
        probe = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3))
    before, after = (np.asarray(each, np.int16) for each in (probe.convert("RGB"), ImageCms.applyTransform(probe, transform)))
    return int(np.abs(before - after).max()) <= SAME
