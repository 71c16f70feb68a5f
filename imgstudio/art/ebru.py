"""Marbled paper (ebru): drops of paint that push each other aside on water, drawn through with combs.

Every drop and every comb is an exact map of the plane (Lu, Jaffer, Jin, Zhao and Mao 2012, "Mathematical marbling"), so each
pixel is followed back through all of them to the drop that it came from.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .sheet import Array, Sheet, noise, palette, smoothstep

_PAINTS = palette("#0f2f4f", "#f3e8d0", "#b5232f", "#e8a52f", "#1f7f86", "#f3e8d0", "#d95f2a", "#16414f", "#7fb8a8", "#6a1f3a")
_DROPS = 150


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 0.8)
    x, y = _comb_back(rng, sheet.x.copy(), sheet.y.copy())
    owner, depth = _drops_back(rng, x.ravel(), y.ravel())
    owner, depth = owner.reshape(sheet.shape), depth.reshape(sheet.shape)
    paints = rng.permutation(np.arange(_DROPS + 1) % len(_PAINTS))
    sheet.colour = _PAINTS[paints[owner]]
    return _paper(rng, sheet, owner, depth)


def _comb_back(rng: Generator, x: Array, y: Array) -> tuple[Array, Array]:
    """Undoes, last first: two large whirls of a stylus, a fine comb down the sheet, a coarse comb across it."""
    for a, b, radius, turn in [
        (0.30, 0.42, 0.24, 2.6),
        (0.72, 0.36, 0.22, -2.8),
        (0.52, 0.66, 0.13, 2.2),
        (0.06, 0.08, 0.13, -2.0),
        (0.95, 0.72, 0.14, 2.2),
        (0.52, 0.10, 0.12, 2.0),
        (0.10, 0.72, 0.13, -1.8),
    ]:
        a, b = a + rng.normal(0, 0.02), b + rng.normal(0, 0.02)
        distance = np.hypot(x - a, y - b)
        angle = -turn * np.exp(-((distance / radius) ** 2) * 2.2)
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = a + (x - a) * cos - (y - b) * sin, b + (x - a) * sin + (y - b) * cos
    x = x - 0.020 * np.sin(7 * y + rng.uniform(0, 6))
    teeth = 0.052
    phase = np.abs(((x + rng.uniform(0, teeth)) / teeth) % 1 - 0.5) * teeth
    y = y + 0.115 * 0.006 / (phase + 0.006)
    teeth = 0.16
    row = np.floor(y / teeth)
    phase = np.abs((y / teeth) % 1 - 0.5) * teeth
    x = x - 0.20 * np.where(row % 2 == 0, 1, -1) * 0.02 / (phase + 0.02)
    return x.astype(np.float32), y.astype(np.float32)


def _drops_back(rng: Generator, x: Array, y: Array) -> tuple[Array, Array]:
    """For each place [N] the number of its drop (0: the ground) and how far inside it lies, 0 at its middle to 1."""
    middle = rng.uniform((-0.25, -0.25), (1.25, 1.05), (_DROPS, 2)).astype(np.float32)
    radius = (rng.uniform(0.035, 0.15, _DROPS) * np.linspace(1.25, 0.65, _DROPS)).astype(np.float32)
    owner, depth = np.zeros(len(x), np.int32), np.ones(len(x), np.float32)
    left = np.arange(len(x))
    for i in range(_DROPS - 1, -1, -1):
        dx, dy = x - middle[i, 0], y - middle[i, 1]
        square = (dx * dx + dy * dy) / radius[i] ** 2
        inside = square < 1
        owner[left[inside]], depth[left[inside]] = i + 1, np.sqrt(square[inside])
        out = ~inside
        left = left[out]
        shrink = np.sqrt(1 - 1 / np.maximum(square[out], 1.000001))
        x, y = middle[i, 0] + dx[out] * shrink, middle[i, 1] + dy[out] * shrink
    return owner, depth


def _paper(rng: Generator, sheet: Sheet, owner: Array, depth: Array) -> Array:
    """Pigment is thicker at the rim of a drop and speckled within; the paper has a tooth."""
    speckle = noise(rng, sheet.shape, 220, 2)
    cloud = noise(rng, sheet.shape, 14, 3)
    tone = 1.04 - 0.22 * smoothstep(0.86, 1.0, depth) + 0.13 * (cloud - 0.5) + 0.20 * (speckle - 0.5)
    sheet.colour *= tone[..., None]
    sheet.lay(smoothstep(0.80, 0.92, speckle) * (owner % 3 == 0), "#f3e8d0", 0.5)
    sheet.colour *= (1 + 0.10 * (noise(rng, sheet.shape, 110, 3) - 0.5))[..., None]
    return sheet.finish()
