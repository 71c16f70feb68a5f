"""Arguments of a call as plain values for its record, and back."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ... import image as images
from ...checks import number, shown
from ...errors import StudioError
from .reading import parsed

LATENT, MADE = "$latent", "$made"  # keys of a value that is an object: a place in latent space, what another call made
LONGEST_NESTED = 100_000  # characters of an input's own record that are taken over
_DEEPEST = 6  # records within each other


class Described:
    """The arguments of a call, sorted: settings are plain values, inputs are pictures of which only the fingerprint is kept."""

    def __init__(self, words: Collection[str] = ()) -> None:
        self.settings: dict[str, Any] = {}
        self.inputs: dict[str, dict[str, Any]] = {}
        self._words = words

    def add(self, name: str, value: Any, annotation: str) -> None:
        """An argument; annotation: as in the signature. Raises StudioError for what no record can hold."""
        if not takes_picture(annotation) or is_setting(value, annotation, self._words):
            self._add_other(name, value)
        elif isinstance(value, list | tuple):
            self.inputs |= {f"{name}_{number}": _picture(each) for number, each in enumerate(value, start=1)}
        else:
            self.inputs[name] = _picture(value)

    def _add_other(self, name: str, value: Any) -> None:
        record = None if _is_latent(value) else getattr(value, "_record", None)
        if record is not None and _depth(record) < _DEEPEST:
            self.settings[name] = {MADE: record}
        elif hasattr(value, "labels"):  # regions that a person made
            self.inputs[name] = {"name": None, "size": list(value.size), "sha256": fingerprint_of(value)}
        else:
            self.settings[name] = plain(value)


def takes_picture(annotation: str) -> bool:
    """Whether a parameter of such an annotation takes pictures."""
    return "Source" in annotation


def is_setting(value: Any, annotation: str, words: Collection[str]) -> bool:
    """Whether the value of a parameter for pictures is none: nothing, the number of a region, or a word."""
    if value is None or (isinstance(value, str) and value in words):
        return True
    return "int" in annotation and number(value) is not None


def plain(value: Any) -> Any:
    """A value for JSON. Raises StudioError for what is none."""
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, np.bool_):
        return bool(value)
    if (found := number(value)) is not None:
        return found
    if _is_latent(value):
        return {LATENT: _latent(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    try:
        return [plain(each) for each in value]
    except TypeError:
        raise StudioError(f"A record can't hold {shown(value)}: give plain values.") from None


# --- pictures and regions ---


def _picture(source: images.Source) -> dict[str, Any]:
    """What a record says of an input."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        state = path.stat()
        return dict(_file(path, state.st_mtime_ns, state.st_size))
    picture = images.read(source)
    name = getattr(source, "filename", None) if isinstance(source, Image.Image) else None
    record = images.carried(source) if isinstance(source, Image.Image) else None
    original = getattr(source, "original", None) if isinstance(source, Image.Image) else None
    return {**_entry(name, picture, record), **({"original": original} if isinstance(original, dict) else {})}


@functools.lru_cache(maxsize=64)  # sliders ask for the same files again and again
def _file(path: Path, _changed: int, _size: int) -> dict[str, Any]:
    try:
        record = parsed(images.read_record(path)[0] or "")
    except StudioError:
        record = None
    return _entry(path.name, images.read(path), record)


def _entry(name: object, picture: Image.Image, record: Mapping[str, Any] | None) -> dict[str, Any]:
    title = Path(str(name).replace("\\", "/")).name[:100] if name and str(name).isprintable() else None
    digest = images.fingerprint(picture)
    entry = {"name": title, "size": list(picture.size), "sha256": digest}
    return {**entry, "record": dict(record)} if record is not None and _made_it(record, digest) else entry


def _made_it(record: Mapping[str, Any], digest: str) -> bool:
    """Whether a record is that of these pixels, and not too large to go along."""
    made = record.get("picture")
    same = isinstance(made, dict) and made.get("sha256") == digest
    return same and _depth(record) < _DEEPEST and len(json.dumps(record)) <= LONGEST_NESTED


def _depth(value: Any) -> int:
    """How many records lie within each other."""
    if isinstance(value, Mapping):
        return int("operation" in value) + max(map(_depth, value.values()), default=0)
    return max(map(_depth, value), default=0) if isinstance(value, list) else 0


def fingerprint_of(regions: Any) -> str:
    """SHA-256 of the labels of regions."""
    labels = np.ascontiguousarray(regions.labels, dtype="<i4")
    return hashlib.sha256(f"labels {labels.shape}\n".encode() + labels.tobytes()).hexdigest()


# --- places in latent space ---


def _is_latent(value: Any) -> bool:
    return hasattr(value, "w") and hasattr(value, "model")


def _latent(place: Any) -> dict[str, Any]:
    w = place.w.detach().float().cpu()
    return {"model": str(place.model), "shape": list(w.shape), "w": base64.b64encode(w.numpy().astype("<f4").tobytes()).decode()}


def latent(value: Any) -> Any:
    """The place that `plain` wrote. Raises StudioError for what is none."""
    from ..sampling.latents import Latent

    try:
        layers, style = (int(length) for length in value["shape"])
        numbers = np.frombuffer(base64.b64decode(value["w"], validate=True), "<f4").astype(np.float32)
        w: Tensor = torch.from_numpy(numbers).reshape(layers, style)
        return Latent(str(value["model"]), w)
    except (binascii.Error, KeyError, ValueError, TypeError, RuntimeError, OverflowError):
        raise StudioError("The record holds a place in a latent space that cannot be read: make the picture anew.") from None
