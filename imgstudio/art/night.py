"""A night sky in whirls over a lake with a village: thick oil paint that follows the wind."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .brush import Layer, Painting
from .sheet import Array, Sheet, below, curve, noise, palette, ramp, rgb, smoothstep

_SKY = palette("#0b1a4a", "#143a86", "#1f5fae", "#3f8fca", "#8cc7dc", "#dfe9c8")
_GLOW = palette("#fff6c9", "#ffd84f", "#f2a81e", "#7fb7c9")
_HILL = palette("#0c1f3d", "#153f5c", "#1f6468", "#3a8a6e")
_SHORE = 0.585
_HORIZON = 0.53


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 0.8, "#16306b")
    stars = _stars(rng)
    target, angle, regions = _sky(rng, sheet, stars)
    _hills(rng, sheet, target, angle, regions)
    _lake(rng, sheet, target, angle, regions)
    village = _village(rng, sheet, target, angle, regions)
    _poplar(rng, sheet, target, angle, regions)
    painting = Painting(sheet, rng)
    painting.cover(target, angle, Layer(0.022, 0.10, 1.8, thickness=1.0), regions)
    painting.cover(target, angle, Layer(0.011, 0.065, 1.9, light=0.07, tint=0.04, thickness=1.3), regions)
    painting.cover(target, angle, Layer(0.007, 0.034, 0.8, light=0.10, tint=0.05, thickness=1.3), regions)
    painting.cover(target, angle, Layer(0.005, 0.022, 4, light=0.03, thickness=1.2), regions, where=village)
    _star_hearts(rng, painting, stars)
    return painting.finish(1.1)


def _stars(rng: Generator) -> list[tuple[float, float, float]]:
    """Moon first, then stars that keep their distance: x, y, radius of the glow."""
    stars = [(rng.uniform(0.80, 0.88), rng.uniform(0.10, 0.15), 0.13)]
    for _ in range(400):
        x, y, radius = rng.uniform(0.04, 0.97), rng.uniform(0.03, 0.40), rng.uniform(0.035, 0.07)
        if len(stars) < 11 and all(np.hypot(x - a, y - b) > 0.9 * (radius + c) for a, b, c in stars):
            stars.append((x, y, radius))
    return stars


def _sky(rng: Generator, sheet: Sheet, stars: list[tuple[float, float, float]]) -> tuple[Array, Array, Array]:
    x, y = sheet.x, sheet.y
    stream = y * 1.1 + 0.05 * np.sin(7 * x + 1) + 0.10 * noise(rng, sheet.shape, 3, 2)
    whirls = [(0.36, 0.25, 0.115, 1.0), (0.585, 0.335, 0.085, -1.0), (0.13, 0.37, 0.07, 0.8)]
    for a, b, radius, turn in whirls:
        distance = np.hypot((x - a), (y - b) * 1.15) / radius
        stream = stream + turn * 0.20 * np.exp(-distance)
    for a, b, radius in stars:
        stream = stream + 0.30 * radius / 0.05 * np.exp(-((np.hypot(x - a, y - b) / (radius * 0.8)) ** 2)) * 0.4
    down, right = np.gradient(stream)
    angle = np.arctan2(-right, down)
    band = 0.5 + 0.5 * np.sin(stream * 46 + 3 * noise(rng, sheet.shape, 5, 2))
    tone = 0.12 + 0.42 * band + 0.30 * noise(rng, sheet.shape, 6, 3) * y / _HORIZON + 0.16 * (y / _HORIZON) ** 2
    target = ramp(tone, _SKY)
    for a, b, radius in stars:
        distance = np.hypot(x - a, y - b) / radius
        glow = smoothstep(1.05, 0.55, distance + 0.10 * band)[..., None]
        target += glow * (ramp(distance + 0.12 * (band - 0.5), _GLOW, (0.1, 0.38, 0.62, 1.0)) - target)
    return target, angle.astype(np.float32), np.zeros(sheet.shape, np.float32)


def _put(mask: Array, target: Array, angle: Array, regions: Array, label: float, colour: Array, turn: Array | float) -> None:
    inside = mask > 0.5
    target[inside] = colour[inside] if colour.ndim == 3 else colour
    angle[inside] = turn[inside] if isinstance(turn, np.ndarray) else turn
    regions[inside] = label


def _hills(rng: Generator, sheet: Sheet, target: Array, angle: Array, regions: Array) -> None:
    for i, (base, rise) in enumerate([(0.475, 0.085), (0.505, 0.075), (0.54, 0.05)]):
        xs = np.linspace(-0.05, 1.05, 12)
        line = curve(np.stack([xs, base - rise * (rng.random(12) - 0.35)], axis=1), 300)
        mask = sheet.mask(below(line, _SHORE))
        slope = np.interp(sheet.x, line[:, 0], np.gradient(line[:, 1], line[:, 0]))
        depth = (sheet.y - np.interp(sheet.x, line[:, 0], line[:, 1])) / 0.08
        folds = 0.5 + 0.5 * np.sin(depth * 9 + 9 * noise(rng, sheet.shape, 7, 2))
        colour = ramp(0.12 + 0.22 * i + 0.42 * folds * np.exp(-depth), _HILL)
        turn = np.arctan(slope * 1.6) + 0.5 * (noise(rng, sheet.shape, 10, 2) - 0.5)
        _put(mask, target, angle, regions, 1 + i, colour, turn.astype(np.float32))


def _lake(rng: Generator, sheet: Sheet, target: Array, angle: Array, regions: Array) -> None:
    x, y = sheet.x, sheet.y
    mask = (y > _SHORE).astype(np.float32)
    ripple = 0.5 + 0.5 * np.sin(95 * (y - _SHORE) / (0.6 + 3 * (y - _SHORE)) + 6 * noise(rng, sheet.shape, 8, 2))
    colour = ramp(0.10 + 0.36 * ripple + 0.15 * noise(rng, sheet.shape, 5, 2), _SKY)
    for a, width, strength in [(0.84, 0.055, 1.0), *[(rng.uniform(0.2, 0.95), 0.014, 0.9) for _ in range(9)]]:
        reach = np.exp(-(((x - a + 0.006 * np.sin(y * 190)) / (width * (0.6 + 2.6 * (y - _SHORE)))) ** 2))
        shine = (reach * strength * smoothstep(0.25, 0.75, ripple) * smoothstep(0.30, 0.02, y - _SHORE))[..., None]
        colour += shine * (rgb("#ffd253") - colour)
    turn = 0.10 * np.sin(14 * x + 30 * y) + 0.2 * (noise(rng, sheet.shape, 12, 2) - 0.5)
    _put(mask, target, angle, regions, 5, colour, turn.astype(np.float32))


def _village(rng: Generator, sheet: Sheet, target: Array, angle: Array, regions: Array) -> Array:
    """Houses along the shore and a church; returns where the fine strokes go."""
    walls, roofs, windows = palette("#31548a", "#47709c", "#2a4170", "#5d86a0"), palette("#7c3b2c", "#3b2c56", "#93502f"), []
    near = np.zeros(sheet.shape, np.float32)
    houses = [(x, rng.uniform(0.028, 0.05), rng.uniform(0.02, 0.034)) for x in np.arange(0.27, 0.97, 0.043)]
    for x, width, height in [(0.635, 0.026, 0.075), *houses]:
        x, tower = x + rng.uniform(-0.01, 0.01), height > 0.06
        top, peak = _SHORE - height, _SHORE - height - (0.085 if tower else 0.020)
        wall = sheet.mask([(x, top), (x + width, top), (x + width, _SHORE), (x, _SHORE)])
        roof = sheet.mask([(x - 0.005, top), (x + width / 2, peak), (x + width + 0.005, top)])
        _put(wall, target, angle, regions, 6 + rng.integers(3), walls[rng.integers(4)], np.pi / 2)
        _put(roof, target, angle, regions, 9 + rng.integers(3), roofs[rng.integers(3)], 0.6)
        near = np.maximum(near, np.maximum(wall, roof))
        windows += [(x + width * f, top + height * 0.45) for f in ((0.5,) if tower else (0.3, 0.7))]
    for x, y in windows:
        if rng.random() < 0.8:
            _put(
                sheet.mask([(x - 0.005, y - 0.006), (x + 0.005, y - 0.006), (x + 0.005, y + 0.008), (x - 0.005, y + 0.008)]),
                target,
                angle,
                regions,
                12,
                rgb("#ffd75a"),
                np.pi / 2,
            )
    return near


def _poplar(rng: Generator, sheet: Sheet, target: Array, angle: Array, regions: Array) -> None:
    """A dark tree like a flame, in front of everything."""
    greens = palette("#081a1c", "#12382c", "#2c5a2c", "#5f7f33", "#8a5a2a")
    for x, foot, top, width in [(0.115, 0.84, 0.075, 0.12), (0.205, 0.84, 0.36, 0.085)]:
        t = np.linspace(0, 1, 160)
        lean = 0.016 * np.sin(9 * t + 2 * x) * (1 - t)
        flame = width * np.sin(np.pi * np.clip(t * 0.93 + 0.07, 0, 1)) ** 0.7 * (0.35 + 0.75 * t)
        ragged = 0.012 * rng.random(160) * np.sin(np.pi * t)
        line = np.stack([x + lean, top + (foot - top) * t], axis=1)
        sides = [line + np.stack([s * (flame / 2 + ragged), 0 * t], axis=1) for s in (-1, 1)]
        mask = sheet.mask(np.concatenate([sides[0], sides[1][::-1]]))
        twist = np.sin(34 * (sheet.x - x) + 17 * sheet.y + 5 * noise(rng, sheet.shape, 8, 2))
        colour = ramp(np.clip(0.32 + 0.36 * twist, 0, 1), greens)
        _put(mask, target, angle, regions, 20 + x, colour, (np.pi / 2 + 0.5 * twist).astype(np.float32))


def _star_hearts(rng: Generator, painting: Painting, stars: list[tuple[float, float, float]]) -> None:
    """Short bright strokes in rings around each star, and a crescent in the moon."""
    unit = painting.sheet.unit
    for i, (x, y, radius) in enumerate(stars):
        rings = np.linspace(0.05, 0.5, 5 if i else 6) * radius
        for ring in rings[::-1]:
            around = rng.uniform(0, 2 * np.pi, max(9, int(ring * 600)))
            arc = around[:, None] + np.linspace(0, min(1.6, 0.020 / ring), 12)
            path = np.stack([x + ring * np.cos(arc), y + ring * np.sin(arc)], axis=2) * unit
            tone = np.clip(ring / radius + rng.normal(0, 0.10, len(around)), 0, 1)
            colour = ramp(tone, _GLOW[:3], (0.05, 0.4, 0.75))
            painting.strokes(path.astype(np.float32), np.full(len(around), 0.009 * unit), colour, 1.8)
    x, y, radius = stars[0]
    arc = np.linspace(-1.9, 1.9, 12)[None] + rng.normal(0, 0.05, (26, 1))
    ring = radius * rng.uniform(0.25, 0.40, (26, 1)) * (0.72 + 0.28 * np.cos(arc))
    path = np.stack([x + ring * np.cos(arc), y + radius * 0.42 * np.sin(arc)], axis=2) * unit
    tones = ramp(rng.random(26), palette("#ff9d1c", "#ffc02e", "#ffe27a"))
    painting.strokes(path.astype(np.float32), np.full(26, 0.009 * unit), tones, 1.8)
