"""`import_weights`: from what a person names to a model of the catalogue."""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor

from .. import catalog, weights
from ..errors import StudioError
from ..spec import Local, Spec, Task
from . import places
from .places import Place
from .recognition import Recognised, recognise

UNKNOWN = "not stated"
_lock = threading.Lock()

Source: TypeAlias = "str | Path | Sequence[str | Path]"


def import_weights(source: Source, *, task: Task | None = None) -> Spec:
    """Makes a model of other people's weights usable by name in this process: `load(spec.name)`, `sample(spec.name, [1])`, ...

    source: a file, a folder, "owner/repo" or "owner/repo/file", also with "@revision"; or the two files of an autoencoder.
            What the net is follows from the names and shapes of the tensors; nothing in a file is ever executed.
    task:   what it is wanted for, where a file serves several: a VGG-19 guides style transfer, and also tells textures apart.

    The spec's `note` says what was found. Raises StudioError, with the first keys, for what is not recognised.
    """
    steps = importing(source, task=task)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def importing(
    source: Source, *, task: Task | None = None, listed: bool = True, here: bool = True
) -> Generator[weights.Progress, None, Spec]:
    """`import_weights` step by step: yields how far a download is, and returns the model.

    listed: False keeps it out of `models()`; only who knows its name can use it.
    here:   False opens no file of this machine that `source` may name.
    """
    found: list[Place] = []
    for each in [source] if isinstance(source, str | Path) else source:
        found += yield from (places.find if here else places.find_in_hub)(each)
    found = list({place.path: place for place in found}.values())
    if not 1 <= len(found) <= 2:
        raise StudioError(f"Bring one file, or the two halves of an autoencoder, not {len(found)} files.")
    known = _known(found)
    if known is not None and known.task == (task or known.task):
        return known
    place, content, config = _opened(found)
    recognised = recognise(content, place.path.name, task=task, config=config)
    with _lock:
        return catalog.register(_spec(place, recognised, listed), listed=listed)


def _known(found: list[Place]) -> Spec | None:
    """The model of the catalogue whose file this is."""
    digest = found[0].source.sha256
    return next((spec for spec in catalog.SPECS if digest and getattr(spec.source, "sha256", None) == digest), None)


# --- what is in it ---


def _opened(found: list[Place]) -> tuple[Place, Mapping[str, Any], dict[str, Any] | None]:
    """The file, its content, and the metadata of files of this studio."""
    if len(found) > 1:
        found = [_joined(*found)]
    (place,) = found
    config = weights.read_config(place.path) if place.path.suffix == ".safetensors" else None
    return place, weights.read(place.path), config


def _joined(one: Place, other: Place) -> Place:
    """Both halves of an autoencoder as one file of this process."""
    parts: dict[str, Tensor] = {}
    for place in (one, other):
        state = weights.read(place.path)
        found = recognise(state, place.path.name)
        halves = found.kwargs.get("halves", ())
        if found.build != "imgstudio.models.taesd:TAESD" or len(halves) != 1 or any(key.startswith(halves) for key in parts):
            names = f"{one.path.name} and {other.path.name}"
            raise StudioError(f"{names} are not the two halves of one autoencoder: bring one file at a time.")
        parts |= found.convert(state)
    stem = re.sub(r"[-_. ]?(encoder|decoder)[-_. ]?", "", one.stem, flags=re.IGNORECASE) or one.stem
    path = _folder() / f"{stem}-{weights.sha256(one.path)[:8]}-{weights.sha256(other.path)[:8]}.safetensors"
    digest = weights.write(path, parts, exact=True)
    return replace(one, path=path, source=Local(path=str(path), sha256=digest), stem=stem)


@functools.cache
def _folder() -> Path:
    """Where joined files lie until the process ends."""
    path = Path(tempfile.mkdtemp(prefix="imgstudio-brought-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


# --- the record ---


def _spec(place: Place, found: Recognised, listed: bool) -> Spec:
    digest = weights.sha256(place.path)
    stem = re.sub(r"[^\w.-]+", "-", place.stem, flags=re.ASCII).strip("-") or "model"
    return Spec(
        name=_name(stem, digest, found.task, listed),
        task=found.task,
        title=f"{place.stem}: {found.title}",
        build=found.build,
        kwargs=found.kwargs,
        source=place.source,
        size=place.path.stat().st_size,
        licence=UNKNOWN,
        origin=place.origin,
        data=UNKNOWN,
        paper=found.paper,
        convert=found.convert,
        labels=found.labels,
        side=found.side,
        note=found.said,
    )


def _name(stem: str, digest: str, task: Task, listed: bool) -> str:
    """own/STEM; with some of the file's hash where another file has that name, and where nobody is to guess it."""
    name = f"own/{stem}"
    if not listed:
        return f"{name}-{digest[:12]}" + ("" if task != "segment" else "-texture")
    try:
        taken = catalog.find(name)
    except StudioError:
        return name
    same = taken.source.sha256 in (None, digest) and taken.task == task
    return name if same else f"{name}-{digest[:6]}-{task}"
