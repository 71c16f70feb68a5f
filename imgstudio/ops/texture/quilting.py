"""Texture synthesis by quilting blocks of a sample (Efros and Freeman 2001, https://doi.org/10.1145/383259.383296).

Each block is chosen so that it continues what is there, and cut where it differs least. When all are laid, the worst seams
are covered with further blocks, as long as that lowers their error. Pictures are float32 [H, W, C] arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from ... import interrupt
from .block_search import Search, fits

__all__ = ["best_path", "cut", "fits", "quilt"]

OVERLAP = 1 / 3  # of a block's side
TOLERANCE = 0.1  # how much worse than the best a block may be, of Efros and Freeman
CHOICES = 0.0005  # share of the sample's places that are a choice in any case, since one fits without fault: the next one there
REPEAT = 0.7  # what showing the same part of the sample again next to itself costs, in good misfits
GOOD = 0.05  # share of the sample's places that are as good: few where the pattern is strict, so that fit comes before variety
NEAR_BLOCKS = 3  # blocks: within this distance a repetition catches the eye
SEAM_SIGMA = 0.7  # pixels: standard deviation of the cut's edge
REFINEMENTS = 1.0  # tries to cover a bad seam, for each block laid

Corner = tuple[int, int]  # row and column of a block's top left pixel
Overlaps = tuple[int, int, int, int]  # pixels at the left, top, right and bottom side of a block that lie over others


@dataclass(frozen=True)
class Layout:
    """Where blocks of side `patch` go along one side of the canvas."""

    starts: tuple[int, ...]
    length: int  # of the canvas, which is longer than the result unless it is circular
    patch: int
    circular: bool

    def pixels(self, start: int) -> np.ndarray:
        """Positions of a block that starts there, int [patch]."""
        return (start + np.arange(self.patch)) % self.length

    def overlaps(self, i: int) -> tuple[int, int]:
        """How many pixels of block i lie over the one before and over the one after, if that is there already."""
        before = self.starts[i - 1] + self.patch - self.starts[i] if i > 0 else 0
        closing = self.circular and i == len(self.starts) - 1
        return before, self.starts[i] + self.patch - self.length if closing else 0

    def distance(self, a: int, b: int) -> int:
        return min(abs(a - b), self.length - abs(a - b)) if self.circular else abs(a - b)


def layout(length: int, patch: int, *, circular: bool) -> Layout:
    """Blocks along `length` pixels; on a circular one the last overlaps the first."""
    step = patch - round(OVERLAP * patch)
    if circular:
        count = max(2, -(-length // step))
        return Layout(tuple(round(i * length / count) for i in range(count)), length, patch, circular)
    count = max(1, -(-(length - patch) // step) + 1)
    return Layout(tuple(i * step for i in range(count)), (count - 1) * step + patch, patch, circular)


@dataclass
class Canvas:
    """The picture so far, and how well its blocks meet."""

    rows: Layout
    columns: Layout
    pixels: np.ndarray  # [H, W, C]
    done: np.ndarray  # bool [H, W]
    seams: np.ndarray  # [H, W], squared difference of the two sides where a cut runs, elsewhere 0
    laid: list[tuple[Corner, Corner]] = field(default_factory=list)  # blocks: on the canvas, in the sample

    @classmethod
    def empty(cls, rows: Layout, columns: Layout, channels: int) -> Canvas:
        size = rows.length, columns.length
        return cls(rows, columns, np.full((*size, channels), 0.5, np.float32), np.zeros(size, bool), np.zeros(size, np.float32))

    def place(self, at: Corner) -> tuple[np.ndarray, np.ndarray]:
        """Index of the block whose top left corner lies there."""
        return np.ix_(self.rows.pixels(at[0]), self.columns.pixels(at[1]))

    def lay(self, at: Corner, found: tuple[int, int], new: np.ndarray, overlaps: Overlaps, *, improve: bool = False) -> bool:
        """Lays a block [p, p, C]; with `improve`, where its own cuts are better than those that it covers."""
        place = self.place(at)
        old, known = self.pixels[place], self.done[place]
        error = ((old - new) ** 2).sum(axis=2)
        share, seam = cut(error, overlaps)
        seams = np.where(share, error * seam, self.seams[place])
        if improve and seams.sum() >= self.seams[place].sum():
            return False
        soft = np.where(known, ndimage.gaussian_filter(share.astype(np.float32), SEAM_SIGMA, mode="nearest"), 1)
        self.pixels[place] = old + soft[:, :, None] * (new - old)
        self.done[place], self.seams[place] = True, seams
        self.laid.append((at, found))
        return True


def quilt(
    sample: np.ndarray,
    height: int,
    width: int,
    *,
    patch: int,
    random: np.random.Generator,
    seamless: bool = False,
    valid: np.ndarray | None = None,
    wanted: np.ndarray | None = None,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Grows a picture of height x width from a sample [h, w, C]; yields (work done, work in all, picture) after each row of
    blocks, and while seams are refined.

    patch:    side of the blocks; not above the sample's sides, and for a seamless result not above 2 / 3 of height and width.
    seamless: the right side continues on the left and the bottom on the top.
    valid:    bool [h, w], the part of the sample that may be used; some block has to fit into it.
    wanted:   bool [height, width], the part of the picture that is needed; blocks elsewhere are left out, and grey.
    """
    rows, columns = (layout(length, patch, circular=seamless) for length in (height, width))
    canvas, search = Canvas.empty(rows, columns, sample.shape[2]), Search(sample, patch, valid)
    needed = _needed(canvas, height, width, wanted)
    blocks = int(needed.sum())
    tries = round(REFINEMENTS * blocks) if blocks > 1 else 0
    for i, top in enumerate(rows.starts):
        for j, left in enumerate(columns.starts):
            if needed[i, j]:
                (above, below), (before, after) = rows.overlaps(i), columns.overlaps(j)
                found = _choose(search, canvas, (top, left), canvas.done[canvas.place((top, left))], random)
                canvas.lay((top, left), found, search.block(found), (before, above, after, below))
        yield int(needed[: i + 1].sum()), blocks + tries, canvas.pixels[:height, :width]
    for done in _refine_seams(search, canvas, tries, random):
        yield blocks + done, blocks + tries, canvas.pixels[:height, :width]


