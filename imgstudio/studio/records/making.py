"""The seam through which every operation passes: its results get their record from its signature and its arguments."""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import inspect
import logging
from collections.abc import Callable, Collection, Iterator
from itertools import tee
from typing import Any, ParamSpec, TypeVar, cast

from PIL import Image

from ... import image as images
from ...errors import StudioError
from ..steps import Step
from . import facts
from .values import Described

P = ParamSpec("P")
R = TypeVar("R")

FORMAT = 1
ATTRIBUTE = "_record"  # of results that are no pictures, such as a segmentation

_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside", default=False)  # an operation calls another one

log = logging.getLogger(__name__)


def recorded(
    *, name: str | None = None, words: Collection[str] = (), nets: Collection[str] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a function that makes pictures: they, and what it returns besides, carry a record of the call.

    name:  of the operation, where it is not that of the function.
    words: values of a parameter for pictures that are none, such as "noise".
    nets:  what runs besides the model.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        head = {"record": FORMAT, "task": function.__module__.split(".")[2], "operation": name or function.__name__}

        @functools.wraps(function)
        def work(*args: P.args, **kwargs: P.kwargs) -> Any:
            if _inside.get():
                return function(*args, **kwargs)
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError:
                return function(*args, **kwargs)  # raises it, with the function's own name
            kept = _untouched(bound)
            made = _nested(cast("Callable[[], Any]", lambda: function(*bound.args, **bound.kwargs)))
            try:
                record = {**head, **_facts(signature, {**kept, **_defaults(bound)}, words, nets)}
            except (StudioError, OSError):  # an input that is gone by now; the result is no worse for it
                log.info("a result without a record")
                return made
            return _attached(made, record)

        return cast("Callable[P, R]", work)

    return decorate


def record_of(made: Any) -> dict[str, Any] | None:
    """The record of a result that is no picture, such as a segmentation; None without one."""
    return getattr(made, ATTRIBUTE, None)


def _untouched(bound: inspect.BoundArguments) -> dict[str, Any]:
    """The arguments; of iterators a second one each, that the call leaves as it is."""
    kept = dict(bound.arguments)
    for name, value in kept.items():
        if isinstance(value, Iterator):
            bound.arguments[name], kept[name] = tee(value)
    return kept


def _defaults(bound: inspect.BoundArguments) -> dict[str, Any]:
    """Defaults of what was not given."""
    given = set(bound.arguments)
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name not in given}


def _nested(call: Callable[[], R]) -> R:
    """The call's result, while operations within it leave no records of their own."""
    token = _inside.set(True)
    try:
        return call()
    finally:
        _inside.reset(token)


def _facts(
    signature: inspect.Signature, arguments: dict[str, Any], words: Collection[str], nets: Collection[str]
) -> dict[str, Any]:
    """What a record says of a call."""
    described = Described(words)
    for name, parameter in signature.parameters.items():
        described.add(name, arguments[name], str(parameter.annotation))
    return {
        "settings": described.settings,
        "inputs": described.inputs,
        "models": facts.models(described.settings, nets),
        **facts.here(),
    }


def _attached(made: Any, record: dict[str, Any]) -> Any:
    """The result, everything in it with its record."""
    if isinstance(made, Iterator):
        return _followed(made, record)
    _attach(made, record, [])
    return made


def _followed(made: Iterator[Any], record: dict[str, Any]) -> Iterator[Any]:
    """What comes one by one, each with its record."""
    count = 0
    try:
        while True:
            try:
                item = _nested(lambda: next(made))
            except StopIteration:
                return
            if isinstance(item, Step):
                _attach_step(item, {**record, "step": item.done})
            else:
                _attach(item, record, [count])
            count += 1
            yield item
    finally:
        if hasattr(made, "close"):
            made.close()


def _attach_step(step: Step, record: dict[str, Any]) -> None:
    for field in dataclasses.fields(step):
        _attach(getattr(step, field.name), record, [] if field.name == "image" else [field.name])


def _attach(made: Any, record: dict[str, Any], part: list[int | str]) -> None:
    """part: the way to it from the result of the call."""
    if isinstance(made, Image.Image):
        images.carry(made, {**record, "part": part} if part else record)
    elif isinstance(made, list | tuple):
        for number, item in enumerate(made):
            if isinstance(item, Image.Image | list):
                _attach(item, record, [*part, number])
    elif dataclasses.is_dataclass(made) and not isinstance(made, type):
        object.__setattr__(made, ATTRIBUTE, record)  # frozen, and not one of its fields
        for field in dataclasses.fields(made):
            _attach(getattr(made, field.name), record, [*part, field.name])
