"""Flowers and a bird in silk on linen: long and short stitch that follows every petal, stems in stem stitch, knots."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .brush import Layer, Painting
from .sheet import Array, Sheet, curve, disc, noise, palette, ramp, relief, ribbon, vary

_ASPECT = 1.2
_FLOWERS = [
    (0.50, 0.44, 0.165, 9, palette("#7a1030", "#c8284a", "#f06a6a", "#fbc0a8")),
    (0.23, 0.27, 0.115, 7, palette("#2a2f8a", "#4a62c8", "#8aa8e8", "#dce6f6")),
    (0.78, 0.27, 0.115, 7, palette("#8a3a0f", "#e07a1f", "#f8b83a", "#fdeaa0")),
    (0.20, 0.61, 0.100, 8, palette("#8a4a0f", "#e8a01f", "#f8d04a", "#fff0b0")),
    (0.80, 0.62, 0.105, 8, palette("#4a1f6a", "#7f45ae", "#b98ad8", "#ecd8f4")),
]
_GREEN = palette("#12402a", "#2a6a3a", "#5f9a45", "#b8c860")


class _Pattern:
    """What is stitched where: colour, direction of the thread, and which stitches end at which edge."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.colour = sheet.colour.copy()
        self.angle = np.zeros(sheet.shape, np.float32)
        self.regions = np.zeros(sheet.shape, np.float32)
        self.where = np.zeros(sheet.shape, np.float32)

    def add(self, mask: Array, colour: Array, angle: Array) -> None:
        inside = mask > 0.5
        self.colour[inside], self.angle[inside] = colour[inside], angle[inside]
        self.regions[inside] = self.regions.max() + 1
        self.where[inside] = 1


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#2c3f63")
    _linen(rng, sheet)
    pattern = _Pattern(sheet)
    _stems(rng, pattern)
    for flower in _FLOWERS:
        _flower(rng, pattern, *flower)
    _bird(rng, pattern)
    work = Painting(sheet, rng)
    shadow = np.roll(pattern.where, (round(0.004 * sheet.unit), round(0.003 * sheet.unit)), (0, 1))
    sheet.colour *= (1 - 0.45 * shadow)[..., None]
    sheet.lay(pattern.where, pattern.colour * 0.55)  # padding under the stitches
    for width, length, cover in [(0.0062, 0.036, 2.6), (0.0050, 0.026, 3.2)]:
        work.cover(
            pattern.colour,
            pattern.angle,
            Layer(width, length, cover, light=0.045, tint=0.02, thickness=1.5),
            pattern.regions,
            pattern.where,
        )
    _knots(rng, work)
    _border(rng, work)
    return work.finish(1.3, shine=0.22)


def _linen(rng: Generator, sheet: Sheet) -> None:
    """Over and under, with threads of uneven thickness."""
    pitch = 0.0052
    wander = 0.0020 * noise(rng, sheet.shape, 12, 2)
    u, v = (sheet.x + wander) / pitch, (sheet.y - wander) / pitch
    over = (np.floor(u) + np.floor(v)) % 2 == 0
    across, along = np.where(over, v % 1, u % 1), np.where(over, u % 1, v % 1)
    height = np.sin(np.pi * across) * (0.55 + 0.45 * np.sin(np.pi * along))
    tone = rng.normal(0, 0.035, 4096).astype(np.float32)
    thread = np.where(over, tone[np.floor(v).astype(int) % 4096], tone[(np.floor(u).astype(int) + 777) % 4096])
    sheet.colour *= (0.72 + 0.30 * height + thread + 0.10 * relief(height * 3, 0.8))[..., None]


