"""The files that the page opens with. They come back when somebody empties the temporary folder under a running page."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from .visitors import OPENING, home


class Opening:
    """A copy of files, in one file that has no name and so cannot be removed."""

    def __init__(self) -> None:
        self._places: dict[Path, tuple[int, int]] = {}  # path -> where its bytes begin, and how many
        self._store: BinaryIO | None = None
        self._later: dict[Path, Callable[[], object]] = {}  # what writes a file when it is first asked for
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def write_later(self, path: Path, write: Callable[[], object]) -> None:
        """Offers a file that `write()` makes when somebody asks for it; until then an empty one is in its place."""
        self._later[path] = write
        path.touch()

    def keep(self, paths: Iterable[Path]) -> None:
        """Copies those that are there."""
        with self._lock:
            self._store = self._store or tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the page)
            for path in paths:
                if path in self._places or path in self._later or not path.is_file():
                    continue
                data = path.read_bytes()
                start = self._store.seek(0, os.SEEK_END)
                self._store.write(data)
                self._places[path] = (start, len(data))
            self._store.flush()

    def __contains__(self, path: Path) -> bool:
        return path in self._places or path in self._later

    def restore(self, path: Path | None = None) -> None:
        """Writes that file if it is not there, or all that are gone. Raises OSError where the disk is full."""
        if path in self._later:
            self._write_first(path)
        for each in self._places if path is None else {path} & self._places.keys():
            if not each.exists():
                self._write(each)

    def _write_first(self, path: Path) -> None:
        with self._writing:
            if not path.is_file() or not path.stat().st_size:
                self.restore(path.with_suffix(".webp"))  # which it is made of
                self._later[path]()

    def _write(self, path: Path) -> None:
        with self._lock:
            if path.exists() or self._store is None:
                return
            start, size = self._places[path]
            self._store.seek(start)
            data = self._store.read(size)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".restored-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(name, path)  # nobody sees half a file
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise


opening = Opening()


def keep(more: Iterable[Path]) -> None:
    """Everything that was made while the page was built, and `more`."""
    made = (path for path in (home() / OPENING).rglob("*") if path.is_file())
    opening.keep([*made, *more])


def restore(path: Path | None = None) -> None:
    """See `Opening.restore`."""
    opening.restore(path)


def write_later(path: Path, write: Callable[[], object]) -> None:
    """See `Opening.write_later`."""
    opening.write_later(path, write)


def holds(path: Path) -> bool:
    """Whether the page opened with that file."""
    return path in opening
