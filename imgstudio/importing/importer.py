"""`import_weights`: from what a person names to a model of the catalogue."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from torch import Tensor

from .. import catalog, weights
from ..catalog.records import TASKS, Local, Spec, Task
from ..checks import check_choice
from ..errors import StudioError
from . import sources
from .recognition import Recognised, recognising
from .sources import Place

UNKNOWN = "not stated"
_PREFIX = "imgstudio-joined-"
_lock = threading.Lock()

SECONDS = 60.0  # for which one file may be read and looked at

Source: TypeAlias = "str | Path | Sequence[str | Path]"


@dataclass(frozen=True)
class Looking:
    """The file is here, and is looked at."""

    @property
    def text(self) -> str:
        """For people."""
        return "Looking at it ..."


Steps: TypeAlias = Generator["weights.Progress | Looking", None, Spec]


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
    source: Source, *, task: Task | None = None, listed: bool = True, here: bool = True, limit: int | None = None
) -> Steps:
    """`import_weights` step by step: yields how far it is, and returns the model. Closing it ends the work.

    listed: False keeps it out of `models()`; only who knows its name can use it.
    here:   False opens no file of this machine that `source` may name.
    limit:  bytes that a file may have, downloads included; None for any.
    """
    if task is not None:
        check_choice("task", task, TASKS)
    found: list[Place] = []
    for each in _named(source):
        found += yield from (sources.find if here else sources.find_in_hub)(each, limit)
    found = list({place.path: place for place in found}.values())
    if not 1 <= len(found) <= 2:
        raise StudioError(f"Bring one file, or the two halves of an autoencoder, not {len(found)} files.")
    known = _known(found)
    if known is not None and known.task == (task or known.task):
        return known
    return (yield from _within(SECONDS, _recognised(found, task, listed)))


def _named(source: Source) -> list[str | Path]:
    """What is to be found, one by one."""
    if isinstance(source, str | Path) or not isinstance(source, Sequence):
        return [source]  # what is no name at all is refused where names are looked at
    if len(source) > 2:
        raise StudioError(f"Bring one file, or the two halves of an autoencoder, not {len(source)} files.")
    return list(source)


def _within(seconds: float, steps: Steps) -> Steps:
    """The steps, unless they take longer than that. Time in which nobody asks for the next one does not count."""
    spent = 0.0
    try:
        while True:
            began = time.monotonic()
            step = next(steps)
            spent += time.monotonic() - began
            if spent > seconds:
                raise StudioError(f"To find out what this file is took longer than {seconds:.0f} s: choose another one.")
            yield step
    except StopIteration as end:
        return end.value
    finally:
        steps.close()


def _recognised(found: list[Place], task: Task | None, listed: bool) -> Steps:
    """The model of a file that is here, or of both halves."""
    place = found[0] if len(found) == 1 else (yield from _joined(*found))
    yield Looking()
    config = weights.read_config(place.path) if weights.is_safetensors(place.path) else None
    content = weights.read(place.path)
    yield Looking()
    recognised = yield from _looked_at(content, place, task, config)
    with _lock:
        return catalog.register(_spec(place, recognised, listed), listed=listed)


def _looked_at(
    content: Mapping[str, Any], place: Place, task: Task | None = None, config: dict[str, Any] | None = None
) -> Generator[Looking, None, Recognised]:
    steps = recognising(content, weights.printable(place.path.name), task=task, config=config)
    try:
        while True:
            next(steps)
            yield Looking()
    except StopIteration as end:
        return end.value


def _known(found: list[Place]) -> Spec | None:
    """The model of the catalogue whose file this is."""
    digest = found[0].source.sha256
    return next((spec for spec in catalog.SPECS if digest and getattr(spec.source, "sha256", None) == digest), None)


# --- what is in it ---


def _joined(one: Place, other: Place) -> Generator[Looking, None, Place]:
    """Both halves of an autoencoder as one file of this process."""
    parts: dict[str, Tensor] = {}
    for place in (one, other):
        yield Looking()
        state = weights.read(place.path)
        found = yield from _looked_at(state, place)
        halves = found.kwargs.get("halves", ())
        if found.build != "imgstudio.models.taesd:TAESD" or len(halves) != 1 or any(key.startswith(halves) for key in parts):
            names = " and ".join(weights.printable(each.path.name) for each in (one, other))
            raise StudioError(f"{names} are not the two halves of one autoencoder: bring one file at a time.")
        parts |= found.convert(state)
    stem = re.sub(r"[-_. ]?(encoder|decoder)[-_. ]?", "", one.stem, flags=re.IGNORECASE) or one.stem
    path = _folder() / f"{stem}-{weights.sha256(one.path)[:8]}-{weights.sha256(other.path)[:8]}.safetensors"
    digest = weights.write(path, parts, exact=True)
    return replace(one, path=path, source=Local(path=str(path), sha256=digest), stem=stem)


@functools.cache
def _folder() -> Path:
    """Where joined files lie until the process ends."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):  # of processes that were killed
        if (found := re.match(rf"{_PREFIX}(\d{{1,9}})-", left.name)) and weights.stale(left, int(found[1])):
            shutil.rmtree(left, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


# --- the record ---


def _spec(place: Place, found: Recognised, listed: bool) -> Spec:
    digest = weights.sha256(place.path)
    stem = re.sub(r"[^\w.-]+", "-", place.stem, flags=re.ASCII).strip("-") or "model"
    return Spec(
        name=_name(stem, digest, found.task, listed),
        task=found.task,
        title=f"{weights.printable(place.stem)}: {found.title}",
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
