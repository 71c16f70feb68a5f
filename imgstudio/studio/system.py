"""What the studio runs on, in words."""

from __future__ import annotations

from .. import device, memory


def describe() -> str:
    """Device and precision in use: "CPU, 2 threads, bfloat16"."""
    return device.describe()


def prepare() -> None:
    """To be called once by a process that serves pictures, before it loads nets."""
    memory.keep()
