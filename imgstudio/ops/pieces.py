"""Work in pieces, which become smaller when the device runs out of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from .. import device as devices
from .. import interrupt

Piece = TypeVar("Piece")

SMALLEST_TILE = 128  # pixels a side


def batches(work: Callable[[slice], Piece], count: int, most: int) -> Iterator[Piece]:
    """Results of `work` on 0..count, in order, `most` items at once or as many as there is memory for. A single item that does
    not fit raises what the device raised."""
    done = 0
    while done < count:
        interrupt.check()
        made = _tried(work, slice(done, min(count, done + most)), may_fail=most > 1)
        if made is None:
            most = max(1, most // 2)
            continue
        yield made
        done = min(count, done + most)


def tiles(work: Callable[[int], Iterator[Piece]], side: int, multiple: int = 1) -> Iterator[Piece]:
    """What `work` yields with tiles of this side, from the beginning again with smaller ones where there is no memory for them.

    multiple: of what the sides have to be.
    """
    while True:
        try:
            yield from work(side)
            return
        except (RuntimeError, MemoryError) as error:
            smaller = side // 2 // multiple * multiple
            if smaller < SMALLEST_TILE or not devices.out_of_memory(error):
                raise
        side = smaller  # outside the handler, which holds on to the tensors of the failed attempt
        devices.empty_cache()


def _tried(work: Callable[[slice], Piece], part: slice, *, may_fail: bool) -> Piece | None:
    """None where there was no memory."""
    try:
        return work(part)
    except (RuntimeError, MemoryError) as error:
        if not (may_fail and devices.out_of_memory(error)):
            raise
    devices.empty_cache()
    return None
