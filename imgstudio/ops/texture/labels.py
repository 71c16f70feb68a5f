"""Label maps: islands, order, borders. A label map is an integer array [H, W]; ordered ones count from 1, and 0 is no region."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage import measure


def by_area(labels: np.ndarray) -> np.ndarray:
    """The same regions as int32, the largest one 1; of equal ones the lower label first. Labels without pixels vanish."""
    if labels.min() < 0 or labels.max() > labels.size:
        labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    counts = np.bincount(labels.ravel().astype(np.int64, copy=False))
    rank = np.empty(len(counts), np.int32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(1, len(counts) + 1, dtype=np.int32)
    return rank[labels.astype(np.int64, copy=False)]


def islands(labels: np.ndarray, smallest: int) -> np.ndarray:
    """True in connected parts of fewer than `smallest` pixels, except the largest part of each label."""
    parts = measure.label(labels, background=-1, connectivity=1)
    sizes = np.bincount(parts.ravel())
    owner = np.zeros(len(sizes), labels.dtype)
    owner[parts.ravel()] = labels.ravel()
    kept = sizes >= smallest
    for label in np.unique(owner[1:]):
        mine = np.flatnonzero(owner[1:] == label) + 1
        kept[mine[sizes[mine].argmax()]] = True
    return ~kept[parts]


def nearest_outside(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column, each [H, W], of the nearest pixel that is not in the mask."""
    rows, columns = ndimage.distance_transform_edt(mask, return_distances=False, return_indices=True)
    return rows, columns


def borders(labels: np.ndarray) -> np.ndarray:
    """True where the pixel to the right or below belongs to another region: lines of one pixel, bool [H, W]."""
    found = np.zeros(labels.shape, bool)
    found[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    found[:-1] |= labels[:-1] != labels[1:]
    return found


def interior_point(mask: np.ndarray) -> tuple[int, int]:
    """Row and column of a pixel deep inside the region, where a number can be written."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), mask.shape)
    return int(row), int(column)
