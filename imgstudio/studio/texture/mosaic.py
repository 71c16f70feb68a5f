"""A mosaic of textures, made on the spot: a picture to segment whose right answer is known exactly."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from PIL import Image
from skimage import data

from ...checks import check_count, check_flag, check_seed
from ...errors import StudioError
from ...ops.texture import mosaics
from ...ops.texture.patterns import PATTERNS
from ..records import recorded

PHOTOGRAPHS = ("brick", "grass", "gravel")  # come with scikit-image
MOST = len(PHOTOGRAPHS) + len(PATTERNS)


@dataclass(frozen=True)
class Mosaic:
    """A picture of several textures, and the truth: int32 [H, W], 1 the largest region, then by falling area."""

    image: Image.Image
    labels: np.ndarray


@recorded()
def mosaic(seed: int, *, regions: int = 5, size: int = 256, grey: bool = False) -> Mosaic:
    """`regions` different textures side by side, with curved borders, `size` px square. The same seed makes the same one.

    Textures are drawn by formulas, or are scikit-image's brick, grass and gravel. grey: no colours, and the same mean and
    contrast in every region, so that only texture tells them apart.
    """
    seed, grey = check_seed(seed), check_flag("Grey", grey)
    regions, size = check_count("The number of regions", regions, 1, MOST), check_count("The size", size, 32, 1024)
    if regions * 64 > size * size:
        raise StudioError(f"{regions} textures need more room than {size} x {size} pixels: choose a larger size.")
    random = np.random.default_rng(seed)
    labels = mosaics.partition(size, size, regions, random)
    names = random.permutation([*PHOTOGRAPHS, *PATTERNS])[:regions]
    values = np.empty((size, size))
    for region, name in enumerate(names, start=1):
        texture = _texture(str(name), size, random)
        values[labels == region] = texture[labels == region]
    if grey:
        pixels = mosaics.equalised(values, labels)[:, :, None].repeat(3, axis=2)
    else:
        pixels = _coloured(values, labels, random)
    return Mosaic(Image.fromarray(np.rint(255 * pixels).astype(np.uint8)), labels)


def _texture(name: str, size: int, random: np.random.Generator) -> np.ndarray:
    """One texture [size, size] in [0, 1]."""
    if name in PATTERNS:
        return PATTERNS[name](size, random)
    whole = Image.fromarray(getattr(data, name)())
    side = min(size, min(whole.size) // 2) if size <= 512 else min(whole.size)
    left, top = (int(random.integers(0, length - side + 1)) for length in whole.size)
    piece = np.asarray(whole.crop((left, top, left + side, top + side)), np.float64) / 255
    repeats = -(-size // side)
    mirrored = np.concatenate([piece, piece[:, ::-1]], axis=1)
    mirrored = np.concatenate([mirrored, mirrored[::-1]], axis=0)  # goes on without a seam
    return np.tile(mirrored, (repeats, repeats))[:size, :size]


def _coloured(values: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Grey values [H, W] run from a dark to a light colour of their region; hues of different regions may well be alike."""
    pixels = np.empty((*values.shape, 3))
    for region in range(1, labels.max() + 1):
        hue, turn, strength = random.uniform(0, 1), random.uniform(-0.08, 0.08), random.uniform(0.15, 0.6)
        dark, light = random.uniform(0.10, 0.35), random.uniform(0.60, 0.90)
        ends = np.array([colorsys.hls_to_rgb(hue, dark, strength), colorsys.hls_to_rgb(hue + turn, light, strength)])
        share = values[labels == region].clip(0, 1)[:, None]
        pixels[labels == region] = ends[0] + (ends[1] - ends[0]) * share
    return pixels
