"""The notebooks that come with the studio run from top to bottom, and every picture in them is there."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest
from PIL import Image

NOTEBOOKS = Path(__file__).parent.parent / "assets" / "notebooks"


def shown(code: str, names: dict) -> object:
    """What a cell shows: the value of its last line, where that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


@pytest.mark.parametrize(("name", "pictures"), [("first_steps", 8), ("latent_space", 9)])
def test_every_cell_runs(name, pictures, capsys):
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict = {}
    values = [shown("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"]
    sheets = [Image.open(io.BytesIO(value._repr_png_())) for value in values if hasattr(value, "_repr_png_")]
    assert len(sheets) == pictures
    assert all(len(sheet.convert("RGB").getcolors(10**7)) > 50 for sheet in sheets)  # something is to be seen in each
    assert not any(cell.get("outputs") for cell in cells)  # what they show is made by whoever opens them


def test_they_are_notebooks():
    nbformat = pytest.importorskip("nbformat")
    for path in NOTEBOOKS.glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
