"""Two carp circling in a pool: a mosaic whose tiles run in rows around what they show (opus vermiculatum)."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.measure import find_contours

from .sheet import Array, Sheet, curve, disc, noise, palette, ramp, relief, rgb, ribbon, sample, smoothstep, vary

_TILE = 0.0158
_WATER = palette("#0f3a5f", "#15607f", "#1f8a94", "#4fb3a6", "#9ad3bd")
_FISH = (
    palette("#7a1712", "#c0341d", "#e8622a", "#f49a3c", "#f9cf7a"),
    palette("#23304a", "#56627c", "#b9b6ab", "#efe6d2", "#fbf7ea"),
)


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 1.0)
    target, regions = _motif(rng, sheet)
    tiles = _rows(rng, sheet, regions)
    return _set(rng, sheet, target, tiles)


def _carp(turn: float) -> tuple[list[NDArray], NDArray, NDArray]:
    """Outline shapes, spine and eye of a carp that swims along an arc, turned about the middle of the pool."""
    t = np.linspace(0, 1, 120)
    arc = turn + 2.75 * t
    reach = 0.245 + 0.035 * np.sin(5 * t)
    spine = np.stack([0.5 + reach * np.cos(arc), 0.5 + reach * np.sin(arc)], axis=1)
    body = 0.185 * np.clip(1 - t * 0.96, 0, 1) ** 0.62 * np.clip(t * 6 + 0.12, 0, 1) ** 0.5
    shapes = [ribbon(spine, body)]
    along = np.gradient(spine, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.stack([-along[:, 1], along[:, 0]], axis=1)
    for place, sign, long, wide in [(26, 1, 0.12, 0.07), (26, -1, 0.12, 0.07), (66, 1, 0.07, 0.045), (66, -1, 0.07, 0.045)]:
        root = spine[place] + side[place] * sign * body[place] * 0.4
        fin = curve(
            [
                root,
                root + long * (0.55 * along[place] + 0.55 * sign * side[place]),
                root + long * (1.15 * along[place] + 0.75 * sign * side[place]),
            ],
            40,
        )
        shapes.append(ribbon(fin, wide * np.sin(np.pi * np.linspace(0.15, 0.93, 40))))
    for sign in (-1, 1):
        lobe = curve(
            [
                spine[-6],
                spine[-1] + 0.07 * along[-1] + 0.04 * sign * side[-1],
                spine[-1] + 0.15 * along[-1] + 0.11 * sign * side[-1],
            ],
            40,
        )
        shapes.append(ribbon(lobe, 0.062 * np.sin(np.pi * np.linspace(0.12, 0.95, 40))))
    eyes = np.stack([spine[11] + side[11] * sign * body[11] * 0.30 for sign in (-1, 1)])
    return shapes, spine, eyes


def _motif(rng: Generator, sheet: Sheet) -> tuple[Array, Array]:
    """What to show, and regions whose outlines the rows of tiles follow."""
    start = rng.uniform(0, 2 * np.pi)
    x, y = sheet.x - 0.5, sheet.y - 0.5
    radius = np.hypot(x, y)
    regions = np.zeros(sheet.shape, np.int32)
    wave = np.sin(44 * radius - 2 * np.arctan2(y, x) + 4 * noise(rng, sheet.shape, 4, 2))
    target = ramp(0.45 + 0.33 * wave + 0.5 * (radius - 0.30), _WATER)
    glint = noise(rng, sheet.shape, 70, 1)
    target[(wave > 0.55) & (glint > 0.62)] = rgb("#e3b64a")
    for i, colours in enumerate(_FISH):
        shapes, _spine, eyes = _carp(start + i * np.pi)
        body, whole = sheet.mask(shapes[0]) > 0.5, sheet.mask(*shapes) > 0.5
        inside = ndimage.distance_transform_edt(body).astype(np.float32) / sheet.unit
        scales = 0.5 + 0.5 * np.sin(inside * 190 + 3 * noise(rng, sheet.shape, 6, 2))
        patch = noise(rng, sheet.shape, 7, 2)
        tone = 0.28 + 0.40 * np.clip(inside / 0.06, 0, 1) + 0.28 * scales + (0.45 * (patch > 0.60) - 0.2 if i == 0 else 0)
        target[whole] = ramp(0.45 + 0.4 * noise(rng, sheet.shape, 40, 1), colours)[whole]
        target[body] = ramp(tone, colours)[body]
        if i:
            spots = body & (patch > 0.60)
            target[spots] = ramp(scales, palette("#b02a1c", "#e2552a"))[spots]
        regions[whole], regions[body] = 2 * i + 1, 2 * i + 2
        for a, b in eyes:
            target[sheet.mask(disc(a, b, 0.016)) > 0.5], target[sheet.mask(disc(a, b, 0.008)) > 0.5] = (
                rgb("#f6e2a0"),
                rgb("#120f14"),
            )
    edge = 0.5 - np.maximum(abs(x), abs(y))
    rim = (edge < 0.0635).astype(bool)
    check = np.floor((np.where(abs(x) > abs(y), y, x) + 0.5) / _TILE / 2.1) % 2
    border = np.where(edge < 0.016, 0, np.where(edge < 0.048, 1 + check, 0)).astype(int)
    target[rim] = palette("#5a2018", "#e2c585", "#9c3a22")[border][rim]
    regions[rim] = 9
    return target, regions


def _rows(rng: Generator, sheet: Sheet, regions: Array) -> list[NDArray]:
    """Corner points of all tiles, in pixels: rows at even distances from the outlines, smaller tiles in the gaps."""
    taken = Image.new("L", sheet.shape[::-1])
    pen = ImageDraw.Draw(taken)
    pitch = _TILE * sheet.unit
    tiles: list[NDArray] = []
    for fine in (1.0, 0.62):
        free = np.asarray(taken) == 0 if fine < 1 else np.ones(sheet.shape, bool)
        for label in np.unique(regions):
            inside = np.pad((regions == label) & free, 1)
            distance = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
            if fine == 1:
                distance = ndimage.gaussian_filter(distance, pitch * 0.10)
            for level in np.arange(0.5, distance.max() / pitch / fine, 1.0):
                for line in find_contours(distance, level * pitch * fine + 0.01):
                    tiles += _row(rng, pen, taken, line[:, ::-1], pitch * fine, 0.25 if fine == 1 else 0.12)
    return tiles


def _row(
    rng: Generator, pen: ImageDraw.ImageDraw, taken: Image.Image, line: NDArray, pitch: float, overlap: float
) -> list[NDArray]:
    """Tiles along a line; one that would lie on others by more than `overlap` is left out."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    tiles, at = [], pitch * 0.5
    probe = np.array([(i, j) for i in (-0.4, 0, 0.4) for j in (-0.4, 0, 0.4)])
    pixels = taken.load()
    while at < length[-1]:
        wide = pitch * rng.uniform(0.85, 1.2)
        ends = [np.array([np.interp(at + d, length, line[:, i]) for i in (0, 1)]) for d in (-wide / 2, wide / 2)]
        along = (ends[1] - ends[0]) / max(np.linalg.norm(ends[1] - ends[0]), 1e-6)
        side = np.array([-along[1], along[0]])
        middle = (ends[0] + ends[1]) / 2
        spots = middle + probe[:, :1] * along * wide + probe[:, 1:] * side * pitch
        hits = [pixels[int(min(max(x, 0), taken.width - 1)), int(min(max(y, 0), taken.height - 1))] for x, y in spots]
        if np.mean(hits) / 255 <= overlap:
            corner = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 0.45 + rng.normal(0, 0.022, (4, 2))
            tile = middle + corner[:, :1] * along * wide + corner[:, 1:] * side * pitch
            pen.polygon([tuple(p) for p in tile.tolist()], fill=255)
            tiles.append(tile)
            at += wide
        else:
            at += pitch * 0.35
    return tiles


