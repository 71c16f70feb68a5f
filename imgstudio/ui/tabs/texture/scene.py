"""What the part "Regions" shows: one small record, from which everything on the page follows.

The pictures, what the net found in them and the regions are large, so they lie in caches that all visitors share; what has
been thrown out of one is computed again.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from imgstudio.errors import StudioError
from imgstudio.studio import pictures, texture
from imgstudio.studio.texture import Embeddings, Segmentation
from imgstudio.studio.texture import mosaic as mosaics

from ...kit import layout
from ...kit.sources import Source

LARGEST = 2048  # longer side of a picture that is taken apart on the page, px
LEAST_SHOWN, SHOWN = 720, 1024  # longer side of what is shown there, px; files to download have the picture's own size
MOSAIC = 384  # side of a mosaic, px


class Truth(NamedTuple):
    """A mosaic, whose regions are known exactly."""

    path: str
    seed: int
    regions: int
    grey: bool


class Scene(NamedTuple):
    """A picture, how it is taken apart, and what the visitor has pointed at since."""

    source: Source
    model: str
    size: int  # longer side of what the net sees, px
    regions: int | None  # None: as many as the studio finds
    truth: Truth | None = None
    merged: tuple[tuple[int, int], ...] = ()
    chosen: tuple[int, ...] = ()  # regions, the last click last

    def again(self, regions: int | None) -> Scene:
        """The same picture in another number of regions; merging and choosing begin anew."""
        return self._replace(regions=regions, merged=(), chosen=())

    def pick(self, region: int) -> Scene:
        """A click on a region: it is chosen, or no longer. At most two are, since more cannot be merged at once."""
        if region in self.chosen:
            return self._replace(chosen=tuple(each for each in self.chosen if each != region))
        return self._replace(chosen=(*self.chosen, region)[-2:])

    def merge(self) -> Scene:
        """The two chosen regions become one. Raises StudioError where two are not chosen."""
        if len(self.chosen) != 2:
            raise StudioError("Choose the two regions that are to be one: click on both of them first.")
        return self._replace(merged=(*self.merged, tuple(sorted(self.chosen))), chosen=())

    def undo(self) -> Scene:
        """The last two regions that were merged are two again."""
        return self._replace(merged=self.merged[:-1], chosen=())


def picture(source: Source) -> Image.Image:
    """The picture as the page takes it apart."""
    return _picture(source.path)


def shown(scene: Scene) -> str:
    """The picture itself at the size of the screen, as a file."""
    return layout.save_result(pictures.shrink(_picture(scene.source.path), SHOWN), "before", {})


def screen(path: str) -> str:
    """A picture's file itself, or a smaller copy of one that is larger than the screen."""
    image = pictures.read(path)
    return path if max(image.size) <= SHOWN else layout.save_result(pictures.shrink(image, SHOWN), "shown", {})


def segmentation(scene: Scene) -> Segmentation:
    """Its regions. After the first call for a picture and a net, the net does not run again. Raises StudioError."""
    return _regions(scene.model, scene.source.path, scene.size, scene.regions, scene.merged)


def settings(scene: Scene) -> dict[str, Any]:
    """What is written into pictures, so that they can be made again."""
    regions = scene.regions or segmentation(scene._replace(merged=())).regions  # before any were merged
    made = {"model": scene.model, "size": scene.size, "regions": regions, "merged": scene.merged}
    return {"task": "segment", **scene.source.record("picture"), **made}


def runs() -> int:
    """How often a net has run here so far."""
    return _look.cache_info().misses


def small(scene: Scene) -> tuple[Image.Image, Segmentation]:
    """Picture and regions at the size of the screen, for what is drawn live."""
    return _small(scene.model, scene.source.path, scene.size, scene.regions, scene.merged)


def score(scene: Scene) -> dict[str, float] | None:
    """How well the regions agree with a mosaic's exact ones; None for other pictures."""
    truth = scene.truth
    if truth is None or truth.path != scene.source.path:
        return None
    return texture.agreement(segmentation(scene), mosaic(truth.seed, truth.regions, truth.grey).labels)


@functools.lru_cache(maxsize=4)
def mosaic(seed: int, regions: int, grey: bool) -> mosaics.Mosaic:
    """The same seed gives the same mosaic."""
    return mosaics.mosaic(seed, regions=regions, size=MOSAIC, grey=grey)


@functools.lru_cache(maxsize=8)
def _picture(path: str) -> Image.Image:
    return pictures.shrink(path, LARGEST)


@functools.lru_cache(maxsize=8)
def _look(model: str, path: str, size: int) -> Embeddings:
    return texture.embed(model, _picture(path), size=size)


@functools.lru_cache(maxsize=12)
def _regions(model: str, path: str, size: int, regions: int | None, merged: tuple[tuple[int, int], ...]) -> Segmentation:
    if not merged:
        return texture.regions_of(_look(model, path, size), regions)
    return texture.merge(_regions(model, path, size, regions, merged[:-1]), *merged[-1])


@functools.lru_cache(maxsize=12)
def _small(model: str, path: str, size: int, *how) -> tuple[Image.Image, Segmentation]:
    image, whole = _on_screen(_picture(path)), _regions(model, path, size, *how)
    rows, columns = (np.arange(side) * full // side for side, full in zip(image.size[::-1], whole.labels.shape))
    labels, confidence = (array[np.ix_(rows, columns)] for array in (whole.labels, whole.confidence))
    return image, Segmentation(labels=labels, areas=whole.areas, confidence=confidence)


def _on_screen(image: Image.Image) -> Image.Image:
    """Not larger than a screen; and not so small that borders and numbers drawn on it would be coarse."""
    return pictures.enlarge(pictures.shrink(image, SHOWN), LEAST_SHOWN, smooth=True)
