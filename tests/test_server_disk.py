"""The disk under a running page: a visitor's files go with them and are bounded, and a full or emptied folder heals itself."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import page_server
import pytest
from PIL import Image
from stranger import API, Stranger, refusal, result

from imgstudio.ui.server import files

FORGET = 3  # seconds
PIXELS = Image.effect_noise((256, 256), 90).convert("RGB")


def png(picture: Image.Image = PIXELS) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether it holds in the end."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)
    return condition()


def size(folder: Path) -> int:
    """Bytes in the files below."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def visitors(cache: Path) -> list[Path]:
    """Folders of visitors."""
    return [path for path in cache.glob("imgstudio/*/*") if path.is_dir() and path.name != "opening"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Iterator[Path]:
    """The upload folder: a small disk of its own where that is permitted."""
    disk = tmp_path_factory.mktemp("disk")
    mounted = sys.platform == "linux" and os.geteuid() == 0
    command = ["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", str(disk)]
    mounted = mounted and subprocess.run(command, capture_output=True, check=False).returncode == 0
    yield disk / "cache"
    if mounted:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@pytest.fixture(scope="module")
def address(cache) -> str:
    limits = {"OMP_NUM_THREADS": "1", "IMGSTUDIO_FORGET_SECONDS": str(FORGET), "IMGSTUDIO_VISITOR_MB": "3"}
    return page_server.address(GRADIO_TEMP_DIR=str(cache), **limits)


@pytest.fixture
def stranger(address) -> Stranger:
    return Stranger(address)


def instant(stranger: Stranger) -> dict:
    """A function of the page that takes a picture and gives one back, and computes nothing."""
    for dependency, place in stranger.places(of_files=True):
        kinds = [stranger.components[each]["type"] for each in (*dependency["inputs"], *dependency["outputs"])]
        if place == 0 and kinds == ["image", "state", "state", "image", "state", "state"]:
            return dependency
    raise AssertionError("no slot on the page")


def bring(stranger: Stranger, picture: Image.Image) -> dict:
    """The picture in a slot of the page: what the page shows of it."""
    dependency = instant(stranger)
    name = stranger.upload("brought.png", png(picture))
    values = [{"path": name, "meta": {"_type": "gradio.FileData"}}, None, None]
    output = stranger.event(dependency, values)
    assert "error" not in output, output
    return output["data"][0]


def test_files_of_a_visitor_go_when_the_page_is_closed(stranger, cache):
    with stranger.open_page():
        shown = bring(stranger, PIXELS)
        assert stranger.file(shown["path"])[0] == 200
        time.sleep(2 * FORGET)
        assert stranger.file(shown["path"])[0] == 200
        [folder] = visitors(cache)
        assert size(folder) > 50_000
    assert until(lambda: not visitors(cache))
    assert stranger.file(shown["path"])[0] == 404


def test_results_of_a_call_without_a_page_go_after_their_time(stranger, cache):
    sent = {"path": "data:image/png;base64," + base64.b64encode(png()).decode()}
    values = result(stranger.call("decompose", [sent, 0.01, "rof", 64]))
    assert stranger.file(values[0]["path"])[0] == 200
    assert visitors(cache)
    assert until(lambda: not visitors(cache), 15 * FORGET + 30)


def test_the_files_of_one_visitor_are_bounded(stranger, cache):
    with stranger.open_page():
        for seed in range(12):
            shown = bring(stranger, PIXELS.rotate(seed).resize((512, 512)))
        assert stranger.file(shown["path"])[0] == 200
        assert until(lambda: size(visitors(cache)[0]) <= 3_000_000)
        assert stranger.file(shown["path"])[0] == 200


def test_an_emptied_folder_heals_itself(stranger, cache):
    first = next(each["props"]["value"]["path"] for each in stranger.components.values() if _is_file(each["props"].get("value")))
    before = stranger.file(first)
    assert before[0] == 200
    for folder in (*cache.iterdir(), cache):
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
        assert stranger.file(first) == before
        assert stranger.get("/")[0] == 200
    visitor = Stranger(stranger.address)
    with visitor.open_page():
        shutil.rmtree(cache)
        assert visitor.file(bring(visitor, PIXELS)["path"])[0] == 200
        for component in visitor.components.values():
            if _is_file(value := component["props"].get("value")):
                assert visitor.file(value["path"])[0] == 200


def _is_file(value: object) -> bool:
    return isinstance(value, dict) and "path" in value and "meta" in value


def test_a_full_disk_ends_in_one_sentence_and_heals_itself(stranger, cache):
    if not os.path.ismount(cache.parent):
        pytest.skip("no disk of its own may be mounted here")
    with stranger.open_page():
        name = stranger.upload("before.png", png())
        filler = cache.parent / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        sent = {"path": "data:image/png;base64," + base64.b64encode(png(PIXELS.rotate(33))).decode()}
        assert refusal(stranger.call("decompose", [sent, 0.01, "rof", 64])) == files.NO_ROOM
        assert refusal(stranger.call("decompose", [{"path": name}, 0.01, "rof", 64])) == files.NO_ROOM
        body = b'--m\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + png() + b"\r\n--m--\r\n"
        status, answer = stranger.post(f"{API}/upload", body, "multipart/form-data; boundary=m")
        assert status == 507 and files.NO_ROOM.encode() in answer, (status, answer)
        assert stranger.get("/")[0] == 200
        filler.unlink()
        assert stranger.file(bring(stranger, PIXELS)["path"])[0] == 200
        assert result(stranger.call("decompose", [sent, 0.01, "rof", 64]))
