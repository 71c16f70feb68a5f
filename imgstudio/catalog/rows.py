"""How the rows of weights are written that this project trained: one function a kind.

Hash, size and the arguments of the net are not written down here: `ship` stores them in shipped.json with the weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import credits
from .records import Embedded, Spec, Task

SHIPPED = Path(__file__).with_name("shipped.json")

_shipped: dict[str, dict] = json.loads(SHIPPED.read_text(encoding="utf-8"))


def own(
    name: str,
    task: Task,
    title: str,
    build: str,
    *,
    licence: str,
    data: str,
    origin: str = "trained by this project",
    **more: Any,
) -> Spec:
    """Weights that this project trained. The file in `weights/` is named after the model: dcgan-nouns.safetensors.

    `more` are further fields of Spec, such as `paper` and `labels`.
    """
    known = _shipped[name]
    return Spec(
        name=name,
        task=task,
        title=title,
        build=f"imgstudio.models.{build}",
        source=Embedded(filename=f"{name.replace('/', '-')}.safetensors", sha256=known["sha256"]),
        size=known["size"],
        kwargs={key: _frozen(value) for key, value in known["arguments"].items()},
        licence=licence,
        origin=origin,
        data=data,
        **more,
    )


def store(name: str, report: dict[str, Any]) -> None:
    """Puts into shipped.json what `ship` reports of the weights it wrote; what was there of other models stays.

    report: sha256, size and arguments, and whatever else is known, such as minutes, images and scores.
    """
    entries = json.loads(SHIPPED.read_text(encoding="utf-8"))
    entries[name] = {key: value for key, value in report.items() if key != "file"}
    SHIPPED.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def scaled(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key conversion of a file with weights in 8 bits: each `NAME.scale` has the factors of NAME's output channels."""
    factors = {key.removesuffix(".scale"): value for key, value in state.items() if key.endswith(".scale")}
    found = {key: value for key, value in state.items() if not key.endswith(".scale")}
    if missing := factors.keys() - found.keys():
        raise ValueError(f"{min(missing)} is missing")
    return found | {key: found[key].float() * factor.reshape(-1, *[1] * (found[key].ndim - 1)) for key, factor in factors.items()}


def _frozen(value: Any) -> Any:
    """Lists, which JSON has in place of tuples, as tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def fast(painting: str, title: str) -> Spec:
    """A feed-forward net that has learned one painting."""
    return own(
        f"fast/{painting}",
        "stylize",
        title,
        "transformer_net:TransformerNet",
        licence="CC-BY-SA-4.0",
        data=f"{title}, in the public domain; {credits.PHOTOGRAPHS}",
        paper=credits.JOHNSON,
    )


def direction(name: str, inverse: str, title: str, *, data: str, side: int, licence: str = "CC-BY-SA-4.0") -> Spec:
    """One direction of a CycleGAN that this project has trained; side: the size in pixels at which it works best."""
    return own(
        f"cyclegan/{name}",
        "translate",
        title,
        "resnet_generator:ResnetGenerator",
        licence=licence,
        data=data,
        paper=credits.CYCLEGAN,
        inverse=f"cyclegan/{inverse}",
        side=side,
    )
