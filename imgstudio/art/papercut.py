"""A valley at dusk in layers of coloured paper, each casting its shadow on the next."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from .sheet import Array, Sheet, below, blur, curve, disc, noise, palette, ramp, relief, rgb, ribbon

_ASPECT = 1.25
_LAYERS = palette("#f9b77a", "#f58a6a", "#e0607a", "#b0428a", "#7a3590", "#4a2f86", "#2a2a6a", "#171c4a")


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#ffe2a8")
    sheet.colour[:] = ramp(np.hypot(sheet.x - 0.5, sheet.y - 0.42) / 0.7, palette("#fff6d0", "#ffdc96", "#fbb878"))
    for radius, code in [(0.27, "#ffe9b0"), (0.20, "#fff3cc"), (0.125, "#fffbe8")]:
        _paper(rng, sheet, sheet.mask(disc(0.5, 0.40, radius, 120)), rgb(code), 0.006)
    _clouds(rng, sheet)
    for i, colour in enumerate(_LAYERS):
        ridge = _ridge(rng, 0.50 + 0.082 * i, 0.13 - 0.008 * i, i)
        firs = _forest(rng, ridge, 0.030 + 0.018 * i, 16 - i) if i >= 2 else []
        _paper(rng, sheet, sheet.mask(ridge, *firs), colour, 0.010 + 0.002 * i)
        if i == 5:
            _birds(rng, sheet)
    for width, height, code in [(0.475, 0.66, "#5a2a78"), (0.535, 0.74, "#33205f")]:
        _paper(rng, sheet, 1 - sheet.mask(_opening(rng, width, height)), rgb(code), 0.020)
    for grow, code in [(1.18, "#a83a6e"), (0.92, "#e8744f"), (0.66, "#f4b25e")]:
        _paper(rng, sheet, sheet.mask(*_leaves(rng, grow)), rgb(code), 0.014)
    return sheet.finish()


def _ridge(rng: Generator, level: float, rise: float, i: int) -> NDArray:
    xs = np.linspace(-0.05, 1.05, 8 + i // 2)
    valley = 0.09 * (np.abs(xs - 0.5) * 2) ** 1.5  # higher at both sides, so that the eye is led to the sun
    return below(curve(np.stack([xs, level - valley - rise * rng.random(len(xs))], axis=1), 300), 2)


def _opening(rng: Generator, width: float, height: float) -> NDArray:
    """A wavy hole, through which the layers behind are seen."""
    around = np.linspace(0, 2 * np.pi, 2400)
    wave = sum(rng.normal(0, 0.030 / k**0.7) * np.sin(k * around + rng.uniform(0, 6)) for k in range(3, 11))
    return np.stack([0.5 + (width + wave) * np.cos(around) * 0.98, 0.56 + (height + wave) * np.sin(around) * 0.86], axis=1)


def _forest(rng: Generator, ridge: NDArray, tall: float, count: int) -> list[NDArray]:
    """Firs along a ridge, more of them at the sides."""
    line = ridge[:-2]
    trees = []
    for side in rng.choice((-1, 1), count):
        x = 0.5 + side * (0.14 + 0.40 * rng.random())
        y = np.interp(x, line[:, 0], line[:, 1]) + 0.006
        height = tall * rng.uniform(0.7, 1.4)
        tiers = [(x, y - height)]
        for k in range(1, 6):
            reach = height * 0.055 * k
            tiers += [(x + reach, y - height * (1 - 0.17 * k)), (x + reach * 0.45, y - height * (1 - 0.155 * k))]
        tiers = np.array([*tiers, (x + height * 0.03, y)])
        trees.append(np.concatenate([tiers, tiers[::-1] * (-1, 1) + (2 * x, 0)]))
    return trees


def _leaves(rng: Generator, grow: float) -> list[NDArray]:
    """Fronds that reach in from the lower corners and from above."""
    shapes = []
    for x, y, turn, length in [
        (0.02, 1.22, -1.1, 0.42),
        (0.16, 1.28, -1.35, 0.34),
        (0.98, 1.22, -2.05, 0.42),
        (0.84, 1.28, -1.8, 0.34),
        (-0.02, 0.02, 0.75, 0.26),
        (1.02, 0.02, 2.4, 0.26),
        (-0.02, 0.98, -0.75, 0.26),
        (1.02, 0.98, -2.4, 0.26),
    ]:
        t, length = np.linspace(0, 1, 60), length * grow
        bend = turn + rng.normal(0, 0.06) + (0.7 if np.cos(turn) > 0 else -0.7) * t
        stem = np.array([x, y]) + np.cumsum(np.stack([np.cos(bend), np.sin(bend)], axis=1), axis=0) * length / 60
        shapes.append(ribbon(stem, np.linspace(0.011, 0.002, 60)))
        for at in range(8, 58, 6):
            for side in (-1, 1):
                ahead = bend[at] + side * 0.85
                reach = length * 0.33 * np.sin(np.pi * (0.12 + 0.80 * at / 60))
                leaf = curve(
                    [
                        stem[at],
                        stem[at] + 0.5 * reach * np.array([np.cos(ahead), np.sin(ahead)]),
                        stem[at] + reach * np.array([np.cos(ahead - side * 0.35), np.sin(ahead - side * 0.35)]),
                    ],
                    24,
                )
                shapes.append(ribbon(leaf, reach * 0.21 * np.sin(np.pi * np.linspace(0.05, 1, 24))))
    return shapes


def _clouds(rng: Generator, sheet: Sheet) -> None:
    for x, y, span, code in [
        (0.16, 0.22, 0.30, "#ffd9a0"),
        (0.83, 0.31, 0.32, "#ffcf98"),
        (0.30, 0.12, 0.20, "#ffe6bc"),
        (0.74, 0.10, 0.24, "#ffdca8"),
    ]:
        puffs = [
            disc(x + span * (t - 0.5), y - 0.05 * np.sin(np.pi * t) * rng.uniform(0.4, 1), 0.012 + 0.035 * np.sin(np.pi * t))
            for t in np.linspace(0.05, 0.95, 7)
        ]
        base = [(x - span / 2, y), (x + span / 2, y), (x + span / 2, y + 0.014), (x - span / 2, y + 0.014)]
        above = sheet.mask(*puffs, base) * (sheet.y < y + 0.014)
        _paper(rng, sheet, above, rgb(code), 0.006)


def _birds(rng: Generator, sheet: Sheet) -> None:
    flock = []
    for x, y, span in [(0.40, 0.30, 0.034), (0.47, 0.25, 0.026), (0.60, 0.33, 0.030), (0.56, 0.22, 0.020)]:
        for side in (-1, 1):
            wing = curve([(x, y), (x + side * span * 0.5, y - span * 0.5), (x + side * span * 1.1, y - span * 0.1)], 24)
            flock.append(ribbon(wing, np.linspace(span * 0.24, 0.001, 24)))
    _paper(rng, sheet, sheet.mask(*flock), rgb("#7a3590"), 0.005)


def _paper(rng: Generator, sheet: Sheet, mask: Array, colour: Array, lift: float) -> None:
    """Lays a cut sheet: its soft shadow first, then the paper with its fibres and a bright cut edge."""
    far = lift * sheet.unit
    shadow = ndimage.shift(mask, (far * 0.9, far * 0.55), order=1, mode="nearest")
    sheet.stain(blur(shadow, far * 0.75), "#1a0f2e", 0.50)
    sheet.stain(blur(mask, far * 0.22), "#1a0f2e", 0.25)
    fibre = noise(rng, sheet.shape, 110, 3)
    light = (
        0.05 * relief(blur(fibre, 0.8) * 10, 1.0)
        + 0.03 * (noise(rng, sheet.shape, 5, 2) - 0.5)
        - 0.05 * (sheet.y / sheet.aspect - 0.5)
    )
    edge = np.clip(relief(blur(mask, 1.0) * 3, 1.0), 0, 1)
    sheet.lay(mask, np.clip(colour * (1 + light)[..., None] + 0.16 * edge[..., None], 0, 1))
