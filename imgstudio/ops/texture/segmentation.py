"""From pixel embeddings to regions: clusters, memberships, and an edge-aware filter over them. Features are float32 [D, H, W] of
unit length over D."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ... import interrupt
from . import labels as maps
from .clustering import Hierarchy, hierarchy

SAMPLE = 3000  # pixels that groups are found on
ISLAND = 0.002  # share of the picture below which a separate part of a region goes to its neighbours
SHARPNESS = 10.0  # of the decision between groups: what the nets are trained with
FILTER_SIGMA = 16.0  # px, standard deviation of the edge-aware filter where the picture is flat
EDGE_WEIGHT = 40.0  # px of flat picture that an edge from mid-grey to black is worth


def gradient_magnitude(features: Tensor, radius: int = 4) -> Tensor:
    """Squared magnitude of the features' gradient at each pixel [H, W], by differences over 2 * `radius` pixels."""
    h, w = features.shape[1:]
    padded = F.pad(features[None], (radius, radius, radius, radius), mode="replicate")[0]
    inner = slice(radius, -radius)
    across = padded[:, inner, 2 * radius :] - padded[:, inner, :w]
    down = padded[:, 2 * radius :, inner] - padded[:, :h, inner]
    return across.square().sum(dim=0) + down.square().sum(dim=0)


def sample(features: Tensor, changes: Tensor, count: int = SAMPLE, seed: int = 0) -> Tensor:
    """Features of up to `count` pixels [M, D], from where their gradient is below its 60 % quantile; `changes`
    [H, W] is the `gradient_magnitude`.

    Between two textures there are pixels that belong to neither and would make up groups of their own.
    """
    limit = changes.flatten().kthvalue(int(0.6 * (changes.numel() - 1)) + 1).values
    flat = (changes <= limit).flatten().nonzero()[:, 0]
    order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed))[:count]
    return features.flatten(1).T[flat[order]].contiguous()


def memberships(features: Tensor, tree: Hierarchy, count: int) -> Tensor:
    """How much each pixel belongs to each of `count` groups [count, H, W], sum 1: by the likest of a group's leaves."""
    likeness = torch.einsum("dhw,ld->lhw", features, tree.leaves)
    group = tree.levels[count]
    best = torch.stack([likeness[group == i].amax(dim=0) for i in range(count)])
    return (SHARPNESS * best).softmax(dim=0)


class EdgeWeights(NamedTuple):
    """Weights of the edge-aware filter: `confidence` of each pixel [H, W] in (0, 1], and the edge between it and the pixel above
    (`down`) and to its left (`across`), [H, W] in [0, 1]."""

    confidence: Tensor
    down: Tensor
    across: Tensor


def edge_weights(features: Tensor, picture: Tensor) -> EdgeWeights:
    """The weights for features [D, H, W] and their picture [3, H, W] in [-1, 1].

    Pixels where the features change weigh less, since nets see a border some pixels wide. There, and only there, edges of the
    picture count: inside a texture they are part of it.
    """
    changes = gradient_magnitude(features)
    relative = changes / changes.mean().clamp_min(1e-6)
    edges = (torch.diff(picture, dim=dim, prepend=picture.narrow(dim, 0, 1)).abs().amax(dim=0) for dim in (1, 2))
    down, across = ((relative.clamp(max=1) * edge).clamp(max=1) for edge in edges)
    return EdgeWeights((1 + relative / 2) ** -2, down, across)


def edge_aware_filter(membership: Tensor, weights: EdgeWeights, sigma: float = FILTER_SIGMA, rounds: int = 3) -> Tensor:
    """Memberships [K, H, W] averaged over neighbours that no edge separates, so that borders come to lie on edges.

    The recursive filter of the domain transform (Gastal and Oliveira 2011), weighted by confidence.
    """
    membership = membership * weights.confidence
    for turn in range(rounds):
        deviation = sigma * 3**0.5 * 2 ** (rounds - turn - 1) / (4**rounds - 1) ** 0.5
        for dim, step in ((2, weights.across), (1, weights.down)):
            interrupt.check()
            keep = torch.exp(-(2**0.5) / deviation * (1 + EDGE_WEIGHT * step))
            membership = _recursive_filter(membership, keep, dim)
    return membership / membership.sum(dim=0).clamp_min(1e-12)


def _recursive_filter(x: Tensor, keep: Tensor, dim: int) -> Tensor:
    """Runs along `dim` there and back; `keep` [H, W] is the share that a pixel takes over from the one before it."""
    lines = x.movedim(dim, 0).contiguous()  # L,K,M
    shares = keep.movedim(dim - 1, 0).contiguous()  # L,M
    for i in range(1, len(lines)):
        lines[i].lerp_(lines[i - 1], shares[i])
    for i in range(len(lines) - 2, -1, -1):
        lines[i].lerp_(lines[i + 1], shares[i + 1])
    return lines.movedim(0, dim)


def refine(membership: Tensor, weights: EdgeWeights, island: float) -> Tensor:
    """Memberships [K, H, W] whose borders lie on edges and which have no islands smaller than that share of the picture.

    Each group keeps some pixels: one that would be smoothed away holds those where it was ahead before.
    """
    smooth = edge_aware_filter(membership, weights)
    ahead = membership.argmax(dim=0)
    for lost in set(range(len(membership))) - set(smooth.argmax(dim=0).unique().tolist()):
        smooth = torch.where(ahead == lost, F.one_hot(torch.tensor(lost), len(membership))[:, None, None].float(), smooth)
    gone = maps.islands(smooth.argmax(dim=0).numpy(), int(island * ahead.numel()))
    if not gone.any():
        return smooth
    rows, columns = (torch.from_numpy(part.astype(np.int64)) for part in maps.nearest_outside(gone))
    return smooth[:, rows, columns]


def decide(membership: Tensor, height: int, width: int, strip: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """The best group of each pixel, uint8 [height, width], of memberships [K, h, w] enlarged to that size, and how far ahead of
    the next best it is, float32 in [0, 1]. Works on `strip` rows at a time, for pictures of many megapixels."""
    h = membership.shape[1]
    wide = F.interpolate(membership[None], size=(h, width), mode="bilinear", align_corners=False)[0]
    place = ((torch.arange(height) + 0.5) * h / height - 0.5).clamp(0, h - 1)
    above = place.floor().long()
    labels, clear = np.empty((height, width), np.uint8), np.empty((height, width), np.float32)
    for start in range(0, height, strip):
        interrupt.check()
        rows = slice(start, min(start + strip, height))
        below = (above[rows] + 1).clamp_max(h - 1)
        part = torch.lerp(wide[:, above[rows]], wide[:, below], (place[rows] - above[rows])[:, None])
        best, group = part.topk(2, dim=0)
        labels[rows], clear[rows] = group[0].numpy(), (1 - best[1] / best[0]).numpy()
    return labels, clear


def partition(features: Tensor, picture: Tensor, count: int | None = None) -> np.ndarray:
    """All of it at once: labels uint8 [H, W] of features [D, H, W] of unit length and their picture [3, H, W] in [-1, 1].

    `count` is the number of groups; None takes as many as are clearly different.
    """
    tree = hierarchy(sample(features, gradient_magnitude(features)), features)
    count = min(count or tree.distinct(), len(tree.leaves))
    if count == 1:
        return np.zeros(features.shape[1:], np.uint8)
    membership = refine(memberships(features, tree, count), edge_weights(features, picture), ISLAND)
    return decide(membership, *features.shape[1:])[0]
