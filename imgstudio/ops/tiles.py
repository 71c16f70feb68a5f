"""Large pictures piece by piece: overlapping tiles, of each of which only the middle is kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction

import torch
from torch import Tensor

from .. import interrupt

Span = tuple[int, int]  # from, to


def spans(length: int, side: int) -> list[Span]:
    """The way along one side of a picture, in steps of `side`; what would be left over as a sliver joins the last step."""
    starts = list(range(0, length, side))
    if len(starts) > 1 and length - starts[-1] < side // 4:
        starts.pop()
    return list(zip(starts, [*starts[1:], length]))


def tiled(
    function: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    side: int,
    margin: int,
    scale: Fraction = Fraction(1),
    canvas: Tensor | None = None,
) -> Iterator[tuple[int, int, Tensor]]:
    """Applies `function` to x [N, C, H, W] in tiles of `side` that see `margin` more on each side.

    function: [N, C, h, w] -> [N, D, h * scale, w * scale] on the CPU; nothing farther than `margin` may matter to a place, and
    side and margin have to be multiples of its stride. Yields (tiles done, tiles in all, result [N, D, H * scale, W * scale]);
    the result is the same tensor each time. What is still to come shows `canvas`, or zeros.
    """
    grid = [(rows, columns) for rows in spans(x.shape[2], side) for columns in spans(x.shape[3], side)]
    out = None if canvas is None else canvas.clone()
    for number, (rows, columns) in enumerate(grid, start=1):
        interrupt.check()
        (top, bottom), (left, right) = (_widened(span, margin, length) for span, length in zip((rows, columns), x.shape[2:]))
        made = function(x[:, :, top:bottom, left:right])
        if out is None:
            size = [int(length * scale) for length in x.shape[2:]]
            out = torch.zeros(*made.shape[:2], *size, dtype=made.dtype)
        kept = made[:, :, _scaled(rows, scale, top), _scaled(columns, scale, left)]
        out[:, :, _scaled(rows, scale), _scaled(columns, scale)] = kept
        yield number, len(grid), out


def _widened(span: Span, margin: int, length: int) -> Span:
    return max(0, span[0] - margin), min(length, span[1] + margin)


def _scaled(span: Span, scale: Fraction, origin: int = 0) -> slice:
    return slice(int((span[0] - origin) * scale), int((span[1] - origin) * scale))


def finished(parts: Iterator[tuple[int, int, Tensor]]) -> Tensor:
    """All tiles, without looking in between."""
    ((_, _, out),) = deque(parts, maxlen=1)
    return out
