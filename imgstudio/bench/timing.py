"""Stop watches."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable


def interleaved(*works: Callable[[], object], repeats: int, warm_up: int = 2) -> list[float]:
    """Median seconds of each, run in turn so that a busy moment of the machine hits all alike, after rounds that don't count."""
    times: list[list[float]] = [[] for _ in works]
    for turn, (work, kept) in itertools.product(range(repeats + warm_up), zip(works, times)):
        started = time.perf_counter()
        work()
        if turn >= warm_up:
            kept.append(time.perf_counter() - started)
    return [statistics.median(kept) for kept in times]
