"""How this process asks the operating system for memory, and gives it back."""

from __future__ import annotations

import ctypes
import platform

# Parameters of mallopt(3) and what they are set to.
_TRIM_THRESHOLD = (-1, 1 << 30)  # bytes that stay with the process when they are free
_TOP_PAD = (-2, 1 << 26)  # bytes asked for beyond what is needed
_MMAP_MAX = (-4, 0)  # pieces that are mapped one by one
_ARENA_MAX = (-8, 1)


def keep() -> bool:
    """Lets the process reuse the memory of large tensors. True if that could be set, which takes Linux with glibc.

    glibc maps every large piece afresh and returns it at once: a net on the CPU then spends a third to a half of its time
    on the kernel's zeroing of pages. Up to a gigabyte of freed memory stays with the process instead. This concerns the whole
    process, so only its entry points (page, command line) call it, never `import imgstudio`.
    """
    libc = _glibc()
    if libc is None:
        return False
    return all([libc.mallopt(*setting) == 1 for setting in (_MMAP_MAX, _TRIM_THRESHOLD, _TOP_PAD, _ARENA_MAX)])


def trim() -> None:
    """Gives memory that is free, but was kept for later, back to the system, where the C library can do so."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    try:
        libc = ctypes.CDLL(None)
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
