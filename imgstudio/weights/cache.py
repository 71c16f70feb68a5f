"""What the Hub client's cache on this machine holds of a file, and clearing it."""

from __future__ import annotations

from pathlib import Path

from ..spec import Hub
from . import hub


def folder_of(repo: str) -> Path:
    """Where the client keeps a repository's files."""
    return Path(hub.client().constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"


def stored(source: Hub) -> int:
    """Bytes that the file takes in the cache, in all its versions, with what a download that was stopped left of any file of
    its repository. 0 if there is nothing."""
    return sum(path.stat().st_size for path in _files(source))


def clear(source: Hub) -> int:
    """Removes what `stored` counts, and returns the bytes that this freed. The Hub keeps its own."""
    freed = stored(source)
    pointers = _pointers(source)
    for path in (*_files(source), *pointers):
        path.unlink(missing_ok=True)
    return freed


def _pointers(source: Hub) -> list[Path]:
    """The names of the file in the cache, one a version. They lead to the blobs, which hold the bytes."""
    return list(folder_of(source.repo).glob(f"snapshots/*/{source.filename}"))


def _files(source: Hub) -> set[Path]:
    whole = {path.resolve() for path in _pointers(source)}
    return {path for path in (*whole, *folder_of(source.repo).glob("blobs/*.incomplete")) if path.is_file()}
