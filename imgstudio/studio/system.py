"""What the studio runs on, in words."""

from __future__ import annotations

from .. import device


def describe() -> str:
    """Device and precision in use: "CPU, 2 threads, bfloat16"."""
    return device.describe()
