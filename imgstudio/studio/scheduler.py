"""Who computes next: everything that runs a net takes a turn here, so that no visitor waits for another one's long work.

Previews of a control that is dragged come first, then single results, then long work. What has computed for longer than a
single result should is long work from then on. A turn is given up between two layers of a net, as soon as something more
urgent waits; within one kind of work visitors take turns, the one served longest ago first. No kind starves: one that has
waited for `STARVED` seconds gets a time slice before the others.

The memory of a net's layers is held by one turn a kind at most: what was interrupted goes on before others of its kind begin.
"""

from __future__ import annotations

import contextlib
import contextvars
import enum
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .. import interrupt
from ..interrupt import Work

SLOTS = 1  # turns at once: a net spreads its work over all processors by itself
PREVIEW_SECONDS, SINGLE_SECONDS = 1.0, 2.0  # of computing, after which a preview or a single result counts as long work
STARVED = 0.3  # seconds that a kind of work waits at most, while more urgent work is there all the time
SLICE = 0.1  # seconds that it may keep then
POLL = 0.25  # seconds between two looks whether anybody still wants what waits
MOST_OWNERS = 2000  # of which it is known when they were served


class Priority(enum.IntEnum):
    """The more urgent, the smaller."""

    PREVIEW = 0
    SINGLE = 1
    LONG = 2


@dataclass(eq=False)
class _Turn:
    """One call's place in the line, and then its turn."""

    work: Work
    asked: float
    granted: threading.Event = field(default_factory=threading.Event)
    began: float = 0.0
    billed: float = 0.0  # up to when its computing was added to its work's
    slice: float = 0.0  # seconds before which it isn't interrupted
    interrupted: bool = False

    @property
    def priority(self) -> Priority:
        if self.work.live and self.work.computed < PREVIEW_SECONDS:
            return Priority.PREVIEW
        return Priority.SINGLE if not self.work.live and self.work.computed < SINGLE_SECONDS else Priority.LONG

    def bill(self, now: float) -> None:
        self.work.computed += now - self.billed
        self.billed = now


class Scheduler:
    """Turns for the threads of one process. clock: seconds, for tests."""

    def __init__(self, slots: int = SLOTS, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots, self._clock = slots, clock
        self._lock = threading.Lock()
        self._waiting: list[_Turn] = []
        self._running: list[_Turn] = []
        self._served: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._last: dict[Priority, float] = {}  # when a kind of work was served last

    @contextlib.contextmanager
    def turn(self, work: Work) -> Iterator[None]:
        """Waits until this work may compute. A turn within a turn is the same one.

        Raises interrupt.Ended when the work is ended while it waits.
        """
        if _mine.get() is not None:
            yield
            return
        mine = _Turn(work, self._clock())
        self._wait(mine)
        token = _mine.set(mine)
        try:
            yield
        finally:
            _mine.reset(token)
            with self._lock:
                self._leave(mine)

    def give_way(self) -> None:
        """For whoever has a turn, between two layers or steps: lets more urgent work go first."""
        mine = _mine.get()
        if mine is None or not self._waiting:
            return
        now = self._clock()
        if now - mine.began < mine.slice:
            return
        with self._lock:
            mine.bill(now)
            if not any(other.priority < mine.priority for other in self._waiting):
                return
            mine.granted.clear()
            mine.interrupted, mine.asked = True, now
            self._leave(mine)
        self._wait(mine)

    @property
    def waiting(self) -> int:
        """Calls that wait for a turn."""
        return len(self._waiting)

    def _wait(self, mine: _Turn) -> None:
        with self._lock:
            self._waiting.append(mine)
            self._grant()
        since = self._clock()
        try:
            while not mine.granted.wait(POLL):
                since = self._excuse(mine, since)
                mine.work.check()
                with self._lock:
                    self._grant()
        except BaseException:
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                else:  # granted in this very moment
                    self._leave(mine)
            raise
        finally:
            self._excuse(mine, since)

    def _excuse(self, mine: _Turn, since: float) -> float:
        now = self._clock()
        mine.work.excuse(now - since)
        return now

    def _leave(self, mine: _Turn) -> None:
        if mine in self._running:
            self._running.remove(mine)
            mine.bill(self._clock())
            self._grant()

    def _grant(self) -> None:
        """Gives free slots to those whose turn it is."""
        while self._waiting and len(self._running) < self._slots:
            now = self._clock()
            priority, starved = self._next(now)
            mine = min((each for each in self._waiting if each.priority == priority), key=self._order)
            self._waiting.remove(mine)
            self._running.append(mine)
            mine.began = mine.billed = now
            mine.slice = SLICE if starved else 0.0
            self._note(mine, now)
            mine.granted.set()

    def _next(self, now: float) -> tuple[Priority, bool]:
        """The kind of work whose turn it is, and whether it had to wait for too long."""
        asked: dict[Priority, float] = {}
        for each in self._waiting:
            asked[each.priority] = min(asked.get(each.priority, now), each.asked)
        waits = {kind: now - max(since, self._last.get(kind, since)) for kind, since in asked.items()}
        urgent = min(waits)
        longest = max(waits, key=lambda kind: waits[kind])
        starved = longest != urgent and waits[longest] >= STARVED
        return (longest, True) if starved else (urgent, False)

    def _order(self, turn: _Turn) -> tuple[bool, float, float, float]:
        """By network address first: a plain caller may be another visitor each time."""
        address, session = turn.work.owner
        served = self._served.get((address,), 0.0), self._served.get((address, session), 0.0)
        return not turn.interrupted, *served, turn.asked

    def _note(self, turn: _Turn, now: float) -> None:
        self._last[turn.priority] = now
        address, session = turn.work.owner
        for key in ((address,), (address, session)):
            self._served[key] = now
            self._served.move_to_end(key)
        while len(self._served) > MOST_OWNERS:
            self._served.popitem(last=False)


_mine: contextvars.ContextVar[_Turn | None] = contextvars.ContextVar("turn", default=None)

scheduler = Scheduler()  # of this process
interrupt.at_check(scheduler.give_way)


def current_work() -> Work:
    """That of the job that runs here; without one, as in a script, one of this thread's own."""
    return interrupt.current() or Work(owner=("", f"thread {threading.get_ident()}"))
