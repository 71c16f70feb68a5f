"""A result on the page knows the model and the inputs that it was made of, and is marked once they are no longer the chosen ones.

Each place for results has a `Mark`: a line, and the record of what is shown there. `watch` names the components that decide the
result. Handlers that make results are connected with `renews=`, and leave a record of the values that they were given.
"""

from __future__ import annotations

import functools
import html
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import gradio as gr

from ...studio import downloads
from . import layout
from .events import unqueued

_SPECIAL = (gr.Request, gr.EventData)  # what Gradio fills in itself

Record = tuple[tuple[str, str], ...]  # name of a component and what it held


class Mark(NamedTuple):
    """The line under a result, empty while it is up to date, and the record of what the result was made of."""

    line: gr.HTML
    made: gr.State


def mark() -> Mark:
    """Put it into the container of class `dated` whose pictures it is about: they are dimmed while it is not empty."""
    return Mark(gr.HTML("", elem_classes="freshness"), gr.State(None))


class Watch:
    """Keeps a `Mark` up to date."""

    def __init__(self, shown: Mark, watched: Mapping[str, Any], again: str, *, relevant: Callable[..., Any] = dict) -> None:
        """
        watched: name -> component; the model's is "model". again: what makes the result anew, for people.
        relevant: from {name: value} to the part of it that decides the result.
        """
        self.shown, self.names, self.inputs = shown, tuple(watched), list(watched.values())
        self._again, self._relevant = again, relevant

    def start(self) -> None:
        """What the page opens with is of the values that its components begin with."""
        self.shown.made.value = self.record([component.value for component in self.inputs])

    def connect(self) -> None:
        """Compares whenever a watched component or the record changes, whoever changed it."""
        triggers = [component.change for component in (*self.inputs, self.shown.made)]
        unqueued(triggers, self.compare, [self.shown.made, *self.inputs], self.shown.line, trigger_mode="always_last")

    def record(self, values: Sequence[Any]) -> Record:
        """What these values of the watched components come to."""
        kept = self._relevant(dict(zip(self.names, values)))
        return tuple((name, _key(value)) for name, value in kept.items())

    def compare(self, made: Record | None, *values: Any) -> str:
        """The line: empty where the result is of these values, or where there is no result."""
        if made is None or made == (now := self.record(values)):
            return ""
        before, now = dict(made), dict(now)
        if before.get("model") != now.get("model"):
            text = f"Out of date: made by {_title(before.get('model', ''))}."
        else:
            changed = next((name for name, value in now.items() if before.get(name) != value), "settings")
            text = f"Out of date: made with another {changed}." if changed != "settings" else "Out of date: other settings."
        missing = bool(now.get("model") and downloads.missing(now["model"]))
        again = "Download the chosen model, or choose another." if missing else self._again
        return f'<p class="stale" role="status">{html.escape(f"{text} {again}")}</p>'

    def renewing(self, handler: Callable[..., Any], inputs: Any, outputs: Any) -> tuple[Callable[..., Any], list, list]:
        """The handler, inputs and outputs of an event that makes the result, with the record added to them."""
        inputs, outputs = _listed(inputs), _listed(outputs)
        count, watched = len(outputs), len(self.inputs)

        def parted(values: tuple) -> tuple[tuple, Record]:
            special = sum(isinstance(value, _SPECIAL) for value in values)
            record = self.record(values[special : special + watched])
            return (*values[:special], *values[special + watched :]), record

        def recorded(result: Any, record: Record) -> tuple:
            results = result if count > 1 and isinstance(result, tuple | list) else (result,) * count
            unchanged = all(_skips(each) for each in results)
            return gr.skip() if unchanged else record, *results

        @functools.wraps(handler)
        def once(*values: Any) -> tuple:
            values, record = parted(values)
            return recorded(handler(*values), record)

        @functools.wraps(handler)
        def stepwise(*values: Any) -> Iterator[tuple]:
            values, record = parted(values)
            for result in handler(*values):
                yield recorded(result, record)

        wrapped = stepwise if inspect.isgeneratorfunction(handler) else once
        wrapped.__signature__ = _open_signature(handler)  # type: ignore[attr-defined]
        return wrapped, [*self.inputs, *inputs], [self.shown.made, *outputs]


def watch(
    shown: Mark, watched: Mapping[str, Any], again: str, *, opened: bool = True, relevant: Callable[..., Any] = dict
) -> Watch:
    """A connected `Watch`. opened: whether a result is there from the start."""
    made = Watch(shown, watched, again, relevant=relevant)
    if opened:
        made.start()
    made.connect()
    return made


def _key(value: Any) -> str:
    """Of a chosen picture its path, of anything else its text; 1 and 1.0 are the same."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    return str(getattr(value, "path", value))


def _title(model: str) -> str:
    return layout.find(model).title if model else "another model"


def _listed(components: Any) -> list:
    if components is None:
        return []
    return list(components) if isinstance(components, list | tuple) else [components]


def _skips(value: Any) -> bool:
    return isinstance(value, dict) and value == gr.skip()


def _open_signature(handler: Callable[..., Any]) -> inspect.Signature:
    """What Gradio is to see: the parameters that it fills in itself, and then any number of values."""
    known = inspect.signature(handler, eval_str=True).parameters.values()
    special = [each for each in known if isinstance(each.annotation, type) and issubclass(each.annotation, _SPECIAL)]
    rest = inspect.Parameter("values", inspect.Parameter.VAR_POSITIONAL)
    return inspect.Signature([*(each.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for each in special), rest])
