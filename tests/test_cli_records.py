"""`record` and `replay` on the command line: how a file was made, and the file again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imgstudio
from imgstudio.cli.main import main

MODEL = "dcgan/nouns"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> Path:
    """Results land in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    return tmp_path


def run(*command: str) -> None:
    assert main([str(word) for word in command]) == 0


def refused(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main([str(word) for word in command]) == 2
    return capsys.readouterr().err


def test_a_verb_writes_a_record_that_is_printed_as_json(capsys):
    run("sample", MODEL, "--seeds", "3-5", "--out", "made.png")
    capsys.readouterr()
    run("record", "made.png")
    found = json.loads(capsys.readouterr().out)
    assert found == imgstudio.record("made.png") and found["settings"]["seeds"] == [3, 4, 5]


def test_a_file_is_written_again_byte_for_byte():
    for command in (
        ["sample", MODEL, "--seeds", "3-5", "--side", "64"],
        ["decompose", "photo.png", "--strength", "0.2", "--boost", "2"],
        ["synthesize", "photo.png", "--method", "quilting", "--size", "64x48"],
        ["segment", "photo.png", "--model", "gabor/texture", "--regions", "2"],
        ["retexture", "photo.png", "1", "photo.png", "--model", "gabor/texture", "--regions", "2"],
        ["mosaic", "--size", "32", "--regions", "2"],
        ["translate", "cyclegan/apple2tomato", "photo.png", "--size", "32"],
        ["denoise", "photo.png", "--model", "vae/fruits"],
    ):
        run(*command, "--out", "made.png")
        run("replay", "made.png")
        assert Path("again.png").read_bytes() == Path("made.png").read_bytes(), command


def test_a_film_is_written_again_byte_for_byte():
    run("walk", MODEL, "--seeds", "1,2", "--frames", "2", "--side", "64", "--fps", "10", "--out", "made.gif")
    run("replay", "made.gif")
    assert Path("again.gif").read_bytes() == Path("made.gif").read_bytes()


def test_inputs_are_found_beside_the_picture_or_given(capsys):
    run("decompose", "photo.png", "--out", "made.png")
    Path("elsewhere").mkdir()
    photo = Path("photo.png").rename("elsewhere/other.png")
    assert "The input image is missing" in refused(capsys, "replay", "made.png")
    run("replay", "made.png", "--input", f"image={photo}", "--out", "again.webp")
    assert imgstudio.record("again.webp") == imgstudio.record("made.png")
    Image.new("RGB", (48, 40)).save("photo.png")
    assert "another picture than the recorded one" in refused(capsys, "replay", "made.png")
    assert "write it like content=photo.jpg" in refused(capsys, "replay", "made.png", "--input", "photo.png")


def test_a_recorded_name_leads_to_no_other_folder(capsys, elsewhere):
    Path("inside").mkdir()
    made = imgstudio.decompose("photo.png", strength=0).structure
    found = imgstudio.record(made)
    for name in ("../photo.png", str(elsewhere / "photo.png"), "..", ".hidden.png", "a\0b", "link.png"):
        found["inputs"]["image"]["name"] = name
        imgstudio.image.carry(made, found)
        imgstudio.save(made, "inside/made.png")
        (elsewhere / "inside" / ".hidden.png").write_bytes(Path("photo.png").read_bytes())
        (elsewhere / "inside" / "link.png").unlink(missing_ok=True)
        (elsewhere / "inside" / "link.png").symlink_to(elsewhere / "photo.png")
        assert "The input image is missing" in refused(capsys, "replay", "inside/made.png"), name
