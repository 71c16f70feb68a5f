"""What all techniques share: the sheet and its coordinates, noise, colours, masks of shapes, light on a relief.

Pictures are float arrays [H, W, 3] in [0, 1], maps are [H, W]. Places are in units of the sheet's width: x runs from 0 to 1,
y from 0 at the top to the sheet's height/width, so that a composition is the same at every size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Array = NDArray[np.float32]


class Sheet:
    """A picture in the making, `scale` times as large as what comes out, so that edges are smooth in the end."""

    def __init__(self, size: int, aspect: float, colour: ArrayLike = (1, 1, 1), scale: int = 2) -> None:
        width, height = round(size / max(1, aspect)), round(size * aspect / max(1, aspect))
        self.scale, self.aspect = scale, aspect
        self.shape = (height * scale, width * scale)
        self.unit = width * scale  # pixels
        self.x, self.y = np.meshgrid(
            (np.arange(width * scale, dtype=np.float32) + 0.5) / self.unit,
            (np.arange(height * scale, dtype=np.float32) + 0.5) / self.unit,
        )
        self.colour = np.empty((*self.shape, 3), np.float32)
        self.colour[:] = rgb(colour) if isinstance(colour, str) else colour

    def mask(self, *polygons: ArrayLike) -> Array:
        """1 inside any of the polygons [N, 2], 0 outside."""
        image = Image.new("L", self.shape[::-1])
        pen = ImageDraw.Draw(image)
        for polygon in polygons:
            points = np.asarray(polygon, dtype=np.float64) * self.unit
            if len(points) > 2:
                pen.polygon([tuple(p) for p in points.tolist()], fill=255)
        return np.asarray(image, np.float32) / 255

    def lay(self, mask: Array, colour: ArrayLike | str, opacity: float | Array = 1.0) -> None:
        """Covers what the mask marks with a colour, or with a picture of the sheet's shape."""
        colour = rgb(colour) if isinstance(colour, str) else np.asarray(colour, np.float32)
        self.colour += (mask * opacity)[..., None] * (colour - self.colour)

    def fill(self, colour: str, *polygons: ArrayLike, opacity: float = 1.0) -> None:
        """Covers polygons with a colour; touches only their surroundings, so that thousands of small ones take little time."""
        corners = np.concatenate([np.asarray(polygon, np.float64) for polygon in polygons]) * self.unit
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
        part = self.colour[top:bottom, left:right]
        if part.size:
            image = Image.new("L", part.shape[1::-1])
            pen = ImageDraw.Draw(image)
            for polygon in polygons:
                points = np.asarray(polygon, np.float64) * self.unit - (left, top)
                pen.polygon([tuple(p) for p in points.tolist()], fill=255)
            part += (np.asarray(image, np.float32) / 255 * opacity)[..., None] * (rgb(colour) - part)

    def stain(self, mask: Array, colour: ArrayLike | str, opacity: float | Array = 1.0) -> None:
        """Like `lay`, but with a transparent colour, through which what lies below still shows."""
        colour = rgb(colour) if isinstance(colour, str) else np.asarray(colour, np.float32)
        self.colour *= 1 - (mask * opacity)[..., None] * (1 - colour)

    def noise(self, rng: Generator, cells: float, octaves: int = 4, gain: float = 0.5) -> Array:
        return noise(rng, self.shape, cells, octaves, gain)

    def finish(self) -> Array:
        """The picture at its final size."""
        return shrink(self.colour, self.scale)


def shrink(picture: Array, scale: int) -> Array:
    """Averages squares of scale x scale pixels."""
    height, width = picture.shape[0] // scale, picture.shape[1] // scale
    return picture.reshape(height, scale, width, scale, *picture.shape[2:]).mean(axis=(1, 3))


