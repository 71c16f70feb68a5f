"""Batik: a blossom of rings in wax and dye on cotton, with dots set by hand and the crackle of broken wax."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.spatial import cKDTree

from .sheet import Array, Sheet, blur, noise, palette, rgb, smoothstep

_INDIGO, _BROWN, _OCHRE, _CREAM, _RED, _TEAL = palette("#16244f", "#4a2418", "#d9962e", "#f4e6c4", "#a8322a", "#2a7a78")


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 1.0)
    shake = [0.0028 * (noise(rng, sheet.shape, 40, 2) - 0.5) for _ in range(2)]
    x, y = sheet.x - 0.5 + shake[0], sheet.y - 0.5 + shake[1]
    _ground(rng, sheet, x, y)
    for cx, cy in [(0.5, 0.5), (-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5)]:
        _blossom(rng, sheet, x - cx, y - cy, 0.325, 12, (_RED, _TEAL, _OCHRE))
    for cx, cy in [(0, -0.5), (0, 0.5), (-0.5, 0), (0.5, 0)]:
        _blossom(rng, sheet, x - cx, y - cy, 0.150, 8, (_TEAL, _OCHRE, _RED))
    _blossom(rng, sheet, x, y, 0.43, 16, (_OCHRE, _RED, _TEAL))
    return _dye(rng, sheet)


def _lay(picture: Array, mask: Array, dye: Array) -> None:
    picture += mask[..., None] * (dye - picture)


def _dots(angle: Array, r: Array, ring: float | Array, count: int | Array, size: float, turn: float | Array = 0.0) -> Array:
    """A ring of round dots, as a mask."""
    around = ((angle / (2 * np.pi) * count + turn) % 1 - 0.5) * 2 * np.pi * ring / count
    return smoothstep(size, size * 0.78, np.hypot(around, r - ring))


def _petals(angle: Array, r: Array, inner: float, outer: float, count: int, fat: float, turn: float = 0.0) -> Array:
    """How far inside a petal each place lies: positive within, 0 at the edge, in units of the sheet's width."""
    along = np.clip((r - inner) / (outer - inner), 0, 1)
    half = fat * np.pi * outer / count * np.clip(np.sin(np.pi * along**0.75), 0, 1) ** 0.8
    around = ((angle / (2 * np.pi) * count + turn) % 1 - 0.5) * 2 * np.pi * r / count
    return np.where((r > inner) & (r < outer), half - np.abs(around), -1.0)


