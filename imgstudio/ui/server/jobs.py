"""What a server knows of a job: whose it is, what it does, and whether anybody waits for it."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import HTTPException

from ...interrupt import Work
from . import addresses
from .settings import settings

COMPUTE = "compute"  # the lane of everything that touches a net
GRACE = 5.0  # seconds after its time for a single step of long work, so that what is there by then can be shown
NO_FUNCTION = "There is no such function here: /gradio_api/info lists those that there are."


@dataclass(frozen=True)
class Duty:
    """What a handler does, noted on it by `mark`.

    kind: what a Stop button has to stop, None where there is none; timed: whether it computes, and may do so only for a time;
    ends: the kind of work of the same visitor that is out of date as soon as this is asked for; urgent: whether it is what a
    control that is dragged shows at once, if it comes from one.
    """

    kind: str | None = None
    timed: bool = True
    ends: str | None = None
    urgent: bool = True


def mark(handler: Callable[..., Any], duty: Duty) -> Callable[..., Any]:
    handler.duty = duty  # type: ignore[attr-defined]
    return handler


class Mailbox(asyncio.Queue):
    """Messages to one session. It knows whether somebody is reading them."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = 0  # beats since somebody was there
        self._readers, self._last = 0, -1e9

    @property
    def heard(self) -> bool:
        """True while somebody waits for a message, or has just taken one and is about to come back."""
        return self._readers > 0 or time.monotonic() - self._last < 1.0

    async def get(self) -> Any:
        self._readers += 1
        try:
            return await super().get()
        finally:
            self._readers -= 1
            self._last = time.monotonic()

    @classmethod
    def holding(cls, messages: asyncio.Queue) -> Mailbox:
        """One with what is in another queue."""
        made = cls()
        while not messages.empty():
            made.put_nowait(messages.get_nowait())
        return made


@dataclass(eq=False)
class Job:
    """An event of Gradio's from its arrival to the end of its thread."""

    fn: Any  # Gradio's record of the function
    session: str  # the secret of a visitor's page; a name of its own for a plain caller
    address: str
    plain: bool  # by HTTP, without a page
    work: Work
    duty: Duty
    event: Any = None
    waiting: bool = True
    unheard: int = 0  # beats without a listener
    arrived: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, blocks: Any, body: Any, request: Any) -> Job:
        """Raises HTTPException for a function that isn't there."""
        fn = blocks.fns.get(body.fn_index)
        if fn is None or fn.fn is None or (body.simple_format and fn.api_visibility == "private"):
            raise HTTPException(404, NO_FUNCTION)
        duty = getattr(fn.fn, "duty", Duty())
        stepwise = inspect.isgeneratorfunction(fn.fn)
        work = Work(settings().seconds if duty.timed else None, GRACE if stepwise else 0.0)
        job = cls(fn, body.session_hash or "", addresses.address(request), bool(body.simple_format), work, duty)
        work.live = job.live and duty.urgent
        return job

    @property
    def lane(self) -> str:
        return self.fn.concurrency_id

    @property
    def heavy(self) -> bool:
        """Whether it takes turns with others."""
        return self.fn.concurrency_limit is not None

    @property
    def private(self) -> bool:
        """Whether it comes from a control of the page."""
        return self.fn.api_visibility == "private"

    @property
    def live(self) -> bool:
        """Whether it shows the position of a control that is dragged, so that only the newest counts."""
        return self.private and self.heavy and self.fn.trigger_mode == "always_last"

    @property
    def kind(self) -> str | None:
        return self.duty.kind

    @property
    def operation(self) -> str:
        return self.fn.name or "event"

    @property
    def seconds(self) -> float:
        """For which it has computed."""
        return 0.0 if self.waiting else self.work.seconds

    def begin(self) -> None:
        self.waiting = False
        self.work.owner = self.address, self.session
        self.work.begin()


class Served:
    """When whom was served last in a lane, so that they take turns whoever has more jobs waiting."""

    MOST = 2000

    def __init__(self) -> None:
        self._times: OrderedDict[tuple, float] = OrderedDict()

    def last(self, lane: str, job: Job) -> tuple[float, float]:
        """By address first: a plain caller may be another visitor each time."""
        return self._times.get((lane, job.address), 0.0), self._times.get((lane, job.address, job.session), 0.0)

    def note(self, lane: str, job: Job) -> None:
        for key in ((lane, job.address), (lane, job.address, job.session)):
            self._times[key] = time.monotonic()
            self._times.move_to_end(key)
        while len(self._times) > self.MOST:
            self._times.popitem(last=False)


def unchanged(fn: Any) -> dict[str, Any]:
    """The answer that leaves every output of a function as it is."""
    return {"data": [{"__type__": "update"} for _ in fn.outputs], "is_generating": False}