def noise(rng: Generator, shape: tuple[int, int], cells: float, octaves: int = 4, gain: float = 0.5) -> Array:
    """Fractal noise in [0, 1] with `cells` bumps along the longer side in its coarsest octave."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        pitch = max(shape) / (cells * 2**octave)  # pixels a cell
        side = int(np.ceil(cells * 2**octave)) + 4  # the same for all sizes of a picture, and so are the numbers drawn
        grid = rng.random((side, side), dtype=np.float32)
        box = (1, 1, 1 + width / pitch, 1 + height / pitch)
        total += gain**octave * np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC, box=box))
    total -= total.min()
    return total / max(total.max(), 1e-6)


def rgb(code: str) -> Array:
    """#d0a040 -> [3]."""
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def palette(*codes: str) -> Array:
    """Colour codes -> [N, 3]."""
    return np.stack([rgb(code) for code in codes])


def ramp(t: ArrayLike, colours: Array, stops: Sequence[float] | None = None) -> Array:
    """Numbers in [0, 1] of any shape -> colours along a gradient [..., 3]."""
    at = np.linspace(0, 1, len(colours)) if stops is None else np.asarray(stops)
    return np.stack([np.interp(t, at, colours[:, i]) for i in range(3)], axis=-1).astype(np.float32)


def vary(rng: Generator, colours: Array, light: float = 0.06, tint: float = 0.04) -> Array:
    """Colours [..., 3], each a little lighter or darker and of another tint."""
    shift = rng.normal(0, light, (*colours.shape[:-1], 1)) + rng.normal(0, tint, colours.shape)
    return np.clip(colours + shift, 0, 1).astype(np.float32)


def sample(field: Array, x: Array, y: Array) -> Array:
    """Values of a map [H, W] or picture [H, W, 3] at the nearest pixels to places in pixels; outside, those of the border."""
    rows = np.clip(y, 0, field.shape[0] - 1).astype(np.intp)
    return field[rows, np.clip(x, 0, field.shape[1] - 1).astype(np.intp)]


def smoothstep(low: float, high: float, value: Array) -> Array:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blur(field: Array, radius: float) -> Array:
    """Gaussian blur of a map or a picture, radius in pixels."""
    if field.ndim == 2 and radius > 8:  # wide ones on a smaller copy, which nobody can tell
        small = (max(1, int(field.shape[1] * 3 / radius)), max(1, int(field.shape[0] * 3 / radius)))
        image = Image.fromarray(field.astype(np.float32)).resize(small, Image.Resampling.BOX)
        soft = ndimage.gaussian_filter(np.asarray(image), radius * small[0] / field.shape[1], mode="nearest")
        return np.asarray(Image.fromarray(soft).resize(field.shape[::-1], Image.Resampling.BICUBIC))
    return ndimage.gaussian_filter(field, (radius, radius, 0)[: field.ndim], mode="nearest", truncate=3)


def relief(height: Array, strength: float, angle: float = -2.2) -> Array:
    """Light on a relief [H, W] whose heights are in pixels: about 0, above it on slopes that face the lamp."""
    down, right = np.gradient(height)
    slope = -(right * np.cos(angle) + down * np.sin(angle)) * strength
    return -slope / np.sqrt(1 + slope * slope)


def curve(points: ArrayLike, count: int = 100, closed: bool = False) -> NDArray[np.float64]:
    """A smooth curve [count, 2] through points (Catmull-Rom with even parameters)."""
    p = np.asarray(points, np.float64)
    p = np.concatenate([p[-1:], p, p[:2]] if closed else [2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    at = np.linspace(0, len(p) - 3, count, endpoint=not closed)
    i = np.minimum(at.astype(int), len(p) - 4)
    t = (at - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def ribbon(line: ArrayLike, width: ArrayLike) -> NDArray[np.float64]:
    """The outline of a band along a line [N, 2], of a width [N] or one for all."""
    line = np.asarray(line, np.float64)
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * (np.broadcast_to(width, len(line))[:, None] / 2)
    return np.concatenate([line + side, (line - side)[::-1]])


def disc(x: float, y: float, radius: float, count: int = 60) -> NDArray[np.float64]:
    a = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + radius * np.cos(a), y + radius * np.sin(a)], axis=1)


def below(line: ArrayLike, floor: float) -> NDArray[np.float64]:
    """The area between a line from left to right and the floor."""
    line = np.asarray(line, np.float64)
    return np.concatenate([line, [[line[-1, 0], floor], [line[0, 0], floor]]])
