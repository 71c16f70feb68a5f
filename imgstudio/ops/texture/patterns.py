"""Procedural textures: grey patterns [size, size] in [0, 1], each with its wavelength, direction and noise drawn at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage, spatial

Random = np.random.Generator
Pattern = Callable[[int, Random], np.ndarray]


def _axes(size: int, random: Random) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in pixels along a random direction and across it."""
    angle, y, x = random.uniform(0, np.pi), *np.mgrid[:size, :size].astype(np.float64)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _noise(size: int, random: Random, sigma: float | tuple[float, float]) -> np.ndarray:
    """Smooth noise with mean 0 and deviation 1 that continues across the borders."""
    noise = ndimage.gaussian_filter(random.standard_normal((size, size)), sigma, mode="wrap")
    return noise / max(noise.std(), 1e-9)


def _wave(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(x)


def stripes(size: int, random: Random) -> np.ndarray:
    u, _ = _axes(size, random)
    return _wave(2 * np.pi * u / random.uniform(6, 14) + 0.6 * _noise(size, random, 8))


def checks(size: int, random: Random) -> np.ndarray:
    (u, v), side = _axes(size, random), random.uniform(5, 11)
    return ((np.floor(u / side) + np.floor(v / side)) % 2) * 0.8 + 0.1


def dots(size: int, random: Random) -> np.ndarray:
    (u, v), pitch = _axes(size, random), random.uniform(8, 15)
    away = np.hypot((u % pitch) - pitch / 2, (v % pitch) - pitch / 2)
    return 1 / (1 + np.exp(2 * (away - 0.3 * pitch)))


def weave(size: int, random: Random) -> np.ndarray:
    (u, v), pitch = _axes(size, random), random.uniform(7, 12)
    over = (np.floor(u / pitch) + np.floor(v / pitch)) % 2
    across, along = np.sin(np.pi * (u % pitch) / pitch), np.sin(np.pi * (v % pitch) / pitch)
    return np.where(over > 0, 0.3 + 0.7 * across, 0.05 + 0.6 * along)


def bricks(size: int, random: Random) -> np.ndarray:
    (u, v), height = _axes(size, random), random.uniform(8, 13)
    row = np.floor(v / height)
    joint = ((v % height) < 2) | (((u + (row % 2) * height) % (2 * height)) < 2)
    shade = _noise(size, random, 2.5) * 0.08 + 0.6
    return np.where(joint, 0.15, shade)


def scales(size: int, random: Random) -> np.ndarray:
    (u, v), pitch = _axes(size, random), random.uniform(10, 16)
    row = np.floor(v / (pitch / 2))
    away = np.hypot(((u + (row % 2) * pitch / 2) % pitch) - pitch / 2, v % (pitch / 2))
    return np.clip(away / (0.72 * pitch), 0, 1)


def wood(size: int, random: Random) -> np.ndarray:
    (u, v), warp = _axes(size, random), _noise(size, random, 20)
    return _wave(2 * np.pi * (u + 7 * warp) / random.uniform(9, 16)) * 0.7 + 0.3 * _wave(u * 2.1 + 0.1 * v)


def cells(size: int, random: Random) -> np.ndarray:
    """Worley noise: distance to the nearest of many seeds."""
    side = random.uniform(9, 15)
    sites = random.uniform(-side, size + side, (int((size / side + 2) ** 2), 2))
    places = np.stack(np.mgrid[:size, :size], axis=-1).reshape(-1, 2)
    return np.clip(spatial.KDTree(sites).query(places)[0].reshape(size, size) / side, 0, 1)


def cracks(size: int, random: Random) -> np.ndarray:
    """Borders between the cells of random seeds."""
    side = random.uniform(11, 18)
    sites = random.uniform(-side, size + side, (int((size / side + 2) ** 2), 2))
    near = spatial.KDTree(sites).query(np.stack(np.mgrid[:size, :size], axis=-1).reshape(-1, 2), k=2)[0]
    return np.clip((near[:, 1] - near[:, 0]).reshape(size, size) / 4, 0, 1) * 0.8 + 0.1


def fibres(size: int, random: Random) -> np.ndarray:
    noise = random.standard_normal((2 * size, 2 * size))
    long = ndimage.gaussian_filter(noise, (0.8, 9), mode="wrap")
    turned = ndimage.rotate(long, random.uniform(0, 180), reshape=False, mode="wrap")[size // 2 :][:size, size // 2 :][:, :size]
    return np.clip(0.5 + 0.25 * turned / turned.std(), 0, 1)


def grain(size: int, random: Random) -> np.ndarray:
    return np.clip(0.5 + 0.25 * _noise(size, random, random.uniform(0.5, 1.0)), 0, 1)


def blobs(size: int, random: Random) -> np.ndarray:
    """What is left of noise between two smoothings, cut off at its middle: spots as on a leopard."""
    sigma = random.uniform(2.0, 3.5)
    noise = random.standard_normal((size, size))
    band = ndimage.gaussian_filter(noise, sigma, mode="wrap") - ndimage.gaussian_filter(noise, 2 * sigma, mode="wrap")
    return 1 / (1 + np.exp(-6 * band / band.std()))


def clouds(size: int, random: Random) -> np.ndarray:
    total = sum(2.0**k * _noise(size, random, 2.0**k) for k in range(5))
    return np.clip(0.5 + 0.2 * total / total.std(), 0, 1)


PATTERNS: dict[str, Pattern] = {
    made.__name__: made
    for made in (stripes, checks, dots, weave, bricks, scales, wood, cells, cracks, fibres, grain, blobs, clouds)
}
