"""Clusters of similar pixels: many small ones by k-means, then merged pair by pair (agglomerative clustering).

Points are unit vectors, float32 [M, D]; they were drawn from features [D, H, W].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import interrupt

LEAVES = 14  # groups to begin with: more than a picture has textures
CLEAR_GAP = 3.3  # gap between groups, in standard deviations, from which on they count as different
LEAST_ANGLE = 0.01  # angle below which unit vectors differ by rounding only
LEAST_GAP = 2.8  # the same where otherwise nothing at all would be told apart


def kmeans(points: Tensor, count: int, *, starts: int = 4, rounds: int = 25, seed: int = 0) -> Tensor:
    """Centres [count, D] of spherical k-means (Dhillon and Modha 2001): the best of several starts by k-means++.

    The same seed gives the same centres, which are unit vectors too.
    """
    generator = torch.Generator().manual_seed(seed)
    best, best_score = None, -float("inf")
    for _ in range(starts if count > 1 else 1):
        centres = _lloyd(points, _kmeans_plus_plus(points, count, generator), rounds)
        score = (points @ centres.T).amax(dim=1).sum().item()
        if score > best_score:
            best, best_score = centres, score
    return best


def _kmeans_plus_plus(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Points far from each other as first centres (k-means++, Arthur and Vassilvitskii 2007)."""
    chosen = [points[int(torch.randint(len(points), (1,), generator=generator))]]
    distance = 1 - points @ chosen[0]
    while len(chosen) < count:
        interrupt.check()
        sums = distance.clamp_min(1e-9).double().cumsum(dim=0)
        drawn = torch.rand(1, generator=generator, dtype=torch.float64) * sums[-1]
        chosen.append(points[min(int(torch.searchsorted(sums, drawn)), len(points) - 1)])
        distance = torch.minimum(distance, 1 - points @ chosen[-1])
    return torch.stack(chosen)


def _lloyd(points: Tensor, centres: Tensor, rounds: int) -> Tensor:
    """Lloyd's rounds until nothing changes. A centre that loses all its points stays where it is."""
    before = None
    for _ in range(rounds):
        interrupt.check()
        nearest = (points @ centres.T).argmax(dim=1)
        if before is not None and torch.equal(nearest, before):
            break
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        counted = torch.bincount(nearest, minlength=len(centres))[:, None] > 0
        centres, before = torch.where(counted, F.normalize(sums, dim=1), centres), nearest
    return centres


@dataclass(frozen=True)
class Hierarchy:
    """Groups merged one pair at a time, so that every number of groups divides or joins those of the next.

    leaves: centres [L, D] of the smallest groups; levels: by number of groups, L down to 1, each leaf's group int64 [L];
    gaps: by number of groups, the gap between the two that are alike the most, infinite for a single group.
    """

    leaves: Tensor
    levels: dict[int, Tensor]
    gaps: dict[int, float]

    def distinct(self, most: int = 10) -> int:
        """The largest number of groups, up to `most`, whose gaps are all at least CLEAR_GAP. Where this leaves a single one, the
        two to four that are farthest apart, if their gap is at least LEAST_GAP."""
        found = max(count for count, gap in self.gaps.items() if gap >= CLEAR_GAP and count <= most)
        few = {count: gap for count, gap in self.gaps.items() if 2 <= count <= 4 and gap >= LEAST_GAP}
        return max(few, key=few.get) if found == 1 and few else found