def _flower(rng: Generator, pattern: _Pattern, cx: float, cy: float, radius: float, count: int, colours: Array) -> None:
    sheet = pattern.sheet
    x, y = sheet.x - cx, sheet.y - cy
    r = np.hypot(x, y) / radius
    fray = 0.14 * (noise(rng, sheet.shape, 60, 1) - 0.5)
    start = rng.uniform(0, 6)
    for ring, (reach, turn) in enumerate([(1.0, 0.0), (0.66, 0.5)]):
        for k in rng.permutation(count):
            heading = start + 2 * np.pi * (k + turn) / count
            tip = np.array([np.cos(heading), np.sin(heading)]) * radius * reach
            line = curve([(cx, cy), (cx + 0.55 * tip[0], cy + 0.55 * tip[1]), (cx + tip[0], cy + tip[1])], 40)
            t = np.linspace(0, 1, 40)
            fat = 5.4 / count * radius * reach * (0.05 + 0.95 * t) ** 0.8 * np.sqrt(1 - t**7)
            side = (x * -np.sin(heading) + y * np.cos(heading)) / radius
            ahead = np.arctan2(y, x) + 0.25 * side
            tone = np.clip((r / reach) ** 1.3 * 0.92 + fray + 0.08 * ring - 0.35 * np.abs(side), 0, 1)
            pattern.add(sheet.mask(ribbon(line, fat)), ramp(tone, colours), ahead.astype(np.float32))
    pattern.add(
        sheet.mask(disc(cx, cy, radius * 0.20)),
        ramp(r / 0.22, palette("#5a2a10", "#c8862a")),
        (np.arctan2(y, x) + 1.57).astype(np.float32),
    )


def _leaf(rng: Generator, pattern: _Pattern, root: Array, heading: float, length: float) -> None:
    """Two halves of slanting stitches that meet in the midrib, one lighter."""
    ahead, side = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    line = curve([root, root + 0.5 * length * ahead + 0.07 * length * side, root + length * ahead], 40)
    fat = 0.42 * length * np.sin(np.pi * np.linspace(0.06, 1, 40) ** 0.85)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    out = np.stack([-along[:, 1], along[:, 0]], axis=1) * fat[:, None] / 2
    sheet, tint = pattern.sheet, rng.uniform(-0.08, 0.12)
    t = ((sheet.x - root[0]) * ahead[0] + (sheet.y - root[1]) * ahead[1]) / length
    for sign, light in [(-1, 0.16), (1, 0.46)]:
        half = sheet.mask(np.concatenate([line, (line + sign * out)[::-1]]))
        turn = np.full(sheet.shape, heading + sign * 0.62, np.float32)
        pattern.add(half, ramp(np.clip(light + tint + 0.38 * t, 0, 1), _GREEN), turn)


def _stems(rng: Generator, pattern: _Pattern) -> None:
    sheet, foot = pattern.sheet, (0.50, 1.13)
    for cx, cy, _, _, _ in _FLOWERS:
        stem = curve([foot, (0.5 + 0.35 * (cx - 0.5), 0.90), (cx + 0.25 * (0.5 - cx), 0.5 * cy + 0.42), (cx, cy)], 120)
        along = np.gradient(stem, axis=0)
        place = np.argmin(np.abs(stem[:, 1][None, None] - sheet.y[::8, ::8, None]), axis=2)
        slant = (
            np.arctan2(along[:, 1], along[:, 0])
            .astype(np.float32)[place]
            .repeat(8, 0)
            .repeat(8, 1)[: sheet.shape[0], : sheet.shape[1]]
        )
        mask = sheet.mask(ribbon(stem, np.linspace(0.016, 0.009, 120)))
        pattern.add(mask, ramp(0.30 + 0.4 * noise(rng, sheet.shape, 30, 1), _GREEN), slant + np.float32(0.3))
        for at in (22, 42, 60, 78):
            heading = np.arctan2(along[at, 1], along[at, 0])
            for sign in (-1, 1):
                if rng.random() < 0.85:
                    _leaf(rng, pattern, stem[at], heading + sign * rng.uniform(0.7, 1.1), rng.uniform(0.09, 0.15))
    for heading, length in [(-2.9, 0.24), (-0.25, 0.24), (-2.45, 0.20), (-0.7, 0.20), (3.35, 0.17), (-0.05, 0.15)]:
        _leaf(rng, pattern, np.array([0.5, 1.08]), heading, length)


