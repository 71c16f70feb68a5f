"""A picture taken apart into structure and texture, and put together again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ... import device as devices
from ...checks import check_choice, check_count, check_range, check_type
from ...errors import StudioError
from ...image import Source, read, to_image, to_tensor
from ...ops.texture import decomposition as ops
from ..notebook import png
from ..records import recorded
from ..work import gpu_task

METHODS = tuple(ops.METHODS)
MIDDLE = 128  # the grey that stands for "no texture"
MOST_PIXELS = 12_000_000  # the work takes about ten seconds a megapixel


@dataclass(frozen=True)
class Decomposition:
    """Two pictures in mode RGB and of one size: structure + texture - 128 is the picture, in every pixel and exactly."""

    structure: Image.Image
    texture: Image.Image  # around mid-grey, 128

    def _repr_png_(self) -> bytes | None:
        return png([self.structure, self.texture], 2)


@recorded()
@gpu_task(lambda: 0)
def decompose(image: Source, *, strength: float = 0.5, method: str = "rtv", size: int | None = None) -> Decomposition:
    """Takes a picture apart: large shapes, edges and shading are its structure, small repeated detail its texture.

    strength: from 0, which leaves everything in the structure, to 1. It means the same at every size of a picture.
    method:   "rtv", relative total variation (Xu et al. 2012), which tells edges from texture by their direction, or "rof", total
              variation (Rudin, Osher and Fatemi 1992), which goes by contrast and size alone.
    size:     longer side in pixels; a larger picture is shrunk to it first. None: the picture's own.
    """
    strength, method = check_range("The strength", strength, 0, 1), check_choice("method", method, METHODS)
    size = None if size is None else check_count("The size", size, 1, 10_000)
    picture = read(image)
    if size is not None:
        picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    if picture.width * picture.height > MOST_PIXELS:
        raise StudioError(
            f"A picture of {picture.width} x {picture.height} pixels takes minutes to take apart: choose a size of at most 3000."
        )
    pixels = np.asarray(picture)
    if strength == 0 or min(pixels.shape[:2]) < 2:
        return _split(pixels, pixels)
    found = ops.METHODS[method](to_tensor(picture)[0].add(1).div(2).to(devices.pick()), strength)
    return _split(pixels, np.asarray(to_image(found * 2 - 1)))


def _split(pixels: np.ndarray, structure: np.ndarray) -> Decomposition:
    """The texture is clipped to what a picture holds, and the structure is the rest: so they add up exactly."""
    whole = pixels.astype(np.int16)
    texture = np.clip(whole - structure.astype(np.int16) + MIDDLE, 0, 255)
    rest = whole - (texture - MIDDLE)
    return Decomposition(*(Image.fromarray(part.astype(np.uint8)) for part in (rest, texture)))


def check_amount(amount: float) -> float:
    """How much texture `recompose` takes."""
    return check_range("The amount of texture", amount, -10, 10)


@recorded()
def recompose(decomposition: Decomposition, amount: float) -> Image.Image:
    """Structure + amount x texture. 0 gives the structure, 1 the picture, 2 twice the texture, less than 0 its negative."""
    amount = check_amount(amount)
    check_type("Structure and texture", decomposition, Decomposition, "take a picture apart first")
    structure, texture = (np.asarray(part).astype(np.float32) for part in (decomposition.structure, decomposition.texture))
    whole = structure + amount * (texture - MIDDLE)
    return Image.fromarray(np.rint(whole).clip(0, 255).astype(np.uint8))
