"""Broken pictures end in one sentence each, in bounded memory and time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import malformed
import pytest

from imgstudio import image
from imgstudio.errors import StudioError

LEAST, MOST = 300, 1000  # files; megabytes of memory that reading them may take

READ_ALL = """
import pathlib, resource, sys
from PIL import Image
from imgstudio import image
from imgstudio.errors import StudioError
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
Image.init()
before = peak()
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        image.read(path)
    except StudioError:
        pass
print(peak() - before)
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("malformed")
    for number, (_, data) in enumerate(malformed.all_of_them()):
        (folder / f"{number:03}.png").write_bytes(data)
    return sorted(folder.iterdir())


def test_every_malformed_picture_is_read_or_refused_in_a_sentence(files):
    assert len(files) >= LEAST
    refused = 0
    for path, (name, _) in zip(files, malformed.all_of_them()):
        try:
            assert image.read(path).mode == "RGB"
        except StudioError as error:
            refused += 1
            assert str(error).endswith(".") and str(path.parent) not in str(error), (name, error)
    assert refused > LEAST / 2


def test_a_painted_layer_is_refused_in_the_same_way(files):
    for path in files:
        for source in (path, path.read_bytes()):
            try:
                assert image.read_layer(source).mode == "RGBA"
            except StudioError as error:
                assert str(error).endswith(".")


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are told in other units elsewhere")
def test_all_of_them_are_read_in_bounded_memory(files):
    command = [sys.executable, "-c", READ_ALL, str(files[0].parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True)
    print(f"{len(files)} malformed pictures took {float(done.stdout):.0f} MB at most")
    assert float(done.stdout) < MOST
