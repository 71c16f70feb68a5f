"""Regions of a picture: the result of segmentation, however it came about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...checks import check_count, check_type
from ...errors import StudioError
from ...ops.texture import labels as maps
from ..notebook import png
from ..records import recorded


@dataclass(frozen=True)
class Segmentation:
    """A picture divided into regions.

    labels:     int32 [H, W], of the picture's own size; region 1 is the largest, then by falling area. 0 is no region.
    areas:      share of the picture of region 1, 2, ...; they sum to 1.
    confidence: float32 [H, W] in [0, 1]: how clearly the pixel belongs to its region and not to the next best.
    """

    labels: np.ndarray
    areas: tuple[float, ...]
    confidence: np.ndarray

    @property
    def regions(self) -> int:
        """How many there are."""
        return len(self.areas)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as Pillow has them."""
        return self.labels.shape[1], self.labels.shape[0]

    def _repr_png_(self) -> bytes | None:
        from .overlays import MOST, label_map  # they know this class

        return png([label_map(self)]) if self.regions <= MOST else None

    def mask(self, region: int) -> np.ndarray:
        """True in that region, counted from 1, bool [H, W]. Raises StudioError if there is none of that number."""
        return self.labels == check_count("The region", region, 1, self.regions)

    def area(self, region: int) -> float:
        """Its share of the picture. Raises StudioError if there is none of that number."""
        return self.areas[check_count("The region", region, 1, self.regions) - 1]


def from_labels(labels: np.ndarray, confidence: np.ndarray | None = None) -> Segmentation:
    """Any map of whole numbers [H, W] as a Segmentation; certain everywhere by default.

    Each value that occurs, 0 and negative ones too, is a region. They are renumbered from 1 by falling area, of equal ones
    the lower value first, so that a map of ordered regions counted from 0 and the same map from 1 give the same regions.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "iub":
        raise StudioError(f"A label map holds whole numbers [H, W], not {labels.dtype} {list(labels.shape)}.")
    ordered = maps.by_area(labels)
    areas = np.bincount(ordered.ravel())[1:] / ordered.size
    if confidence is None:
        confidence = np.ones(labels.shape, np.float32)
    return Segmentation(ordered, tuple(areas.tolist()), confidence.astype(np.float32, copy=False))


@recorded()
def merge(segmentation: Segmentation, a: int, b: int) -> Segmentation:
    """Two regions, counted from 1, made one; all are renumbered by area."""
    check_type("Regions", segmentation, Segmentation, "segment the picture first")
    mine, other = segmentation.mask(a), segmentation.mask(b)
    if a == b:
        raise StudioError("Two different regions can be merged: choose another one.")
    return from_labels(np.where(mine | other, int(a), segmentation.labels), segmentation.confidence)
