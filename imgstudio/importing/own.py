"""Files that this studio wrote: the net's arguments stand in their metadata, its class follows from the names of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from .. import catalog
from ..catalog.records import Embedded, Spec, Task
from ..loading import state_shapes
from . import arguments
from .checkpoint import State
from .recognition import Recognised, accepted

# Nets that can be trained here, and of which the catalogue may have none yet.
_MORE = {
    "imgstudio.models.stylegan2:Generator": "sample",
    "imgstudio.models.resnet_generator:ResnetGenerator": "translate",
    "imgstudio.models.renet:ReNet": "segment",
    "imgstudio.models.vit:ViT": "segment",
}


class Family:
    """Recognises them by the arguments that a file's metadata give; None of a file without metadata."""

    def __init__(self, config: Mapping[str, Any] | None):
        self._config = config
        self._outlines: dict[str, Mapping[str, Tensor] | None] = {}  # by the net's class

    def __call__(self, state: State, task: Task | None) -> Recognised | None:
        kwargs = None if self._config is None else arguments.fitting(self._config, len(state))
        if kwargs is None:
            return None
        for build, use in _nets(task).items():
            if accepted(build, kwargs) and self._fits(build, kwargs, state):
                return _found(build, use, kwargs)
        return None

    def _fits(self, build: str, kwargs: Mapping[str, Any], state: State) -> bool:
        if build not in self._outlines:
            self._outlines[build] = _outline(build, kwargs)
        wanted = self._outlines[build]
        if wanted is None or wanted.keys() != state.keys():
            return False
        return all(wanted[key].shape == tensor.shape for key, tensor in state.items())


def _outline(build: str, kwargs: Mapping[str, Any]) -> Mapping[str, Tensor] | None:
    """The names and shapes of a net's tensors; None where the arguments are another net's."""
    try:
        return state_shapes(build, kwargs)
    except (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError):
        return None


def _nets(task: Task | None) -> dict[str, Task]:
    """The classes of nets that this studio trains, and what each is for; what it is wanted for first."""
    own = [spec for spec in catalog.SPECS if isinstance(spec.source, Embedded)]
    order: list[Spec] = sorted(own, key=lambda spec: spec.task != task)
    found: dict[str, Task] = {}
    for spec in order:
        found.setdefault(str(spec.build), spec.task)
    return found | {build: use for build, use in _MORE.items() if build not in found}


def _found(build: str, use: Task, kwargs: Mapping[str, Any]) -> Recognised:
    family = build.rpartition(":")[2]
    listed = ", ".join(f"{name} {value}" for name, value in kwargs.items())
    classes = kwargs.get("classes", 0)
    found = Recognised(
        task=use,
        build=build,
        kwargs=kwargs,
        convert=dict,
        title=f"{family} of this studio",
        said=f"A net that this studio trained, {family}{f' ({listed})' if listed else ''}.",
    )
    return replace(found, labels=tuple(f"class {i}" for i in range(classes))) if classes else found
