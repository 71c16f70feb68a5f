"""A still life with a guitar in facets: every facet sees the table from another side, and in another light."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .brush import Layer, Painting
from .sheet import Array, Sheet, blur, curve, disc, noise, palette, ramp, rgb, ribbon, sample, smoothstep

_ASPECT = 1.22
_TINTS = palette("#e2c48a", "#b8763a", "#6a7f8a", "#2f4f66", "#d8d2bc", "#8a4a2a", "#5f6a4a", "#c8a05a")
Polygon = NDArray[np.float64]


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#8f8a74")
    motif = _still_life(sheet)
    facets = _split(rng, np.array([(0, 0), (1, 0), (1, _ASPECT), (0, _ASPECT)]), 8)
    label = _labels(sheet, facets)
    target, angle = _look(rng, sheet, motif, facets, label)
    painting = Painting(sheet, rng)
    regions = label.astype(np.float32)
    sheet.colour = target.copy()
    painting.cover(target, angle, Layer(0.010, 0.030, 1.6, light=0.025, tint=0.012, thickness=0.9), regions)
    painting.cover(target, angle, Layer(0.006, 0.016, 1.6, light=0.030, tint=0.015, thickness=0.9), regions)
    down, right, _ = np.gradient(blur(target, 1.5))
    detail = np.clip(12 * np.hypot(down, right).max(axis=2), 0.04, 1).astype(np.float32)
    painting.cover(target, angle, Layer(0.0035, 0.009, 3.5, light=0.02, tint=0.01, thickness=0.8), regions, where=detail)
    _contours(rng, sheet, facets)
    return painting.finish(0.9, shine=0.05)


def _still_life(sheet: Sheet) -> Array:
    """Window, table, guitar, bottle, glass, fruit and a newspaper, in flat colours."""
    x, y, kept = sheet.x, sheet.y, sheet.colour.copy()
    sheet.colour[:] = ramp(y / _ASPECT, palette("#3f5a6e", "#8a9a9a", "#c8b68a"))
    sheet.lay(sheet.mask([(0.06, 0.05), (0.40, 0.05), (0.40, 0.52), (0.06, 0.52)]), ramp(y / 0.5, palette("#bcd4da", "#e8dcb8")))
    sheet.fill("#4a3a2e", ribbon([(0.23, 0.05), (0.23, 0.52)], 0.02), ribbon([(0.06, 0.28), (0.40, 0.28)], 0.02))
    table = curve([(-0.1, 0.86), (0.3, 0.72), (0.8, 0.72), (1.15, 0.88), (0.9, 1.2), (0.4, 1.26), (0.0, 1.12)], 100, True)
    sheet.lay(sheet.mask(table), ramp(0.5 + 0.5 * np.sin(40 * y + 6 * np.sin(5 * x)), palette("#8a4f26", "#a8683a")))
    sheet.fill("#e6dec6", [(0.05, 1.0), (0.34, 0.90), (0.47, 1.06), (0.17, 1.17)])
    print_ = [ribbon([(0.10 + 0.018 * i, 1.005 + 0.021 * i), (0.32 + 0.018 * i, 0.93 + 0.021 * i)], 0.006) for i in range(7)]
    sheet.fill("#3a3834", *print_)
    _guitar(sheet)
    bottle = [(0.80, 0.30), (0.85, 0.30), (0.855, 0.46), (0.90, 0.54), (0.90, 0.90), (0.75, 0.90), (0.75, 0.54), (0.795, 0.46)]
    sheet.lay(sheet.mask(bottle), ramp((x - 0.75) / 0.15, palette("#2a5a44", "#6aa07a", "#143a30")))
    sheet.fill("#e8d8a8", [(0.75, 0.64), (0.90, 0.64), (0.90, 0.78), (0.75, 0.78)])
    bowl, foot = [(0.20, 0.60), (0.36, 0.60), (0.325, 0.80), (0.29, 0.83)], [(0.29, 0.93), (0.35, 0.955)]
    glass = [*bowl, *foot, *[(0.56 - a, b) for a, b in (*foot[::-1], *bowl[:1:-1])]]
    sheet.fill("#c8dcd8", glass, opacity=0.85)
    sheet.fill("#8a2030", [(0.212, 0.68), (0.348, 0.68), (0.325, 0.80), (0.29, 0.83), (0.27, 0.83), (0.235, 0.80)])
    for a, b, r, code in [(0.86, 1.0, 0.062, "#b8382a"), (0.76, 1.08, 0.056, "#d8a83a"), (0.91, 1.09, 0.05, "#6a8a3a")]:
        sheet.lay(sheet.mask(disc(a, b, r)), rgb(code) * (1.15 - 3.5 * np.hypot(x - a + 0.02, y - b + 0.02))[..., None])
    motif, sheet.colour = np.clip(sheet.colour, 0, 1), kept
    return motif


def _guitar(sheet: Sheet) -> None:
    right = [(0.60, 0.52), (0.72, 0.60), (0.70, 0.72), (0.82, 0.84), (0.76, 1.02)]
    left = [(0.56, 1.06), (0.42, 0.95), (0.50, 0.80), (0.42, 0.72)]
    body = curve([(0.44, 0.62), *right, *left], 160, True)
    sheet.lay(sheet.mask(body), ramp((sheet.x - 0.4) / 0.4, palette("#f0c06a", "#d08a3a", "#8a4a20")))
    sheet.fill("#2a1a14", disc(0.605, 0.775, 0.066))
    sheet.fill("#4a2a1a", ribbon([(0.60, 0.76), (0.53, 0.10)], 0.052))
    sheet.fill("#6a3a20", [(0.49, 0.02), (0.56, 0.02), (0.57, 0.12), (0.50, 0.12)])
    strings = [ribbon([(0.525 + 0.010 * i, 0.06), (0.60 + 0.012 * i, 0.97)], 0.0028) for i in range(-1, 3)]
    sheet.fill("#f2e6c4", *strings, ribbon([(0.55, 0.965), (0.69, 0.955)], 0.014))


def _split(rng: Generator, polygon: Polygon, depth: int) -> list[Polygon]:
    """Cuts a convex polygon by lines, again and again."""
    area = _area(polygon)
    if depth == 0 or area < 0.006 or (depth < 5 and area < 0.05 and rng.random() < 0.16):
        return [polygon]
    centre = polygon.mean(axis=0) + rng.normal(0, 0.16, 2) * np.sqrt(area)
    turn = rng.choice([0.45, -0.55, 1.15, -1.05, 1.57, 0.05]) + rng.normal(0, 0.14)
    spread = polygon - polygon.mean(axis=0)
    longest = np.arctan2(*spread[np.argmax((spread**2).sum(axis=1))][::-1])
    if abs(np.sin(turn - longest)) < 0.5:  # no slivers
        turn += np.pi / 2
    normal = np.array([-np.sin(turn), np.cos(turn)])
    halves = [_clip(polygon, centre, side * normal) for side in (1, -1)]
    return [piece for half in halves if len(half) > 2 for piece in _split(rng, half, depth - 1)]


def _area(polygon: Polygon) -> float:
    x, y = polygon.T
    return 0.5 * abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def _clip(polygon: Polygon, point: Polygon, normal: Polygon) -> Polygon:
    """The part of a convex polygon on the side that the normal points to (Sutherland and Hodgman 1974)."""
    side = (polygon - point) @ normal
    corners = []
    for i in range(len(polygon)):
        j = (i + 1) % len(polygon)
        if side[i] >= 0:
            corners.append(polygon[i])
        if side[i] * side[j] < 0:
            corners.append(polygon[i] + (polygon[j] - polygon[i]) * side[i] / (side[i] - side[j]))
    return np.array(corners)


def _labels(sheet: Sheet, facets: list[Polygon]) -> NDArray[np.int32]:
    image = Image.new("I", sheet.shape[::-1])
    pen = ImageDraw.Draw(image)
    for i, facet in enumerate(facets):
        pen.polygon([tuple(p) for p in (facet * sheet.unit).tolist()], fill=i)
    return np.asarray(image)


def _look(rng: Generator, sheet: Sheet, motif: Array, facets: list[Polygon], label: NDArray) -> tuple[Array, Array]:
    """The motif as each facet sees it: moved, turned, enlarged, tinted, and shaded from one of its edges."""
    count = len(facets)
    middle = np.stack([facet.mean(axis=0) for facet in facets]).astype(np.float32)
    reach = np.sqrt([_area(facet) for facet in facets]).astype(np.float32)
    turn, zoom = rng.normal(0, 0.17, count).astype(np.float32), rng.uniform(0.80, 1.05, count).astype(np.float32)
    shift = rng.normal(0, 0.024, (count, 2)).astype(np.float32)
    dx, dy = sheet.x - middle[label, 0], sheet.y - middle[label, 1]
    cos, sin = np.cos(turn)[label] * zoom[label], np.sin(turn)[label] * zoom[label]
    px = middle[label, 0] + dx * cos - dy * sin + shift[label, 0]
    py = middle[label, 1] + dx * sin + dy * cos + shift[label, 1]
    seen = sample(motif, px * sheet.unit, py * sheet.unit)
    tint = _TINTS[rng.integers(len(_TINTS), size=count)][label]
    share = rng.choice([0.16, 0.30, 0.55], count, p=[0.6, 0.3, 0.1]).astype(np.float32)[label][..., None]
    light = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    slope = (dx * np.cos(light)[label] + dy * np.sin(light)[label]) / reach[label]
    shade = 1.02 + 0.52 * np.clip(slope, -1.1, 0.9) + 0.05 * (noise(rng, sheet.shape, 8, 2) - 0.5)
    target = np.clip((seen * (1 - share) + tint * share) * shade[..., None], 0, 1)
    brush = (light + np.pi / 2).astype(np.float32)
    return target.astype(np.float32), brush[label] + 0.25 * (noise(rng, sheet.shape, 10, 2) - 0.5)


def _contours(rng: Generator, sheet: Sheet, facets: list[Polygon]) -> None:
    """Some edges of facets drawn in, with a dark brush that comes and goes."""
    lines = []
    for facet in facets:
        for a, b in zip(facet, np.roll(facet, -1, axis=0)):
            if rng.random() < 0.55:
                t = np.linspace(-0.02, 1.02, 20)[:, None]
                lines.append(ribbon(a * (1 - t) + b * t, rng.uniform(0.002, 0.0055) * np.linspace(1, 0.25, 20)))
    dry = smoothstep(0.25, 0.5, noise(rng, sheet.shape, 90, 2))
    sheet.lay(sheet.mask(*lines) * dry, "#1d1612", 0.85)
