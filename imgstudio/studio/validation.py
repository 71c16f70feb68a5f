"""Models by name, with the mistakes that people make answered in a sentence."""

from __future__ import annotations

from typing import Any

from .. import catalog
from ..catalog.records import Spec, Task
from ..errors import StudioError
from ..loading import load


def find_model(name: str, task: Task) -> Spec:
    """The record of a model that can do `task`. Loads nothing."""
    spec = catalog.find(name)
    if spec.task != task:
        fitting = ", ".join(other.name for other in catalog.models(task))
        raise StudioError(f"{spec.known_as} can't do this ({task}): choose one of {fitting}.")
    return spec


def open_model(name: str, task: Task) -> tuple[Spec, Any]:
    """The record and the net of a model that can do `task`, of the class that the record names."""
    return find_model(name, task), load(name)
