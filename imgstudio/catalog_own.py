"""How the entries of weights are written that this project trained: one function a kind."""

from __future__ import annotations

from typing import Any

from . import credits
from .spec import Embedded, Spec, Task


def own(
    name: str,
    task: Task,
    title: str,
    build: str,
    *,
    sha256: str,
    size: int,
    licence: str,
    data: str,
    origin: str = "trained by this project",
    **more: Any,
) -> Spec:
    """Weights that this project trained. The file in `weights/` is named after the model: dcgan-nouns.safetensors.

    `more` are further fields of Spec, such as `paper` and `labels`; `kwargs` are the arguments of `build`.
    """
    return Spec(
        name=name,
        task=task,
        title=title,
        build=f"imgstudio.models.{build}",
        source=Embedded(filename=f"{name.replace('/', '-')}.safetensors", sha256=sha256),
        size=size,
        licence=licence,
        origin=origin,
        data=data,
        **more,
    )


def fast(painting: str, title: str, sha256: str) -> Spec:
    """A feed-forward net that has learned one painting."""
    return own(
        f"fast/{painting}",
        "stylize",
        title,
        "transformer_net:TransformerNet",
        kwargs={"width": 24},
        sha256=sha256,
        size=1_901_862,
        licence="CC-BY-SA-4.0",
        data=f"{title}, in the public domain; {credits.PHOTOGRAPHS}",
        paper=credits.JOHNSON,
    )


def _direction(
    name: str,
    inverse: str,
    title: str,
    sha256: str,
    *,
    size: int,
    data: str,
    side: int,
    licence: str = "CC-BY-SA-4.0",
    **net: Any,
) -> Spec:
    """One direction of a pair that this project has trained; net: what its generator has beside the skip."""
    return own(
        f"cyclegan/{name}",
        "translate",
        title,
        "resnet_generator:ResnetGenerator",
        kwargs={"channels": 32, "blocks": 6, "skip": True, **net},
        sha256=sha256,
        size=size,
        licence=licence,
        data=data,
        paper=credits.CYCLEGAN,
        inverse=f"cyclegan/{inverse}",
        side=side,
    )


def fruit(name: str, inverse: str, title: str, sha256: str) -> Spec:
    """One direction between apples and tomatoes."""
    return _direction(name, inverse, title, sha256, size=3_933_374, data=credits.FRUITS, side=256, sees=64)


def canvas(name: str, inverse: str, title: str, sha256: str, *, size: int, **net: Any) -> Spec:
    """One direction between photographs and paintings."""
    net = {"norm": "none", "bridges": True, **net}
    return _direction(name, inverse, title, sha256, size=size, data=credits.CANVAS, side=576, **net)


def flower(name: str, inverse: str, title: str, sha256: str) -> Spec:
    """One direction between daisies and sunflowers."""
    net = {"even": True, "sees": 72}
    return _direction(name, inverse, title, sha256, size=3_933_390, data=credits.FLOWERS, side=512, licence="CC-BY-4.0", **net)
