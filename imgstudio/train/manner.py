"""How the pictures of a domain are made, seen from near: a loss that shows a generator strokes before a critic has found them.

A critic alone takes tens of thousands of pictures to talk a generator out of leaving a photograph as it is. The moments of a
pretrained net's activations tell it within a few thousand (Gatys, Ecker and Bethge 2016, arXiv:1508.06576; the same as a
distance of distributions: Li et al. 2017, arXiv:1701.01036). A whole domain has too many manners to meet at once: each picture
is to be made as those are that show much the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import device as devices
from ..models.vgg import VGG
from ..ops import style as ops
from .data import to_unit
from .domains import Batch, Pairs

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
SHOWN = "relu4_1"  # the layer whose activations tell what a picture shows, more than how it is made
OFFSETS = 8  # pixels: the grid of the judge's coarsest layer

Rows = dict[str, tuple[Tensor, Tensor]]  # by layer: first and second moments of each picture, [N, C] and [N, C, C]


class Survey:
    """What a judge sees in a heap of pictures uint8 [N, 3, S, S].

    rows: the moments of each; directions: what sets each apart from the others of its heap, unit vectors [N, D].
    """

    def __init__(self, judge: VGG, images: Tensor, device: torch.device, batch: int = 32):
        parts = [self._look(judge, to_unit(part, device)) for part in images.split(batch)]
        self.rows: Rows = {name: tuple(torch.cat(found) for found in zip(*(part[name] for part in parts))) for name in LAYERS}
        shown = self.rows[SHOWN][0]
        self.directions = F.normalize((shown - shown.mean(dim=0)) / shown.std(dim=0).clamp_min(1e-6), dim=1)

    @torch.no_grad()
    def _look(self, judge: VGG, x: Tensor) -> Rows:
        with devices.autocast(x.device):
            found = judge(x.contiguous(memory_format=torch.channels_last), LAYERS)
        each = {name: [ops.raw_moments(one) for one in f.split(1)] for name, f in found.items()}
        return {name: tuple(torch.stack(part) for part in zip(*moments)) for name, moments in each.items()}


class Kin:
    """The pictures of another heap that show much the same: sky as sky, leaves as leaves; and how those are made.

    ours, theirs: of N and of M pictures; count: how many of theirs are kin to one of ours.
    """

    def __init__(self, ours: Survey, theirs: Survey, count: int):
        self.rows = theirs.rows
        self.nearest = (ours.directions @ theirs.directions.T).topk(count, dim=1).indices  # N,count

    def draw(self, chosen: Tensor) -> Tensor:
        """Numbers of ours, [N] -> for each the number of one of its kin, at random, [N]."""
        return self.nearest[chosen, torch.randint(self.nearest.shape[1], (len(chosen),))]

    def goals(self, chosen: Tensor) -> list[dict[str, ops.Moments]]:
        """For each number of ours the moments of its kin taken together, by layer."""
        return self._goals(self.nearest[chosen])

    def own(self, chosen: Tensor) -> list[dict[str, ops.Moments]]:
        """For each number of theirs its own moments, by layer."""
        return self._goals(chosen[:, None])

    def _goals(self, places: Tensor) -> list[dict[str, ops.Moments]]:
        return [{name: self._together(name, row) for name in self.rows} for row in places]

    def _together(self, name: str, places: Tensor) -> ops.Moments:
        mean, second = (moment[places].mean(dim=0) for moment in self.rows[name])
        return mean, second - torch.outer(mean, mean)


class Manner:
    """What a pretrained net, the judge, tells a translation between two heaps of pictures; `count`: see Kin."""

    def __init__(self, judge: VGG, pairs: Pairs, count: int, device: torch.device):
        self.judge = judge
        a, b = (Survey(judge, part.images, device) for part in (pairs.a, pairs.b))
        self.there, self.back = Kin(a, b, count), Kin(b, a, count)

    def losses(self, batch: Batch, made_b: Tensor, made_a: Tensor, *, styles: bool = True) -> tuple[Tensor, Tensor]:
        """Sums over both directions of style and content, for the translations [N, 3, S, S] of a batch: two scalars. Without
        `styles` the first is 0, and is not looked at."""
        there = self._judge(made_b, batch.a, self.there.goals(batch.from_a) if styles else None)
        back = self._judge(made_a, batch.b, self.back.goals(batch.from_b) if styles else None)
        return there[0] + back[0], there[1] + back[1]

    def own(self, batch: Batch, same_b: Tensor, same_a: Tensor) -> Tensor:
        """Sum over both directions of how far what each net made of its own domain is from being made as that was: a scalar."""
        pairs = (same_b, self.there.own(batch.from_b)), (same_a, self.back.own(batch.from_a))
        return sum(self._styles(self._see(same, LAYERS), goals) for same, goals in pairs)

    def _judge(self, made: Tensor, given: Tensor, goals: list[dict[str, ops.Moments]] | None) -> tuple[Tensor, Tensor]:
        """Style: the distance of the moments of `made` to the goals. Content: that of `made` to `given` in what they show. Both
        are relative to what they aim at."""
        window = _window()
        with torch.no_grad():
            shown = self._see(given, ops.CONTENT_LAYERS, window)
        found = self._see(made, [*(LAYERS if goals else ()), *ops.CONTENT_LAYERS], window)
        content = torch.stack([ops.content_loss(found[k], f) for k, f in shown.items()]).mean()
        return self._styles(found, goals) if goals else content.new_zeros(()), content

    def _see(self, x: Tensor, layers: Sequence[str], window: tuple | None = None) -> dict[str, Tensor]:
        with devices.autocast(x.device):
            return self.judge(x[window or _window()], layers)

    def _styles(self, found: dict[str, Tensor], goals: list[dict[str, ops.Moments]]) -> Tensor:
        """The logarithm of one and the distance: to a plain goal it is many times what it is to others, and would drown them."""
        terms = [ops.style_loss(found[name][i : i + 1], goal[name]) for i, goal in enumerate(goals) for name in LAYERS]
        return torch.stack(terms).log1p().mean()


def _window() -> tuple:
    """A random offset to look from: a net that is always judged on one pooling grid draws a mesh that pooling hides."""
    down, across = torch.randint(0, OFFSETS, (2,)).tolist()
    return (..., slice(down, None), slice(across, None))
