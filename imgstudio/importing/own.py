"""Files that this studio wrote: the net's arguments stand in their metadata, its class follows from the names of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .. import catalog
from ..loading import resolve
from ..spec import Embedded, Spec, Task
from .checkpoint import State
from .recognition import Recognised, accepted

# Nets that can be trained here, and of which the catalogue may have none yet.
_MORE = {
    "imgstudio.models.stylegan2:Generator": "sample",
    "imgstudio.models.resnet_generator:ResnetGenerator": "translate",
    "imgstudio.models.renet:ReNet": "segment",
    "imgstudio.models.vit:ViT": "segment",
}


def recognise(state: State, task: Task | None, config: Mapping[str, Any] | None) -> Recognised | None:
    """config: what the metadata say; None for files without any."""
    if config is None:
        return None
    kwargs = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    for build, use in _nets(task).items():
        if accepted(build, kwargs) and _fits(build, kwargs, state):
            return _found(build, use, kwargs)
    return None


def _nets(task: Task | None) -> dict[str, Task]:
    """The classes of nets that this studio trains, and what each is for; what it is wanted for first."""
    own = [spec for spec in catalog.SPECS if isinstance(spec.source, Embedded)]
    order: list[Spec] = sorted(own, key=lambda spec: spec.task != task)
    found: dict[str, Task] = {}
    for spec in order:
        found.setdefault(str(spec.build), spec.task)
    return found | {build: use for build, use in _MORE.items() if build not in found}


def _fits(build: str, kwargs: Mapping[str, Any], state: State) -> bool:
    try:
        wanted = resolve(build)(**kwargs).state_dict()
    except (TypeError, ValueError, RuntimeError):  # another net's arguments
        return False
    return wanted.keys() == state.keys() and all(wanted[key].shape == tensor.shape for key, tensor in state.items())


def _found(build: str, use: Task, kwargs: Mapping[str, Any]) -> Recognised:
    family = build.rpartition(":")[2]
    told = ", ".join(f"{name} {value}" for name, value in kwargs.items())
    classes = kwargs.get("classes", 0)
    found = Recognised(
        task=use,
        build=build,
        kwargs=kwargs,
        convert=dict,
        title=f"{family} of this studio",
        said=f"A net that this studio trained, {family}{f' ({told})' if told else ''}.",
    )
    return replace(found, labels=tuple(f"class {i}" for i in range(classes))) if classes else found
