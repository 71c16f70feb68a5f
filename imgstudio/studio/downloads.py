"""Models that have to be fetched from the Hub before their first use: which, how far, and clearing them away again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from .. import catalog, weights
from ..catalog.records import Embedded, Formula, Hub, Spec
from ..errors import StudioError
from ..weights import Progress

__all__ = [
    *("Progress", "Stored", "accept", "cached", "clear", "download", "is_present", "missing"),
    *("location", "refused", "stored_bytes", "unfinished", "with_inverse"),
]


@dataclass(frozen=True)
class Stored:
    """A file of the Hub that lies on this machine. models: names of those that use it; size: bytes on disk."""

    models: tuple[str, ...]
    repo: str
    filename: str
    size: int


def refused() -> contextlib.AbstractContextManager[None]:
    """Within it no model is downloaded by the way: visitors are told the size and the licence first, and asked."""
    return weights.downloads_refused("press Download below its name")


def with_inverse(name: str) -> tuple[Spec, ...]:
    """A model and, for a translation, the one that leads back, as far as it is known: both are used at once."""
    spec = catalog.find(name)
    inverse = next((other for other in catalog.models(spec.task) if other.name == spec.inverse), None)
    return (spec,) if inverse is None else (spec, inverse)


def missing(name: str) -> tuple[Spec, ...]:
    """What has to be downloaded before a model can be used: itself, and the way back of a translation. No request."""
    wanted = {source: spec for spec in with_inverse(name) if (source := _source(spec))}
    return tuple(other for source, other in wanted.items() if weights.present(source) is None)


def is_present(name: str) -> bool:
    """Whether a model's weights are on this machine, unless they are known to be damaged. No request."""
    spec = catalog.find(name)
    if isinstance(spec.source, Formula):
        return True
    source = weights.effective(spec.source)
    return (weights.folder() / source.filename).is_file() if isinstance(source, Embedded) else not missing(name)


def location(spec: Spec) -> str:
    """Where a model's weights are."""
    if not isinstance(spec.source, Hub):
        return "embedded" if spec.embedded else "a file"
    return f"{spec.whence}{', downloaded' if not missing(spec.name) else ''}"


def download(name: str) -> Iterator[Progress]:
    """Fetches what `missing` names, step by step. Stop iterating to stop; it goes on from there the next time. StudioError."""
    for spec in missing(name):
        source, instead = _source(spec), catalog.default(spec.task)
        assert source is not None
        path = yield from weights.fetching(source, name=spec.known_as, instead=instead.known_as if instead else None)
        weights.verify(spec, path)


def cached() -> tuple[Stored, ...]:
    """The files of the catalogue's models that were downloaded, or begun to be, and what they take."""
    users: dict[Hub, list[str]] = {}
    for spec in catalog.models():
        if source := _source(spec):
            users.setdefault(source, []).append(spec.name)
    found = [Stored(tuple(names), source.repo, source.filename, weights.stored(source)) for source, names in users.items()]
    return tuple(entry for entry in found if entry.size)


def stored_bytes(name: str) -> int:
    """Bytes that a model's download takes on this machine; 0 for what comes with the studio."""
    source = _source(catalog.find(name))
    return weights.stored(source) if source else 0


def unfinished(name: str) -> bool:
    """True for a download that was begun and stopped."""
    source = _source(catalog.find(name))
    return bool(source and weights.stored(source) and weights.present(source) is None)


def clear(name: str) -> int:
    """Removes a model's download from this machine, and returns the bytes that this freed: none where another repository shares
    them. Files of other models and of other programs stay. It can be fetched again. Raises StudioError."""
    source = _downloadable(name)
    if not weights.stored(source):
        raise StudioError(f"{catalog.find(name).known_as} has not been downloaded: there is nothing to clear.")
    return weights.clear(source)


def accept(name: str) -> None:
    """Lets the next download of a model's file be another one than the first was. Raises StudioError."""
    if not weights.forget(_downloadable(name)):
        raise StudioError(f"{catalog.find(name).known_as} has no remembered file: whatever comes first is taken.")


def _downloadable(name: str) -> Hub:
    spec = catalog.find(name)
    if (source := _source(spec)) is None:
        raise StudioError(f"{spec.known_as} comes with the studio: there is no download of it.")
    return source


def _source(spec: Spec) -> Hub | None:
    """Where a model is downloaded from; None for one that needs no download."""
    if isinstance(spec.source, Formula):
        return None
    source = weights.effective(spec.source)
    return source if isinstance(source, Hub) else None