def _set(rng: Generator, sheet: Sheet, target: Array, tiles: list[NDArray]) -> Array:
    """Tiles of stone and glass in mortar: each of one colour, tilted a little, with broken edges."""
    number = Image.new("I", sheet.shape[::-1])
    pen = ImageDraw.Draw(number)
    for i, tile in enumerate(tiles, start=1):
        pen.polygon([tuple(p) for p in tile.tolist()], fill=i)
    owner = np.asarray(number)
    middle = np.stack([tile.mean(axis=0) for tile in tiles])
    colours = np.concatenate([rgb("#8d8272")[None], vary(rng, sample(target, middle[:, 0], middle[:, 1]), 0.055, 0.025)])
    edges = (owner != np.roll(owner, 1, 0)) | (owner != np.roll(owner, 1, 1))
    inside = ndimage.distance_transform_edt(~edges).astype(np.float32) * (owner > 0)
    bevel = np.minimum(inside / sheet.unit, 0.0022) * sheet.unit
    gloss = rng.normal(0, 0.07, len(colours)).astype(np.float32)
    gloss[0] = 0
    slope = rng.normal(0, 0.05, (2, len(colours))).astype(np.float32)
    local = (slope[0][owner] * (sheet.x * 60 % 1 - 0.5) + slope[1][owner] * (sheet.y * 60 % 1 - 0.5)) * (owner > 0)
    stone = 0.10 * (noise(rng, sheet.shape, 150, 3) - 0.5) + 0.06 * (noise(rng, sheet.shape, 50, 2) - 0.5)
    shade = 1 + gloss[owner] + local + stone + 0.30 * relief(bevel + 0.8 * noise(rng, sheet.shape, 200, 2), 1.0)
    mortar = smoothstep(1.5, 0.0, inside) * 0.35 * (owner > 0)
    sheet.colour = colours[owner] * (shade * (1 - mortar))[..., None]
    sheet.colour[owner == 0] *= 0.80
    return sheet.finish()
