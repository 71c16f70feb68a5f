"""Memory of large tensors is reused instead of asked for again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from imgstudio import memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.empty(40_000_000, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

kept = memory.keep() if sys.argv[1] == "kept" else None
faults()
print(kept, faults())
"""


RELEASED = """
from pathlib import Path
import numpy as np
from imgstudio import loading, memory

def resident():
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])

assert memory.keep()
used = [np.ones(40_000_000, np.uint8) for _ in range(5)]
end = np.ones(1000, np.uint8)  # so that what lies below it is not the end of the heap
del used
full = resident()
loading.release()
print(full - resident())
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc returns memory so eagerly")


@glibc
def test_what_was_kept_is_given_back_with_the_nets():
    made = subprocess.run([sys.executable, "-c", RELEASED], capture_output=True, text=True, check=True)
    assert int(made.stdout) > 150_000_000


@glibc
def test_large_pieces_are_reused():
    def run(how: str) -> list[str]:
        return subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout.split()

    kept, faults = run("kept")
    assert kept == "True"
    assert int(faults) < int(run("plain")[1]) / 4


def test_without_glibc_nothing_is_touched(monkeypatch):
    from imgstudio import memory

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert memory.keep() is False
    memory.trim()
