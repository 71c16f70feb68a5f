"""Autumn by a lake in watercolour: wet washes that bleed, dry edges, grains of pigment in the hollows of the paper."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from .sheet import Array, Sheet, below, blur, curve, disc, noise, relief, rgb, ribbon, smoothstep

_SHORE = 0.455
_TREES = ("#d8541f", "#e88a1f", "#c22f2a", "#e8b02f", "#8f2a3a", "#6f8a2f", "#2f6a5a", "#d86a2f")


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 0.76, "#fbf7ec")
    water = _Water(rng, sheet)
    _sky(rng, sheet, water)
    xs = np.linspace(-0.05, 1.05, 9)
    for level, rise, code in [(0.40, 0.20, "#7f9fd0"), (0.425, 0.14, "#6f7fb8"), (0.445, 0.085, "#4f7f8a")]:
        line = curve(np.stack([xs, level - rise * rng.random(9)], axis=1), 200)
        hill = below(line, _SHORE)
        fade = 0.30 + 0.9 * smoothstep(0.0, 0.05, _SHORE + 0.02 - sheet.y)
        _wash(sheet, water, sheet.mask(hill), code, 0.62, 0.010, flow=fade)
        _wash(sheet, water, sheet.mask((hill - (0, _SHORE)) * (1, -0.8) + (0, _SHORE + 0.01)), code, 0.26, 0.03)
    _water(rng, sheet, water)
    _trees(rng, sheet, water)
    _reeds(rng, sheet, water)
    _splatter(rng, sheet, water)
    return _dry(rng, sheet, water)


class _Water:
    """Fields of noise larger than the sheet; a wash uses them at a place of its own, which costs less than new noise."""

    def __init__(self, rng: Generator, sheet: Sheet) -> None:
        self.rng, self.shape = rng, sheet.shape
        large = (sheet.shape[0] * 3 // 2, sheet.shape[1] * 3 // 2)
        push = [noise(rng, large, 21, 3) + 0.45 * noise(rng, large, 82, 3) - 0.72 for _ in range(2)]
        self.down, self.right = push
        self.pool, self.hue = noise(rng, large, 10, 4), noise(rng, large, 13, 2)
        self.tooth = noise(rng, sheet.shape, 150, 3)

    def at(self, field: Array, box: tuple[slice, slice]) -> Array:
        """A piece of a field as large as the box, from a random place."""
        size = [part.stop - part.start for part in box]
        top, left = (int(self.rng.random() * (whole - part)) for whole, part in zip(field.shape, size))
        return field[top : top + size[0], left : left + size[1]]


def _wash(sheet: Sheet, water: _Water, mask: Array, code: str, strength: float, reach: float, flow: Array | float = 1.0) -> None:
    """One glaze: its edge wanders, pigment gathers at the rim, flows unevenly and settles in the hollows of the paper."""
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    if not len(rows):
        return
    margin = int((2 * reach + 0.02) * sheet.unit)
    ends = [(max(0, at[0] - margin), min(whole, at[-1] + margin)) for at, whole in zip((rows, columns), sheet.shape)]
    box = tuple(slice(*end) for end in ends)
    wet = mask[box]
    if reach:
        down, right = np.indices(wet.shape, dtype=np.float32)
        down += water.at(water.down, box) * 2 * reach * sheet.unit
        right += water.at(water.right, box) * 2 * reach * sheet.unit
        wet = ndimage.map_coordinates(wet, [down, right], order=1, mode="nearest").astype(np.float32)
    wet = blur(wet, 0.7)
    rim = np.clip(wet - blur(wet, 0.006 * sheet.unit), 0, 1) * 1.5
    pool = 0.55 + 0.9 * (water.at(water.pool, box) - 0.35)
    stream = flow[box] if isinstance(flow, np.ndarray) else flow
    density = wet * np.clip(pool * stream + rim * 0.75, 0, 1.5) * (0.84 + 0.42 * water.tooth[box]) * strength
    hue = 0.10 * (water.at(water.hue, box)[..., None] - 0.5) * np.array([1, -0.5, -1], np.float32)
    sheet.colour[box] *= np.exp(np.log(np.clip(rgb(code) + hue, 0.02, 1)) * np.clip(density, 0, 1.6)[..., None])


def _sky(rng: Generator, sheet: Sheet, water: _Water) -> None:
    cloud = smoothstep(0.42, 0.66, noise(rng, sheet.shape, 4, 4))
    everywhere = np.ones(sheet.shape, np.float32)
    _wash(sheet, water, everywhere, "#f6c48a", 0.55, 0, flow=np.exp(-(((sheet.y - 0.33) / 0.12) ** 2)))
    _wash(sheet, water, everywhere, "#3f7fc8", 0.75, 0, flow=(1 - cloud) * smoothstep(0.34, 0.0, sheet.y))
    _wash(sheet, water, everywhere, "#8f7fb0", 0.40, 0, flow=cloud * smoothstep(0.30, 0.12, sheet.y))
    sun = blur(sheet.mask(disc(0.66, 0.26, 0.036)), 0.004 * sheet.unit)
    sheet.lay(sun, "#fff0c4", 0.9)


def _water(rng: Generator, sheet: Sheet, water: _Water) -> None:
    depth = sheet.y - _SHORE
    mask = smoothstep(0.0, 0.003, depth)
    _wash(sheet, water, mask, "#f2c08a", 0.42, 0.0, flow=np.exp(-((depth / 0.08) ** 2)))
    _wash(sheet, water, mask, "#2f6fae", 0.80, 0.0, flow=0.15 + 0.85 * smoothstep(0.03, 0.30, depth))
    lines = []
    for _ in range(46):
        x, y = rng.uniform(-0.1, 1), _SHORE + 0.012 + 0.29 * rng.random() ** 1.4
        span = rng.uniform(0.04, 0.22)
        path = curve([(x, y), (x + span / 2, y + rng.normal(0, 0.002)), (x + span, y)], 30)
        lines.append(ribbon(path, (0.0015 + 0.010 * (y - _SHORE)) * np.sin(np.pi * np.linspace(0, 1, 30))))
    _wash(sheet, water, sheet.mask(*lines[::2]), "#2a5a9a", 0.45, 0.003)
    sheet.lay(blur(sheet.mask(*lines[1::2]), 1), "#fbf4e4", 0.5)


def _trees(rng: Generator, sheet: Sheet, water: _Water) -> None:
    """Crowns wet in wet, each with its mirror image, trunks drawn with the tip of the brush."""
    colours = rng.permutation(2 * len(_TREES))
    crowns, order = [], np.concatenate([rng.uniform(0.0, 0.34, 7), rng.uniform(0.42, 0.60, 2), rng.uniform(0.76, 1.0, 5)])
    for x in order:
        tall = rng.uniform(0.10, 0.20) * (1.35 if x < 0.2 or x > 0.9 else 0.85)
        blobs = [
            (x + rng.normal(0, tall * 0.16), _SHORE - tall * rng.uniform(0.35, 1.0), tall * rng.uniform(0.14, 0.28))
            for _ in range(9)
        ]
        crowns.append((x, tall, blobs, _TREES[colours[len(crowns)] % len(_TREES)]))
    bank = below(
        curve([(-0.02, _SHORE - 0.018), (0.3, _SHORE - 0.010), (0.65, _SHORE - 0.003), (1.02, _SHORE - 0.022)], 80),
        _SHORE + 0.006,
    )
    for x, tall, blobs, code in crowns:
        mirror = [disc(a, 2 * _SHORE - b, r) * (1, 1) for a, b, r in blobs]
        _wash(sheet, water, blur(sheet.mask(*mirror), 0.008 * sheet.unit), code, 0.62, 0.016)
        _wash(sheet, water, sheet.mask(*[disc(*blob) for blob in blobs]), code, 0.60, 0.016)
        under = sheet.mask(*[disc(a + r * 0.3, b + r * 0.4, r * 0.6) for a, b, r in blobs[::2]])
        _wash(sheet, water, under, "#6a2f4a", 0.24, 0.014)
        trunk = curve(
            [(x, _SHORE), (x + rng.normal(0, 0.006), _SHORE - tall * 0.4), (x + rng.normal(0, 0.012), _SHORE - tall * 0.85)], 30
        )
        sheet.stain(sheet.mask(ribbon(trunk, np.linspace(0.0075, 0.002, 30))), "#4a2a2a", 0.8)
    _wash(sheet, water, sheet.mask(bank), "#5f5a2a", 1.0, 0.006)


def _reeds(rng: Generator, sheet: Sheet, water: _Water) -> None:
    near = below(curve([(-0.02, 0.66), (0.14, 0.675), (0.34, 0.73), (0.50, 0.78)], 60), 0.9)
    _wash(sheet, water, sheet.mask(near), "#7a6a1f", 0.95, 0.012)
    for code, count in [("#3f5a1f", 60), ("#8a6a1f", 50), ("#5a2f1f", 30)]:
        blades = []
        for _ in range(count):
            x, lean = rng.beta(1, 2.2) * 0.5, rng.normal(0.02, 0.03)
            foot, tall = 0.69 + 0.22 * x + rng.uniform(0, 0.03), rng.uniform(0.05, 0.17) * (1.2 - x)
            blade = curve([(x, foot), (x + lean * 0.3, foot - tall * 0.6), (x + lean, foot - tall)], 20)
            blades.append(ribbon(blade, np.linspace(0.0048, 0.0008, 20)))
        sheet.stain(sheet.mask(*blades), code, 0.72)


def _splatter(rng: Generator, sheet: Sheet, water: _Water) -> None:
    for code in ("#d8541f", "#2f6fae", "#8f2a3a"):
        drops = [disc(*rng.uniform((0, 0.02), (1, 0.74)), 0.001 + 0.005 * rng.random() ** 4) for _ in range(45)]
        _wash(sheet, water, sheet.mask(*drops), code, 0.8, 0.001)


def _dry(rng: Generator, sheet: Sheet, water: _Water) -> Array:
    """The sheet as it is when taped off and dried: a white margin, the light on rough paper."""
    edge = np.minimum.reduce([sheet.x, sheet.y, 1 - sheet.x, sheet.aspect - sheet.y]) + 0.005 * (
        noise(rng, sheet.shape, 40, 3) - 0.5
    )
    sheet.lay(smoothstep(0.024, 0.0215, edge), "#fbf7ec")
    sheet.colour *= (1 + 0.075 * relief(blur(water.tooth, 1.0) * 9, 0.9))[..., None]
    return sheet.finish()
