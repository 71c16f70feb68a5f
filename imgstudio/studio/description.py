"""Models as plain values, for programs: what the command line prints as JSON, and what the page tells over HTTP."""

from __future__ import annotations

import functools
from typing import Any

import torch

from .. import catalog, loading
from ..catalog.records import Spec, Task
from ..models.stylegan2 import Generator
from ..models.vgg import VGG
from . import downloads, interpolation
from .style import cost

__all__ = ["list_models", "model_record"]

_PLAIN = ("name", "task", "title", "size", "licence", "origin", "data", "paper", "inverse")


def list_models(task: Task | None = None) -> list[dict[str, Any]]:
    """Every model, or those for one task, as `model_record`. Loads no net. Raises StudioError for an unknown task."""
    return [model_record(spec) for spec in catalog.models(task)]


def model_record(spec: Spec) -> dict[str, Any]:
    """A model as plain values for JSON.

    size: of the file, in bytes; weights: where they are; present: whether it can be used without a download; labels: classes
    that it takes, or group/member of what a VAE knows. Where they apply: layers (of a StyleGAN2 the side of each one's feature
    maps, from coarse to fine; of an optimisation names of style layers), method of a style transfer, curves and attributes of a
    VAE.
    """
    return {
        **{name: getattr(spec, name) for name in _PLAIN},
        "labels": list(spec.labels or ()),
        "directions": [direction.name for direction in spec.directions],
        "weights": downloads.location(spec),
        "present": downloads.is_present(spec.name),
        **_abilities(spec),
    }


def _abilities(spec: Spec) -> dict[str, Any]:
    """What only some models have."""
    if spec.task == "reconstruct":
        return {"curves": list(interpolation.CURVES), "attributes": list(interpolation.attributes(spec.name))}
    if spec.task == "stylize":
        method = cost.kind(spec.name)
        return {"method": method, **({"layers": list(_layers(spec))} if method == "optimise" else {})}
    layers = _layers(spec) if spec.task == "sample" else ()
    return {"layers": list(layers)} if layers else {}


@functools.lru_cache(maxsize=64)
def _layers(spec: Spec) -> tuple[int, ...] | tuple[str, ...]:
    """Those that can be asked for, from the net without its weights."""
    build = loading.resolve(spec.build)
    if build not in (Generator, VGG):
        return ()
    with torch.device("meta"):
        net = build(**spec.kwargs)
    return net.sides if isinstance(net, Generator) else net.layers
