"""A breaking wave as a colour woodcut: flat indigo bands, foam that grips like fingers, the grain of block and paper."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .sheet import Array, Sheet, below, curve, disc, noise, palette, ramp, rgb, ribbon, smoothstep

_INK = "#12244a"
_FOAM = "#f6f0df"
_BANDS = ("#1d3f78", "#f1ead6", "#2b5a94", "#16305f", "#7fa6bd", "#1d3f78", "#27528c", "#e9e4d2", "#16305f", "#4f82ab")
Line = NDArray[np.float64]


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 0.72, "#efe2c4")
    _sky(rng, sheet)
    _roller(rng, sheet, *_small_wave(), 5, 0.55)
    _swell(rng, sheet, 0.555, 0.030, 5)
    _roller(rng, sheet, *_great_wave(rng), 10, 1.0)
    _swell(rng, sheet, 0.645, 0.030, 7)
    _spray(rng, sheet)
    return _print(rng, sheet)


def _sky(rng: Generator, sheet: Sheet) -> None:
    """Graded by hand (bokashi): dark at the top, rose above the sea; a red sun behind bars of cloud."""
    sheet.colour[:] = ramp(sheet.y / 0.55, palette("#7f9aa6", "#d9d2b4", "#f2e3bf", "#f0c9a0", "#e8a98a"), (0, 0.22, 0.5, 0.8, 1))
    sun = sheet.mask(disc(0.80, 0.235, 0.105))
    sheet.lay(sun, ramp((sheet.y - 0.13) / 0.21, palette("#c4301f", "#d8472a", "#ec8a52")))
    for y, left, right in [(0.275, 0.62, 1.02), (0.305, 0.70, 0.93), (0.18, 0.80, 1.05), (0.075, 0.55, 0.80), (0.10, 0.62, 0.9)]:
        x = np.linspace(left, right, 80)
        thick = 0.016 * np.sin(np.pi * np.linspace(0, 1, 80)) ** 0.5
        bar = ribbon(np.stack([x, y + 0.004 * np.sin(25 * x + rng.uniform(0, 6))], axis=1), thick)
        sheet.fill("#f4e6c6", bar, opacity=0.92)
    for x, y, span in [(0.66, 0.40, 0.030), (0.71, 0.37, 0.022), (0.615, 0.435, 0.018)]:
        for side in (-1, 1):
            wing = curve([(x, y), (x + side * span * 0.45, y - span * 0.35), (x + side * span, y - span * 0.05)], 30)
            sheet.fill(_INK, ribbon(wing, np.linspace(0.005, 0.0012, 30)))


def _great_wave(rng: Generator) -> tuple[Line, Line]:
    """Back and face of the wave, both from the sea to its tip."""
    shift = rng.uniform(-0.015, 0.015, 2)
    back = [(-0.12, 0.74), (-0.02, 0.52), (0.09, 0.32), (0.21, 0.165), (0.35, 0.085), (0.48, 0.085), (0.575, 0.15), (0.61, 0.235)]
    face = [
        (0.86, 0.70),
        (0.66, 0.635),
        (0.50, 0.575),
        (0.405, 0.475),
        (0.385, 0.355),
        (0.43, 0.255),
        (0.51, 0.215),
        (0.61, 0.235),
    ]
    return curve(np.array(back) + shift, 240), curve(np.array(face) + shift, 240)


def _small_wave() -> tuple[Line, Line]:
    back = [(0.60, 0.66), (0.70, 0.57), (0.79, 0.485), (0.87, 0.445), (0.945, 0.455), (0.985, 0.505)]
    face = [(1.16, 0.72), (1.04, 0.66), (0.93, 0.63), (0.875, 0.575), (0.895, 0.52), (0.985, 0.505)]
    return curve(back, 160), curve(face, 160)


def _roller(rng: Generator, sheet: Sheet, back: Line, face: Line, bands: int, scale: float) -> None:
    edges = np.concatenate([[0], np.cumsum(rng.uniform(0.6, 1.4, bands))])
    edges /= edges[-1]
    for i, (a, b) in enumerate(itertools.pairwise(edges)):
        one, other = back * (1 - a) + face * a, back * (1 - b) + face * b
        shape = sheet.mask(np.concatenate([one, other[::-1]]))
        sheet.lay(shape, _BANDS[i % len(_BANDS)])
        sheet.lay(shape, _INK, 0.45 * smoothstep(0.30, 0.75, sheet.y))
        sheet.fill(_INK, ribbon(one, 0.0022))
    sheet.fill(_INK, ribbon(face, 0.004), ribbon(back, 0.004))
    count = len(back)
    rim = np.concatenate([back[int(0.30 * count) :], face[: int(0.60 * count) : -1]])
    claws, lumps = _fingers(rng, rim, int(0.70 * count), scale)
    for grow, colour in [(0.0052, _INK), (0.0, _FOAM)]:
        shapes = [ribbon(line, width + grow * min(1, scale + 0.2)) for line, width in claws]
        shapes += [disc(x, y, r + grow / 2) for x, y, r in lumps]
        sheet.fill(colour, *shapes)
    shade = [disc(x + r * 0.15, y + r * 0.35, r * 0.45) for x, y, r in lumps[::2]]
    sheet.fill("#b9cbd0", *shade, opacity=0.9)
    sheet.fill(_FOAM, *[disc(x, y + r * 0.12, r * 0.40) for x, y, r in lumps[::2]])


def _fingers(
    rng: Generator, rim: Line, tip: int, scale: float
) -> tuple[list[tuple[Line, Line]], list[tuple[float, float, float]]]:
    """Foam along the rim of a wave: claws (line, widths) that reach forward and down, and lumps (x, y, radius)."""
    claws, lumps = [], []
    along = np.gradient(rim, axis=0)
    at, end = 0, len(rim) - 1
    while at < end:
        x, y = rim[at]
        rise = np.clip(at / tip, 0.25, 1) if at < tip else 1 - 0.75 * (at - tip) / (end - tip)
        size = scale * rise * rng.uniform(0.8, 1.2)
        heading = np.arctan2(along[at, 1], along[at, 0]) + (0.25 if at < tip else -1.9)
        lumps.append((x, y, 0.019 * size))
        claws += _claw(rng, (x, y), heading + rng.normal(0, 0.25), 0.088 * size, 0.0165 * size, 2)
        at += max(4, int(12 * size / scale))
    return claws, lumps


def _claw(
    rng: Generator, root: tuple[float, float], heading: float, length: float, width: float, depth: int
) -> list[tuple[Line, Line]]:
    """A hook that bends ever more towards its tip, with smaller hooks on its outer side."""
    t = np.linspace(0, 1, 24)
    turn = heading + rng.uniform(1.5, 2.4) * t**1.6
    line = np.array(root) + np.cumsum(np.stack([np.cos(turn), np.sin(turn)], axis=1), axis=0) * (length / 24)
    claws = [(line, width * (1 - t) ** 0.7 + 0.001)]
    if depth:
        for at in (7, 12, 17):
            side = turn[at] - rng.uniform(0.3, 0.9)
            claws += _claw(rng, tuple(line[at]), side, length * rng.uniform(0.40, 0.58), width * 0.62, depth - 1)
    return claws


def _swell(rng: Generator, sheet: Sheet, top: float, height: float, lines: int) -> None:
    """Water in front: bands that rise and fall together."""
    x = np.linspace(-0.02, 1.02, 300)
    phase = rng.uniform(0, 6, 3)
    for i in range(lines):
        crest = (
            top
            + i * 0.0175 * (1 + 0.12 * i)
            - height
            * np.exp(-0.12 * i)
            * (0.6 * np.sin(7.5 * x + phase[0] + 0.35 * i) + 0.35 * np.sin(17 * x + phase[1] - 0.2 * i))
        )
        line = np.stack([x, crest], axis=1)
        shape = sheet.mask(below(line, 0.8))
        sheet.lay(shape, _BANDS[(0, 4, 0, 2, 7, 3, 2, 3)[i % 8]])
        sheet.fill(_INK, ribbon(line, 0.0028))
        if i == 0:
            humps = [disc(a, np.interp(a, x, crest) + 0.002, rng.uniform(0.005, 0.012)) for a in np.arange(0, 1, 0.013)]
            sheet.fill(_INK, *[disc(*h.mean(axis=0), np.ptp(h[:, 0]) / 2 + 0.0024) for h in humps])
            sheet.fill(_FOAM, *humps)


def _spray(rng: Generator, sheet: Sheet) -> None:
    x = 0.30 + 0.42 * rng.beta(1.6, 1.6, 190)
    y = 0.10 + 0.35 * rng.random(190) ** 2 + rng.normal(0, 0.03, 190)
    x = np.concatenate([x, rng.uniform(0.82, 1, 50)])
    y = np.concatenate([y, rng.normal(0.45, 0.03, 50)])
    drops = [(a, b, 0.0016 + 0.0042 * rng.random() ** 2) for a, b in zip(x, y)]
    sheet.fill(_INK, *[disc(a, b, r + 0.0007, 16) for a, b, r in drops], opacity=0.8)
    sheet.fill(_FOAM, *[disc(a, b, r, 16) for a, b, r in drops])


def _print(rng: Generator, sheet: Sheet) -> Array:
    """Ink from a block of wood on fibrous paper, within a margin."""
    height, width = sheet.shape
    grain = noise(rng, (height, max(2, width // 16)), 60, 3)[:, np.minimum(np.arange(width) // 16, width // 16 - 1)]
    rings = 0.5 + 0.5 * np.sin(90 * sheet.y + 16 * noise(rng, sheet.shape, 2, 2) + 3 * sheet.x)
    dark = 1 - sheet.colour.mean(axis=2)
    sheet.colour += (dark * (0.10 * (grain - 0.5) + 0.06 * (rings - 0.5)))[..., None]
    speck = noise(rng, sheet.shape, 260, 1)
    sheet.lay(smoothstep(0.80, 0.95, speck) * dark, _FOAM, 0.55)
    sheet.colour *= (1 + 0.05 * (noise(rng, sheet.shape, 90, 3) - 0.5) + 0.05 * (noise(rng, sheet.shape, 6, 2) - 0.5))[..., None]
    edge = np.minimum.reduce([sheet.x, sheet.y, 1 - sheet.x, sheet.aspect - sheet.y]) + 0.002 * noise(rng, sheet.shape, 60, 2)
    sheet.lay(smoothstep(0.0175, 0.0165, edge), rgb("#f0e6cd"))
    return sheet.finish()
