"""A composition of planes, beams and discs that fly across a pale ground, in oil that has aged."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .sheet import Array, Sheet, blur, disc, noise, relief, rgb, ribbon, smoothstep

_ASPECT = 1.25
_COLOURS = ("#c8281e", "#17161a", "#1f3f8a", "#e8a81f", "#2f6a4a", "#d8602a", "#7a1f2a", "#4f86b0", "#b89a6a", "#5a5f66")


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#e9dec4")
    height = noise(rng, sheet.shape, 90, 2) * 0.5
    tilt = rng.uniform(-0.75, -0.60)
    sheet.colour *= (1 + 0.10 * (noise(rng, sheet.shape, 4, 4) - 0.5))[..., None]
    for shape, colour, shaded in _planes(rng, tilt):
        height = _plane(rng, sheet, height, shape, colour, shaded, tilt)
    return _age(rng, sheet, height)


def _bar(x: float, y: float, length: float, width: float, turn: float, taper: float = 1.0) -> NDArray:
    step = np.array([np.cos(turn), np.sin(turn)]) * length / 2
    return ribbon([np.array([x, y]) - step, np.array([x, y]) + step], (width, width * taper))


def _planes(rng: Generator, tilt: float) -> list[tuple[NDArray, str, bool]]:
    """Shapes from back to front, with a colour each; shaded ones darken towards one edge, as if they had a volume."""
    cross = tilt + np.pi / 2
    planes = [
        (disc(0.60, 0.50, 0.330, 120), "#ead08a", True),
        (disc(0.60, 0.50, 0.235, 120), "#d9c7a0", True),
        (_bar(0.50, 0.66, 1.25, 0.155, tilt, 0.75), "#17161a", True),
        (_bar(0.46, 0.50, 0.72, 0.235, tilt + 0.06, 0.8), "#c8281e", True),
        (_bar(0.30, 0.40, 0.50, 0.085, cross - 0.10), "#1f3f8a", True),
        (_bar(0.70, 0.72, 0.62, 0.060, tilt - 0.10), "#e8a81f", True),
        (np.array([(0.12, 1.10), (0.46, 0.86), (0.40, 1.17)]), "#2f6a4a", True),
        (_bar(0.66, 0.30, 0.44, 0.045, cross + 0.05), "#17161a", False),
        (disc(0.25, 0.235, 0.105, 90), "#17161a", True),
        (disc(0.25, 0.235, 0.058, 90), "#d8602a", True),
        (_bar(0.80, 0.46, 0.36, 0.028, tilt), "#c8281e", False),
        (np.array([(0.60, 0.55), (0.92, 0.60), (0.70, 0.80)]), "#4f86b0", True),
        (disc(0.745, 0.655, 0.045, 70), "#e9dec4", True),
    ]
    for _ in range(13):  # small pieces in the wake of the large ones
        along, off = rng.uniform(-0.55, 0.55), rng.uniform(-0.30, 0.30)
        x, y = 0.5 + along * np.cos(tilt) - off * np.sin(tilt), 0.63 + along * np.sin(tilt) + off * np.cos(tilt)
        turn = tilt if rng.random() < 0.6 else cross
        shape = _bar(x, y, rng.uniform(0.05, 0.26), rng.uniform(0.007, 0.035), turn + rng.normal(0, 0.04))
        planes.append((shape, _COLOURS[rng.integers(len(_COLOURS))], bool(rng.random() < 0.5)))
    for i in range(7):  # parallel lines
        planes.append((_bar(0.86 - 0.004 * i, 0.90 + 0.022 * i, 0.20 - 0.012 * i, 0.0065, tilt + 0.02), "#17161a", False))
    for i in range(5):
        planes.append(
            (_bar(0.14 + 0.030 * i, 0.60 + 0.022 * i, 0.24, 0.0075, cross + 0.1), "#c8281e" if i % 2 else "#17161a", False)
        )
    return planes


def _plane(rng: Generator, sheet: Sheet, height: Array, shape: NDArray, code: str, shaded: bool, tilt: float) -> Array:
    """Paints one shape with a flat brush that goes one way; returns the relief of the paint."""
    mask = blur(sheet.mask(shape), 0.6)
    turn = tilt + rng.normal(0, 0.25) + (np.pi / 2 if rng.random() < 0.4 else 0)
    along, across = sheet.x * np.cos(turn) + sheet.y * np.sin(turn), sheet.y * np.cos(turn) - sheet.x * np.sin(turn)
    hairs = rng.random(4096, dtype=np.float32)
    wobble = noise(rng, sheet.shape, 7, 2)
    bristle = hairs[((across * 260 + 3.0 * wobble + 9 * np.floor(along * 5 + 2 * wobble)).astype(int)) % 4096]
    bristle = 0.6 * bristle + 0.4 * hairs[((across * 620 + 5 * wobble).astype(int)) % 4096]
    side = rng.uniform(0, 2 * np.pi)
    reach = shape @ np.array([np.cos(side), np.sin(side)])
    place = sheet.x * np.cos(side) + sheet.y * np.sin(side)
    t = np.clip((place - reach.min()) / np.ptp(reach), 0, 1)
    tone = (1.10 - 0.55 * t**1.8) if shaded else 1.0
    colour = rgb(code) * (tone * (0.90 + 0.20 * bristle + 0.12 * (wobble - 0.5)))[..., None] + 0.05 * bristle[..., None]
    sheet.lay(mask, np.clip(colour, 0, 1), 0.97)
    return height * (1 - mask) + mask * (bristle * 1.0 + 1.2)


def _age(rng: Generator, sheet: Sheet, height: Array) -> Array:
    """Raking light on paint and canvas, fine cracks, yellowed varnish."""
    weave = 0.25 * (np.sin(sheet.x * 1100) + np.sin(sheet.y * 1100))
    light = relief(blur(height, 0.8) * 1.3 + weave * 0.35, 0.9)
    sheet.colour *= (1 + 0.17 * light)[..., None]
    seeds = rng.random((900, 2)) * (1, _ASPECT)
    push = 0.010 * noise(rng, sheet.shape, 40, 3)
    near = cKDTree(seeds).query(np.stack([(sheet.x + push).ravel(), (sheet.y - push).ravel()], axis=1), k=2)[0]
    gap = (near[:, 1] - near[:, 0]).reshape(sheet.shape)
    cracks = smoothstep(0.0011, 0.0003, gap) * smoothstep(0.52, 0.72, noise(rng, sheet.shape, 5, 3))
    sheet.lay(cracks.astype(np.float32), rgb("#4a3a2a"), 0.38)
    sheet.stain(np.ones(sheet.shape, np.float32), "#f4e2b4", 0.30)
    sheet.colour *= (1 + 0.05 * (noise(rng, sheet.shape, 120, 2) - 0.5))[..., None]
    return sheet.finish()
