"""Groups of similar pixels: many small ones by k-means, then merged pair by pair.

Points are unit vectors, float32 [M, D]; they were drawn from features [D, H, W].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import interrupt

LEAVES = 14  # groups to begin with: more than a picture has textures
SEPARATE = 3.3  # gap between groups, in standard deviations, from which on they count as different
ALIKE = 0.01  # angle below which unit vectors differ by rounding only
DOUBTFUL = 2.8  # the same where otherwise nothing at all would be told apart


def kmeans(points: Tensor, count: int, *, starts: int = 4, rounds: int = 25, seed: int = 0) -> Tensor:
    """Centres [count, D] of spherical k-means (Dhillon and Modha 2001): the best of several starts by k-means++.

    The same seed gives the same centres, which are unit vectors too.
    """
    generator = torch.Generator().manual_seed(seed)
    best, best_score = None, -float("inf")
    for _ in range(starts if count > 1 else 1):
        centres = _settle(points, _spread(points, count, generator), rounds)
        score = (points @ centres.T).amax(dim=1).sum().item()
        if score > best_score:
            best, best_score = centres, score
    return best


def _spread(points: Tensor, count: int, generator: torch.Generator) -> Tensor:
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


def _settle(points: Tensor, centres: Tensor, rounds: int) -> Tensor:
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
        """The largest number of groups, up to `most`, that are all SEPARATE. Where this leaves a single one, the two to four that
        are farthest apart, unless even those are DOUBTFUL."""
        found = max(count for count, gap in self.gaps.items() if gap >= SEPARATE and count <= most)
        few = {count: gap for count, gap in self.gaps.items() if 2 <= count <= 4 and gap >= DOUBTFUL}
        return max(few, key=few.get) if found == 1 and few else found


def hierarchy(points: Tensor, features: Tensor, leaves: int = LEAVES) -> Hierarchy:
    """Merges the `leaves` groups of k-means, always the two that are separated least (see `_gaps`), `mingled` ones sooner.

    Few centres of k-means cut one large, wide group in two sooner than they find a small one; groups that are merged by their
    separation do not. Points that are all ALIKE give a single leaf.
    """
    alike = (points - points.mean(dim=0)).square().sum(dim=1).mean() < ALIKE**2
    centres = kmeans(points, 1 if alike else min(leaves, len(points)))
    member = F.one_hot((points @ centres.T).argmax(dim=1), len(centres)).float()  # M,L
    centres, member = centres[member.sum(dim=0) > 0], member[:, member.sum(dim=0) > 0]
    moments, together = _Moments.of(points.double(), member.double()), company(features, centres).double()
    group, levels, gaps = torch.arange(len(centres)), {}, {}
    while len(moments.share) > 1:
        interrupt.check()
        found = _gaps(moments) * (1 - mingled(together))
        a, b = sorted(divmod(int(found.argmin()), len(found)))
        levels[len(found)], gaps[len(found)] = group, found[a, b].item()
        moments, together = moments.merged(a, b), _joined(_joined(together, a, b).T, a, b)
        group = torch.where(group == b, a, group)
        group = group - (group > b).long()
    return Hierarchy(centres, {**levels, 1: group}, {**gaps, 1: float("inf")})


def company(features: Tensor, centres: Tensor, stride: int = 4, window: int = 7) -> Tensor:
    """How often pixels of each two groups are found near each other [L, L], in windows of `stride` * `window` px."""
    nearest = torch.einsum("dhw,ld->lhw", features[:, ::stride, ::stride], centres).argmax(dim=0)
    member = F.one_hot(nearest, len(centres)).permute(2, 0, 1).float()  # L,h,w
    shares = F.avg_pool2d(member, window, stride=1, padding=window // 2, count_include_pad=False).flatten(1)
    return shares @ shares.T


def mingled(together: Tensor) -> Tensor:
    """From `company` [K, K] how much groups lie in the same places [K, K]: 0 for groups far apart, little for neighbours along
    one border, near 1 for the light and the dark parts of one texture."""
    alone = together.diagonal().clamp_min(1e-9)
    return (together / (alone[:, None] * alone[None]).sqrt()).clamp(0, 0.99).fill_diagonal_(0)


def _joined(rows: Tensor, a: int, b: int) -> Tensor:
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
        counts = member.sum(dim=0)
        mean = member.T @ points / counts[:, None]
        second = torch.einsum("mk,md,me->kde", member, points, points) / counts[:, None, None]
        return cls(counts / len(points), mean, second - mean[:, :, None] * mean[:, None])

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

    Halves of one bell curve have 2.7, and less once `mingled` counts too. Groups smaller than an equal share count less, by the
    fourth root of how much smaller, so that crumbs are swept up before the large groups are touched.
    """
    step = moments.mean[:, None] - moments.mean[None]  # K,K,D
    length = step.norm(dim=2)
    along = step / length.clamp_min(1e-9)[..., None]
    spread = torch.einsum("abd,ade,abe->ab", along, moments.covariance, along)
    deviation = ((spread + spread.T) / 2).clamp_min(ALIKE**2).sqrt()
    small = 2 / (1 / moments.share[:, None] + 1 / moments.share[None]) * len(moments.share)
    gaps = length / deviation * small.clamp_max(1) ** 0.25
    return gaps.fill_diagonal_(float("inf"))
