"""Where the file of a model is on this machine, and whether it is the right one."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections.abc import Iterator
from pathlib import Path

from .. import resources
from ..catalog.records import Embedded, Hub, Local, Source, Spec
from ..errors import StudioError
from .downloads import Report, fetch, present
from .files import sha256


def folder() -> Path:
    """The folder of the embedded files: IMGSTUDIO_WEIGHTS_DIR, or the one that comes with the package."""
    return Path(os.environ.get("IMGSTUDIO_WEIGHTS_DIR") or resources.folder("weights"))


def locate(spec: Spec, *, instead: str | None = None, progress: Report | None = None) -> Path:
    """The file of a model on this machine, downloaded if it has to be.

    instead: the model to recommend should this one be out of reach; progress: as of `fetch`. Raises StudioError.
    """
    source = effective(spec.source)
    if isinstance(source, Hub):
        if (advice := _refusal.get()) and present(source) is None:
            raise StudioError(f"{spec.known_as} is not on this machine yet: {advice}.")
        return fetch(source, name=spec.known_as, progress=progress or _report.get(), instead=instead)
    if isinstance(source, Local):
        if not (path := Path(source.path)).is_file():
            raise StudioError(f"{path.name}, the file of {spec.known_as}, is no longer there: import it again.")
        return path
    assert isinstance(source, Embedded), "a formula has no file"
    path = folder() / source.filename
    if not path.is_file():
        raise StudioError(
            f"The weights of {spec.known_as} are missing: restore the file {path.name}, or set IMGSTUDIO_WEIGHTS_DIR to its "
            "folder."
        )
    return path


_refusal: contextvars.ContextVar[str] = contextvars.ContextVar("refusal", default="")


@contextlib.contextmanager
def downloads_refused(advice: str) -> Iterator[None]:
    """Within it, `locate` downloads nothing: it raises StudioError with the advice, what to do for a file that is not here."""
    token = _refusal.set(advice)
    try:
        yield
    finally:
        _refusal.reset(token)


_report: contextvars.ContextVar[Report | None] = contextvars.ContextVar("report", default=None)


@contextlib.contextmanager
def downloads_shown(report: Report) -> Iterator[None]:
    """Within it, `locate` tells how far its downloads are."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def effective(source: Source) -> Source:
    """IMGSTUDIO_WEIGHTS=owner/repo[@revision] moves the embedded files to a Hub repository, under the same hashes."""
    setting = os.environ.get("IMGSTUDIO_WEIGHTS")
    if not setting or not isinstance(source, Embedded):
        return source
    repo, _, revision = setting.partition("@")
    try:
        return Hub(repo=repo, filename=source.filename, revision=revision or "main", sha256=source.sha256)
    except ValueError as error:
        raise StudioError(f"IMGSTUDIO_WEIGHTS is {setting!r}: it has to be owner/repo or owner/repo@revision.") from error


def verify(spec: Spec, path: Path) -> None:
    """Raises StudioError unless the file is the one that the catalogue names."""
    expected = getattr(spec.source, "sha256", None)
    if expected is None or sha256(path) == expected:
        return
    found = path.stat().st_size
    if found < spec.size:
        problem = f"is incomplete ({found:,} of {spec.size:,} bytes)"
    else:
        problem = f"is not the expected one (SHA-256 {sha256(path)[:12]}..., expected {expected[:12]}...)"
    wrong = "clear its download" if isinstance(effective(spec.source), Hub) else f"delete {path.name}"
    raise StudioError(f"The file of {spec.known_as} {problem}: {wrong} and get it again.")
