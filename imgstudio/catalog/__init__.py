"""The one table of every model. New weights for a known net are one row in `own`; nothing else has to change."""

from __future__ import annotations

from ..checks import check_choice, unknown
from ..errors import StudioError
from .hub import HUB, overridden
from .own import OWN
from .records import TASKS, Spec, Task

SPECS = (*OWN, *HUB)

_registered: dict[str, Spec] = {}  # models added while the process runs, by name
_unlisted: set[str] = set()  # names of those that only who knows their name can use


def register(spec: Spec, *, listed: bool = True) -> Spec:
    """Makes a model usable by its name in this process. It may replace an earlier one, but none of the table.

    listed: False keeps it out of `models`, for what one visitor of a page brought for himself.
    """
    if any(known.name == spec.name for known in SPECS):
        raise StudioError(f"{spec.name} is the name of a model of this studio: choose another name.")
    _registered[spec.name] = spec
    (_unlisted.discard if listed else _unlisted.add)(spec.name)
    return spec


def unregister(name: str) -> None:
    """Forgets a model that `register` added."""
    _registered.pop(name, None)
    _unlisted.discard(name)


def models(task: Task | None = None) -> tuple[Spec, ...]:
    """Every model, or those for one task, in the order of the table."""
    if task is not None:
        check_choice("task", task, TASKS)
    added = (spec for spec in _registered.values() if spec.name not in _unlisted)
    return tuple(spec for spec in (*overridden(SPECS), *added) if task in (None, spec.task))


def find(name: str) -> Spec:
    """The model of that name, listed or not."""
    for spec in (*overridden(SPECS), *_registered.values()):
        if isinstance(name, str) and spec.name == name:
            return spec
    raise unknown("model", name, [spec.name for spec in models()])


def default(task: Task) -> Spec | None:
    """The model to offer first: the first embedded one of that task."""
    return next((spec for spec in models(task) if spec.embedded), None)