def _blossom(rng: Generator, sheet: Sheet, x: Array, y: Array, size: float, count: int, dyes: tuple[Array, Array, Array]) -> None:
    """Rings of petals, each outlined in wax, with dots between."""
    rows, columns = np.nonzero((np.abs(y) < size).any(axis=1))[0], np.nonzero((np.abs(x) < size).any(axis=0))[0]
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    picture, x, y = sheet.colour[box], x[box], y[box]
    angle, r = np.arctan2(y, x) + rng.uniform(0, 0.02), np.hypot(x, y) / size
    first, second, third = dyes
    thin = 0.012
    _lay(picture, smoothstep(1.0, 0.985, r), _INDIGO * 0.8)
    for ring, number, dot in [(0.965, count * 5, 0.014), (0.905, count * 4, 0.010)]:
        _lay(picture, _dots(angle, r, ring, number, dot), _CREAM)
    layers = [
        (0.55, 0.88, count, 0.92, 0.5, first),
        (0.50, 0.80, count, 0.70, 0.0, second),
        (0.28, 0.58, count, 0.95, 0.5, third),
        (0.22, 0.47, max(6, count // 2), 0.86, 0.0, first),
        (0.08, 0.28, max(6, count // 2), 0.95, 0.5, second),
    ]
    for inner, outer, number, fat, turn, dye in layers:
        inside = _petals(angle, r, inner, outer, number, fat, turn)
        _lay(picture, smoothstep(-0.002, 0.002, inside), _CREAM)
        _lay(picture, smoothstep(thin, thin + 0.004, inside), _BROWN)
        _lay(picture, smoothstep(thin * 1.9, thin * 1.9 + 0.004, inside), dye)
        _lay(picture, smoothstep(0.060, 0.064, inside) * (1 - smoothstep(0.072, 0.076, inside)), _CREAM)
        for k in range(1, 6):
            at = inner + (outer - inner) * (0.25 + 0.12 * k)
            _lay(picture, _dots(angle, r, at, number, 0.007, turn) * (inside > 0.02), _CREAM)
        _lay(picture, _dots(angle, r, outer + 0.022, number, 0.011, turn), _CREAM)
    _lay(picture, smoothstep(0.135, 0.13, r), _BROWN)
    for ring, number, dot, dye in [(0.115, 18, 0.0105, _CREAM), (0.080, 12, 0.0105, _OCHRE), (0.045, 6, 0.0115, _CREAM)]:
        _lay(picture, _dots(angle, r, ring, number, dot), dye)
    _lay(picture, smoothstep(0.022, 0.018, r), _RED)


def _ground(rng: Generator, sheet: Sheet, x: Array, y: Array) -> None:
    """Leaves and tendrils on indigo, filled in with rows of dots that follow them."""
    sheet.colour[:] = _INDIGO
    angle, r = np.arctan2(y, x), np.hypot(x, y)
    pitch = 0.0165
    ring = np.maximum(np.round(r / pitch), 1)
    count = np.floor(2 * np.pi * ring)
    sheet.lay(_dots(angle, r, ring * pitch, count, 0.0042, 0.5 * (ring % 2)) * (r > 0.44), _OCHRE * 0.55 + 0.45 * _CREAM, 0.9)
    for sign in (-1, 1):
        for quarter in range(4):
            turn = quarter * np.pi / 2 + np.pi / 4 + sign * 0.235
            a, b = x * np.cos(turn) + y * np.sin(turn), sign * (y * np.cos(turn) - x * np.sin(turn))
            along = np.clip((a - 0.435) / 0.135, 0, 1)
            bend = b - 0.045 * (along - 0.35) ** 2 * 4 + 0.005
            inside = np.where((a > 0.435) & (a < 0.570), 0.036 * np.sin(np.pi * along**0.8) - np.abs(bend), -1)
            for reach, dye in [(-0.003, _INDIGO), (0.0, _CREAM), (0.0042, _BROWN), (0.008, _TEAL)]:
                sheet.lay(smoothstep(reach - 0.0008, reach + 0.0008, inside), dye)
            vein = (np.abs(bend) < 0.0016) | (np.abs((a * 75 - np.abs(bend) * 70) % 1 - 0.5) < 0.10)
            sheet.lay((vein & (inside > 0.009)).astype(np.float32), _CREAM, 0.85)


def _dye(rng: Generator, sheet: Sheet) -> Array:
    """Veins where the wax broke and dye ran in, dye that took unevenly, the weave of the cotton."""
    push = [0.055 * noise(rng, sheet.shape, 9, 4) for _ in range(2)]
    places = np.stack([(sheet.x + push[0])[::2, ::2], (sheet.y + push[1])[::2, ::2]], axis=-1)
    for count, width, strength in [(150, 0.0016, 0.75), (650, 0.0009, 0.55)]:
        near = cKDTree(rng.uniform(-0.1, 1.1, (count, 2))).query(places, k=2)[0].astype(np.float32)
        gap = (near[..., 1] - near[..., 0]).repeat(2, axis=0).repeat(2, axis=1)
        broken = smoothstep(0.35, 0.65, noise(rng, sheet.shape, 7, 3))
        light = smoothstep(0.2, 0.6, sheet.colour.mean(axis=2))
        sheet.lay(smoothstep(width * 2.2, width * 0.6, gap) * broken * (0.35 + 0.65 * light), rgb("#1c2346"), strength)
    soft = blur(sheet.colour, 0.0012 * sheet.unit)
    sheet.colour = 0.45 * sheet.colour + 0.55 * soft
    cloud = noise(rng, sheet.shape, 6, 4)
    weave = np.sin(sheet.x * 1500 + 2 * cloud) * 0.5 + np.sin(sheet.y * 1500 + 2 * cloud) * 0.5
    slub = noise(rng, (sheet.shape[0], 8), 200, 1)[:, :1] + noise(rng, (8, sheet.shape[1]), 200, 1)[:1]
    sheet.colour *= (1 + 0.22 * (cloud - 0.5) + 0.05 * weave + 0.07 * (slub - 1))[..., None]
    return sheet.finish()
