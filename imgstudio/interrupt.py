"""Ending work from outside: whoever runs a function puts a `Work` around it, and its long loops ask `check` whether to go on.

Without a `Work`, as on the command line, `check` does nothing. A `Work` is known to the thread or task that `running` was
entered in, and to the threads that are given its context.
"""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator

DONE, STOPPED, GONE, LATE, REFUSED, FAILED = "done", "stopped", "gone", "timed out", "refused", "failed"  # how work ends


class Ended(BaseException):
    """Nobody wants the result any more. It is no error, so that no handler of errors takes it for one."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Work:
    """One piece of work, which another thread may end.

    seconds: that it may take, None for any number; after `grace` more even a single step of it is broken off. owner: whose it
    is, as network address and session; live: whether it shows the position of a control that is being dragged.
    """

    def __init__(
        self, seconds: float | None = None, grace: float = 0.0, *, owner: tuple[str, str] = ("", ""), live: bool = False
    ) -> None:
        self._seconds, self._grace, self._begun = seconds, grace, time.monotonic()
        self.owner, self.live = owner, live
        self.computed = 0.0  # seconds for which it had its turn (see `studio.scheduler`)
        self._ended: str | None = None
        self.asked = False  # to finish after the step that it is at
        self.outcome = DONE  # what is told of it
        self.reason = ""  # a name for why, in one word

    def begin(self) -> None:
        """Its time counts from now on."""
        self._begun = time.monotonic()

    def excuse(self, seconds: float) -> None:
        """So long it had to wait for others: that does not count."""
        self._begun += seconds

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    @property
    def late(self) -> bool:
        """True when its time is used up."""
        return self._seconds is not None and self.seconds > self._seconds

    def end(self, outcome: str) -> None:
        """Has it broken off at the next `check`; the first reason counts. May be called from any thread."""
        if self._ended is None:
            self.outcome = self._ended = outcome

    def ask(self) -> None:
        """Has it finish after the step that it is at, with what it has by then. May be called from any thread."""
        self.asked = True

    def tell(self, outcome: str, reason: str = "") -> None:
        """Notes how it went, for whoever ran it; what ended it from outside counts more."""
        if self._ended is None:
            self.outcome, self.reason = outcome, reason

    def check(self) -> None:
        """Raises Ended where it was ended, or has used up its time."""
        if self._ended is None and self._seconds is not None and self.seconds > self._seconds + self._grace:
            self.end(LATE)
        if self._ended is not None:
            raise Ended(self._ended)


_current: contextvars.ContextVar[Work | None] = contextvars.ContextVar("work", default=None)


def current() -> Work | None:
    """The work that is being done here."""
    return _current.get()


@contextlib.contextmanager
def running(work: Work) -> Iterator[Work]:
    """What happens inside belongs to this work."""
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)


_at_check: list[Callable[[], None]] = []


def at_check(function: Callable[[], None]) -> None:
    """From now on, `check` calls this function, too."""
    _at_check.append(function)


def check() -> None:
    """For loops that take long: raises Ended where nobody wants the result any more, and lets more urgent work go first."""
    work = _current.get()
    if work is not None:
        work.check()
    for function in _at_check:
        function()