def _bird(rng: Generator, pattern: _Pattern) -> None:
    """A small bird above the middle flower, head to the right."""
    sheet, (cx, cy) = pattern.sheet, (0.485, 0.175)
    blues, warm = palette("#0f3a5f", "#1f7a9a", "#5fc0c8", "#d0f0e0"), palette("#c8481f", "#f08a3a", "#fbd08a")
    level = np.zeros(sheet.shape, np.float32)
    for i in range(3):
        feather = curve([(cx - 0.05, cy + 0.02), (cx - 0.13, cy + 0.045 + 0.014 * i), (cx - 0.20, cy + 0.035 + 0.030 * i)], 30)
        pattern.add(
            sheet.mask(ribbon(feather, 0.024 * np.sin(np.pi * np.linspace(0.2, 0.95, 30)))),
            ramp(level + 0.25 * i, blues),
            level - 0.3 - 0.1 * i + 3.14,
        )
    back = [(cx - 0.08, cy + 0.025), (cx, cy - 0.030), (cx + 0.065, cy - 0.065)]
    breast = [(cx + 0.105, cy - 0.040), (cx + 0.085, cy + 0.020), (cx + 0.01, cy + 0.062)]
    body = curve(back + breast, 80, True)
    tone = np.clip((sheet.y - cy + 0.06) / 0.12, 0, 1)
    pattern.add(sheet.mask(body), ramp(tone, np.concatenate([blues[1:3], warm])), level + 0.45 + 2.0 * (sheet.x - cx))
    for i in range(4):
        middle, tip = (cx - 0.015 - 0.02 * i, cy + 0.002 - 0.012 * i), (cx - 0.055 - 0.020 * i, cy + 0.030 - 0.028 * i)
        feather = curve([(cx + 0.045, cy - 0.012), middle, tip], 30)
        pattern.add(
            sheet.mask(ribbon(feather, 0.026 * np.sin(np.pi * np.linspace(0.1, 0.95, 30)))),
            ramp(level + 0.2 + 0.22 * i, blues),
            level - 0.25 + 0.12 * i + 3.14,
        )
    beak = [(cx + 0.098, cy - 0.054), (cx + 0.140, cy - 0.042), (cx + 0.100, cy - 0.036)]
    pattern.add(sheet.mask(beak), ramp(level + 0.4, warm), level)
    pattern.add(sheet.mask(disc(cx + 0.077, cy - 0.046, 0.0085)), ramp(level, palette("#101018", "#101018")), level + 1.5)


def _knots(rng: Generator, work: Painting) -> None:
    """French knots in the hearts of the flowers and berries between them."""
    unit, spots = work.sheet.unit, []
    for cx, cy, radius, _, _ in _FLOWERS:
        reach, turn = radius * 0.17 * np.sqrt(rng.random(26)), rng.uniform(0, 6.28, 26)
        spots += [(cx + a * np.cos(b), cy + a * np.sin(b), "gold") for a, b in zip(reach, turn)]
    for x, y in [
        (0.09, 0.115),
        (0.91, 0.115),
        (0.65, 0.10),
        (0.34, 0.09),
        (0.08, 0.44),
        (0.92, 0.44),
        (0.335, 0.385),
        (0.665, 0.385),
        (0.09, 0.77),
        (0.91, 0.77),
        (0.16, 0.90),
        (0.84, 0.90),
        (0.09, 1.08),
        (0.91, 1.08),
        (0.27, 1.10),
        (0.73, 1.10),
    ]:
        spots += [(x + 0.017 * np.cos(a), y + 0.017 * np.sin(a), "berry") for a in np.linspace(0, 6.28, 7)[:-1]] + [
            (x, y, "gold")
        ]
    around = np.linspace(0, 5.5, 12)
    x, y = np.array([spot[:2] for spot in spots]).T[..., None]
    path = np.stack([x + 0.0034 * np.cos(around), y + 0.0034 * np.sin(around)], axis=2) * unit
    colour = np.where(np.array([spot[2] == "gold" for spot in spots])[:, None], palette("#f2c23a"), palette("#c8283a"))
    work.strokes(path.astype(np.float32), np.full(len(spots), 0.0062 * unit), vary(rng, colour, 0.05), 2.2)


def _border(rng: Generator, work: Painting) -> None:
    """Crossed stitches between two running lines."""
    unit, lines, colours = work.sheet.unit, [], []
    across, down = np.linspace(0.03, 0.97, 44), np.linspace(0.03, _ASPECT - 0.03, 53)
    for i, a in enumerate(across):
        for j, b in enumerate(down):
            if i in (0, 43) or j in (0, 52):
                for sign in (-1, 1):
                    lines.append([(a - 0.0085, b - 0.0085 * sign), (a + 0.0085, b + 0.0085 * sign)])
                    colours.append("#d8343f" if (i + j) % 4 else "#f2c23a")
    ends = np.array(lines)
    t = np.linspace(0, 1, 12)[None, :, None]
    path = ends[:, :1] * (1 - t) + ends[:, 1:] * t
    work.strokes((path * unit).astype(np.float32), np.full(len(path), 0.0055 * unit), vary(rng, palette(*colours), 0.04), 1.6)
