"""What the studio runs on: in words, and made ready."""

from __future__ import annotations

import contextlib

from .. import catalog, device, loading, memory
from ..errors import StudioError
from .work import interruptible, is_small


def describe() -> str:
    """Device and precision in use: "CPU, 2 threads, bfloat16"."""
    return device.describe()


def prepare() -> None:
    """To be called once by a process that serves pictures, before it loads nets.

    Where a GPU is lent by the call, the nets for heavy work are placed on it now, by the main thread: those are kept ready for
    the processes that borrow it, and no other place or time is allowed. Raises StudioError for a device or a precision that
    cannot be had.
    """
    describe()  # a wrong setting is reported before anything is loaded
    memory.keep()
    interruptible()
    if not device.lent():
        return
    for spec in catalog.models():
        if spec.embedded and not is_small(spec.name):
            with contextlib.suppress(StudioError):  # without its file; whoever asks for it is told
                loading.load(spec.name, device.best())
