"""What the parameters of endpoints may be chosen from. It is listed, and not enforced: what else is sent, the studio answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import imgstudio

from ...catalog.records import TASKS, Spec, Task
from ...studio import animation, interpolation
from ...studio.sampling import editing
from ...studio.style import sources
from ...studio.texture import decomposition, synthesis
from ..kit import layout
from ..tabs.style import settings

_TASKS: dict[str, Task] = {  # of tabs
    "sampling": "sample",
    "interpolation": "reconstruct",
    "translation": "translate",
    "texture": "segment",
}
_PARAMETERS: dict[str, Sequence[str]] = {
    "curve": interpolation.CURVES,
    "format": animation.FORMATS,
    "keep_colors": ("none", *sources.KEPT),
    "start": synthesis.STARTS,
    "task": ("", *TASKS),
}
_METHODS = {"decompose": decomposition.METHODS, "synthesize": synthesis.METHODS}


class Choice(NamedTuple):
    """The values to choose from, and the one to begin with."""

    values: tuple[str, ...]
    first: str | None


def of(endpoint: Callable[..., Any], name: str, default: Any) -> Choice | None:
    """Those of a parameter; None for one that takes anything. default: that of the signature, None where it has none."""
    if name == "model":
        specs, first = _models(endpoint)
        return Choice(tuple(spec.name for spec in specs), default or (first and first.name))
    if name == "label":
        labels = dict.fromkeys(label for spec in imgstudio.models("sample") for label in spec.labels or ())
        return Choice(("", *labels), default)
    values = _METHODS[endpoint.__name__] if name == "method" else _PARAMETERS.get(name)
    return None if values is None else Choice(tuple(values), default)


def _models(endpoint: Callable[..., Any]) -> tuple[Sequence[Spec], Spec | None]:
    """The models of the catalogue that suit an endpoint, and the one that its tab opens with."""
    tab, name = endpoint.__module__.rpartition(".")[2], endpoint.__name__
    if tab == "style" or name == "synthesize":
        kinds = settings.kinds()
        if name == "synthesize":
            return kinds.get(settings.OPTIMISE, []), None
        return imgstudio.models("stylize"), settings.opening(kinds)[1] if kinds else None
    specs: Sequence[Spec] = imgstudio.models(_TASKS[tab])
    if tab == "sampling" and name not in ("sample", "walk"):
        specs = editing.models()
    if name == "attribute":
        specs = [spec for spec in specs if interpolation.attributes(spec.name)]
    return specs, layout.first_ready(specs)


def amounts(endpoint: Callable[..., Any]) -> dict[str, float] | None:
    """An example of amounts, for an endpoint that cannot do without: the first direction of its first model."""
    _, first = _models(endpoint)
    return {interpolation.attributes(first.name)[0]: 1.0} if first and endpoint.__name__ == "attribute" else None
