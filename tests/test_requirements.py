"""What the package imports is what it says it needs."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

from table import each_row

ROOT = Path(__file__).parent.parent
NAMES = {"PIL": "pillow", "yaml": "pyyaml", "skimage": "scikit-image", "sklearn": "scikit-learn"}  # module -> distribution
# Parts of another library's public interface: that library brings them, and its bounds hold theirs.
BROUGHT = {
    "anyio": "gradio",
    "fastapi": "gradio",
    "httpx": "gradio",
    "pandas": "gradio",
    "starlette": "gradio",
    "filelock": "huggingface-hub",
}
ONLY_THERE = {"spaces"}  # on a Space, which has it


def normal(requirement: str) -> str:
    """The name of what is required, as indexes write it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def imported(path: Path) -> set[str]:
    """Distributions that a file imports from, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.partition(".")[0])
    return {NAMES.get(name, name).replace("_", "-") for name in found - {"imgstudio", *sys.stdlib_module_names}}


def block(name: str) -> list[str]:
    """The requirements in a list of pyproject.toml (Python 3.10 has no reader for it)."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"([^"]+)"', re.search(rf"^{name} = \[(.*?)\]$", text, re.M | re.S)[1])


def test_every_import_is_declared():
    needed = {normal(line) for line in block("dependencies")}
    training = needed | {normal(line) for line in (*block("train"), *block("convert"))}
    for path in [ROOT / "app.py", *(ROOT / "imgstudio").rglob("*.py")]:
        declared = training if "train" in path.relative_to(ROOT).parts else needed
        assert imported(path) - ONLY_THERE - set(BROUGHT) <= declared, path


def test_nothing_is_declared_that_nobody_imports():
    used = set().union(*(imported(path) for path in (ROOT / "imgstudio").rglob("*.py")))
    assert {normal(line) for line in block("dependencies")} <= used


@each_row(("name", "by"), BROUGHT.items())
def test_what_another_library_brings_it_really_brings(name, by):
    assert name in {normal(line) for line in importlib.metadata.requires(by) if "extra ==" not in line}
    assert by in {normal(line) for line in block("dependencies")}


def test_both_lists_of_requirements_agree():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == block("dependencies")


def test_the_versions_of_python_are_the_same_everywhere():
    project, readme, runner = ((ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "README.md", ".ci/run"))
    versions = [f"3.{minor}" for minor in range(10, 14)]
    first, last = versions[0], versions[-1]
    assert 'requires-python = ">=3.10,<3.14"' in project
    assert re.findall(r"Python :: (3\.\d+)", project) == versions
    assert f'target-version = "py{first.replace(".", "")}"' in project
    assert set(re.findall(r"\bpython(3\.\d+)\b", runner)) == set(versions)
    assert "(3, 10) <= sys.version_info[:2] <= (3, 13)" in runner
    assert f"Python {first} to {last}" in readme
    for text in (readme, runner):
        assert set(re.findall(r"Python (3\.\d+) to (3\.\d+)|Python from (3\.\d+) to (3\.\d+)", text)) <= {
            (first, last, "", ""),
            ("", "", first, last),
        }
