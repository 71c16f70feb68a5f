"""The public names for editors and type checkers: complete, and of the types that the functions really have."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import imgstudio

ROOT = Path(__file__).parent.parent
USE = Path(__file__).with_name("typed_use.py")
STRICT = ("--strict", "--follow-imports=silent", "--ignore-missing-imports", "--no-error-summary", "--no-color-output")


def check(source: Path, cache: Path) -> str:
    """What mypy has to say about a file that imports imgstudio as an installed package would be imported."""
    command = [sys.executable, "-m", "mypy", *STRICT, "--cache-dir", str(cache), str(source)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def for_checkers() -> dict[str, str]:
    """Public name -> module, as written under `if TYPE_CHECKING:`."""
    tree = ast.parse(Path(imgstudio.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    froms = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: node.module or "" for node in froms for alias in node.names}


def test_what_a_checker_sees_is_what_is_there():
    seen = {name: module for name, module in for_checkers().items() if name != "Task"}  # only an annotation needs that one
    assert seen == imgstudio._HOME
    assert imgstudio.__all__ == ["models", *imgstudio._HOME]
    for name, module in imgstudio._HOME.items():
        assert getattr(imgstudio, name) is getattr(importlib.import_module(f"imgstudio.{module}"), name)


def test_the_example_uses_every_public_name():
    text = USE.read_text(encoding="utf-8")
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module == "imgstudio"]
    assert {alias.name for node in imported for alias in node.names} == set(imgstudio.__all__)
    assert "type: ignore" not in text


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_the_public_names_are_typed(cache):
    assert check(USE, cache) == ""


def test_a_wrong_use_is_found(cache, tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import imgstudio\n"
        "imgstudio.sampel('dcgan/avatars', 1)\n"
        "imgstudio.sample('dcgan/avatars', 1, truncaton=0.7)\n"
        "imgstudio.models('paint')\n"
        "imgstudio.prior('vae/fruits', 'one')\n"
    )
    found = check(wrong, cache)
    assert [line.partition(": ")[0].rpartition(":")[2] for line in found.splitlines() if ": error:" in line] == [
        "2",
        "3",
        "4",
        "5",
    ]
