"""Two settings against each other: the sheet, its cells, its page, and the verb."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import StudioError
from imgstudio.cli.main import main

MODEL = "dcgan/nouns"


def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8))


@pytest.fixture(scope="module")
def steps():
    return list(imgstudio.grid("sample", x={"truncation": [0.2, 1]}, y={"seeds": range(3)}, model=MODEL))


def test_every_cell_is_what_the_operation_makes(steps):
    cells = steps[-1].cells
    assert [len(row) for row in cells] == [2, 2, 2]
    for seed, row in enumerate(cells):
        for psi, cell in zip((0.2, 1), row):
            assert cell.tobytes() == imgstudio.sample(MODEL, seed, truncation=psi)[0].tobytes()
            assert imgstudio.record(cell)["settings"]["truncation"] == psi
    assert imgstudio.replay(cells[2][1]).tobytes() == cells[2][1].tobytes()


def test_steps_fill_a_sheet_of_one_size(steps):
    assert [(step.done, step.total) for step in steps] == [(n, 6) for n in range(1, 7)]
    assert len({step.image.size for step in steps}) == 1
    assert [sum(cell is not None for row in step.cells for cell in row) for step in steps] == [1, 2, 3, 4, 5, 6]
    assert len({step.image.tobytes() for step in steps}) == 6, "every step shows one more"


def test_axes_are_labelled(steps):
    assert steps[-1].x_labels == ("truncation 0.2", "truncation 1") and steps[-1].y_labels == ("seeds 0", "seeds 1", "seeds 2")
    pixels, cell = np.asarray(steps[-1].image), steps[-1].cells[0][0]
    top, left = (length - count * (side + 4) for length, count, side in zip(pixels.shape, (3, 2), cell.size[::-1]))
    assert (pixels[:top].min(axis=(0, 2)) < 100).any() and (pixels[top:, :left].min(axis=(1, 2)) < 100).any()
    assert (pixels[top : top + cell.height, left : left + cell.width] == np.asarray(cell)).all()


def test_the_page_holds_all_pictures_with_their_records_and_nothing_from_elsewhere(steps):
    page = steps[-1].html()
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(found) == 6 and not re.search(r"https?://|<script|<link|url[(]", page)
    picture = Image.open(io.BytesIO(base64.b64decode(found[1])))
    assert picture.convert("RGB").tobytes() == steps[-1].cells[0][1].tobytes()
    assert steps[0].html().count("<td></td>") == 6, "five cells to come, and the corner"


def test_labels_of_a_page_are_escaped():
    [step] = imgstudio.grid("decompose", x={"image": [photo()]}, strength=0)
    step = type(step)(1, 1, step.image, {}, 0.0, step.cells, ("<b>x</b>",), ("<i>y</i>",), "<script>")
    assert not re.search("<b>|<i>|<script>", step.html())


def test_models_pictures_and_one_row():
    made = imgstudio.last(imgstudio.grid("decompose", x={"image": [photo(), photo().resize((96, 80))]}, strength=0))
    assert made.x_labels == ("image 1", "image 2") and made.y_labels == ("",)
    assert made.cells[0][1].size == (96, 80), "the sheet alone shrinks it"
    made = imgstudio.last(imgstudio.grid("sample", x={"model": [MODEL, "dcgan/avatars"]}, seeds=[1, 2]))
    assert made.x_labels == (f"model {MODEL}", "model dcgan/avatars")
    assert imgstudio.record(made.cells[0][0])["sheet"]["parts"] == [[0], [1]]


@each_row(
    ("axes", "sentence"),
    [
        ({"x": {"seed": [1]}, "model": MODEL}, "no argument 'seed': choose from model, seeds"),
        ({"x": {"seeds": [1]}, "y": {"seeds": [2]}, "model": MODEL}, "given twice"),
        ({"x": {"seeds": [1]}}, "sample needs model"),
        ({"x": {"seeds": range(50)}, "y": {"truncation": [0.1] * 50}, "model": MODEL}, "more than 400"),
        ({"x": [1, 2], "model": MODEL}, "as one argument with its values"),
    ],
)
def test_mistakes_are_said_before_any_work(axes, sentence):
    with pytest.raises(StudioError, match=sentence):
        imgstudio.grid("sample", **axes)


def test_the_verb_writes_a_sheet_or_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["grid", "sample", "--x", "seeds=0-2", "--y", "truncation=0.5,1", "--set", f"model={MODEL}"]
    assert main([*command, "--out", "a.png"]) == 0 and main([*command, "--out", "a.html"]) == 0
    assert "6 of 6" in capsys.readouterr().out
    step = imgstudio.last(imgstudio.grid("sample", x={"seeds": range(3)}, y={"truncation": [0.5, 1]}, model=MODEL))
    assert Image.open("a.png").convert("RGB").tobytes() == step.image.tobytes()
    assert (tmp_path / "a.html").read_text(encoding="utf-8").count("<img ") == 6
    for wrong, sentence in (("--x=seeds", "write it like"), ("--x=seeds=5-1", "no range"), ("--out=a.pdf", ".png or .html")):
        assert main([*command, wrong]) == 2 and sentence in capsys.readouterr().err
