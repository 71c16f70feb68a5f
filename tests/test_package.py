"""The package as others get it: a wheel and an sdist hold everything, and what is installed works away from the clone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
import zipfile
from pathlib import Path

import page_server
import pytest
from gradio_client import Client
from PIL import Image

ROOT = Path(__file__).parent.parent
PLACES = {"imgstudio": "imgstudio", "weights": "imgstudio/resources/weights", "assets": "imgstudio/resources/assets"}
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "*.part")


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The project's files without its caches, builds and tests: nothing is built in the clone."""
    folder = tmp_path_factory.mktemp("project")
    for name in PLACES:
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def expected(copy: Path) -> dict[str, Path]:
    """Name in the wheel -> the file it is made of."""
    return {
        f"{place}/{path.relative_to(copy / name).as_posix()}": path
        for name, place in PLACES.items()
        for path in (copy / name).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def wheel(copy, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), "."]
    built = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = folder.glob("*.whl")
    return path


def test_a_wheel_holds_every_file_of_the_package_the_weights_and_the_assets(wheel, copy):
    files = expected(copy)
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert held == set(files)
        for name, path in files.items():
            assert archive.getinfo(name).file_size == path.stat().st_size, name
    assert {"imgstudio/py.typed", "imgstudio/resources/assets/theme.css", "imgstudio/resources/assets/icon.png"} <= held
    assert len([name for name in held if name.endswith(".safetensors")]) >= 23


def test_an_sdist_holds_what_a_wheel_is_made_of(copy, tmp_path):
    code = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    built = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    [path] = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    sources = {file.relative_to(copy).as_posix() for file in expected(copy).values()}
    assert sources <= held
    assert {"pyproject.toml", "README.md", "LICENSE"} <= held


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel in it; the libraries are those of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / Path(sys.executable).name
    python = python if python.exists() else scripts / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    place = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    Path(place, "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def alone(**more: str) -> dict[str, str]:
    """The environment of a process that knows nothing of the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IMGSTUDIO"))}
    return {**kept, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **more}


@pytest.mark.slow
def test_verbs_run_from_an_installed_package_in_another_folder(installed, tmp_path):
    where = [str(installed), "-c", "import imgstudio; print(imgstudio.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=alone(), capture_output=True, text=True, check=True).stdout
    assert str(installed.parent.parent) in found
    Image.radial_gradient("L").resize((72, 64)).convert("RGB").save(tmp_path / "photo.png")
    program = str(installed.with_name("imgstudio"))
    commands = {
        "sample.png": ["sample", "dcgan/nouns", "--seeds", "0-3"],
        "segment.png": ["segment", "photo.png", "--model", "gabor/texture"],
        "reconstruct.png": ["reconstruct", "photo.png"],
        "stylize.png": ["stylize", "adain/vgg-small", "photo.png", "--style", "photo.png", "--size", "64"],
    }
    for name, command in commands.items():
        done = subprocess.run([program, *command], cwd=tmp_path, env=alone(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert Image.open(tmp_path / name).size[0] >= 64


@pytest.mark.slow
def test_the_page_is_served_from_an_installed_package_in_another_folder(installed, tmp_path):
    url = page_server.address(
        "-m", "imgstudio", "serve", root=tmp_path, python=str(installed), PYTHONPATH="", OMP_NUM_THREADS="1"
    )
    page = urllib.request.urlopen(url, timeout=60).read().decode()
    rules = (ROOT / "assets" / "theme.css").read_text(encoding="utf-8").splitlines()
    plain = [rule.strip() for rule in rules if re.fullmatch(r"[\w .:;#-]{20,}", rule)]  # that no page has to escape
    assert plain and all(rule in page for rule in plain)
    client = Client(url, verbose=False, download_files=str(tmp_path / "downloads"))
    [picture] = client.predict(model="dcgan/nouns", seeds="3", api_name="/sample")
    assert Image.open(picture["image"]).size == (64, 64)
