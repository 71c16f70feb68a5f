"""Files of the Hub on their way to this machine, into the Hub client's own cache.

A file is fetched once however many ask for it, goes on where an earlier attempt ended, and gets its name only when it is whole.
Always by plain HTTP: the client's other ways can neither be stopped nor resumed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ..catalog.records import Hub
from ..errors import StudioError
from . import cache, hub, known
from .files import sha256

BEAT = 0.2  # seconds between two reports of progress
TRIES, PAUSE = 4, 0.5  # connections in a row that may bring nothing, and seconds between two of them
TIMEOUT = 5.0  # seconds for which a connection may be silent; a stopped download may linger as long

log = logging.getLogger(__name__)

Report: TypeAlias = Callable[["Progress"], None]
Steps: TypeAlias = Generator["Progress", None, Path]


@dataclass(frozen=True)
class Progress:
    """How far a download is. done, total: bytes, those of earlier attempts included; speed: bytes a second."""

    done: int
    total: int
    speed: float

    @property
    def text(self) -> str:
        """For people: "12.3 of 45.5 MB, 3.2 MB a second"."""
        return f"{self.done / 1e6:.1f} of {self.total / 1e6:.1f} MB, {self.speed / 1e6:.1f} MB a second"


def fetch(source: Hub, *, name: str, progress: Report | None = None, instead: str | None = None) -> Path:
    """The file in the Hub's cache on this machine; without any request if it is there and right.

    name:     what is downloaded, for messages. instead: what to recommend should it be out of reach.
    progress: is called several times a second while bytes come in; if it raises, the download stops.

    Raises StudioError.
    """
    steps = fetching(source, name=name, instead=instead)
    try:
        while True:
            state = next(steps)
            if progress is not None:
                progress(state)
    except StopIteration as end:
        return end.value
    finally:
        steps.close()


def fetching(source: Hub, *, name: str, instead: str | None = None, limit: int | None = None) -> Steps:
    """`fetch` step by step: yields how far it is, and returns the path. Closing it stops the download, unless others wait for
    the same file; what has arrived stays for the next attempt. limit: bytes that the file may have, also one that is here."""
    if (path := present(source)) is not None:
        _check_size(name, path.stat().st_size, limit)
        return path
    advice = f"use {instead}, which is here already" if instead else "try again once that has changed"
    with hub.explained(f"{name} cannot be downloaded", source, advice):
        header = hub.ask(source)
        _check_size(name, header.size, limit)
        download = _join(source, header)
        try:
            while not download.finished.wait(BEAT):
                yield download.progress()
        finally:
            _leave(download)
        return download.result()


def _check_size(name: str, size: int | None, limit: int | None) -> None:
    if limit is not None and size is None:
        raise StudioError(f"How large {name} is cannot be found out, and here it has a limit: choose another file.")
    if limit is not None and size is not None and size > limit:
        raise StudioError(
            f"{name} has {size / 1e6:.0f} MB, and {limit / 1e6:.0f} MB may be downloaded here: choose a smaller file."
        )


def present(source: Hub) -> Path | None:
    """The file, if it is in the cache and, as far as its hash is known, right. No request, and nothing is deleted: a damaged
    file is replaced when somebody downloads it again."""
    cached = hub.client().try_to_load_from_cache(source.repo, source.filename, revision=source.revision)
    if not isinstance(cached, str):
        return None
    path, expected = Path(cached), source.sha256 or known.digest(source)
    with contextlib.suppress(OSError):  # cleared since
        if expected in (None, sha256(path)):
            return path
        log.info("%s in the cache is not the expected file", source)
    return None


# --- one download, however many wait for it ---

_running: dict[tuple[str, Hub], _Download] = {}
_lock = threading.Lock()


def _join(source: Hub, header: Any) -> _Download:
    """The download of this file that is going on, or a new one."""
    key = hub.endpoint(), source
    with _lock:
        if (download := _running.get(key)) is None:
            download = _running[key] = _Download(source, header)
            threading.Thread(target=download.run, daemon=True).start()
        download.waiting += 1
    return download


def _leave(download: _Download) -> None:
    with _lock:
        download.waiting -= 1
        if download.waiting == 0 or download.finished.is_set():
            download.unwanted.set()
            _running.pop((download.endpoint, download.source), None)


class _Unwanted(Exception):
    """Nobody waits for the file any more."""


class _Download:
    """One file on its way."""

    def __init__(self, source: Hub, header: Any) -> None:
        self.source, self.endpoint = source, hub.endpoint()
        self.size, self.etag = header.size or 0, header.etag
        self.waiting = 0
        self.finished, self.unwanted = threading.Event(), threading.Event()
        self._outcome: Path | Exception = _Unwanted()
        # Names and lock are those of the client, so that no two programs write the same file.
        self._lock = cache.lock_of(source.repo, self.etag)
        self._whole = cache.folder_of(source.repo) / "blobs" / self.etag
        self._part = self._whole.with_name(f"{self.etag}.incomplete")
        self._began, self._first = time.monotonic(), self._arrived()

    def progress(self) -> Progress:
        done = self._arrived()
        return Progress(done, max(self.size, done), max(0, done - self._first) / max(1e-3, time.monotonic() - self._began))

    def result(self) -> Path:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def run(self) -> None:
        try:
            self._outcome = self._get()
        except Exception as error:  # handed to those who wait
            self._outcome = error
        self.finished.set()

    def _get(self) -> Path:
        """Brings the bytes, then lets the client give them their names in its cache."""
        library = hub.client()
        from huggingface_hub.utils import WeakFileLock

        self._lock.parent.mkdir(parents=True, exist_ok=True)
        self._whole.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(self._lock):
            if not self._right(self._whole):
                self._bring()
        source = self.source
        path = library.hf_hub_download(
            source.repo, source.filename, revision=source.revision, endpoint=self.endpoint, etag_timeout=hub.PATIENCE
        )
        known.remember(source, sha256(Path(path)))
        return Path(path)

    def _right(self, path: Path) -> bool:
        """Whether a file is there that has the announced size and hash; of the latter, the Hub has two kinds."""
        if not path.exists() or (self.size and path.stat().st_size != self.size):
            return False
        if re.fullmatch(r"[0-9a-f]{64}", self.etag):
            return sha256(path) == self.etag
        return not re.fullmatch(r"[0-9a-f]{40}", self.etag) or _git_hash(path) == self.etag

    def _bring(self) -> None:
        """The whole file under its name; what an earlier attempt left is not fetched again."""
        self._part.touch()  # from here on, what has arrived is what is in it
        if self._arrived() > self.size:
            self._part.unlink()
            self._part.touch()
        self._first = self._arrived()
        if shutil.disk_usage(self._part.parent).free < self.size - self._first:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with self._part.open("ab") as file:
            self._receive_all(file)
        if not self._right(self._part):
            self._part.unlink()
            raise hub.Damaged
        os.replace(self._part, self._whole)  # of a damaged file that other repositories share, only the link to it is replaced

    def _receive_all(self, file: BinaryIO) -> None:
        """What is missing, in as many connections as it takes, until TRIES of them in a row brought nothing."""
        idle, broken = 0, None
        while idle < TRIES:
            before = self._arrived()
            try:
                self._receive(file, before)
            except (OSError, _Unwanted, hub.Damaged):  # the disk, an answer of the Hub, or nobody who waits
                raise
            except Exception as error:  # of the client's HTTP library
                broken = error
            after = self._arrived()
            if after == self.size or (not self.size and broken is None):
                return
            idle = 0 if after > before else idle + 1
            self.unwanted.wait(PAUSE)
        raise hub.BrokenOff from broken

    def _receive(self, file: BinaryIO, start: int) -> None:
        """One connection, from this byte on."""
        from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

        headers = {**build_hf_headers(), "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        where = hub.url(self.source)
        with get_session().stream("GET", where, headers=headers, timeout=TIMEOUT, follow_redirects=True) as response:
            hf_raise_for_status(response)
            if start and response.status_code != 206:  # the server begins at the beginning, whatever it was asked for
                file.truncate(0)
            for block in response.iter_bytes():
                if self.unwanted.is_set():
                    raise _Unwanted
                file.write(block)
                file.flush()
                if 0 < self.size < self._arrived():
                    self._part.unlink()
                    raise hub.Damaged  # more than was announced, and so than was allowed

    def _arrived(self) -> int:
        for path in (self._part, self._whole):
            with contextlib.suppress(FileNotFoundError):
                return path.stat().st_size
        return 0


def _git_hash(path: Path) -> str:
    """What Git calls the file; the Hub does so too, unless it is large."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    digest.update(path.read_bytes())
    return digest.hexdigest()
