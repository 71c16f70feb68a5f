"""How well a label map agrees with the truth when the names of the labels mean nothing. Maps are integers of one shape."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment


def contingency(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Pixels by label of `truth` (rows) and `found` (columns), int64."""
    if found.shape != truth.shape:
        raise ValueError(f"label maps of one shape are compared, got {list(found.shape)} and {list(truth.shape)}")
    rows, columns = (np.unique(part, return_inverse=True)[1].reshape(-1) for part in (truth, found))
    counts = np.bincount(rows * (columns.max() + 1) + columns, minlength=(rows.max() + 1) * (columns.max() + 1))
    return counts.reshape(rows.max() + 1, columns.max() + 1)


def mean_iou(found: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union, averaged over the regions of the truth, under the one-to-one matching that makes it largest.

    A region that is left without a partner counts as 0, so splitting a region and overlooking one both cost. In [0, 1].
    """
    shared = contingency(found, truth)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    ratio = shared / union
    return float(ratio[linear_sum_assignment(ratio, maximize=True)].sum() / len(ratio))


def adjusted_rand(found: np.ndarray, truth: np.ndarray) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985): share of pixel pairs on which both maps agree, 0 by chance and 1 at best."""
    shared = contingency(found, truth).astype(np.float64)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    together, rows, columns = pairs(shared), pairs(shared.sum(axis=1)), pairs(shared.sum(axis=0))
    everything = pairs(shared.sum(keepdims=True))
    if rows == columns and rows in (0.0, everything):  # each map has one region only, or as many as pixels
        return 1.0
    expected = rows * columns / everything
    return (together - expected) / ((rows + columns) / 2 - expected)
