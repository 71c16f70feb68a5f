"""A balloon above the mountains, engraved: lines that follow the forms and swell with the shade, tinted by hand."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .sheet import Array, Sheet, below, blur, noise, relief, rgb, ribbon, smoothstep

_ASPECT = 1.22
_INK = "#1d1a24"


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#f1e5c8")
    ink = np.zeros(sheet.shape, np.float32)
    ink = _sky(rng, sheet, ink)
    for x, y, radius in [(0.76, 0.52, 0.13), (0.16, 0.60, 0.12), (0.13, 0.17, 0.09)]:
        ink = _cloud(rng, sheet, ink, x, y, radius)
    for level, rise, tint in [(0.80, 0.20, "#a9bfc4"), (0.93, 0.20, "#8fae9a"), (1.08, 0.13, "#b5a566")]:
        ink = _mountains(rng, sheet, ink, level, rise, tint)
    ink = _balloon(sheet, ink, 0.46 + rng.normal(0, 0.01), 0.37)
    return _plate(rng, sheet, ink)


def _lines(phase: Array, tone: Array) -> Array:
    """Ink of lines at whole numbers of `phase`, as wide a part of their distance as `tone` says."""
    distance = np.abs((phase + 0.5) % 1 - 0.5) * 2  # 0 on a line, 1 half way between two
    soft = 0.16
    return smoothstep(tone + soft, tone - soft, distance) * (tone > 0.03)


def _hatch(rng: Generator, tone: Array, first: Array, second: Array, third: Array) -> Array:
    """Shade of up to three crossing families of lines: darker parts get more of them."""
    shake = 0.16 * (noise(rng, tone.shape, 70, 2) - 0.5)
    ink = _lines(first + shake, np.clip(tone * 0.86, 0, 0.80))
    ink = np.maximum(ink, _lines(second - shake, np.clip((tone - 0.40) * 1.05, 0, 0.62)))
    return np.maximum(ink, _lines(third + shake, np.clip((tone - 0.66) * 1.3, 0, 0.6)))


def _sky(rng: Generator, sheet: Sheet, ink: Array) -> Array:
    """Level lines that part around the balloon, darker at the top."""
    x, y = sheet.x, sheet.y
    push = np.exp(-(((x - 0.46) / 0.30) ** 2 + ((y - 0.36) / 0.27) ** 2))
    bent = y + 0.11 * push * np.tanh((y - 0.37) * 12) * -1 + 0.012 * np.sin(5 * x + 9 * y)
    tone = 0.52 - 0.50 * smoothstep(0.0, 0.85, y) + 0.35 * (noise(rng, sheet.shape, 4, 3) - 0.5) - 0.30 * push
    sheet.stain(smoothstep(0.75, 0.0, y), "#8fb9c4", 0.75)
    sheet.stain(smoothstep(0.45, 0.8, y), "#f3b98a", 0.6)
    return np.maximum(ink, _lines(bent * 150, np.clip(tone, 0, 0.62)))


def _cloud(rng: Generator, sheet: Sheet, ink: Array, x: float, y: float, radius: float) -> Array:
    """Puffs shaded like balls, with arcs about their middles, the lower ones in front."""
    for _ in range(15):
        a, lift = rng.uniform(-1.5, 1.5), rng.random()
        size = radius * (0.62 - 0.27 * abs(a) + 0.12 * rng.random())
        cx, cy = x + a * radius * 0.9, y - (1 - abs(a) / 1.6) * lift * radius * 0.9 + 0.3 * size
        reach = np.array([-1.2, 1.2]) * size * sheet.unit
        (left, right), (top, bottom) = [np.maximum(centre * sheet.unit + reach, 0).astype(int) for centre in (cx, cy)]
        box = slice(top, bottom), slice(left, right)
        dx, dy = (sheet.x[box] - cx) / size, (sheet.y[box] - cy) / size
        bump = 0.10 * np.sin(9 * np.arctan2(dy, dx) + rng.uniform(0, 6))
        distance = np.hypot(dx, dy) + bump
        inside = smoothstep(1.0, 0.97, distance)
        tone = np.clip(0.62 * (0.55 * dx + 0.85 * dy) + 0.28 * distance**3 - 0.06, 0, 0.7) * smoothstep(1.7, 0.5, dy)
        arcs = _lines(distance * size * 150, tone)
        outline = smoothstep(0.030, 0.012, np.abs(distance - 0.985) * size * 8) * (dy < 0.75)
        ink[box] = ink[box] * (1 - inside) + inside * np.maximum(arcs, outline * 0.9)
        sheet.colour[box] += 0.85 * inside[..., None] * (rgb("#f6edd6") - sheet.colour[box])
    return ink


def _mountains(rng: Generator, sheet: Sheet, ink: Array, level: float, rise: float, tint: str) -> Array:
    x, y = sheet.x, sheet.y
    xs = np.linspace(-0.06, 1.06, 11)
    peaks = np.where(np.arange(11) % 2 == 0, 0.15, 1.0) * rng.uniform(0.45, 1.0, 11)
    ridge = np.stack([xs + rng.normal(0, 0.012, 11), level - rise * peaks], axis=1)
    ridge = np.stack([np.linspace(-0.06, 1.06, 400), np.interp(np.linspace(-0.06, 1.06, 400), ridge[:, 0], ridge[:, 1])], axis=1)
    ridge[:, 1] += 0.016 * np.cumsum(rng.normal(0, 0.25, 400)) / 8 + rng.normal(0, 0.0012, 400)
    mask = sheet.mask(below(ridge, 2))
    fold = noise(rng, sheet.shape, 5, 5, 0.55)
    depth = y - np.interp(x, ridge[:, 0], ridge[:, 1])
    crag = 1 - np.abs(2 * fold - 1)
    height = crag + 0.35 * noise(rng, sheet.shape, 14, 3)
    slope = np.interp(x, ridge[:, 0], blur(np.gradient(ridge[:, 1], ridge[:, 0]).astype(np.float32), 5))
    light = relief(blur(height, 2) * sheet.unit * 0.09, 0.7) - 0.75 * np.clip(slope, -1, 1) * np.exp(-depth / 0.07)
    tone = np.clip(0.40 - 0.48 * light + 0.12 * np.exp(-depth / 0.01), 0.02, 1) * (1 - 0.75 * smoothstep(0.04, 0.22, depth))
    warp = height * 0.05
    shade = _hatch(rng, tone, (0.8 * x + 1.0 * y + warp) * 105, (y - 0.9 * x + warp) * 105, (x + 0.15 * y) * 110)
    outline = sheet.mask(ribbon(ridge, 0.0035))
    sheet.lay(mask, "#f3e8cd", 0.95)
    sheet.stain(mask * smoothstep(0.25, 0.0, depth), tint, 0.85)
    return np.maximum(ink * (1 - mask) + mask * shade, outline)


def _balloon(sheet: Sheet, ink: Array, cx: float, cy: float) -> Array:
    """A silk envelope in gores, net, ropes and basket: lines run around it like circles of latitude."""
    radius = 0.235
    t = np.linspace(0, np.pi, 200)
    profile_y = cy - radius * np.cos(t) * np.where(t > np.pi / 2, 1.32, 1.0)
    profile_r = radius * np.sin(t) ** np.where(t > np.pi / 2, 0.93, 1.0) + 0.030 * (t / np.pi) ** 6
    reach = np.interp(sheet.y, profile_y, profile_r, left=1e-6, right=1e-6)
    s = (sheet.x - cx) / reach
    inside = ((np.abs(s) < 1) & (sheet.y > profile_y[0]) & (sheet.y < profile_y[-1])).astype(np.float32)
    s = np.clip(s, -1, 1)
    facing, tall = np.sqrt(1 - s * s), (sheet.y - cy) / radius
    longitude = np.arcsin(s) / np.pi * 12
    gore = np.floor(longitude + 0.5) % 2
    light = (
        -0.62 * s - 0.42 * tall * (tall < 0) - 0.30 * np.clip(tall, 0, 2) + 0.50 * facing - 0.12 * np.cos(2 * np.pi * longitude)
    )
    tone = np.clip(0.50 - 0.62 * light + 0.20 * gore, 0.03, 0.95)
    latitude = (sheet.y - 0.10 * facing * np.clip(tall + 0.3, -0.7, 1.3)) * 125
    shade = np.maximum(
        _lines(latitude, np.clip(tone * 0.85, 0, 0.75)), _lines(longitude * 7, np.clip((tone - 0.48) * 1.2, 0, 0.6))
    )
    shade = np.maximum(shade, _seam(longitude))
    band = (np.abs(tall - 0.12 * facing) < 0.14) * inside
    star = band * (np.abs(longitude % 1 - 0.5) + np.abs(tall - 0.12 * facing) * 3.0 < 0.38)
    sheet.lay(inside, "#f4e6c6")
    sheet.stain(inside * gore, "#d8543a", 0.95)
    sheet.stain(inside * (1 - gore), "#f0c86a", 0.95)
    sheet.lay(band, "#2c6a78", 0.95)
    sheet.lay(star, "#f6dc92")
    ink = ink * (1 - inside) + inside * np.where(star > 0, shade * 0.5, shade)
    edge = np.stack([cx + profile_r, profile_y], axis=1), np.stack([cx - profile_r, profile_y], axis=1)
    return np.maximum(_basket(sheet, ink, cx, profile_y[-1]), sheet.mask(*[ribbon(line, 0.004) for line in edge]))


def _seam(longitude: Array) -> Array:
    """A line where one gore is sewn to the next."""
    return smoothstep(0.05, 0.02, np.abs(longitude % 1 - 0.5))


def _basket(sheet: Sheet, ink: Array, cx: float, top: float) -> Array:
    foot = top + 0.105
    ropes = [ribbon([(cx + a * 0.030, top), (cx + a * 0.036, foot)], 0.0028) for a in (-1, -0.4, 0.4, 1)]
    corners = [(cx - 0.042, foot), (cx + 0.042, foot), (cx + 0.034, foot + 0.058), (cx - 0.034, foot + 0.058)]
    mask = sheet.mask(corners)
    sheet.lay(mask, "#c08a4a")
    tone = np.clip(0.45 + 9 * (sheet.x - cx), 0.15, 0.8)
    weave = np.where(np.floor(sheet.x * 110) % 2 == 0, sheet.y * 170, sheet.y * 170 + 0.5)
    ink = np.maximum(ink, sheet.mask(*ropes, ribbon([(cx - 0.03, top), (cx + 0.03, top)], 0.006)))
    ink = ink * (1 - mask) + mask * np.maximum(_lines(weave, tone), _lines(sheet.x * 110, np.full_like(tone, 0.2)))
    return np.maximum(ink, sheet.mask(ribbon([*corners, corners[0]], 0.004), ribbon(corners[:2], 0.010)))


def _plate(rng: Generator, sheet: Sheet, ink: Array) -> Array:
    """Ink pressed into laid paper; the plate leaves a border."""
    edge = np.minimum.reduce([sheet.x, sheet.y, 1 - sheet.x, _ASPECT - sheet.y])
    ink = ink * (edge > 0.035)
    sheet.lay(smoothstep(0.036, 0.034, edge), "#f1e5c8")
    ink = np.maximum(ink, (np.abs(edge - 0.036) < 0.0022) | (np.abs(edge - 0.029) < 0.0009))
    ink = ink * (0.86 + 0.14 * smoothstep(0.2, 0.5, noise(rng, sheet.shape, 160, 2)))
    sheet.lay(ink.astype(np.float32), rgb(_INK), 0.94)
    laid = 0.5 + 0.5 * np.sin(sheet.x * 700)
    sheet.colour *= (1 - 0.018 * laid - 0.07 * (noise(rng, sheet.shape, 60, 4) - 0.3))[..., None]
    return sheet.finish()
