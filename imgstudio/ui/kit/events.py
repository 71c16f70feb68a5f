"""How the page's events are connected: errors become one sentence, heavy work takes turns, Stop keeps what is there."""

from __future__ import annotations

import functools
import inspect
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import gradio as gr
from gradio.context import Context, LocalContext

from ... import interrupt
from ...errors import StudioError
from ...studio import downloads
from ..server import files, jobs, limits
from ..server.jobs import Duty, mark
from ..server.settings import settings
from ..server.visitors import replacing

Item = TypeVar("Item")

# Everything that touches a net shares one lane, in which visitors take turns instead of fighting over the processor.
COMPUTE: dict[str, Any] = {"concurrency_id": jobs.COMPUTE, "concurrency_limit": limits.AT_ONCE}

UNEXPECTED = "Something went wrong here. The page is as it was; please try again, or change a setting."

log = logging.getLogger(__name__)


def report_error(error: Exception) -> None:
    """A message for the visitor. A warning, because Gradio writes "Error" over every output of an event that raises."""
    if isinstance(error, StudioError) or files.no_room(error):
        _record_outcome(interrupt.REFUSED, error)
        gr.Warning(files.sentence(error))
    else:
        _record_outcome(interrupt.FAILED, error)
        log.error("a handler of the page failed", exc_info=error)
        gr.Warning(UNEXPECTED)


def _record_outcome(outcome: str, error: Exception) -> None:
    """For the log of jobs: how this one went."""
    if work := interrupt.current():
        work.tell(outcome, type(error).__name__)


def time_over() -> str:
    """What is said when a job has used up its time."""
    return f"The {settings().seconds:g} seconds that a job may take here are over: choose a smaller size, or less to do at once."


def _report_time_over(ended: interrupt.Ended) -> None:
    if ended.outcome == interrupt.LATE:
        gr.Warning(time_over())