def hierarchy(points: Tensor, features: Tensor, leaves: int = LEAVES) -> Hierarchy:
    """Merges the `leaves` groups of k-means, always the two that are separated least (see `_gaps`), and sooner those that
    occur together (`normalized_cooccurrence`).

    Few centres of k-means cut one large, wide group in two sooner than they find a small one; groups that are merged by their
    separation do not. Points within LEAST_ANGLE of each other give a single leaf.
    """
    alike = (points - points.mean(dim=0)).square().sum(dim=1).mean() < LEAST_ANGLE**2
    centres = kmeans(points, 1 if alike else min(leaves, len(points)))
    member = F.one_hot((points @ centres.T).argmax(dim=1), len(centres)).float()  # M,L
    centres, member = centres[member.sum(dim=0) > 0], member[:, member.sum(dim=0) > 0]
    moments, counts = _Moments.of(points.double(), member.double()), cooccurrence(features, centres).double()
    group, levels, gaps = torch.arange(len(centres)), {}, {}
    while len(moments.share) > 1:
        interrupt.check()
        found = _gaps(moments) * (1 - normalized_cooccurrence(counts))
        a, b = sorted(divmod(int(found.argmin()), len(found)))
        levels[len(found)], gaps[len(found)] = group, found[a, b].item()
        moments, counts = moments.merged(a, b), _merged_rows(_merged_rows(counts, a, b).T, a, b)
        group = torch.where(group == b, a, group)
        group = group - (group > b).long()
    return Hierarchy(centres, {**levels, 1: group}, {**gaps, 1: float("inf")})


def cooccurrence(features: Tensor, centres: Tensor, stride: int = 4, window: int = 7) -> Tensor:
    """Co-occurrence matrix [L, L]: how often pixels of each two groups lie near each other, in windows of `stride` * `window`
    px."""
    nearest = torch.einsum("dhw,ld->lhw", features[:, ::stride, ::stride], centres).argmax(dim=0)
    member = F.one_hot(nearest, len(centres)).permute(2, 0, 1).float()  # L,h,w
    shares = F.avg_pool2d(member, window, stride=1, padding=window // 2, count_include_pad=False).flatten(1)
    return shares @ shares.T


def normalized_cooccurrence(counts: Tensor) -> Tensor:
    """`cooccurrence` [K, K] over that of each group with itself: 0 for groups far apart, little for neighbours along one border,
    near 1 for the light and the dark parts of one texture."""
    own = counts.diagonal().clamp_min(1e-9)
    return (counts / (own[:, None] * own[None]).sqrt()).clamp(0, 0.99).fill_diagonal_(0)


def _merged_rows(rows: Tensor, a: int, b: int) -> Tensor:
    """Row b added to row a, and left out."""
    rows = rows.clone()
    rows[a] += rows[b]
    return rows[torch.arange(len(rows)) != b]


@dataclass(frozen=True)
class _Moments:
    """Of each group its share of the points [K], mean [K, D] and covariance [K, D, D]."""

    share: Tensor
    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, points: Tensor, member: Tensor) -> _Moments:
        sizes = member.sum(dim=0)
        mean = member.T @ points / sizes[:, None]
        second = torch.einsum("mk,md,me->kde", member, points, points) / sizes[:, None, None]
        return cls(sizes / len(points), mean, second - mean[:, :, None] * mean[:, None])

    def merged(self, a: int, b: int) -> _Moments:
        """Group b joined to group a."""
        share = self.share[a] + self.share[b]
        wa, wb = self.share[a] / share, self.share[b] / share
        step = self.mean[a] - self.mean[b]
        parts = [part.clone() for part in (self.share, self.mean, self.covariance)]
        parts[0][a], parts[1][a] = share, wa * self.mean[a] + wb * self.mean[b]
        parts[2][a] = wa * self.covariance[a] + wb * self.covariance[b] + wa * wb * torch.outer(step, step)
        kept = torch.arange(len(self.share)) != b
        return _Moments(*(part[kept] for part in parts))


def _gaps(moments: _Moments) -> Tensor:
    """How far apart each two groups are [K, K]: the distance of their means over their standard deviation along that line.

    Halves of one normal distribution have 2.7, and less after the factor of co-occurrence. The gap of groups smaller than an
    equal share is multiplied by the fourth root of how much smaller they are, so that small ones are merged first.
    """
    step = moments.mean[:, None] - moments.mean[None]  # K,K,D
    length = step.norm(dim=2)
    along = step / length.clamp_min(1e-9)[..., None]
    variance = torch.einsum("abd,ade,abe->ab", along, moments.covariance, along)
    deviation = ((variance + variance.T) / 2).clamp_min(LEAST_ANGLE**2).sqrt()
    small = 2 / (1 / moments.share[:, None] + 1 / moments.share[None]) * len(moments.share)
    gaps = length / deviation * small.clamp_max(1) ** 0.25
    return gaps.fill_diagonal_(float("inf"))
