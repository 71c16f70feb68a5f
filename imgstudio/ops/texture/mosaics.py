"""Mosaics of textures: pictures whose regions are known exactly."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .labels import by_area, nearest_outside


def partition(height: int, width: int, regions: int, random: np.random.Generator) -> np.ndarray:
    """Label map int32 [height, width] of connected regions with curved borders, numbered from 1 by falling area.

    The cells of random sites, bent by smooth noise. Draws again until no region has less than 0.4 of an equal share, or takes
    the most even one of forty.
    """
    best, evenness = None, -1.0
    for _ in range(40):
        labels = _largest_components(_warped_voronoi(height, width, regions, random), regions)
        smallest = np.bincount(labels.ravel(), minlength=regions).min() * regions / labels.size
        if smallest > evenness:
            best, evenness = labels, smallest
        if evenness >= 0.4:
            break
    return by_area(best)


def _warped_voronoi(height: int, width: int, regions: int, random: np.random.Generator) -> np.ndarray:
    sites = random.uniform(0, 1, (regions, 2)) * (height, width)
    places = np.mgrid[:height, :width].astype(np.float64)
    for sigma, reach in ((0.10, 0.10), (0.035, 0.025)):  # broad bends and small ones, as shares of the side
        for axis in range(2):
            noise = ndimage.gaussian_filter(random.standard_normal((height, width)), sigma * min(height, width))
            places[axis] += reach * min(height, width) * noise / max(noise.std(), 1e-9)
    away = np.stack([np.hypot(places[0] - y, places[1] - x) for y, x in sites])
    return away.argmin(axis=0)


def _largest_components(labels: np.ndarray, regions: int) -> np.ndarray:
    """Of each region the largest part; splinters go to what is nearest."""
    kept = np.zeros(labels.shape, bool)
    for label in range(regions):
        parts, count = ndimage.label(labels == label)
        if count:
            kept |= parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return labels[nearest_outside(~kept)]


def equalised(grey: np.ndarray, labels: np.ndarray, *, mean: float = 0.5, deviation: float = 0.18) -> np.ndarray:
    """A grey picture [H, W] in [0, 1] whose regions all have the same mean and contrast: only texture tells them apart."""
    result = np.empty(grey.shape, np.float64)
    for label in np.unique(labels):
        inside = labels == label
        values = grey[inside].astype(np.float64)
        result[inside] = mean + deviation * (values - values.mean()) / max(values.std(), 1e-6)
    return result.clip(0, 1)
