"""A stained glass window: sunrise over a river with tulips, pieces of glowing glass between lines of lead."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import ndimage
from scipy.spatial import cKDTree

from .sheet import Array, Sheet, below, blur, curve, noise, palette, relief, ribbon, smoothstep, vary

_ASPECT = 1.28
_SUN = (0.52, 0.46, 0.115)  # x, y, radius
# Region -> pieces of glass in a unit area, colours.
_GLASS = {
    "sky": (70, palette("#1f3fa8", "#2a62d0", "#3f8fe0", "#6a4fc0", "#1b2f80", "#4fb0e8")),
    "rays": (60, palette("#f7a531", "#f4c64a", "#ef7d3a", "#f5dc7a", "#e85a4a")),
    "sun": (130, palette("#ffe9a0", "#ffd34d", "#fff4cc")),
    "far": (190, palette("#5a3f9a", "#7a4fb0", "#3f4fa0", "#9a5fb8")),
    "near": (130, palette("#1f7a4a", "#2fa05a", "#66b84a", "#126050", "#9acb4a")),
    "river": (180, palette("#3fb8d8", "#7fdcec", "#1f88c0", "#c8f0f0", "#f4c87a")),
    "ground": (160, palette("#0f4f3a", "#1a6f3f", "#2a8a4a", "#0c3f40")),
    "leaf": (70, palette("#3fae4a", "#7cc94a", "#1f8a4a", "#b0d850")),
    "petal": (1, palette("#d81f2f", "#f0413a", "#b8104a", "#f2703f")),
    "border": (1, palette("#7a1f3f", "#a82f3f", "#c8922a", "#1f4f7a", "#2f7a6a")),
}


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT)
    regions = _regions(rng, sheet)
    pieces, colours = _pieces(rng, sheet, regions)
    return _light(rng, sheet, pieces, colours)


def _regions(rng: Generator, sheet: Sheet) -> list[tuple[str, Array]]:
    """Regions from back to front: name of the glass, mask. A later one hides the earlier."""
    x, y = sheet.x, sheet.y
    a, b, radius = _SUN
    regions = [("sky", np.ones(sheet.shape, np.float32))]
    turn = np.arctan2(y - b, x - a) + 0.12 * np.sin(14 * np.hypot(x - a, y - b))
    regions.append(("rays", ((turn * 18 / np.pi / 2 + rng.random()) % 1 < 0.5).astype(np.float32)))
    regions.append(("sun", (np.hypot(x - a, y - b) < radius).astype(np.float32)))
    xs = np.linspace(-0.05, 1.05, 7)
    for name, level, rise in [("far", 0.50, 0.13), ("near", 0.60, 0.12)]:
        line = curve(np.stack([xs, level + rise * (rng.random(7) - 0.5)], axis=1), 200)
        regions.append((name, sheet.mask(below(line, 2))))
    course = curve([(0.50, 0.60), (0.66, 0.68), (0.36, 0.78), (0.62, 0.92), (0.44, 1.15), (0.5, 1.4)], 200)
    regions.append(("river", sheet.mask(ribbon(course, np.linspace(0.03, 0.42, 200)))))
    line = curve([(-0.05, 0.86), (0.2, 0.93), (0.42, 1.05), (0.6, 1.10), (0.8, 0.98), (1.05, 0.88)], 200)
    regions.append(("ground", sheet.mask(below(line, 2))))
    for foot, head, height in [
        (0.13, 0.17, 0.66),
        (0.34, 0.30, 0.82),
        (0.86, 0.82, 0.63),
        (0.67, 0.70, 0.86),
        (0.95, 0.95, 0.85),
    ]:
        regions += _tulip(sheet, foot + rng.normal(0, 0.01), head + rng.normal(0, 0.015), height + rng.normal(0, 0.02))
    return regions


def _tulip(sheet: Sheet, foot: float, head: float, top: float) -> list[tuple[str, Array]]:
    stem = curve([(foot, 1.3), ((foot * 2 + head) / 3, 1.1), (head, top + 0.04)], 60)
    parts = [("leaf", sheet.mask(ribbon(stem, 0.016)))]
    for side, reach in [(-1, 0.085), (1, 0.075)]:
        blade = curve([(foot, 1.25), (foot + side * reach * 0.5, 1.1), (foot + side * reach, 0.93 + 0.3 * reach)], 60)
        parts.append(("leaf", sheet.mask(ribbon(blade, 0.055 * np.sin(np.pi * np.linspace(0.12, 1, 60)) ** 0.8))))
    for bend, width in [(-0.075, 0.062), (0.075, 0.062), (0.0, 0.075)]:
        petal = curve([(head, top + 0.055), (head + bend * 0.85, top - 0.01), (head + bend * 0.75, top - 0.10)], 50)
        parts.append(("petal", sheet.mask(ribbon(petal, width * np.sin(np.pi * np.linspace(0.1, 1, 50)) ** 0.7))))
    return parts


def _pieces(rng: Generator, sheet: Sheet, regions: list[tuple[str, Array]]) -> tuple[Array, Array]:
    """A number for the piece of glass at every pixel, and the colour of every piece."""
    pieces = np.zeros(sheet.shape, np.int32)
    colours = [np.zeros((1, 3), np.float32)]
    first = 1
    for name, mask in [*regions, *_border(sheet)]:
        density, glass = _GLASS[name]
        count = max(1, int(density * _ASPECT)) if density > 1 else 1
        seeds = rng.random((count, 2)) * (1, _ASPECT)
        for _ in range(2):  # even the pieces out (Lloyd)
            cloud = rng.random((20 * count, 2)) * (1, _ASPECT)
            owner = cKDTree(seeds).query(cloud)[1]
            size = np.maximum(np.bincount(owner, minlength=count), 1)
            seeds = np.stack([np.bincount(owner, cloud[:, i], count) / size for i in (0, 1)], axis=1)
        rows, columns = np.nonzero(mask > 0.5)
        nearest = cKDTree(seeds).query(np.stack([columns, rows], axis=1) / sheet.unit)[1]
        pieces[rows, columns] = first + nearest
        colours.append(vary(rng, glass[rng.integers(len(glass), size=count)], 0.03, 0.04))
        first += count
    return pieces, np.concatenate(colours)


def _border(sheet: Sheet) -> list[tuple[str, Array]]:
    """A frame of small panes."""
    edge = np.minimum.reduce([sheet.x, sheet.y, 1 - sheet.x, _ASPECT - sheet.y])
    panes = []
    sides = np.argmin([sheet.x, sheet.y, 1 - sheet.x, _ASPECT - sheet.y], axis=0)
    along = np.where(sides % 2 == 0, sheet.y / _ASPECT * 14, sheet.x * 11).astype(int)
    for side in range(4):
        for number in range(14 if side % 2 == 0 else 11):
            panes.append(("border", ((edge < 0.05) & (sides == side) & (along == number)).astype(np.float32)))
    return panes


def _light(rng: Generator, sheet: Sheet, pieces: Array, colours: Array) -> Array:
    """Daylight through the glass: streaks and bubbles in it, brighter by the sun, lead lines with a soft shine."""
    edges = (pieces != np.roll(pieces, 1, 0)) | (pieces != np.roll(pieces, 1, 1))
    edges[0], edges[:, 0] = True, True
    distance = ndimage.distance_transform_edt(~edges).astype(np.float32) / sheet.unit
    x, y = sheet.x, sheet.y
    swirl = noise(rng, sheet.shape, 9, 4) + 0.5 * noise(rng, sheet.shape, 40, 2)
    tilt = rng.uniform(-1, 1, (2, len(colours))).astype(np.float32)
    centre = np.hypot(x - _SUN[0], (y - _SUN[1]) * 0.9)
    glow = 0.74 + 0.55 * np.exp(-((centre / 0.42) ** 2))
    streak = 0.22 * np.sin(26 * swirl + 20 * (tilt[0][pieces] * x + tilt[1][pieces] * y))
    within = 0.62 + 0.46 * smoothstep(0.0, 0.03, distance)
    light = glow * within * (0.86 + 0.30 * swirl / 1.5 + streak * 0.5)
    sheet.colour = colours[pieces] * light[..., None]
    sheet.colour += 0.30 * np.clip(light - 1.0, 0, 1)[..., None]
    ripple = relief(noise(rng, sheet.shape, 30, 3) * 30, 0.9)
    sheet.colour *= (1 + 0.14 * ripple)[..., None]
    width = 0.0042 + 0.0012 * noise(rng, sheet.shape, 20, 2)
    lead = smoothstep(1.0, 0.75, distance / width)
    bulge = np.sqrt(np.clip(1 - (distance / width) ** 2, 0, 1)) * 0.0042 * sheet.unit
    metal = 0.11 + 0.13 * relief(blur(bulge, 1), 1.2) + 0.05 * noise(rng, sheet.shape, 120, 2)
    sheet.lay(lead, np.clip(metal, 0.02, 1)[..., None] * np.array([0.95, 1.0, 1.1], np.float32))
    bloom = blur(sheet.colour, 0.012 * sheet.unit)
    sheet.colour = 1 - (1 - np.clip(sheet.colour, 0, 1)) * (1 - 0.22 * bloom)
    return sheet.finish()
