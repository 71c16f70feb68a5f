"""Work on a GPU that is lent by the call, as on ZeroGPU Spaces. Everywhere else, `on_gpu` leaves a function as it is.

A borrowed call runs in a forked process: its arguments and results are pickled, and what it changes elsewhere is lost. So it
takes names, numbers and pictures, and gives back the same.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import device as devices
from .errors import StudioError

LONGEST = 120  # seconds that a call may ask for: the daily quota of a visitor who has not signed in

Seconds = Callable[..., float]


def on_gpu(seconds: Seconds, *, steps: bool = False) -> Callable[[Callable], Callable]:
    """Decorates a function that is to run on a lent GPU.

    seconds: that a call takes there, from those of the function's arguments that it names; 0 for work so small that it stays on
             the CPU, which costs nobody's quota. steps: the function returns an iterator.
    """

    def decorate(function: Callable) -> Callable:
        return _on_lent_gpu(function, CostEstimate(function, seconds), steps) if devices.lent() else function

    return decorate


def _on_lent_gpu(function: Callable, price: CostEstimate, steps: bool) -> Callable:
    import spaces

    remote = spaces.GPU(duration=price)(_remote_steps(function) if steps else _remote(function))

    @functools.wraps(function)
    def borrow(*args: Any, **kwargs: Any) -> Any:
        # The page is built by the main thread, before anybody's GPU can be borrowed.
        at_start = threading.current_thread() is threading.main_thread()
        if devices.granted() or at_start or not price(*args, **kwargs):
            return function(*args, **kwargs)
        args, kwargs = tuple(map(_picklable, args)), {name: _picklable(value) for name, value in kwargs.items()}
        return _started_steps(remote(*args, **kwargs)) if steps else _value_or_raise(remote(*args, **kwargs))

    return borrow


class CostEstimate:
    """Seconds that a call asks for; called with the function's own arguments."""

    def __init__(self, function: Callable, seconds: Seconds) -> None:
        self._signature, self._seconds = inspect.signature(function), seconds
        self._names = inspect.signature(seconds).parameters

    def __call__(self, *args: Any, **kwargs: Any) -> int:
        try:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            wanted = self._seconds(**{name: bound.arguments[name] for name in self._names})
        except Exception:  # a mistake in the arguments: the function itself has a sentence for it, and needs no GPU to say it
            return 0
        return min(LONGEST, 1 + round(wanted)) if wanted > 0 else 0


def _picklable(value: Any) -> Any:
    return list(value) if isinstance(value, Iterator) else value


# --- errors on their way between processes ---


@dataclass(frozen=True)
class _Error:
    """A StudioError as a value: of an exception, only the name of its class comes back."""

    sentence: str


def _value_or_raise(value: Any) -> Any:
    if isinstance(value, _Error):
        raise StudioError(value.sentence)
    return value


def _remote(function: Callable) -> Callable:
    @functools.wraps(function)
    def work(*args: Any, **kwargs: Any) -> Any:
        devices.grant()
        try:
            return function(*args, **kwargs)
        except StudioError as error:
            return _Error(str(error))

    return work


def _remote_steps(function: Callable) -> Callable:
    @functools.wraps(function)
    def work(*args: Any, **kwargs: Any) -> Iterator[Any]:
        devices.grant()
        try:
            yield from function(*args, **kwargs)
        except StudioError as error:
            yield _Error(str(error))

    return work


def _started_steps(steps: Iterator[Any]) -> Iterator[Any]:
    """The steps; what the function refuses to do at all is raised at once, as the function itself would."""
    nothing = object()
    first = _value_or_raise(next(steps, nothing))

    def rest() -> Iterator[Any]:
        try:
            if first is not nothing:
                yield first
                yield from map(_value_or_raise, steps)
        finally:
            steps.close()  # ends the work in the other process

    return rest()
