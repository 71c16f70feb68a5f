"""Paint laid on stroke by stroke: bristles, ridges of paint, light on them.

A painting is made from three maps: what to paint (a picture), which way the brush goes (angles) and which regions a stroke
may not leave. Coarse strokes come first, fine ones on top (after Hertzmann 1998, "Painterly rendering with curved brush
strokes of multiple sizes").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .sheet import Array, Sheet, relief, sample, vary

_CHUNK = 400  # strokes at once, which bounds the memory


@dataclass(frozen=True)
class Layer:
    """Strokes of one size. Lengths are in units of the sheet's width."""

    width: float
    length: float
    cover: float  # strokes a place lies under, on average
    light: float = 0.05  # how far strokes differ in lightness
    tint: float = 0.03  # and in each of red, green and blue
    thickness: float = 1.0


class Painting:
    """Paint on a sheet: the colour of every pixel, and how high the paint stands there."""

    def __init__(self, sheet: Sheet, rng: Generator) -> None:
        self.sheet, self.rng = sheet, rng
        self.height = np.zeros(sheet.shape, np.float32)

    def cover(self, target: Array, angle: Array, layer: Layer, regions: Array | None = None, where: Array | None = None) -> None:
        """Covers the sheet (or where a map says how likely) with strokes in the colours of `target`."""
        height, width = self.sheet.shape
        rim = layer.length * self.sheet.unit  # strokes also come in from outside
        area = (width + 2 * rim) * (height + 2 * rim) * layer.cover / (layer.width * layer.length * self.sheet.unit**2)
        x, y = self.rng.random((2, int(area)), dtype=np.float32) * [[width + 2 * rim], [height + 2 * rim]] - rim
        if where is not None:
            kept = self.rng.random(len(x)) < sample(where, x, y)
            x, y = x[kept], y[kept]
        paths = self.trace(x, y, angle, layer.length, regions)
        middle = paths[:, paths.shape[1] // 2]
        colour = vary(self.rng, sample(target, middle[:, 0], middle[:, 1]), layer.light, layer.tint)
        size = layer.width * self.rng.uniform(0.7, 1.2, len(x))
        self.strokes(paths, size * self.sheet.unit, colour, layer.thickness)

    def trace(self, x: Array, y: Array, angle: Array, length: float, regions: Array | None = None, steps: int = 12) -> Array:
        """Paths [S, steps, 2] in pixels from starting places along the angles; a path ends where its region does."""
        step = length * self.sheet.unit / (steps - 1)
        region = None if regions is None else sample(regions, x, y)
        path = [np.stack([x, y], axis=1)]
        going = np.ones(len(x), bool)
        for _ in range(steps - 1):
            turn = sample(angle, x, y)
            nx, ny = x + step * np.cos(turn), y + step * np.sin(turn)
            if region is not None:
                going &= sample(regions, nx, ny) == region
            x, y = np.where(going, nx, x), np.where(going, ny, y)
            path.append(np.stack([x, y], axis=1))
        return np.stack(path, axis=1).astype(np.float32)

    def strokes(self, paths: Array, width: Array, colour: Array, thickness: float = 1.0, bristle: float = 0.13) -> None:
        """Lays strokes along paths [S, K, 2] in pixels, in order: widths [S] in pixels, colours [S, 3]."""
        for i in range(0, len(paths), _CHUNK):
            part = slice(i, i + _CHUNK)
            self._lay(paths[part], np.asarray(width[part], np.float32), colour[part], thickness, bristle)

    def _lay(self, paths: Array, width: Array, colour: Array, thickness: float, bristle: float) -> None:
        count, steps = paths.shape[:2]
        length = np.linalg.norm(np.diff(paths, axis=1), axis=2).sum(axis=1)
        along = max(4, int(length.max() * 1.25))
        across = max(4, int(width.max() * 1.35))
        at = np.linspace(0, steps - 1.001, along, dtype=np.float32)
        whole, part = at.astype(int), (at % 1)[None, :, None]
        place = paths[:, whole] * (1 - part) + paths[:, whole + 1] * part  # S,U,2
        tangent = paths[:, whole + 1] - paths[:, whole]
        tangent /= np.maximum(np.linalg.norm(tangent, axis=2, keepdims=True), 1e-3)
        u, v = at / (steps - 1), np.linspace(-1, 1, across, dtype=np.float32)
        ends = np.sqrt(np.clip(1 - np.abs(2 * u - 1) ** 5, 0, 1))  # round ends
        hairs = self._hairs(count, across)[:, None, :]
        offset = (width[:, None] * ends / 2)[..., None] * v  # S,U,V
        px = place[..., :1] - tangent[..., 1:] * offset
        py = place[..., 1:] + tangent[..., :1] * offset
        wet = hairs > (u[:, None] - 0.72) * 2.2 * self.rng.uniform(0.2, 1.1, (count, 1, 1))  # the brush runs dry at its end
        inside = wet & (px >= 0) & (px < self.sheet.shape[1]) & (py >= 0) & (py < self.sheet.shape[0])
        index = py[inside].astype(np.intp) * self.sheet.shape[1] + px[inside].astype(np.intp)
        tone = 1 + bristle * (hairs - 0.5) * 2 + 0 * px
        ridge = (0.35 + 0.65 * hairs) * (1 - v**4) + 0.4 * np.exp(-(((np.abs(v) - 0.82) / 0.12) ** 2)) + 0 * px
        stroke = np.broadcast_to(np.arange(count)[:, None, None], px.shape)[inside]
        self.sheet.colour.reshape(-1, 3)[index] = colour[stroke] * tone[inside][:, None]
        self.height.reshape(-1)[index] = ridge[inside] * thickness

    def _hairs(self, count: int, across: int) -> Array:
        """How much paint each bristle holds, [count, across] in [0, 1]."""
        hairs = self.rng.random((count, across // 2 + 2), dtype=np.float32)
        at = np.linspace(0, hairs.shape[1] - 1.001, across)
        whole, part = at.astype(int), (at % 1).astype(np.float32)
        return hairs[:, whole] * (1 - part) + hairs[:, whole + 1] * part

    def finish(self, depth: float = 1.0, shine: float = 0.12) -> Array:
        """The picture under a lamp at the upper left."""
        light = relief(self.height * self.sheet.scale, depth)
        lit = self.sheet.colour * (1 + 0.32 * light[..., None])
        self.sheet.colour = np.clip(lit + shine * np.clip(light - 0.35, 0, 1)[..., None], 0, 1)
        return self.sheet.finish()
