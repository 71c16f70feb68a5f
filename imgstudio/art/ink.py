"""Mountains in mist, ink and brush on rice paper (sumi-e): washes that fade downwards, dry strokes, a pine, a red seal."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from .sheet import Array, Sheet, below, blur, curve, disc, noise, ribbon, smoothstep

_ASPECT = 1.36
_INK = "#17181f"


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#efe6d0")
    _paper(rng, sheet)
    sun = blur(sheet.mask(disc(0.70, 0.25, 0.075)), 0.002 * sheet.unit)
    sheet.stain(sun * (0.85 + 0.3 * (noise(rng, sheet.shape, 12, 3) - 0.5)), "#c8402a", 0.86)
    ranges = [
        (0.46, 0.16, 0.20, "#7f8a98"),
        (0.58, 0.28, 0.34, "#5c6774"),
        (0.72, 0.24, 0.52, "#3c4450"),
        (0.92, 0.24, 0.80, "#22262f"),
    ]
    for i, (level, rise, strength, colour) in enumerate(ranges):
        _range(rng, sheet, level, rise, strength, colour, 0.05 + 0.02 * i)
        _mist(rng, sheet, level + 0.07)
    _cliff(rng, sheet)
    _boat(sheet, 0.74, 1.14)
    _birds(rng, sheet)
    _seal(rng, sheet)
    return sheet.finish()


def _paper(rng: Generator, sheet: Sheet) -> None:
    fibre = noise(rng, sheet.shape, 130, 2)
    sheet.colour *= (1 + 0.05 * (fibre - 0.5) + 0.05 * (noise(rng, sheet.shape, 5, 3) - 0.5))[..., None]
    lines = []
    for x, y in rng.random((260, 2)) * (1, _ASPECT):
        turn = rng.uniform(0, 6.28) + np.cumsum(rng.normal(0, 0.25, 12))
        lines.append(ribbon(np.array([x, y]) + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], 1), 0) * 0.004, 0.0009))
    sheet.fill("#b59f74", *lines, opacity=0.35)


def _bleed(rng: Generator, sheet: Sheet, mask: Array, reach: float) -> Array:
    """The edge of a wash: the wet ink creeps along the fibres, and dries darker at its rim."""
    push = [(noise(rng, sheet.shape, 45, 3) - 0.5) * reach * sheet.unit for _ in range(2)]
    rows, columns = np.indices(sheet.shape, dtype=np.float32)
    moved = ndimage.map_coordinates(mask, [rows + push[0], columns + push[1]], order=1, mode="nearest")
    return np.clip(moved, 0, 1).astype(np.float32)


def _range(rng: Generator, sheet: Sheet, level: float, rise: float, strength: float, colour: str, fade: float) -> None:
    """One chain of mountains: dark along its crest, lost in the mist below, with strokes for the rock."""
    xs = np.linspace(-0.05, 1.05, 500)
    crest = np.full(500, level)
    for _ in range(rng.integers(4, 7)):
        peak, width, height = rng.uniform(0, 1), rng.uniform(0.05, 0.15), rise * rng.uniform(0.35, 1.0)
        crest = np.minimum(crest, level - height * np.exp(-((np.abs(xs - peak) / width) ** 1.35)))
    rough = ndimage.gaussian_filter1d(rng.normal(0, 1, 500), 9) + 0.35 * ndimage.gaussian_filter1d(rng.normal(0, 1, 500), 2)
    line = np.stack([xs, crest + 0.018 * rough * (0.3 + (level - crest) / rise)], axis=1)
    mask = _bleed(rng, sheet, sheet.mask(below(line, 2)), 0.006)
    depth = sheet.y - np.interp(sheet.x, line[:, 0], line[:, 1])
    body = np.exp(-np.clip(depth, 0, 2) / (fade * 1.6)) * (0.65 + 0.7 * (noise(rng, sheet.shape, 7, 4) - 0.35))
    rim = 0.35 * np.exp(-np.abs(depth) / 0.004)
    streak = noise(rng, (sheet.shape[0] // 12 + 2, sheet.shape[1]), 130, 2)
    streak = ndimage.zoom(streak, (sheet.shape[0] / streak.shape[0], 1), order=1)[: sheet.shape[0]]
    dry = smoothstep(0.50, 0.72, streak + 0.45 * (noise(rng, sheet.shape, 9, 3) - 0.5)) * np.exp(
        -np.clip(depth, 0, 2) / (fade * 2.6)
    )
    wash = np.clip(strength * (body + rim) + 0.55 * strength * dry, 0, 0.95)
    sheet.lay(mask * np.clip(wash, 0, 1), colour)


def _mist(rng: Generator, sheet: Sheet, level: float) -> None:
    band = np.exp(-(((sheet.y - level + 0.05 * (noise(rng, sheet.shape, 3, 3) - 0.5)) / 0.045) ** 2))
    sheet.lay(band * (0.45 + 0.5 * noise(rng, sheet.shape, 4, 3)), "#f0e8d4", 0.72)


def _cliff(rng: Generator, sheet: Sheet) -> None:
    """A rock in front, at the left, with a pine that leans over the water."""
    line = curve(
        [(-0.05, 0.90), (0.06, 0.885), (0.15, 0.925), (0.235, 0.965), (0.265, 1.03), (0.34, 1.11), (0.37, 1.22), (0.46, 1.40)],
        200,
    )
    line[:, 1] += 0.006 * ndimage.gaussian_filter1d(rng.normal(0, 1, 200), 1.5)
    mask = _bleed(rng, sheet, sheet.mask(below(line, 2)), 0.008)
    facet = noise(rng, sheet.shape, 9, 4)
    grain = noise(rng, (sheet.shape[0] // 6 + 2, sheet.shape[1]), 90, 3)
    grain = ndimage.zoom(grain, (sheet.shape[0] / grain.shape[0], 1), order=1)[: sheet.shape[0]]
    depth = np.clip(sheet.y - np.interp(sheet.x, line[:, 0], line[:, 1]), 0, 1)
    tone = 0.38 + 0.75 * smoothstep(0.44, 0.66, 0.55 * facet + 0.45 * grain) - 0.35 * smoothstep(0.12, 0.40, depth)
    sheet.lay(mask * np.clip(tone + 0.5 * np.exp(-depth / 0.006), 0, 0.96), _INK)
    trunk = curve([(0.115, 0.92), (0.155, 0.83), (0.135, 0.745), (0.215, 0.665), (0.225, 0.60), (0.30, 0.545)], 160)
    boughs = [(trunk, np.linspace(0.030, 0.007, 160))]
    for at, dx, dy in [
        (60, -0.13, -0.015),
        (85, 0.17, 0.012),
        (110, -0.11, -0.030),
        (128, 0.15, 0.030),
        (145, -0.06, -0.05),
        (158, 0.08, 0.0),
    ]:
        x, y = trunk[at]
        bough = curve([(x, y), (x + dx * 0.5, y + dy - 0.018), (x + dx, y + dy)], 40)
        boughs.append((bough, np.linspace(0.010, 0.003, 40)))
    rough = [ribbon(path, width * (1 + 0.25 * rng.normal(0, 1, len(path)))) for path, width in boughs]
    sheet.lay(_bleed(rng, sheet, sheet.mask(*rough), 0.004), _INK, 0.93)
    for bough, _ in boughs[1:]:
        _needles(rng, sheet, bough[-1], 0.072)
        _needles(rng, sheet, bough[22], 0.052)
    for at in (100, 125, 150):
        _needles(rng, sheet, trunk[at], 0.05)


def _needles(rng: Generator, sheet: Sheet, place: Array, reach: float) -> None:
    """A cushion of fans of needles on a soft grey wash."""
    x, y = place
    cushion = np.exp(-(((sheet.x - x) / reach) ** 2 + ((sheet.y - y + 0.012) / (reach * 0.36)) ** 2) * 1.6)
    sheet.lay(cushion, "#39443f", 0.45)
    strokes = []
    for _ in range(26):
        a, b = x + rng.normal(0, reach * 0.45), y - 0.010 + rng.normal(0, reach * 0.13)
        for turn in np.linspace(-2.75, -0.4, 9) + rng.normal(0, 0.1, 9):
            length = rng.uniform(0.010, 0.019)
            strokes.append(ribbon([(a, b), (a + length * np.cos(turn), b + length * np.sin(turn))], (0.0019, 0.0007)))
    sheet.fill(_INK, *strokes, opacity=0.80)


def _boat(sheet: Sheet, x: float, y: float) -> None:
    hull = curve([(x - 0.075, y - 0.010), (x - 0.02, y + 0.006), (x + 0.045, y + 0.004), (x + 0.085, y - 0.014)], 60)
    sheet.fill(_INK, ribbon(hull, 0.012 * np.sin(np.pi * np.linspace(0.1, 0.95, 60))), opacity=0.9)
    cloak = [(x + 0.004, y - 0.004), (x + 0.012, y - 0.033), (x + 0.028, y - 0.033), (x + 0.036, y - 0.004)]
    hat = [(x + 0.002, y - 0.032), (x + 0.020, y - 0.050), (x + 0.038, y - 0.032)]
    pole = ribbon(curve([(x + 0.02, y - 0.02), (x - 0.04, y - 0.075), (x - 0.10, y - 0.085)], 30), 0.0018)
    sheet.fill(_INK, cloak, hat, pole, opacity=0.86)
    for i in range(7):
        line = curve(
            [
                (x - 0.10 + 0.02 * i, y + 0.03 + 0.014 * i),
                (x, y + 0.026 + 0.014 * i),
                (x + 0.13 - 0.015 * i, y + 0.03 + 0.014 * i),
            ],
            40,
        )
        sheet.fill(_INK, ribbon(line, 0.0022 * np.sin(np.pi * np.linspace(0, 1, 40))), opacity=0.35)


def _birds(rng: Generator, sheet: Sheet) -> None:
    for i in range(7):
        x, y, span = 0.40 + 0.040 * i + rng.normal(0, 0.008), 0.20 - 0.018 * i + rng.normal(0, 0.008), 0.013
        for side in (-1, 1):
            wing = curve([(x, y), (x + side * span * 0.5, y - span * 0.45), (x + side * span, y - span * 0.1)], 20)
            sheet.fill(_INK, ribbon(wing, np.linspace(0.0036, 0.0008, 20)), opacity=0.85)


def _seal(rng: Generator, sheet: Sheet) -> None:
    """Invented signs, cut into a stone and stamped in cinnabar."""
    x, y, side = 0.875, 1.235, 0.070
    stamp = sheet.mask([(x, y), (x + side, y), (x + side, y + side * 1.25), (x, y + side * 1.25)])
    signs = []
    for row in range(3):
        for column in range(2):
            a, b = x + side * (0.12 + 0.44 * column), y + side * (0.10 + 0.38 * row)
            for _ in range(3):
                level = b + side * rng.uniform(0.02, 0.28)
                signs.append(ribbon([(a, level), (a + side * 0.32, level)], 0.005))
            upright = a + side * rng.uniform(0.06, 0.26)
            signs.append(ribbon([(upright, b), (upright, b + side * 0.31)], 0.005))
    worn = smoothstep(0.22, 0.36, noise(rng, sheet.shape, 90, 3))
    sheet.stain(stamp * (1 - sheet.mask(*signs)) * worn, "#c22f22", 0.92)