def with_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler; when it fails, the visitor reads one sentence and everything on the page stays as it was."""

    @functools.wraps(handler)
    def once(*args: Any) -> Any:
        try:
            with downloads.refused():
                return handler(*args)
        except gr.Error:
            raise
        except interrupt.Ended as ended:
            _report_time_over(ended)
            return gr.skip()
        except Exception as error:
            report_error(error)
            return gr.skip()

    @functools.wraps(handler)
    def stepwise(*args: Any) -> Iterator[Any]:
        try:
            yield from _refusing_downloads(handler(*args))
        except gr.Error:
            raise
        except interrupt.Ended as ended:
            _report_time_over(ended)
            yield gr.skip()
        except Exception as error:
            report_error(error)
            yield gr.skip()

    return stepwise if inspect.isgeneratorfunction(handler) else once


def _refusing_downloads(steps: Iterator[Item]) -> Iterator[Item]:
    """The steps. Each may run on another thread, so what holds while one is made is set for each."""
    try:
        while True:
            with downloads.refused():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step
    finally:
        steps.close()


def as_endpoint(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as an API endpoint: the caller gets a StudioError's sentence, and no other error's text."""

    @functools.wraps(function)
    def endpoint(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except StudioError as error:
            _record_outcome(interrupt.REFUSED, error)
            raise gr.Error(files.sentence(error), print_exception=False) from error
        except interrupt.Ended as ended:
            said = time_over() if ended.outcome == interrupt.LATE else "The job was stopped."
            raise gr.Error(said, print_exception=False) from ended
        except Exception as error:
            if files.no_room(error):
                _record_outcome(interrupt.REFUSED, error)
                raise gr.Error(files.NO_ROOM, print_exception=False) from error
            _record_outcome(interrupt.FAILED, error)
            log.error("the endpoint %s failed", function.__name__, exc_info=error)
            raise gr.Error("Something went wrong on the server; its log says what.", print_exception=False) from error

    return endpoint


def connect(
    triggers: Any,
    handler: Callable[..., Any],
    inputs: Any = None,
    outputs: Any = None,
    *,
    kind: str = "",
    timed: bool = True,
    ends: str | None = None,
    after: Any = None,
    renews: Any = None,
    **options: Any,
) -> Any:
    """Connects an event of the page: never an API endpoint, and in the one lane for heavy work.

    triggers: `button.click`, or a list of such. kind: of long work, for the Stop button of that kind; timed: whether it ends
    when a job's time is over; ends: the kind of work of this visitor that is out of date from then on. after: an event that
    this one follows, in place of `triggers`. renews: the `freshness.Watch` of the result that the handler makes. options:
    those of Gradio's events.
    """
    if renews is not None:
        handler, inputs, outputs = renews.renewing(handler, inputs, outputs)
    # An explicit name: Gradio would take the handler's, also for private events, and leave the API a "walk_1".
    options = {"show_progress": "minimal", "api_name": "page", **COMPUTE, **options}
    stoppable = inspect.isgeneratorfunction(handler) or after is not None
    work = mark(with_errors(handler), Duty(kind if stoppable else None, timed, ends, urgent=after is None))
    if after is not None:
        return after.then(work, inputs, outputs, api_visibility="private", **options)
    triggers = triggers if isinstance(triggers, list) else [triggers]
    return gr.on(triggers, work, inputs, outputs, api_visibility="private", **options)


def debounced(triggers: Any, handler: Callable[..., Any], inputs: Any = None, outputs: Any = None, **options: Any) -> Any:
    """`connect` for a control that is dragged: no spinner, and the last position is never lost."""
    options = {"show_progress": "hidden", "trigger_mode": "always_last", **options}
    return connect(triggers, replacing(handler), inputs, outputs, **options)


_refined = itertools.count()


def previewed(
    triggers: Any,
    preview: tuple[Callable[..., Any], Any],
    whole: tuple[Callable[..., Any], Any],
    inputs: Any,
    renews: Any = None,
) -> None:
    """`debounced` in two steps, for a control whose result takes long to draw: what is under the eye at once, and the whole
    result when the control rests.

    preview, whole: each a handler and its outputs. renews: as in `connect`, of the whole.
    """
    kind = f"refinement {next(_refined)}"
    first = debounced(triggers, preview[0], inputs, preview[1], ends=kind)
    options = {"show_progress": "hidden", "trigger_mode": "always_last", "renews": renews}
    connect(None, replacing(whole[0]), inputs, whole[1], kind=kind, after=first, **options)


def unqueued(triggers: Any, handler: Callable[..., Any], inputs: Any = None, outputs: Any = None, **options: Any) -> Any:
    """`connect` for what touches no net and must not wait for those that do."""
    options = {"show_progress": "hidden", "concurrency_id": None, "concurrency_limit": None, **options}
    return connect(triggers, handler, inputs, outputs, **options)


def page_opened() -> Any:
    """The event of a visitor's arrival, as a trigger."""
    return Context.root_block.load


def background(triggers: Any, handler: Callable[..., Any], inputs: Any = None, outputs: Any = None, **options: Any) -> Any:
    """`connect` for long work that waits more than it computes, in a lane of its own."""
    return connect(triggers, handler, inputs, outputs, **{"show_progress": "hidden", "timed": False, **options})


class Stopwatch:
    """Seconds since it was made, and a beat for previews."""

    def __init__(self) -> None:
        self.start = self._last = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def due(self, interval: float) -> bool:
        """True when `interval` seconds have passed since it was last true."""
        now = time.perf_counter()
        if now - self._last < interval:
            return False
        self._last = now
        return True


_working: dict[tuple[str, str], bool] = {}  # visitor and kind of long work that is going on -> whether they pressed Stop


def request_stop(request: gr.Request, kind: str = "") -> None:
    """Handler of every Stop button. Work that waits for its turn leaves the queue; what goes on ends itself between two steps,
    so that it can finish what it has."""
    session = request.session_hash or ""
    if (key := (session, kind)) in _working:
        _working[key] = True
    stop = getattr(getattr(LocalContext.blocks.get(None), "_queue", None), "stop", None)
    if stop is not None:
        stop(session, kind)


def until_stopped(steps: Iterable[Item], request: gr.Request, kind: str = "") -> Iterator[Item]:
    """The steps, up to the one after which this visitor pressed Stop, or the time of the job was over. kind: of work that has a
    Stop of its own."""
    key = request.session_hash or "", kind
    _working[key] = False
    try:
        for step in steps:
            yield step
            if _finished(_working.get(key)):
                return
    finally:
        _working.pop(key, None)
        if hasattr(steps, "close"):
            steps.close()


def _finished(stopped: bool | None) -> bool:
    """Whether the job that is going on has to finish with what it has."""
    work = interrupt.current()
    if stopped or (work and work.asked):
        if work:
            work.tell(interrupt.STOPPED)
        return True
    if work and work.late:
        gr.Warning(time_over())
        work.tell(interrupt.LATE)
        return True
    return False
