"""README: its commands run as they are printed, and what it shows of the models is up to date."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import foreign
import numpy as np
import pytest
import torch
from hub_server import HubServer
from PIL import Image

import imgstudio
from imgstudio import StudioError, catalog
from imgstudio.catalog.records import Hub
from imgstudio.studio import readme

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"

# What no test runs, by the words of a line: installs, and verbs that use the Hub, train, measure for minutes or never end.
INSTALLS = {"pip", "venv", "git", "apt-get"}
VERBS = {"import", "push", "train", "ship", "bench", "serve"}


def lines() -> list[str]:
    """Every line of README's shell blocks, without comments."""
    blocks = re.findall(r"^```(?:bash|sh)\n(.*?)^```", TEXT, re.M | re.S)
    return [line for block in blocks for text in block.splitlines() if (line := text.partition(" #")[0].strip())]


def blocks() -> list[str]:
    """README's blocks of Python."""
    return re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)


# Nobody looks at windows here, and four steps show as well as the two hundred of the defaults that a line is in order.
PRELUDE = """
import inspect, imgstudio, PIL.Image
PIL.Image.Image.show = lambda *_, **__: None
for function in (imgstudio.stylize, imgstudio.invert):
    inspect.unwrap(function).__kwdefaults__["steps"] = 4
"""


def left_out(line: str) -> bool:
    words = shlex.split(line)
    programs = {Path(word).name for word in words}
    offline = "--dry-run" in words or words[-1] == "data"
    return bool(INSTALLS & programs) or (bool((VERBS | {"data"}) & set(words)) and not offline)


def downloaded(source: Hub, cache: Path) -> None:
    """A file of the Hub in its client's folder, as after a download; only its bytes are others."""
    repository, commit = cache / f"models--{source.repo.replace('/', '--')}", "0" * 40
    blob, pointer = repository / "blobs" / "0", repository / "snapshots" / commit / source.filename
    for path in (blob, pointer, repository / "refs" / source.revision):
        path.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(bytes(1000))
    pointer.symlink_to(blob)
    (repository / "refs" / source.revision).write_text(commit)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with the files that README's lines name."""
    random = np.random.default_rng(0)
    for name, side in (("photo.jpg", 96), ("pebbles.jpg", 64), ("apple.jpg", 64)):
        noise = Image.fromarray(random.integers(0, 256, (side // 8, side // 8, 3), np.uint8))
        noise.resize((side, side), Image.Resampling.BICUBIC).save(tmp_path / name)
    shutil.copytree(ROOT / "assets", tmp_path / "assets")
    for name in ("README.md", "requirements.txt", "app.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    imgstudio.save(imgstudio.walk("dcgan/nouns", [1, 2], frames=2), tmp_path / "short.gif")
    downloaded(catalog.find("dinov2/texture").source, tmp_path / "hub" / "hub")
    torch.save(foreign.dcgan((6, 8, 4, 1), (7, 4, 4), (1, 2, 2), (0, 1, 1)).state_dict(), tmp_path / "generator.pth")
    return tmp_path


def test_lines_are_found_and_few_are_left_out():
    assert len(lines()) >= 18
    assert len([line for line in lines() if not left_out(line)]) >= 11


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Of a process that knows nothing of this one's settings, and no Hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMGSTUDIO", "HF_"))}
    known = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(folder / "hub"), "OMP_NUM_THREADS": "1"}
    return kept | {"PYTHONPATH": str(ROOT)} | known | more


@pytest.mark.timeout(900)  # `check` opens the whole page
@pytest.mark.parametrize("line", [line for line in lines() if not left_out(line)])
def test_a_line_runs_in_a_process_of_its_own(line, folder):
    words = shlex.split(line)
    assert Path(words[0]).name == "python", "a line that is run begins with python"
    command = [sys.executable, *words[1:]]
    done = subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if "--out" in words and "--dry-run" not in words:
        assert (folder / words[words.index("--out") + 1]).stat().st_size > 100


@pytest.mark.timeout(900)  # on two processors that others use too
@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.split("\n")[-2][:40])
def test_a_block_of_python_runs_in_a_process_of_its_own(block, folder):
    server = HubServer()
    server.put("owner/repo", "generator.pth", (folder / "generator.pth").read_bytes())
    command = [sys.executable, "-c", PRELUDE + block]
    try:
        known = environment(folder, HF_ENDPOINT=server.url)
        done = subprocess.run(command, cwd=folder, env=known, capture_output=True, text=True)
    finally:
        server.close()
    assert done.returncode == 0, done.stderr
    for name in re.findall(r'\.save\("([^"]+)"', block):
        assert Image.open(folder / name).size == (64, 64)


def test_the_two_commands_come_first():
    first, second = lines()[:2]
    assert first == f"{INSTALL} && .venv/bin/python app.py"
    assert second == f'{INSTALL} -e ".[test]" && .venv/bin/python -m pytest -n 2 --dist loadfile'


def test_the_table_of_models_is_that_of_the_catalogue():
    written = TEXT.partition(readme.START + "\n")[2].partition("\n" + readme.END)[0]
    assert written == readme.table(), "run `python -m imgstudio art --readme`"
    named = [ROOT / path for path in re.findall(rf"\(({readme.PICTURES}/[^)]+)\)", written)]
    assert sorted(named) == sorted((ROOT / readme.PICTURES).iterdir())
    assert {Image.open(path).size for path in named} == {(readme.SIDE, readme.SIDE)}


def test_the_first_picture_moves():
    with Image.open(ROOT / readme.FILM) as film:
        assert film.n_frames == 48
    assert (ROOT / readme.FILM).stat().st_size < 2_000_000
    assert TEXT.index(readme.FILM) < TEXT.index("```bash")


def test_pictures_and_files_that_it_links_to_exist():
    for target in re.findall(r"\]\(((?!https?:|#)[^)]+)\)", TEXT):
        assert (ROOT / target).exists(), target


def test_it_is_written_in_a_clone_alone(tmp_path):
    with pytest.raises(StudioError, match="folder of a clone"):
        next(readme.write(tmp_path))
