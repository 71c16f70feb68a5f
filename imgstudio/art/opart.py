"""Op art: a lattice of discs in squares that swells out of the sheet and sinks into it, in shifting colours."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .sheet import Array, Sheet, noise, palette, ramp, smoothstep

_CELLS = 22
_WARM = palette("#ffd23a", "#ff8a1f", "#f0323a", "#c0187a", "#6a1f9a", "#ffd23a")
_COOL = palette("#0f1f6a", "#1460c8", "#18b0d8", "#3fd8a8", "#0f8a5a", "#0f1f6a")


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, 1.0, scale=3)
    u, v, light = _warp(rng, sheet)
    column, row = np.floor(u * _CELLS), np.floor(v * _CELLS)
    a, b = (u * _CELLS) % 1 - 0.5, (v * _CELLS) % 1 - 0.5
    start = rng.random(2)
    centre = np.hypot(column - _CELLS / 2, row - _CELLS / 2) / _CELLS
    t = (column + row) / (2 * _CELLS) + start[0]
    ground = ramp((0.9 * t + 0.35 * np.sin(3 * centre)) % 1, _COOL)
    figure = ramp((1.1 * centre * 1.4 + (column - row) / (3 * _CELLS) + start[1]) % 1, _WARM)
    swap = (((column // 2) + (row // 2)) % 2 == 0)[..., None]
    ground, figure = np.where(swap, figure, ground), np.where(swap, ground, figure)
    radius = 0.31 + 0.13 * np.sin(2 * np.pi * (1.5 * centre + start[0]))
    round_ = np.hypot(a, b) - radius
    square = np.maximum(np.abs(a + b), np.abs(a - b)) * 0.75 - radius
    shape = np.where((column + row) % 3 == 0, square, round_)
    soft = 0.02
    sheet.colour = ground.copy()
    sheet.lay(smoothstep(soft, -soft, shape), figure)
    sheet.lay(smoothstep(soft, -soft, np.hypot(a, b) - radius * 0.42), ground * 0.75 + 0.25 * figure)
    gap = np.maximum(np.abs(a), np.abs(b))
    sheet.lay(smoothstep(0.465, 0.485, gap), "#100c24", 0.85)
    sheet.colour *= light[..., None]
    sheet.colour *= (1 + 0.06 * (noise(rng, sheet.shape, 200, 2) - 0.5))[..., None]
    return sheet.finish()


def _warp(rng: Generator, sheet: Sheet) -> tuple[Array, Array, Array]:
    """Where each place of the sheet lies on the flat lattice, and how much light falls there."""
    u, v, light = sheet.x.copy(), sheet.y.copy(), np.ones(sheet.shape, np.float32)
    balls = [(0.34, 0.36, 0.30, 1.0), (0.74, 0.72, 0.22, 1.0), (0.76, 0.24, 0.17, -1.0), (0.20, 0.82, 0.15, -1.0)]
    for x, y, radius, sign in balls:
        x, y = x + rng.normal(0, 0.012), y + rng.normal(0, 0.012)
        dx, dy = sheet.x - x, sheet.y - y
        r = np.hypot(dx, dy) / radius
        inside = np.clip(r, 1e-6, 1)
        bent = 2 * np.arcsin(inside) / np.pi if sign > 0 else np.sin(inside * np.pi / 2) ** 0.8
        pull = np.where(r < 1, (0.30 + 0.70 * bent) * bent if sign > 0 else bent, r) / np.maximum(r, 1e-6)
        fade = np.where(r < 1, pull, 1.0)
        u, v = np.where(r < 1, x + dx * fade, u), np.where(r < 1, y + dy * fade, v)
        dome = np.sqrt(np.clip(1 - r * r, 0, 1))
        facing = (-0.55 * dx - 0.65 * dy) / radius * sign
        shade = 0.80 + 0.34 * facing + 0.24 * dome * (1 if sign > 0 else -1)
        light = np.where(r < 1, np.clip(shade, 0.25, 1.2), light)
    wave = 0.012 * np.sin(2 * np.pi * (1.5 * v + rng.random()))
    return (u + wave).astype(np.float32), (v + 0.012 * np.sin(2 * np.pi * 1.5 * u)).astype(np.float32), light.astype(np.float32)
