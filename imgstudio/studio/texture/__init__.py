"""A picture taken apart into its textures: `segment`, or `embed` once and `regions_of` as often as you like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ... import device as devices
from ...checks import check_count, check_type
from ...errors import StudioError
from ...image import Source, read, to_tensor
from ...metrics import segmentation as metrics
from ...ops.texture import clustering
from ...ops.texture import segmentation as ops
from ...ops.texture.clustering import Hierarchy
from ..records import recorded
from ..validation import find_model, open_model
from ..work import estimated_seconds, gpu_task, megapixels
from .overlays import VIEWS, overlay, palette
from .regions import Segmentation, from_labels, merge

__all__ = [
    "LARGEST", "MOST", "VIEWS", "Embeddings", "Segmentation", "agreement", "embed", "from_labels", "merge", "overlay", "palette",
    "regions_of", "segment",
]  # fmt: skip

MOST = 32  # regions that can be asked for
SMALLEST, LARGEST = 32, 1024  # longer side that a net looks at


@dataclass(frozen=True, eq=False)
class Embeddings:
    """What one run of a net found in a picture; for `regions_of`, and opaque otherwise.

    features: unit vectors float16 [D, h, w] at the size that the net saw; tree: groups of them; weights: of the edge-aware
    filter; size: width and height of the picture itself.
    """

    model: str
    features: Tensor
    tree: Hierarchy
    weights: ops.EdgeWeights
    size: tuple[int, int]

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]


@recorded()
@gpu_task(lambda model, size: estimated_seconds(model, 1, megapixels(size)))
@torch.no_grad()
def embed(model: str, image: Source, *, size: int = 512) -> Embeddings:
    """Runs the net once, on the picture with a longer side of at most `size` px; the slow part of `segment`."""
    find_model(model, "segment")
    size = check_count("The size", size, SMALLEST, LARGEST)
    picture = read(image)
    _, net = open_model(model, "segment")
    x = to_tensor(_shrunk(picture, size))
    features = _features(net, x)
    points = ops.sample(features, ops.gradient_magnitude(features))
    return Embeddings(
        model, features.half(), clustering.hierarchy(points, features), ops.edge_weights(features, x[0]), picture.size
    )


def _shrunk(picture: Image.Image, size: int) -> Image.Image:
    """What the net gets: never larger than the picture itself."""
    seen = picture.copy()
    seen.thumbnail((size, size), Image.Resampling.LANCZOS)
    return seen


def _features(net: Any, x: Tensor) -> Tensor:
    """Unit vectors [D, h, w] of x [1, 3, h, w]; what is smaller than the net can see is mirrored around first."""
    height, width = x.shape[2:]
    down, across = (max(0, net.smallest - length) for length in (height, width))
    x = F.pad(x, (0, across, 0, down), mode="replicate")
    device = devices.pick()
    with devices.autocast(device):
        features = net(x.to(device, memory_format=torch.channels_last))[0]
    return F.normalize(features.float().cpu(), dim=0)[:, :height, :width]


@recorded()
@gpu_task(lambda: 0)
@torch.no_grad()
def regions_of(embeddings: Embeddings, regions: int | None = None) -> Segmentation:
    """Regions from what `embed` found, without another run of the net.

    regions: their number, from 1 to 32. None chooses it: as many as are clearly different, which means that the gap between
    any two textures is at least 3.3 times as wide as the textures vary themselves, and more the more they are mingled. Fewer
    numbers join regions of larger ones.
    """
    check_type("Embeddings", embeddings, Embeddings, "call embed with the picture first")
    regions, tree = _check_regions(regions, embeddings.pixels), embeddings.tree
    if regions is None:
        regions = tree.distinct()
    features = embeddings.features.float()
    if regions > len(tree.leaves):
        tree = clustering.hierarchy(ops.sample(features, ops.gradient_magnitude(features)), features, regions + 4)
    if regions > len(tree.leaves):
        raise StudioError(f"This picture has only {_count(len(tree.leaves))} that can be told apart: choose fewer regions.")
    if regions == 1:
        return from_labels(np.zeros(embeddings.size[::-1], np.int32))
    membership = ops.refine(ops.memberships(features, tree, regions), embeddings.weights, ops.ISLAND)
    return from_labels(*ops.decide(membership, *embeddings.size[::-1]))


def _check_regions(regions: int | None, pixels: int) -> int | None:
    if regions is None:
        return None
    regions = check_count("The number of regions", regions, 1, MOST)
    if regions > pixels:
        raise StudioError(f"A picture of {pixels} pixels has no {regions} regions: choose at most {pixels}.")
    return regions


def _count(textures: int) -> str:
    return "one texture" if textures == 1 else f"{textures} textures"


@recorded()
def segment(model: str, image: Source, *, regions: int | None = None) -> Segmentation:
    """The picture's textures as regions. `regions` is their number, from 1 to 32; None chooses it.

    Raises StudioError for an unknown model, what is not a picture, or a number of regions that cannot be.
    """
    picture = read(image)
    regions = _check_regions(regions, picture.width * picture.height)
    return regions_of(embed(model, picture), regions)


def _label_map(labels: np.ndarray) -> np.ndarray:
    return from_labels(labels).labels


def agreement(found: Segmentation | np.ndarray, truth: Segmentation | np.ndarray) -> dict[str, float]:
    """How well two label maps [H, W] agree, whatever their labels are called: "mean IoU" under the best one-to-one matching and
    "adjusted Rand index", both 1 at best."""
    found, truth = (part.labels if isinstance(part, Segmentation) else _label_map(part) for part in (found, truth))
    if found.shape != truth.shape:
        raise StudioError(f"Only label maps of one size can be compared, not {found.shape} and {truth.shape}.")
    return {"mean IoU": metrics.mean_iou(found, truth), "adjusted Rand index": metrics.adjusted_rand(found, truth)}