def _needed(canvas: Canvas, height: int, width: int, wanted: np.ndarray | None) -> np.ndarray:
    """Which blocks show in the wanted part or lie beside one that does, bool [rows, columns]."""
    if wanted is None:
        return np.ones((len(canvas.rows.starts), len(canvas.columns.starts)), bool)
    padded = np.zeros(canvas.done.shape, bool)
    padded[:height, :width] = wanted
    touched = [[padded[canvas.place((top, left))].any() for left in canvas.columns.starts] for top in canvas.rows.starts]
    return ndimage.binary_dilation(np.array(touched), np.ones((3, 3), bool))


def _refine_seams(search: Search, canvas: Canvas, tries: int, random: np.random.Generator) -> Iterator[int]:
    """Covers the worst seams; yields the number of tries so far every now and then, and at the end."""
    patch, circular = search.patch, canvas.rows.circular
    overlap, mode = round(OVERLAP * patch), "wrap" if circular else "constant"
    failed_weight = np.ones_like(canvas.seams)  # where a try has failed, another place comes first
    for done in range(1, tries + 1):
        sums = ndimage.uniform_filter(canvas.seams * failed_weight, patch - 2 * overlap, mode=mode)
        centre = np.unravel_index(sums.argmax(), sums.shape)
        at = tuple(int(c) - patch // 2 for c in centre)
        if not circular:
            at = tuple(min(max(0, start), length - patch) for start, length in zip(at, sums.shape))
        place = canvas.place(at)
        overlaps = (overlap,) * 4 if circular else _inner(at, sums.shape, patch, overlap)
        found = _choose(search, canvas, at, canvas.done[place] & _band(patch, overlaps), random)
        if not canvas.lay(at, found, search.block(found), overlaps, improve=True):
            middle = tuple(axis[overlap:-overlap] for axis in (place[0][:, 0], place[1][0]))
            failed_weight[np.ix_(*middle)] *= 0.3
        if done == tries or done % 16 == 0:
            yield done


def _inner(at: Corner, size: tuple[int, int], patch: int, overlap: int) -> Overlaps:
    """Overlaps of a block on a canvas whose outer sides are free."""
    (top, left), (height, width) = at, size
    free = left == 0, top == 0, left + patch == width, top + patch == height
    return tuple(0 if side else overlap for side in free)


def _band(patch: int, overlaps: Overlaps) -> np.ndarray:
    left, top, right, bottom = overlaps
    band = np.ones((patch, patch), bool)
    band[top : patch - bottom, left : patch - right] = False
    return band


def _choose(search: Search, canvas: Canvas, at: Corner, known: np.ndarray, random) -> Corner:
    """One of the places of the sample that continue the block well, and that aren't shown close by already."""
    interrupt.check()
    cost = search.misfit(canvas.pixels[canvas.place(at)], known) if known.any() else np.zeros(search.shape, np.float32)
    cost = (cost + _repetition(search, canvas, at) * (float(np.quantile(cost, GOOD)) + 1e-6)).ravel()[search.allowed]
    few = min(len(cost) - 1, int(CHOICES * len(cost)))
    limit = max((1 + TOLERANCE) * cost.min(), np.partition(cost, few)[few])
    chosen = search.allowed[random.choice(np.flatnonzero(cost <= limit))]
    return divmod(int(chosen), search.shape[1])


def _repetition(search: Search, canvas: Canvas, at: Corner) -> np.ndarray:
    """What each place costs for being shown near by: REPEAT for the same one in the next block, less with the distance."""
    cost = np.zeros(search.shape, np.float32)
    patch, reach, step = search.patch, search.patch - 1, search.patch * (1 - OVERLAP)
    for other, (y, x) in canvas.laid:
        away = max(canvas.rows.distance(at[0] % canvas.rows.length, other[0] % canvas.rows.length),
                   canvas.columns.distance(at[1] % canvas.columns.length, other[1] % canvas.columns.length)) / step  # fmt: skip
        if away <= NEAR_BLOCKS:
            top, left = max(0, y - reach), max(0, x - reach)
            part = cost[top : y + reach + 1, left : x + reach + 1]
            rows = 1 - abs(np.arange(top, top + part.shape[0]) - y) / patch
            columns = 1 - abs(np.arange(left, left + part.shape[1]) - x) / patch
            weight = REPEAT * min(1.0, 1 - (away - 1) / NEAR_BLOCKS)
            np.maximum(part, weight * np.outer(rows, columns), out=part)
    return cost


def cut(error: np.ndarray, overlaps: Overlaps) -> tuple[np.ndarray, np.ndarray]:
    """Where the new block shows, and where its boundary runs, both bool [p, p]: where old and new differ least.

    error: squared difference of old and new.
    """
    share, seam = np.ones(error.shape, bool), np.zeros(error.shape, bool)
    for turns, overlap in enumerate(overlaps):  # np.rot90 turns the next side to the left
        if overlap > 0:
            path = best_path(np.rot90(error, turns)[:, :overlap])[:, None]
            columns = np.arange(overlap)
            np.rot90(share, turns)[:, :overlap] &= columns >= path
            np.rot90(seam, turns)[:, :overlap] |= columns == path
    return share, seam & share


def best_path(error: np.ndarray) -> np.ndarray:
    """The way from the first row to the last with the least sum, by dynamic programming; columns int [rows]."""
    rows, columns = error.shape
    sums = np.full((rows, columns + 2), np.inf, error.dtype)  # nothing beyond either side
    sums[:, 1:-1] = error
    for i in range(1, rows):
        before = sums[i - 1]
        sums[i, 1:-1] += np.minimum(np.minimum(before[:-2], before[1:-1]), before[2:])
    path = np.empty(rows, int)
    path[-1] = sums[-1].argmin() - 1
    for i in range(rows - 2, -1, -1):
        path[i] = path[i + 1] - 1 + sums[i, path[i + 1] : path[i + 1] + 3].argmin()
    return path
