"""The page as people start it, `python app.py`, once for all tests that look at it."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
PATIENCE = 240  # seconds for a start on a busy machine


def address(*program: str, root: Path = ROOT, python: str = sys.executable, **more: str) -> str:
    """Where the page is served, as it prints it; the same one for the same arguments.

    program: what is run in place of app.py, with its arguments; root: the folder of the project, where it is run; python: what
    runs it; more: environment variables.
    """
    key = program, root, python, tuple(sorted(more.items()))
    if key not in _addresses:
        _addresses[key] = _start(*key)
    return _addresses[key]


def _start(program: tuple[str, ...], root: Path, python: str, more: tuple) -> str:
    folder = Path(tempfile.mkdtemp(prefix="imgstudio-test-"))
    log = folder / "log.txt"
    settings = {"PORT": str(_free_port()), "GRADIO_TEMP_DIR": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}
    settings |= {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(root), **dict(more)}
    with log.open("w") as output:
        command, env = [python, *(program or ("app.py",))], {**os.environ, **settings}
        process = subprocess.Popen(command, cwd=root, env=env, stdout=output, stderr=subprocess.STDOUT)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(_stop, process)
    found = _printed_address(process, log)
    _started[found] = process, log
    return found


def address_of(tab: str | None = None) -> str:
    """Where the page is served, or one with this tab alone."""
    if tab is None:
        return address()
    first = address("tests/tabs_server.py")
    return re.search(rf"^{tab}: (\S+)/$", process_of(first)[1].read_text(), re.MULTILINE)[1]


SHARED = (), ("tests/tabs_server.py",)  # programs whose pages several files of tests look at

_addresses: dict[tuple, str] = {}
_started: dict[str, tuple[subprocess.Popen, Path]] = {}


def stop_others() -> None:
    """Stops the pages that no other file of tests will ask for: one that nobody uses takes some of the processor, too."""
    for key in [key for key in _addresses if key[0] not in SHARED or key[1:] != (ROOT, sys.executable, ())]:
        _stop(_started[_addresses.pop(key)][0])


def process_of(url: str) -> tuple[int, Path]:
    """Of a page that `address` has started: the number of its process, and the file of what it prints."""
    process, log = _started[url]
    return process.pid, log


def _printed_address(process: subprocess.Popen, log: Path) -> str:
    for _ in range(PATIENCE * 5):
        found = re.search(r"http://[\d.]+:\d+", log.read_text())
        if found and _answers(found[0]):
            return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError(f"the page did not start:\n{log.read_text()}")


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=10).status == 200
    except OSError:
        return False


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
