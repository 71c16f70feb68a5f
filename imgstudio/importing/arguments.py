"""What the metadata of a file may ask of a net's constructor: types and ranges of every argument, checked before anything is
built. Whoever sends a file has written its metadata too.

Arguments have been renamed since the files in `weights/` were written: `current` reads metadata with names of either time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]

WIDE = 8192  # channels or units of any layer
DEEP = 64  # layers of a kind


def _whole(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def _real(least: float, most: float) -> Check:
    return lambda value: type(value) in (int, float) and least <= value <= most


def _one_of(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _several(check: Check, most: int = 16) -> Check:
    return lambda value: isinstance(value, tuple) and 1 <= len(value) <= most and all(map(check, value))


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _word(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z ]{1,24}", value) is not None


def _layer(value: Any) -> bool:
    """The name of a layer of VGG."""
    return isinstance(value, str) and re.fullmatch(r"relu[1-5]_[1-4]", value) is not None


def _flow(value: Any) -> bool:
    known = {"width": _whole(1, WIDE), "depth": _whole(0, DEEP)}
    return value is None or (
        isinstance(value, Mapping) and all(name in known and known[name](each) for name, each in value.items())
    )


# Old name -> the name of today.
RENAMED = {
    "grain": "noise_std",
    "motley": "per_channel_noise",
    "combed": "lic_length",
    "bridges": "unet_skips",
    "sees": "input_size",
    "even": "antialias",
    "smooth": "antialias",
    "offset": "const_offset_rank",
    "reach": "sigma",
}


def current(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that metadata hold, under the names of today."""
    return {RENAMED.get(name, name): value for name, value in config.items()}


# By name, which means the same wherever it occurs.
_CHECKS: dict[str, Check] = {
    "latent": _whole(1, 4096), "style": _whole(1, WIDE), "channels": _whole(1, WIDE), "width": _whole(1, WIDE),
    "widest": _whole(1, WIDE), "size": _whole(8, 1024), "pixel": _whole(1, 16), "classes": _whole(0, 10_000),
    "groups": _whole(0, 10_000), "components": _whole(1, 4096), "const_offset_rank": _whole(0, WIDE), "patch": _whole(1, 32),
    "dimensions": _whole(2, 256), "heads": _whole(1, 64), "ratio": _whole(1, 16),
    "convolutions": _several(_whole(1, 8)), "input_size": _whole(0, 4096), "depth": _whole(0, DEEP), "blocks": _whole(0, DEEP),
    "mapping": _whole(0, DEEP), "layers": _one_of(_whole(0, DEEP), _several(_layer)), "widths": _several(_whole(1, WIDE)),
    "deep": _several(_whole(1, WIDE), 2), "sigma": _real(0.5, 64), "noise_std": _real(0, 1), "lic_length": _real(0, 64),
    "antialias": _one_of(_flag, _whole(0, 16)), "skip": _flag, "per_channel_noise": _flag, "unet_skips": _flag,
    "deepest": _layer, "pooling": _word, "match": _word, "upsample": _word, "norm": _word, "flow": _flow,
}  # fmt: skip
_COUNTS = ("depth", "blocks", "mapping", "layers")  # of layers, each of which has tensors


def fitting(config: Mapping[str, Any], tensors: int) -> dict[str, Any] | None:
    """The arguments in a form that constructors take, or None where one is unknown, out of range, or asks for more layers than
    a file of so many tensors can have."""
    kwargs = {name: tuple(value) if isinstance(value, list) else value for name, value in current(config).items()}
    if not all(name in _CHECKS and _CHECKS[name](value) for name, value in kwargs.items()):
        return None
    flow = kwargs.get("flow") or {}
    counts = [*(kwargs.get(name) for name in _COUNTS), flow.get("depth"), len(kwargs.get("widths", ()))]
    if any(isinstance(count, int) and count > tensors for count in counts):
        return None
    return kwargs
