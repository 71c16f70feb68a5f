"""`check`: what would break on a Space is found, and this project would start as one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from table import each_row

from imgstudio.cli.main import main
from imgstudio.studio import space as check

ROOT = Path(__file__).parent.parent


@pytest.fixture
def space(tmp_path) -> Path:
    """A small Space in which nothing is wrong: this project's front matter and requirements over an app that does nothing."""
    for name in ("README.md", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    thumbnail = tmp_path / check.front_matter(ROOT)["thumbnail"]
    thumbnail.parent.mkdir(parents=True, exist_ok=True)
    thumbnail.touch()
    (tmp_path / "app.py").write_text("import json\n")
    return tmp_path


def set_field(space: Path, **fields) -> None:
    """Changes the front matter; None takes a field out."""
    changed = {name: value for name, value in {**check.front_matter(space), **fields}.items() if value is not None}
    (space / "README.md").write_text(f"---\n{yaml.safe_dump(changed)}---\n# Title\n")


def test_nothing_is_wrong_with_this_project_but_its_start(space):
    """The start itself is tested in test_space.py, on the whole page."""
    assert check.problems(space) == []


def test_the_status_says_whether_something_would_break(space, capsys):
    assert main(["check", str(space)]) == 0
    assert "Nothing would break" in capsys.readouterr().out
    (space / "requirements.txt").unlink()
    assert main(["check", str(space)]) == 1
    assert "no requirements.txt" in capsys.readouterr().out
    assert main(["check", str(space / "nowhere")]) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"license": None}, "has no license"),
        ({"models": None}, "has no models"),
        ({"models": ["a/b"]}, "models lacks timm/vgg19.tv_in1k"),
        ({"sdk": "docker"}, "not gradio"),
        ({"colorTo": "teal"}, "choose one of red"),
        ({"python_version": "3.11"}, "ZeroGPU has 3.10 and 3.12"),
        ({"sdk_version": "5.0.0"}, "leaves out sdk_version 5.0.0"),
        ({"app_file": "main.py"}, "main.py, which is not there"),
        ({"short_description": "x" * 61}, "longer than 60"),
        ({"preload_from_hub": ["timm/vgg19.tv_in1k"]}, "owner/repo file1,file2"),
    ],
)
def test_a_wrong_field_is_named(space, fields, words):
    set_field(space, **fields)
    found = check.problems(space)
    assert any(words in problem for problem in found)
    assert len({problem.split()[1] for problem in found}) == 1, "nothing else is wrong"


def test_a_readme_without_front_matter_is_named(space):
    (space / "README.md").write_text("# Title\n")
    assert any("no front matter" in problem for problem in check.problems(space))


@each_row(
    ("line", "words"),
    [("torch==2.15.0", "every version that ZeroGPU has"), ("torch>=2.12", "every version"), ("torch = 2", "is no requirement")],
)
def test_a_version_that_zerogpu_lacks_is_named(space, line, words):
    (space / "requirements.txt").write_text(f"gradio>=6.31\n{line}\n")
    [problem] = check.problems(space)
    assert words in problem


def test_a_large_file_is_named_unless_it_is_under_lfs(space):
    with (space / "net.bin").open("wb") as file:
        file.truncate(check.LARGEST + 1)
    [problem] = check.problems(space)
    assert problem.startswith("net.bin has 10.0 MB")
    (space / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    assert check.problems(space) == []


@each_row(
    ("code", "words"),
    [
        ("import urllib.request\nurllib.request.urlopen('http://example.invalid/')", "asks example.invalid for something"),
        ("import socket\nsocket.create_connection(('192.0.2.1', 80), 1)", "asks 192.0.2.1"),
        ("import nothing_of_this_name", "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_what_happens_when_the_app_is_imported(space, code, words):
    (space / "app.py").write_text(code)
    [problem] = check.problems(space)
    assert words in problem
