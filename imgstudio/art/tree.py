"""A tree of golden spirals in a meadow of ornaments, on gold leaf: art nouveau."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .sheet import Array, Sheet, below, blur, curve, disc, noise, palette, ramp, relief, ribbon, smoothstep

_ASPECT = 1.0
_MEADOW = 0.865
_DARK = "#3a2110"
_GEMS = ("#1f7a8a", "#c8402a", "#f4ecd6", "#2f4f9a", "#e8b83a", "#17161a", "#5a9a4a", "#8a2f5a")
Line = NDArray[np.float64]


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#c99a3a")
    _leaf(rng, sheet)
    boughs = _grow(rng)
    height = _gild(rng, sheet, boughs)
    _fruit(rng, sheet, boughs)
    _trunk_gems(rng, sheet)
    _meadow(rng, sheet)
    return _shine(rng, sheet, height)


def _leaf(rng: Generator, sheet: Sheet) -> None:
    """Squares of gold leaf, none of quite the same gold, some rubbed through to the red ground."""
    cells = 11
    across = sheet.x * cells + 0.5 * ((sheet.y * cells).astype(int) % 2)  # laid like bricks
    row, column = (sheet.y * cells).astype(int), across.astype(int)
    tone = rng.normal(0, 0.05, (cells + 2, cells + 2)).astype(np.float32)[row, column]
    cloud = noise(rng, sheet.shape, 6, 4)
    sheet.colour[:] = ramp(0.5 + 0.55 * (cloud - 0.5) + tone * 1.5, palette("#8f5f1a", "#c08a2a", "#ddb04a", "#f0d07a"))
    to_seam = np.maximum(np.abs((sheet.y * cells) % 1 - 0.5), np.abs(across % 1 - 0.5))
    sheet.lay(smoothstep(0.480, 0.495, to_seam), "#7a4a1a", 0.40)
    worn = smoothstep(0.62, 0.80, noise(rng, sheet.shape, 26, 4)) * smoothstep(0.4, 0.6, cloud)
    sheet.lay(worn, "#8a3a1f", 0.45)


def _spiral(root: Line, heading: float, stem: float, radius: float, sign: int) -> Line:
    """A stem that bends into a spiral of about two and a half turns."""
    t = np.linspace(0, 1, 30)
    turn = heading + sign * 0.9 * t**2
    line = root + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], axis=1), axis=0) * stem / 30
    around = np.linspace(0, 2 * np.pi * 2.5, 150)
    shrink = radius * np.exp(-0.135 * around)
    step = shrink * (around[1] - around[0])
    turn = turn[-1] + sign * around
    coil = line[-1] + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], axis=1) * step[:, None], axis=0)
    return np.concatenate([line, coil])


def _grow(rng: Generator) -> list[tuple[Line, float, Line, float]]:
    """Boughs as (line, width at its root, middle of its spiral, radius): each keeps clear of the spirals before it."""
    boughs: list[tuple[Line, float, Line, float]] = []
    roots = [
        (np.array([0.5, y]), side * a - np.pi / 2, 0.020, s)
        for y, a, s in [(0.60, 1.15, 0.20), (0.52, 0.75, 0.24), (0.44, 0.30, 0.22)]
        for side in (-1, 1)
    ]
    taken = np.empty((1000, 3))  # middle and radius of every spiral so far
    while roots:
        root, heading, width, stem = roots.pop(0)
        for attempt in range(22):
            sign = 1 if rng.random() < 0.5 else -1
            shrink = 0.96**attempt
            radius = shrink * rng.uniform(0.40, 0.95) * (0.105 if width > 0.015 else 0.065 if width > 0.008 else 0.042)
            line = _spiral(root, heading + rng.normal(0, 0.3), stem * shrink * rng.uniform(0.6, 1.1), radius, sign)
            middle = line[-60:].mean(axis=0)
            room = 0.03 + radius < middle[0] < 0.97 - radius and 0.03 + radius < middle[1] < 0.76 - radius * 0.6
            apart = np.hypot(*(taken[: len(boughs), :2] - middle).T)
            if room and (apart > 0.93 * (radius + taken[: len(boughs), 2])).all():
                taken[len(boughs)] = *middle, radius
                boughs.append((line, width, middle, radius))
                if width > 0.0045 and len(boughs) < 120:
                    for at in (8, 18, 28, 45):
                        ahead = line[at + 1] - line[at]
                        side = np.arctan2(ahead[1], ahead[0]) + rng.choice((-1, 1)) * rng.uniform(0.5, 1.2)
                        roots.append((line[at], side, width * 0.66, stem * 0.62))
                break
    return boughs


def _gild(rng: Generator, sheet: Sheet, boughs: list[tuple[Line, float, Line, float]]) -> Array:
    """Draws the tree: dark outline, bronze body, a bright line along its middle. Returns its relief."""
    up = curve([(0.485, 0.93), (0.505, 0.80), (0.492, 0.68), (0.508, 0.56), (0.5, 0.46), (0.5, 0.40)], 120)
    lines = [(up, np.linspace(0.115, 0.034, 120) + 0.05 * np.linspace(1, 0, 120) ** 6)]
    for line, width, _, _ in boughs[::-1]:
        lines.append((line, np.linspace(width * 1.15, width * 0.38 + 0.0012, len(line))))
    sheet.fill(_DARK, *[ribbon(line, width + 0.0055) for line, width in lines])
    body = sheet.mask(*[ribbon(line, width) for line, width in lines])
    bark = noise(rng, sheet.shape, 60, 3)
    sheet.lay(body, ramp(0.25 + 0.6 * bark, palette("#7a4518", "#b0702a", "#dba548", "#f4d88a")))
    sheet.fill("#f7e3a0", *[ribbon(line, width * 0.26) for line, width in lines[1:]], opacity=0.85)
    return blur(body, 0.0022 * sheet.unit) * 0.006 * sheet.unit


def _fruit(rng: Generator, sheet: Sheet, boughs: list[tuple[Line, float, Line, float]]) -> None:
    """Eyes in the spirals, beads and three-cornered leaves along the boughs."""
    for line, width, _, radius in boughs:
        x, y = line[-1]
        if radius > 0.016:
            core = radius * 0.22
            for r, code in [
                (core, _DARK),
                (core * 0.82, _GEMS[rng.integers(8)]),
                (core * 0.5, "#f4ecd6"),
                (core * 0.26, "#17161a"),
            ]:
                sheet.fill(code, disc(x, y, r))
        for at in rng.integers(30, 80, 3):
            ahead = line[at + 1] - line[at]
            ahead = ahead / np.linalg.norm(ahead)
            side = np.array([-ahead[1], ahead[0]]) * rng.choice((-1, 1))
            foot, reach = line[at] + side * (width * 0.5 + 0.002), radius * 0.26 + 0.004
            leaf = np.array([foot - ahead * reach * 0.6, foot + ahead * reach * 0.6, foot + side * reach * 1.3])
            sheet.fill(_DARK, (leaf - leaf.mean(axis=0)) * 1.35 + leaf.mean(axis=0))
            sheet.fill(_GEMS[rng.integers(8)], leaf)


def _trunk_gems(rng: Generator, sheet: Sheet) -> None:
    for y in np.linspace(0.90, 0.47, 26):
        half = 0.5 * np.interp(y, (0.42, 0.85, 0.93), (0.030, 0.10, 0.13)) - 0.010
        for _ in range(max(1, int(half * 75))):
            x = 0.498 + rng.uniform(-half, half) * 0.85
            b, r = y + rng.normal(0, 0.004), rng.uniform(0.004, 0.0105)
            if rng.random() < 0.45:
                box = np.array([(-1, -1.3), (1, -1.3), (1, 1.3), (-1, 1.3)])
                outer, inner = box * r + (x, b), box * r * 0.68 + (x, b)
            else:
                outer, inner = disc(x, b, r), disc(x, b, r * 0.7)
            sheet.fill(_DARK, outer)
            sheet.fill(_GEMS[rng.integers(8)], inner)


def _meadow(rng: Generator, sheet: Sheet) -> None:
    """Flowers of rings and petals, packed edge to edge."""
    x = np.linspace(0, 1, 200)
    line = np.stack([x, _MEADOW - 0.035 * np.cos((x - 0.5) * 5.5) + 0.008 * np.sin(19 * x)], axis=1)
    ground = sheet.mask(below(line, 1.1))
    sheet.lay(ground, ramp(noise(rng, sheet.shape, 30, 3), palette("#12402f", "#1f6a3f", "#4f8a3a")))
    placed = np.empty((0, 3))
    for _ in range(5000):
        r = 0.030 * rng.random() ** 1.8 + 0.005
        a, b = rng.random(), rng.uniform(0.80, 1.01)
        room = (np.hypot(placed[:, 0] - a, placed[:, 1] - b) > 0.97 * (r + placed[:, 2])).all()
        if room and b - r > np.interp(a, x, line[:, 1]):
            placed = np.append(placed, [[a, b, r]], axis=0)
    for a, b, r in placed:
        colours = rng.permutation(len(_GEMS))
        sheet.fill(_DARK, disc(a, b, r))
        sheet.fill(_GEMS[colours[0]], disc(a, b, r * 0.88))
        turn = np.linspace(0, 2 * np.pi, max(5, int(r * 420)), endpoint=False)
        sheet.fill(_GEMS[colours[1]], *[disc(a + 0.60 * r * np.cos(t), b + 0.60 * r * np.sin(t), r * 0.20, 14) for t in turn])
        sheet.fill(_GEMS[colours[2]], disc(a, b, r * 0.36))
        sheet.fill(_GEMS[colours[3]], disc(a, b, r * 0.17))


def _shine(rng: Generator, sheet: Sheet, height: Array) -> Array:
    light = relief(height + 1.3 * noise(rng, sheet.shape, 70, 3), 0.8)
    gold = smoothstep(0.05, 0.30, sheet.colour[..., 0] - sheet.colour[..., 2])
    sheet.colour *= (1 + 0.22 * light)[..., None]
    sheet.colour += (0.22 * gold * np.clip(light - 0.18, 0, 1))[..., None] * palette("#fff0c0")[0]
    sheet.colour *= (1 + 0.08 * (noise(rng, sheet.shape, 220, 1) - 0.5))[..., None]
    return sheet.finish()
