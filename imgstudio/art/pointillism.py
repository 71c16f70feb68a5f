"""A Sunday on the river in dots: pure colours side by side, warm in the light, blue and violet in the shade."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .brush import Layer, Painting
from .sheet import Array, Sheet, below, blur, curve, disc, noise, palette, ramp, rgb, ribbon, smoothstep

_SKY = palette("#6fa0dc", "#a9c8ea", "#f3e2c4", "#f8cfa0")
_WATER = palette("#2f62b0", "#4f8ccc", "#86b8dc", "#f0d8a8")
_GRASS = palette("#2a6a3c", "#5c9a3c", "#a8c24a", "#ead75a")
_LEAVES = palette("#123a4a", "#1d5a3c", "#3f8a3a", "#8fb83c", "#e0c84a")
_BANK = [(-0.02, 0.50), (0.18, 0.49), (0.36, 0.545), (0.52, 0.60), (0.72, 0.675), (1.02, 0.71)]


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 0.74, "#efe4cc")
    target = _motif(rng, sheet)
    painting = Painting(sheet, rng)
    angle = np.float32(6.28) * noise(rng, sheet.shape, 60, 1)
    painting.cover(target, angle, Layer(0.013, 0.018, 1.5, light=0.03, tint=0.03, thickness=0.5))
    for width, cover in [(0.0085, 1.5), (0.0070, 1.3)]:
        painting.cover(_divided(rng, target), angle, Layer(width, width * 1.25, cover, light=0.05, tint=0.05, thickness=0.8))
    return painting.finish(0.7, shine=0.05)


def _divided(rng: Generator, target: Array) -> Array:
    """The motif with each colour split into its neighbours and its complement, pixel by pixel."""
    shape = target.shape[:2]
    light = target.mean(axis=2, keepdims=True)
    vivid = np.clip(light + (target - light) * 1.45, 0, 1)
    choice = rng.random(shape, dtype=np.float32)[..., None]
    warm = vivid * 0.65 + 0.35 * rgb("#ffb52e")
    cool = vivid * 0.62 + 0.38 * rgb("#4338c8")
    opposite = np.clip(0.25 + light * 1.3 - vivid * 0.75, 0, 1)
    mixed = np.where(choice < 0.24 * light + 0.06, warm, vivid)
    mixed = np.where(choice > 0.72 + 0.22 * light, cool, mixed)
    return np.where(abs(choice - 0.5) < 0.035, opposite, mixed).astype(np.float32)


def _motif(rng: Generator, sheet: Sheet) -> Array:
    x, y = sheet.x, sheet.y
    sheet_colour = sheet.colour.copy()
    cloud = noise(rng, sheet.shape, 5, 4)
    sheet.colour[:] = ramp(y / 0.27 + 0.25 * (cloud - 0.5), _SKY)
    sheet.lay(smoothstep(0.60, 0.75, cloud) * smoothstep(0.24, 0.1, y), "#fff4e0", 0.8)
    sheet.fill("#ffe9a0", disc(0.36, 0.135, 0.042))
    _far_bank(rng, sheet)
    ripple = 0.5 + 0.5 * np.sin(75 * (y - 0.27) / (0.35 + y) * 2 + 5 * noise(rng, sheet.shape, 7, 2))
    water = ramp(0.22 + 0.40 * ripple + 0.3 * smoothstep(0.45, 0.29, y), _WATER)
    water += (np.exp(-(((x - 0.36) / 0.045) ** 2)) * ripple * 0.85)[..., None] * (rgb("#ffe08a") - water)
    sheet.lay((y > 0.285).astype(np.float32), water)
    for a, foot, tall in [(0.50, 0.335, 0.125), (0.655, 0.395, 0.19), (0.235, 0.312, 0.075), (0.135, 0.30, 0.05)]:
        _boat(sheet, a + rng.normal(0, 0.01), foot, tall)
    _near_bank(rng, sheet)
    target, sheet.colour = sheet.colour, sheet_colour
    return target


def _far_bank(rng: Generator, sheet: Sheet) -> None:
    xs = np.linspace(-0.02, 1.02, 14)
    for level, rise, colours in [(0.235, 0.05, ("#7f8fc8", "#a8a0d0")), (0.265, 0.045, ("#3f7a6a", "#86a85a"))]:
        line = curve(np.stack([xs, level - rise * rng.random(14) ** 2], axis=1), 300)
        sheet.lay(sheet.mask(below(line, 0.29)), ramp(noise(rng, sheet.shape, 20, 2), palette(*colours)))
    for a in rng.uniform(0.45, 0.98, 6):
        house = [(a, 0.255), (a + 0.018, 0.255), (a + 0.018, 0.282), (a, 0.282)]
        sheet.fill("#f6dcb0", house)
        sheet.fill("#d0603a", [(a - 0.004, 0.256), (a + 0.009, 0.243), (a + 0.022, 0.256)])


def _boat(sheet: Sheet, x: float, foot: float, tall: float) -> None:
    """A sailing boat, and its mirror image in the water."""
    main = curve([(x, foot - tall), (x + tall * 0.30, foot - tall * 0.4), (x + tall * 0.42, foot - tall * 0.10)], 20)
    for sign, opacity in [(-1.0, 0.55), (1.0, 1.0)]:

        def flip(points: object, sign: float = sign) -> Array:
            points = np.asarray(points, np.float64)
            return points * (1, sign) + (0, 0 if sign > 0 else 2 * foot)

        sheet.fill("#fff3d6", flip([*main, (x, foot - tall * 0.10)]), opacity=opacity)
        jib = [
            (x - tall * 0.02, foot - tall * 0.92),
            (x - tall * 0.30, foot - tall * 0.12),
            (x - tall * 0.02, foot - tall * 0.12),
        ]
        sheet.fill("#f4b48a", flip(jib), opacity=opacity)
        hull = [
            (x - 0.36 * tall, foot - 0.08 * tall),
            (x + 0.46 * tall, foot - 0.08 * tall),
            (x + 0.34 * tall, foot),
            (x - 0.24 * tall, foot),
        ]
        sheet.fill("#a8322e", flip(hull), opacity=opacity)


def _near_bank(rng: Generator, sheet: Sheet) -> None:
    """The meadow with the shadow of a tree, two people with a parasol, and the tree itself."""
    line = curve(_BANK, 200)
    bank = sheet.mask(below(line, 0.8))
    depth = sheet.y - np.interp(sheet.x, line[:, 0], line[:, 1])
    grass = ramp(0.42 + 0.45 * noise(rng, sheet.shape, 9, 3) + 0.35 * smoothstep(0.1, 0.0, depth), _GRASS)
    sheet.lay(bank, grass)
    shade = blur(sheet.mask(curve([(-0.1, 0.60), (0.25, 0.585), (0.50, 0.655), (0.42, 0.72), (0.10, 0.70)], 60, True)), 6)
    sheet.lay(shade * bank, "#27467e", 0.72)
    _people(sheet)
    _tree(rng, sheet)


def _people(sheet: Sheet) -> None:
    for x, foot, tall, dress in [(0.565, 0.685, 0.115, "#c22a4a"), (0.625, 0.69, 0.125, "#2b2f6a")]:
        right = [(x + 0.016, foot - tall * 0.5), (x + 0.034, foot)]
        gown = curve([(x, foot - tall * 0.8), *right, (x - 0.034, foot), (x - 0.014, foot - tall * 0.5)], 60, True)
        sheet.fill(dress, gown)
        sheet.fill("#f0c09a", disc(x, foot - tall * 0.88, 0.0115))
        sheet.fill("#3a2438", disc(x, foot - tall * 0.96, 0.0115))
        sheet.fill("#27467e", ribbon([(x + 0.02, foot + 0.004), (x + 0.13, foot + 0.022)], 0.018), opacity=0.7)
    parasol = curve([(0.505, 0.575), (0.525, 0.535), (0.565, 0.52), (0.605, 0.535), (0.625, 0.575)], 50)
    sheet.fill("#f6a23a", parasol)
    sheet.fill("#fbe0a0", [*parasol[:18], (0.565, 0.575)])


def _tree(rng: Generator, sheet: Sheet) -> None:
    trunk = curve([(0.085, 0.64), (0.10, 0.45), (0.085, 0.25), (0.12, 0.05)], 60)
    sheet.lay(
        sheet.mask(ribbon(trunk, np.linspace(0.062, 0.02, 60))), ramp((sheet.x - 0.06) / 0.07, palette("#d09a5a", "#4a2f5a"))
    )
    upper = [(0.05, 0.05, 0.13), (0.20, 0.06, 0.11), (0.31, 0.025, 0.07)]
    lower = [(0.01, 0.18, 0.09), (0.15, 0.16, 0.09), (0.27, 0.12, 0.06)]
    for a, b, radius in upper + lower:
        edge = np.hypot(sheet.x - a, sheet.y - b) / radius + 0.5 * (noise(rng, sheet.shape, 22, 2) - 0.5)
        tone = 0.62 - 0.45 * ((sheet.y - b) - 0.6 * (sheet.x - a)) / radius + 0.5 * (noise(rng, sheet.shape, 30, 2) - 0.5)
        sheet.lay(smoothstep(1.02, 0.94, edge), ramp(tone, _LEAVES))
