"""What the Hub client's cache on this machine holds of a file, and clearing it.

A file has two or three hops in there: its name in a revision, `snapshots/COMMIT/FILE`, leads to `blobs/ETAG` of the same
repository, and that may lead on to a store that all repositories share. Only the first two belong to the repository.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..catalog.records import Hub
from ..errors import StudioError
from . import hub

_PATIENCE = 6.0  # seconds to wait for a download that ends; one that was stopped may linger for five


def folder_of(repo: str) -> Path:
    """Where the client keeps a repository's files."""
    return Path(hub.client().constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"


def lock_of(repo: str, etag: str) -> Path:
    """The file that whoever writes this blob holds locked, whichever program it is."""
    folder = folder_of(repo)
    return folder.parent / ".locks" / folder.name / f"{etag}.lock"


def stored(source: Hub) -> int:
    """Bytes that the file takes in the cache, in all its versions, with what a download that was stopped left of any file of
    its repository. 0 if there is nothing."""
    files = {path.resolve() for path in _pointers(source)} | set(_unfinished(source.repo))
    return sum(path.stat().st_size for path in files if path.is_file())


def clear(source: Hub) -> int:
    """Removes what `stored` counts, and returns the bytes that this freed. The Hub keeps its own.

    Only this file goes, not others of its repository, and nothing outside the repository's own folder: bytes that other
    repositories share stay as long as one of them leads there. Raises StudioError while anybody downloads the file.
    """
    until = time.monotonic() + _PATIENCE
    pointers = _pointers(source)
    with contextlib.ExitStack() as locks:
        for blob in {_blob(pointer) for pointer in pointers}:
            locks.enter_context(_idle(source, blob.name, until))
        freed = _delete(source, pointers)
    return freed + _clear_unfinished(source, until, alone=not pointers)


def _pointers(source: Hub) -> list[Path]:
    """The names of the file in the cache, one a version."""
    revisions = folder_of(source.repo).glob("snapshots/*")
    return [path for revision in revisions if os.path.lexists(path := revision / source.filename)]


def _blob(pointer: Path) -> Path:
    """Where a name leads, one hop far; itself where names are the files."""
    return Path(os.path.normpath(pointer.parent / os.readlink(pointer))) if pointer.is_symlink() else pointer


def _unfinished(repo: str) -> list[Path]:
    return list(folder_of(repo).glob("blobs/*.incomplete"))


def _clear_unfinished(source: Hub, until: float, *, alone: bool) -> int:
    """Removes what stopped downloads left. One that goes on, perhaps of another file, is left alone; where there was nothing else
    to clear, that raises StudioError."""
    freed = 0
    for path in _unfinished(source.repo):
        try:
            with _idle(source, path.name.partition(".")[0], until):
                size = path.stat().st_size
                path.unlink()
                freed += size
        except FileNotFoundError:  # complete by now
            continue
        except StudioError:
            if alone:
                raise
    return freed


@contextlib.contextmanager
def _idle(source: Hub, etag: str, until: float) -> Iterator[None]:
    """Holds a blob's lock. Raises StudioError where somebody else still has it at that time of the monotonic clock."""
    hub.client()
    from filelock import FileLock, Timeout

    path = lock_of(source.repo, etag)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, mode=0o664)
    try:
        lock.acquire(timeout=max(0.0, until - time.monotonic()))
    except Timeout:
        raise StudioError(f"{source.repo} is being downloaded just now, perhaps by somebody else: clear it later.") from None
    try:
        yield
    finally:
        lock.release()


def _delete(source: Hub, pointers: list[Path]) -> int:
    """Deletes names and the blobs that only they lead to, by the client's own means where it has them; bytes freed."""
    folder = folder_of(source.repo)
    with contextlib.suppress(hub.client().errors.CacheNotFound):
        found = hub.client().scan_cache_dir(folder.parent)
        wanted = {_place(path) for path in pointers}
        if hasattr(found, "delete_files"):
            files = [file for file in _files(found, folder) if _place(file.file_path) in wanted]
            if files:
                plan = found.delete_files(*files)
                plan.execute()
                return int(plan.expected_freed_size)
    return sum(_unlink(folder, pointer) for pointer in pointers)


def _place(path: Path) -> str:
    """A name in the cache without links in the folders before it."""
    return os.path.realpath(path.parent) + os.sep + path.name


def _files(found: Any, folder: Path) -> Iterator[Any]:
    """All files of a repository, as the client found them."""
    for repo in found.repos:
        if os.path.realpath(repo.repo_path) == os.path.realpath(folder):
            for revision in repo.revisions:
                yield from revision.files


def _unlink(folder: Path, pointer: Path) -> int:
    """For clients before 2.0, and for a repository whose folder they cannot read: a name, and its blob unless another name leads
    there. What is outside the repository's folder stays."""
    blob = _blob(pointer)
    pointer.unlink(missing_ok=True)
    others = (path for path in folder.glob("snapshots/**/*") if path.is_symlink())
    if blob == pointer or blob.parent != folder / "blobs" or any(_blob(path) == blob for path in others):
        return 0
    size = 0 if blob.is_symlink() or not blob.exists() else blob.stat().st_size
    blob.unlink(missing_ok=True)
    return size
