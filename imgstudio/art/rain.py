"""An avenue after rain, at night: oil laid on with a palette knife, lamps and autumn leaves mirrored in the wet street."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from .brush import Layer, Painting
from .sheet import Array, Sheet, blur, curve, disc, noise, palette, ramp, rgb, ribbon, sample, smoothstep

_ASPECT = 1.2
_FAR = (0.47, 0.57)  # where the avenue vanishes
_LEAVES = palette("#3a0f2a", "#8a1a2a", "#d83a1f", "#f5801f", "#ffc02e", "#ffe98a")
_NIGHT = palette("#0d1238", "#1f2a6a", "#3f4aa0", "#7a5ab0", "#e88a5a", "#ffd890")


def draw(rng: Generator, size: int) -> Array:
    sheet = Sheet(size, _ASPECT, "#141838")
    lamps = _lamps()
    scene = _scene(rng, sheet, lamps)
    target, angle = _mirror(rng, sheet, scene)
    _walkers(sheet, target)
    painting = Painting(sheet, rng)
    sheet.colour = blur(target, 3)
    painting.cover(target, angle, Layer(0.026, 0.050, 2.0, light=0.06, tint=0.05, thickness=1.4))
    detail = np.clip(0.25 + 9 * np.hypot(*np.gradient(blur(target.mean(axis=2), 2))), 0, 1)
    painting.cover(target, angle, Layer(0.013, 0.030, 2.6, light=0.07, tint=0.06, thickness=1.6), where=detail)
    painting.cover(target, angle, Layer(0.006, 0.016, 2.2, light=0.05, tint=0.04, thickness=1.6), where=detail * (detail > 0.5))
    _sparks(rng, painting, lamps)
    return painting.finish(1.2, shine=0.16)


def _lamps() -> list[tuple[float, float, float]]:
    """Lamps on both sides, ever smaller: x, y, scale."""
    lamps = []
    for _k, near in enumerate((1.0, 0.58, 0.36, 0.23, 0.15, 0.10)):
        for side, reach in ((-1, 0.40), (1, 0.46)):
            lamps.append((_FAR[0] + side * reach * near, _FAR[1] - 0.36 * near, near))
    return lamps


def _scene(rng: Generator, sheet: Sheet, lamps: list[tuple[float, float, float]]) -> Array:
    """Everything above the street: glow at the end of the avenue, houses, trees, lamps."""
    x, y = sheet.x, sheet.y
    far = np.hypot(x - _FAR[0], (y - _FAR[1]) * 1.1)
    kept = sheet.colour
    sheet.colour = ramp(1.0 - 1.55 * far + 0.35 * (noise(rng, sheet.shape, 6, 3) - 0.5), _NIGHT)
    for side in (-1, 1):
        for k in range(5):
            a, b = _FAR[0] + side * (0.62 - 0.11 * k), _FAR[0] + side * (0.50 - 0.10 * k)
            top = 0.16 + 0.075 * k + rng.normal(0, 0.02)
            wall = [(a, top), (b, top + 0.02), (b, _FAR[1] + 0.06), (a, _FAR[1] + 0.06)]
            sheet.lay(sheet.mask(wall), ramp(0.15 + 0.12 * k, _NIGHT), 0.8)
            for row in np.arange(top + 0.04, _FAR[1] - 0.02, 0.045):
                if rng.random() < 0.75:
                    c = a + (b - a) * rng.uniform(0.2, 0.7)
                    sheet.fill("#ffcf5a", [(c, row), (c + 0.020, row), (c + 0.020, row + 0.026), (c, row + 0.026)])
    for near in (0.13, 0.20, 0.31, 0.50, 0.82):
        for side in (-1, 1):
            _tree(rng, sheet, side, near)
    for a, b, near in lamps[::-1]:
        glow = np.exp(-np.hypot(x - a, y - b) / (0.085 * near + 0.012))
        sheet.colour += (0.85 * glow)[..., None] * (rgb("#ffe28a") - sheet.colour)
        sheet.fill("#1a1420", ribbon([(a, b), (a, _FAR[1] + 0.05 * near)], 0.016 * near + 0.001))
        sheet.fill("#fffbe0", disc(a, b, 0.026 * near + 0.002))
    scene, sheet.colour = sheet.colour, kept
    return scene


def _tree(rng: Generator, sheet: Sheet, side: int, near: float) -> None:
    foot = (_FAR[0] + side * 0.62 * near, _FAR[1] + 0.10 * near)
    top = (foot[0] - side * 0.06 * near, foot[1] - 0.55 * near)
    trunk = curve([foot, ((foot[0] + top[0]) / 2 + side * 0.02 * near, (foot[1] + top[1]) / 2), top], 30)
    sheet.fill("#1a1018", ribbon(trunk, np.linspace(0.062, 0.022, 30) * near))
    ragged, tones = (noise(rng, sheet.shape, cells, 2) - 0.5 for cells in (26, 30))
    for _ in range(13):
        a, b = top[0] + rng.normal(0, 0.17) * near, top[1] + rng.normal(-0.05, 0.15) * near
        reach = rng.uniform(0.09, 0.17) * near
        edge = np.hypot(sheet.x - a, sheet.y - b) / reach + 0.55 * ragged
        lit = np.exp(-np.hypot(a - _FAR[0], b - _FAR[1]) / 0.42) - 0.11 * (a - _FAR[0]) * side
        tone = 0.30 + 0.50 * lit + 0.55 * tones - 0.18 * (sheet.y - b) / reach
        sheet.lay(smoothstep(1.0, 0.9, edge), ramp(np.clip(tone, 0, 1), _LEAVES), 0.93)


def _mirror(rng: Generator, sheet: Sheet, scene: Array) -> tuple[Array, Array]:
    """The wet street shows the scene upside down, drawn out and broken up by ripples."""
    x, y = sheet.x, sheet.y
    depth = y - (_FAR[1] + 0.035)
    ripple = noise(rng, sheet.shape, 40, 2) - 0.5
    level = noise(rng, (sheet.shape[0], 8), 90, 2)[:, :1] - 0.5
    px = x + 0.10 * depth * ripple + 0.030 * level * smoothstep(0, 0.3, depth)
    py = _FAR[1] + 0.035 - depth * 0.82
    seen = sample(blur(scene, 0.004 * sheet.unit), px * sheet.unit, py * sheet.unit)
    wet = 0.92 - 0.35 * smoothstep(0.1, 0.6, depth) + 0.30 * ripple
    street = seen * wet[..., None] + 0.10 * rgb("#3a3f9a")
    kerb = np.abs(x - _FAR[0]) - 0.02 - 0.62 * np.maximum(depth, 0)
    street *= (1 - 0.30 * smoothstep(0.0, 0.02, kerb))[..., None]
    target = np.where((depth > 0)[..., None], street, scene)
    sky = 2.2 + 1.2 * noise(rng, sheet.shape, 8, 3) * np.sign(x - _FAR[0])
    ground = np.where(ripple > 0.12, 1.57, 0.05 + 0.25 * ripple)
    return np.clip(target, 0, 1).astype(np.float32), np.where(depth > 0, ground, sky).astype(np.float32)


def _walkers(sheet: Sheet, target: Array) -> None:
    """Two people under one red umbrella, and their image in the street."""
    kept, sheet.colour = sheet.colour, target
    x, foot, tall = 0.50, 0.845, 0.21
    for sign, opacity in [(-1, 0.55), (1, 1.0)]:

        def at(a: float, b: float, sign: int = sign) -> tuple[float, float]:
            return x + a * tall, foot - sign * b * tall

        for shift, coat in [(-0.13, "#14122a"), (0.14, "#3a1a3a")]:
            sheet.fill(
                coat,
                curve(
                    [
                        at(shift, 0.78),
                        at(shift + 0.10, 0.62),
                        at(shift + 0.13, 0.22),
                        at(shift - 0.13, 0.22),
                        at(shift - 0.10, 0.62),
                    ],
                    50,
                    True,
                ),
                opacity=opacity,
            )
            sheet.fill(
                "#0d0c1a",
                ribbon([at(shift - 0.05, 0.25), at(shift - 0.06, 0.0)], 0.075 * tall),
                ribbon([at(shift + 0.05, 0.25), at(shift + 0.08, 0.01)], 0.075 * tall),
                opacity=opacity,
            )
            sheet.fill("#e0a878", disc(*at(shift, 0.82), 0.062 * tall), opacity=opacity)
        dome = curve([at(-0.48, 0.76), at(-0.36, 0.95), at(0.0, 1.06), at(0.36, 0.95), at(0.48, 0.76)], 60)
        sheet.fill("#d81f2f", [*dome, at(0.16, 0.82), at(0, 0.79), at(-0.16, 0.82)], opacity=opacity)
        sheet.fill("#ff6a4a", [*dome[8:26], at(-0.14, 0.82)], opacity=opacity)
    sheet.colour = kept


def _sparks(rng: Generator, painting: Painting, lamps: list[tuple[float, float, float]]) -> None:
    """The last touches: thick white and yellow on the lamps and below them on the street."""
    unit, places = painting.sheet.unit, []
    for a, b, near in lamps:
        places += [
            (a + rng.normal(0, 0.010 * near), b + rng.normal(0, 0.010 * near), 0.012 * near + 0.003, 0.0) for _ in range(9)
        ]
        bottom = _FAR[1] + 0.05 + 0.48 * near
        for y in np.arange(_FAR[1] + 0.10 * near + 0.02, bottom, 0.020 * near + 0.006):
            spread = 0.020 * near + 0.002
            if rng.random() < 0.62:
                x, width = a + rng.normal(0, spread), (0.004 + 0.010 * rng.random()) * near + 0.002
                places.append((x, y + rng.normal(0, 0.006 * near), width, rng.uniform(0.006, 0.042) * near))
    x, y, width, length = np.array(places).T
    t = np.linspace(-0.5, 0.5, 12)
    path = np.stack([x[:, None] + (length + width)[:, None] * t, y[:, None] + 0 * t], axis=2) * unit
    colour = ramp(rng.random(len(places)), palette("#ffb02e", "#ffe07a", "#fffbe4"))
    painting.strokes(path.astype(np.float32), width * unit, colour, 2.2)
