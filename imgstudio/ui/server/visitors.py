"""Visitors and their folders: whose results lie where, and when they go.

A visitor is one session of the page, or one call by HTTP. Handlers need not know: `folder()` is the folder of whoever asked.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import itertools
import os
import secrets
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from .settings import settings

OPENING = "opening"  # what the page opens with; everybody's
UPLOADED = "upload-"  # begins the name of a folder that holds what its visitor uploaded
RECENT = 4  # previews of one control that a browser may still be loading
NEVER_CONNECTED = 10  # times as long as a visitor who has left, a caller by HTTP has to fetch the results
_PROCESS = secrets.token_hex(8)  # several studios may share one temporary folder
_SECRET = secrets.token_bytes(32)  # so that nobody finds a folder's name from a session's

_remover = ThreadPoolExecutor(1, thread_name_prefix="files-of-visitors")


def root() -> Path:
    """Gradio's upload folder, resolved; it need not exist."""
    return Path(os.path.realpath(get_upload_folder()))


def home() -> Path:
    """Where this process keeps its results."""
    return root() / "imgstudio" / _PROCESS


@dataclass(eq=False)
class Visitor:
    """What is known of a visitor; times are those of `time.monotonic`."""

    key: str  # a pseudonym, and the name of the folder
    connections: int = 0  # open pages
    ever_connected: bool = False
    working: int = 0  # events in progress
    seen: float = field(default_factory=time.monotonic)
    previews: dict[str, deque[list[Path]]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return home() / self.key

    def has_left(self, now: float) -> bool:
        """Whether it is time to forget this visitor."""
        patience = settings().forget_seconds * (1 if self.ever_connected else NEVER_CONNECTED)
        return not self.connections and not self.working and now - self.seen > patience

    def touch(self) -> None:
        self.seen = time.monotonic()


_current: ContextVar[Visitor | None] = ContextVar("visitor", default=None)
_made: ContextVar[list[Path] | None] = ContextVar("made", default=None)  # folders, while a control is dragged


class Visitors:
    """All visitors of this process, by the name of their session."""

    def __init__(self) -> None:
        self._known: dict[str, Visitor] = {}
        self._lock = threading.Lock()

    def of(self, session: str | None) -> Visitor:
        """The visitor of that session, made when there is none. None: a call of its own."""
        session = session or secrets.token_hex(16)
        with self._lock:
            if session not in self._known:
                self._known[session] = Visitor(hashlib.sha256(_SECRET + session.encode()).hexdigest()[:32])
            return self._known[session]

    def find(self, session: str) -> Visitor | None:
        return self._known.get(session)

    @contextlib.contextmanager
    def connected(self, session: str) -> Iterator[Visitor]:
        """While a page is open."""
        visitor = self.of(session)
        visitor.connections += 1
        visitor.ever_connected = True
        try:
            yield visitor
        finally:
            visitor.connections -= 1
            visitor.touch()

    @contextlib.contextmanager
    def at_work(self, session: str | None) -> Iterator[Visitor]:
        """While an event of this visitor is handled: `folder()` is theirs."""
        visitor = self.of(session)
        visitor.working += 1
        token = _current.set(visitor)
        try:
            yield visitor
        finally:
            _current.reset(token)
            visitor.working -= 1
            visitor.touch()
            if visitor.folder.exists():
                _remover.submit(_bound, visitor.folder, settings().visitor_mb * 1e6)

    def fetched(self, path: Path) -> None:
        """A file was asked for: its visitor is still there."""
        with contextlib.suppress(ValueError):
            key = path.relative_to(home()).parts[0]
            for visitor in list(self._known.values()):
                if visitor.key == key:
                    visitor.touch()

    def forget(self, session: str) -> None:
        """Removes what is kept for this visitor."""
        with self._lock:
            visitor = self._known.pop(session, None)
        if visitor is not None:
            _remover.submit(shutil.rmtree, visitor.folder, True)

    def forget_those_who_left(self) -> list[str]:
        """Their sessions. To be called now and then."""
        now = time.monotonic()
        gone = [session for session, visitor in list(self._known.items()) if visitor.has_left(now)]
        for session in gone:
            self.forget(session)
        return gone

    def __len__(self) -> int:
        return len(self._known)


visitors = Visitors()


def current() -> Visitor | None:
    """Whose event is being handled on this thread; None while the page is built."""
    return _current.get()


def folder() -> Path:
    """A new folder for results of the current visitor. During a drag it replaces an older one."""
    visitor = current()
    path = (visitor.folder if visitor else home() / OPENING) / secrets.token_hex(16)
    path.mkdir(parents=True)
    made = _made.get()
    if made is not None:
        made.append(path)
    return path


def is_result(path: Path) -> bool:
    """Whether a file lies in a folder of `folder`: the page made it, and nobody uploaded it."""
    real = path.resolve()
    return home() in real.parents and not real.parent.name.startswith(UPLOADED)


_controls = itertools.count()


def replacing(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler of a control that is dragged: of all its results only the latest are kept."""
    control = f"control {next(_controls)}"

    @functools.wraps(handler)
    def once(*args: Any) -> Any:
        made: list[Path] = []
        with _collecting(made):
            result = handler(*args)
        _replace(current(), control, made)
        return result

    @functools.wraps(handler)
    def stepwise(*args: Any) -> Iterator[Any]:
        made: list[Path] = []
        visitor, steps = current(), handler(*args)
        try:
            while True:
                with _collecting(made):  # each step may run on another thread
                    try:
                        step = next(steps)
                    except StopIteration:
                        return
                yield step
        finally:
            steps.close()
            _replace(visitor, control, made)

    return stepwise if inspect.isgeneratorfunction(handler) else once


@contextlib.contextmanager
def _collecting(made: list[Path]) -> Iterator[None]:
    token = _made.set(made)
    try:
        yield
    finally:
        _made.reset(token)


def preview_file(control: str, ending: str) -> Path:
    """Where a picture in the making is written, in place of older ones."""
    path = folder() / f"preview.{ending}"
    _replace(current(), control, [path.parent])
    return path


def _replace(visitor: Visitor | None, control: str, made: list[Path]) -> None:
    """Counts these folders as the newest of a control, and removes its oldest."""
    if visitor is None or not made:
        return
    recent = visitor.previews.setdefault(control, deque())
    recent.append(made)
    while len(recent) > RECENT:
        for path in recent.popleft():
            _remover.submit(shutil.rmtree, path, True)


def _bound(place: Path, most: float) -> None:
    """Removes the oldest folders in `place` until its files have at most `most` bytes; the newest stays."""
    found = []
    for path in _folders(place):
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, sum(file.stat().st_size for file in path.iterdir()), path))
    found.sort(key=lambda each: each[0])
    total = sum(size for _, size, _ in found)
    for _, size, path in found[:-1]:
        if total <= most:
            return
        shutil.rmtree(path, ignore_errors=True)
        total -= size


def _folders(place: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [path for path in place.iterdir() if path.is_dir()]
    return []
