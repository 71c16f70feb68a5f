"""Colour profiles: pictures whose numbers mean other colours than those of sRGB, brought to sRGB."""

from __future__ import annotations

import functools
import io
import logging

import numpy as np
from PIL import Image, ImageCms

LARGEST = 4_000_000  # bytes of a profile; those of printing presses take two to three million
SAME = 2  # levels of 255 by which a profile may miss sRGB and still be taken for it: then nothing is rounded twice
_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "LA": "GRAY", "CMYK": "CMYK"}

log = logging.getLogger(__name__)


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture with its profile applied, in mode RGB, or RGBA where it has transparency; the picture itself where it has no
    profile, one of another kind of colours, a broken one, or that of sRGB."""
    data = image.info.get("icc_profile")
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
