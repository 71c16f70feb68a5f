"""A picture in another domain and back again: `translate`, by the two generators of a CycleGAN."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from ...checks import check_count, check_flag, check_range
from ...errors import StudioError
from ...image import MAX_PIXELS, Source, read, to_image, to_tensor
from ...ops import translation as ops
from ..notebook import png
from ..records import recorded
from ..steps import Step, last
from ..style.cost import memory_free
from ..validation import find_model, open_model
from ..work import estimated_seconds, gpu_task, megapixels

__all__ = ["FULL", "LARGEST", "Translation", "TranslationStep", "blend", "error_map", "translate", "translation_steps"]

LARGEST = 8192  # longer side of a result, in pixels
FULL = 64  # error, in levels of 255, from which on the error map is as light as it gets
_BYTES = 100  # a pixel of the picture, at most: the picture, both results, and what they are written with
_SPARE = 2_000_000_000  # bytes for one piece on its way through the widest nets

# Black, through red and orange, to pale yellow: dark to light, so that it can be read without colours too.
_HEAT = np.array([(0, 0, 0), (96, 16, 48), (196, 44, 36), (246, 142, 36), (255, 250, 200)])


@dataclass(frozen=True)
class Translation:
    """What came out.

    image: the translated picture; cycle: that picture translated back; cycle_error: mean absolute difference of `cycle` and
    the original, in levels from 0 to 255. The last two are None where nobody asked for them or no model leads back.
    """

    image: Image.Image
    cycle: Image.Image | None = None
    cycle_error: float | None = None

    def _repr_png_(self) -> bytes | None:
        return png([self.image, *([self.cycle] if self.cycle else [])], 2)


@dataclass(frozen=True)
class TranslationStep(Step):
    """A tile of the way there, or back. `result` comes with the last; `image` is the way there so far."""

    result: Translation | None = None


@recorded()
def translate(model: str, image: Source, *, cycle: bool = True, size: int | None = None, strength: float = 1.0) -> Translation:
    """The picture in the domain that `model` leads to; any size from 1 x 1, its shape is kept.

    cycle:    also translate back, with the model that leads the other way, and measure how much of the picture was lost.
    size:     longer side of the result in pixels; None leaves the picture as large as it is. Nets of flowers and fruits see it
              small whatever its size, and their change is enlarged; all others see it at this size, and of what fills a large
              picture only pieces.
    strength: from 0, the picture itself, to 1. The way back always starts from the whole translation.
    """
    result = last(translation_steps(model, image, cycle=cycle, size=size, strength=strength)).result
    assert result is not None, "the last step has it"
    return result


@recorded()
@gpu_task(lambda model, size: estimated_seconds(model, 2, megapixels(size or 1024)), steps=True)
def translation_steps(
    model: str, image: Source, *, cycle: bool = True, size: int | None = None, strength: float = 1.0
) -> Iterator[TranslationStep]:
    """`translate`, tile by tile: a picture of a thousand pixels is one. Mistakes raise StudioError at once."""
    spec, cycle = find_model(model, "translate"), check_flag("The way back", cycle)
    strength = check_range("The strength", strength, 0, 1)
    x = _fitted(image, size)
    _, net = open_model(model, "translate")
    back = open_model(spec.inverse, "translate")[1] if cycle and spec.inverse else None
    return _steps(net, back, x, strength)


def _fitted(image: Source, size: int | None) -> Tensor:
    """The picture [1, 3, H, W], its longer side at `size` if there is one."""
    size = None if size is None else check_count("The size", size, 1, LARGEST)
    picture = read(image)
    factor = 1.0 if size is None else size / max(picture.size)
    width, height = (max(1, round(side * factor)) for side in picture.size)
    _check_fits(width, height)
    if size is not None:
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return to_tensor(picture)


def _check_fits(width: int, height: int) -> None:
    """Raises StudioError for a result that is too large."""
    if width * height > MAX_PIXELS:
        most = MAX_PIXELS // 1_000_000
        raise StudioError(f"{width} x {height} pixels are more than {most} megapixels: choose a smaller size.")
    needed, free = _BYTES * width * height + _SPARE, memory_free()
    if needed > free:
        raise StudioError(
            f"{width} x {height} pixels take about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: "
            "choose a smaller size."
        )


def _steps(net: Any, back: Any | None, x: Tensor, strength: float) -> Iterator[TranslationStep]:
    started, made = time.perf_counter(), x
    shares = 2 if back else 1  # there and back have equally many tiles
    for done, total, made in ops.translate(net, x):
        if done < total or back:
            yield TranslationStep(done, shares * total, _blended(x, made, strength), {}, time.perf_counter() - started)
    image, again = _blended(x, made, strength), None
    if back:
        translated_picture = to_tensor(to_image(made))  # as it would be read from a file
        for part in ops.translate(back, translated_picture):
            done, again = part[0], part[2]
            if done < total:
                yield TranslationStep(total + done, 2 * total, image, {}, time.perf_counter() - started)
    error = None if again is None else ops.absolute_error(x, again).mean().item()
    result = Translation(image, None if again is None else to_image(again), error)
    losses = {} if error is None else {"cycle": error}
    yield TranslationStep(shares * total, shares * total, image, losses, time.perf_counter() - started, result)


def _blended(x: Tensor, made: Tensor, strength: float) -> Image.Image:
    return to_image(ops.blend(x, made, strength))


@recorded(name="blend_translation")
def blend(image: Source, translated: Source, strength: float) -> Image.Image:
    """A finished translation at another strength: `image`, brought to the size of `translated`, mixed with it."""
    strength, made = check_range("The strength", strength, 0, 1), read(translated)
    picture = read(image)
    if picture.size != made.size:
        picture = picture.resize(made.size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Image.blend(picture, made, strength)


@recorded()
def error_map(image: Source, cycle: Source) -> Image.Image:
    """Where two pictures differ, as a heat map of the size of `cycle`: black where they agree, pale yellow from FULL levels of
    255 on, mean over the colours."""
    other = read(cycle)
    picture = read(image)
    if picture.size != other.size:
        picture = picture.resize(other.size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    levels = np.abs(np.asarray(picture, np.float32) - np.asarray(other, np.float32)).mean(axis=2)
    places = np.linspace(0, FULL, len(_HEAT))
    table = np.stack([np.interp(np.arange(256), places, channel) for channel in _HEAT.T], axis=1)
    return Image.fromarray(np.rint(table).astype(np.uint8)[np.rint(levels).astype(np.uint8)])
