"""An owl before the moon: a linocut, black key block with gouge marks over blocks of flat colour."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .sheet import Array, Sheet, curve, disc, noise, ribbon, smoothstep

_ASPECT = 1.25
_X, _FACE = 0.49, 0.44  # middle of the owl, height of its eyes
_KEY = "#17151c"
Mark = NDArray[np.float64]


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#f0e6cf")
    colours = _colour_blocks(rng, sheet)
    black, owl = np.ones(sheet.shape, np.float32), _owl(sheet)
    for cut in (_sky(rng, sheet), _leaves(rng, sheet)):
        black = np.minimum(black, 1 - cut * (1 - owl))
    black = np.minimum(black, 1 - _outline(sheet, owl))
    black = np.minimum(black, 1 - sheet.mask(*_feathers(rng), *_face(rng)) * owl)
    black = _eyes(rng, sheet, black)
    return _print(rng, sheet, colours, black)


def _gouge(x: float, y: float, turn: float, length: float, width: float) -> Mark:
    """What one push of the tool leaves: a groove that starts sharp, widens, and lifts out."""
    t = np.linspace(0, 1, 12)
    line = np.stack([x + length * (t - 0.5) * np.cos(turn), y + length * (t - 0.5) * np.sin(turn)], axis=1)
    return ribbon(line, width * np.sin(np.pi * t**0.7) + 0.0004)


def _body() -> Mark:
    right = [
        (0.0, -0.175),
        (0.085, -0.165),
        (0.165, -0.215),
        (0.155, -0.09),
        (0.185, 0.02),
        (0.215, 0.17),
        (0.20, 0.34),
        (0.125, 0.46),
        (0.05, 0.50),
    ]
    half = curve(right, 120)
    return np.concatenate([half, (half * (-1, 1))[::-1]]) + (_X, _FACE)


def _owl(sheet: Sheet) -> Array:
    tail = [(_X - 0.075, 0.88), (_X + 0.075, 0.88), (_X + 0.055, 1.10), (_X, 1.13), (_X - 0.055, 1.10)]
    branch = curve([(-0.05, 0.985), (0.25, 0.955), (0.55, 0.97), (0.80, 0.935), (1.05, 0.95)], 80)
    return sheet.mask(_body(), tail, ribbon(branch, np.linspace(0.075, 0.045, 80)))


def _outline(sheet: Sheet, owl: Array) -> Array:
    """A thin cut around the owl and along the branch, so that black stands off from black."""
    grown = sheet.mask(*[ribbon(np.concatenate([_body(), _body()[:1]]), 0.010)])
    return grown * (1 - owl) * (sheet.y < 0.93)


def _sky(rng: Generator, sheet: Sheet) -> Array:
    """The moon is cut away; rings of short gouges run around it into the night."""
    cx, cy, radius = 0.50, 0.42, 0.335
    marks: list[Mark] = [disc(cx, cy, radius, 140)]
    for ring in np.arange(radius + 0.022, 1.1, 0.0205):
        fade = np.exp(-(ring - radius) / 0.30)
        at = rng.uniform(0, 0.1)
        while at < 2 * np.pi:
            length = rng.uniform(0.020, 0.055)
            x, y = cx + ring * np.cos(at), cy + ring * np.sin(at)
            if rng.random() < 0.35 + 0.65 * fade:
                marks.append(
                    _gouge(
                        x, y, at + np.pi / 2 + rng.normal(0, 0.04), length, 0.011 * (0.30 + 0.75 * fade) * rng.uniform(0.7, 1.2)
                    )
                )
            at += (length + 0.008) / ring
    return sheet.mask(*marks)


def _feathers(rng: Generator) -> list[Mark]:
    """Scallops down the breast, long quills on the wings, bars on the tail, grain on the branch."""
    marks: list[Mark] = []
    for row, y in enumerate(np.arange(0.655, 0.93, 0.030)):
        half = 0.105 * np.sin(np.pi * np.clip((y - 0.52) / 0.47, 0, 1)) ** 0.6
        for x in np.arange(-half, half + 1e-6, 0.036) + (0.018 if row % 2 else 0):
            if abs(x) < half:
                t = np.linspace(-1.25, 1.25, 16)
                arc = np.stack([_X + x + 0.0165 * np.sin(t), y + 0.020 * np.cos(t)], axis=1)
                marks += [ribbon(arc, 0.0055 * np.cos(t * 0.95) + 0.0008), _gouge(_X + x, y + 0.005, np.pi / 2, 0.017, 0.0045)]
    for side in (-1, 1):
        for k in range(7):
            for step in range(9):
                t = step / 8
                x = _X + side * (0.200 - 0.015 * k + 0.012 * np.sin(np.pi * t) - 0.070 * t**2.2)
                y = 0.60 + 0.030 * k * 0.3 + 0.285 * t + 0.004 * k
                marks.append(_gouge(x, y, np.pi / 2 + side * (0.18 + 0.35 * t), 0.030, 0.0058 * rng.uniform(0.8, 1.15)))
        for k in range(16):  # the ears
            t = k / 15
            marks.append(_gouge(_X + side * (0.070 + 0.080 * t), _FACE - 0.115 - 0.068 * t**1.2, -0.9 * side, 0.026, 0.0045))
    for k in range(6):
        marks.append(
            ribbon(curve([(_X - 0.050, 1.005 + 0.020 * k), (_X, 1.014 + 0.020 * k), (_X + 0.050, 1.005 + 0.020 * k)], 20), 0.006)
        )
    for x in np.arange(-0.02, 1.02, 0.017):
        level = np.interp(x, (0, 0.25, 0.55, 0.8, 1), (0.98, 0.955, 0.97, 0.935, 0.945))
        if abs(x - _X) > 0.09:
            marks += [
                _gouge(x, level + a, -0.05, rng.uniform(0.025, 0.05), 0.0042)
                for a in (-0.020, -0.004, 0.013)
                if rng.random() < 0.75
            ]
    for side in (-1, 1):
        for toe in (-0.022, 0.0, 0.022):
            x = _X + side * 0.062 + toe
            marks.append(
                ribbon(curve([(x, 0.925), (x + 0.004, 0.945), (x, 0.972)], 14), 0.013 * np.sin(np.pi * np.linspace(0.15, 1, 14)))
            )
    return marks


def _face(rng: Generator) -> list[Mark]:
    """Rays of fine cuts around each eye, a brow between them."""
    marks: list[Mark] = []
    for side in (-1, 1):
        x = _X + side * 0.080
        for inner, outer, count, width in [(0.053, 0.076, 40, 0.0052), (0.080, 0.100, 52, 0.0045)]:
            for turn in np.linspace(0, 2 * np.pi, count, endpoint=False):
                reach = (inner + outer) / 2
                px, py = x + reach * np.cos(turn), _FACE + reach * np.sin(turn)
                if side * (px - _X) > 0.012:
                    marks.append(_gouge(px, py, turn, (outer - inner) * rng.uniform(0.85, 1.1), width))
        for k in range(9):
            t = k / 8
            marks.append(_gouge(_X + side * (0.012 + 0.085 * t), _FACE - 0.075 - 0.055 * t, -0.55 * side, 0.026, 0.006))
    for y in np.arange(0.555, 0.645, 0.017):
        for x in np.arange(-0.105, 0.106, 0.019):
            marks.append(
                _gouge(_X + x, y + 0.0045 * np.cos(x * 20) * 2, np.pi / 2 + x * 2.2, 0.014, 0.0045 * rng.uniform(0.7, 1.1))
            )
    return marks


def _eyes(rng: Generator, sheet: Sheet, black: Array) -> Array:
    for side in (-1, 1):
        x = _X + side * 0.080
        black = np.minimum(black, 1 - sheet.mask(disc(x, _FACE, 0.047)))
        spokes = [_gouge(x + 0.034 * np.cos(a), _FACE + 0.034 * np.sin(a), a, 0.016, 0.003) for a in np.linspace(0, 6.28, 22)]
        black = np.maximum(black, sheet.mask(disc(x, _FACE, 0.024), *spokes))
        black = np.minimum(black, 1 - sheet.mask(disc(x - 0.008, _FACE - 0.009, 0.0065)))
    beak = curve([(_X - 0.017, _FACE + 0.030), (_X, _FACE + 0.018), (_X + 0.017, _FACE + 0.030), (_X, _FACE + 0.090)], 60, True)
    return np.minimum(black, 1 - sheet.mask(beak))


def _leaves(rng: Generator, sheet: Sheet) -> Array:
    """Leaves of the tree, in the corners: outlined, with cut veins."""
    cut = np.zeros(sheet.shape, np.float32)
    for stem in _sprays(rng):
        for blade, veins in _blades(stem):
            cut = np.maximum(
                cut * (1 - sheet.mask(ribbon(blade[:, :2], blade[:, 2] + 0.012))), sheet.mask(ribbon(blade[:, :2], blade[:, 2]))
            )
            cut *= 1 - sheet.mask(*veins)
    return cut


def _sprays(rng: Generator) -> list[Mark]:
    points = [
        [(-0.03, 0.92), (0.08, 0.80), (0.06, 0.66)],
        [(1.03, 0.90), (0.93, 0.79), (0.95, 0.65)],
        [(0.02, 1.27), (0.20, 1.17), (0.36, 1.16)],
        [(1.0, 1.27), (0.82, 1.15), (0.66, 1.14)],
        [(-0.03, 0.10), (0.10, 0.07), (0.24, 0.09)],
        [(1.03, 0.08), (0.90, 0.06), (0.77, 0.09)],
    ]
    return [curve(np.array(p) + rng.normal(0, 0.008, (3, 2)), 60) for p in points]


def _blades(stem: Mark) -> list[tuple[Mark, list[Mark]]]:
    along = np.gradient(stem, axis=0)
    blades = []
    for i, at in enumerate((8, 20, 32, 44, 58)):
        turn = np.arctan2(along[at, 1], along[at, 0]) + (0 if at == 58 else 0.95 * (-1) ** i)
        reach = 0.105 - 0.008 * i
        tip = stem[at] + reach * np.array([np.cos(turn), np.sin(turn)])
        line = curve([stem[at], (stem[at] + tip) / 2 + 0.006 * np.array([-np.sin(turn), np.cos(turn)]), tip], 30)
        width = reach * 0.42 * np.sin(np.pi * np.linspace(0.04, 1, 30)) ** 0.8
        veins = [ribbon(line[:27], np.linspace(0.006, 0.0015, 27))]
        for k in range(5, 25, 4):
            for side in (-1, 1):
                ahead = turn + side * 0.75
                veins.append(
                    ribbon([line[k], line[k] + width[k] * 0.46 * np.array([np.cos(ahead), np.sin(ahead)])], (0.0036, 0.0012))
                )
        blades.append((np.column_stack([line, width]), veins))
    return blades


def _colour_blocks(rng: Generator, sheet: Sheet) -> Array:
    """The blocks printed first, cut loosely and not quite in register."""
    shift = rng.normal(0, 0.0025, 2)
    wobble = 0.008 * (noise(rng, sheet.shape, 14, 2) - 0.5)
    kept = sheet.colour.copy()
    sheet.stain(
        np.ones(sheet.shape, np.float32), "#4f9aa0", smoothstep(0.20, 0.75, np.hypot(sheet.x - 0.5, sheet.y - 0.42)) * 0.55 + 0.40
    )
    moon = smoothstep(0.001, -0.001, np.hypot(sheet.x - 0.5 - shift[0], sheet.y - 0.42 - shift[1]) - 0.338 + wobble)
    sheet.lay(moon, "#f5c95a")
    sheet.lay(sheet.mask(_body() + shift), "#d9843a")
    sheet.lay(sheet.mask(*[disc(_X + s * 0.080 + shift[0], _FACE + shift[1], 0.110) for s in (-1, 1)]), "#f0dfba")
    sheet.lay(sheet.mask(*[disc(_X + s * 0.080 + shift[0], _FACE + shift[1], 0.049) for s in (-1, 1)]), "#f2a81f")
    for stem in _sprays(rng):
        sheet.lay(sheet.mask(*[ribbon(blade[:, :2] + shift, blade[:, 2] + 0.004) for blade, _ in _blades(stem)]), "#7a9a3a")
    colours, sheet.colour = sheet.colour, kept
    return colours


def _print(rng: Generator, sheet: Sheet, colours: Array, black: Array) -> Array:
    """Ink that sits unevenly, ridges of lino that the cutter missed, a border left uncut."""
    speck = noise(rng, sheet.shape, 230, 2)
    ridge = (
        smoothstep(0.78, 0.82, noise(rng, sheet.shape, 110, 2))
        * (black < 0.5)
        * smoothstep(0.52, 0.60, noise(rng, sheet.shape, 9, 2))
    )
    edge = np.minimum.reduce([sheet.x, sheet.y, 1 - sheet.x, _ASPECT - sheet.y]) + 0.0025 * noise(rng, sheet.shape, 50, 2)
    inside = smoothstep(0.029, 0.031, edge)
    sheet.colour += inside[..., None] * (colours * (1 + 0.10 * (speck - 0.5))[..., None] - sheet.colour)
    black = np.maximum(black, 0.75 * ridge)
    black = np.maximum(black, (edge < 0.044).astype(np.float32)) * inside
    ink = black * (1 - 0.55 * smoothstep(0.74, 0.9, speck) - 0.06 * noise(rng, sheet.shape, 6, 3))
    sheet.lay(ink.astype(np.float32), _KEY, 0.97)
    sheet.colour *= (1 + 0.05 * (noise(rng, sheet.shape, 120, 2) - 0.5))[..., None]
    return sheet.finish()
