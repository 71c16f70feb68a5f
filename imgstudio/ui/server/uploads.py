"""Uploads that nobody has used, and what earlier processes left: removed after their time."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from .visitors import home, root

UNUSED = 3600  # seconds an upload waits for its first use; a visitor who uses it has a link of their own
ABANDONED = 86_400  # seconds after which a process that gave no sign has ended
_SIGN = "alive"


class Uploads:
    """Files that came through the upload route of this process."""

    def __init__(self) -> None:
        self._since: dict[Path, float] = {}
        self._lock = threading.Lock()

    def arrived(self, paths: Iterable[Path]) -> None:
        """These were uploaded just now."""
        with self._lock:
            self._since |= dict.fromkeys(paths, time.monotonic())

    def sweep(self) -> None:
        """To be called now and then."""
        now = time.monotonic()
        with self._lock:
            old = [path for path, since in self._since.items() if now - since > UNUSED]
            for path in old:
                del self._since[path]
        for path in old:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        with contextlib.suppress(OSError):  # a full disk is no reason to end the sweeping
            _sweep_abandoned()


def _sweep_abandoned() -> None:
    own, now = home(), time.time()
    own.mkdir(parents=True, exist_ok=True)
    (own / _SIGN).touch()
    for folder in own.parent.iterdir():
        sign = folder / _SIGN if (folder / _SIGN).exists() else folder
        if folder != own and now - sign.stat().st_mtime > ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
    for path in root().glob("tmp*"):  # an upload that broke off
        if path.is_file() and now - path.stat().st_mtime > UNUSED:
            os.unlink(path)


uploads = Uploads()
