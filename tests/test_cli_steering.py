"""The verbs of the command line that steer: a picture found by `invert` goes where a seed goes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

import imgstudio
from imgstudio import catalog, image, weights
from imgstudio.cli.main import main

JUDGE = weights.folder() / catalog.find("features/vgg-small").source.filename


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Results land in a folder of their own."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")


@pytest.fixture
def model(small_stylegan):
    small = small_stylegan("test/styles")
    shutil.copy(JUDGE, small.path.parent)
    return small.spec.name


@pytest.fixture
def found(model):
    """A PNG that `invert` has written."""
    imgstudio.sample(model, 9)[0].save("own.png")
    assert main(["invert", model, "own.png", "--steps", "3", "--out", "found.png"]) == 0
    return "found.png"


def same(path, picture):
    return np.array_equal(np.asarray(Image.open(path)), np.asarray(picture))


def test_mix_and_edit_write_what_the_functions_make(model, capsys):
    assert main(["mix", model, "3", "8", "--crossover", "2", "--noise", "none"]) == 0
    assert same("mix.png", imgstudio.mix(model, 3, 8, crossover=2, noise=None))
    amounts = ["--amount", "component 1=2", "--amount", "component 2=-1.5"]
    assert main(["edit", model, "3", *amounts, "--layers", "1-2", "--truncation", "1", "--out", "e.png"]) == 0
    assert same("e.png", imgstudio.edit(model, 3, {"component 1": 2, "component 2": -1.5}, layers=(1, 2), truncation=1))
    assert image.read_settings("e.png")["amounts"] == {"component 1": 2, "component 2": -1.5}
    assert capsys.readouterr().out == "mix.png\ne.png\n"


def test_a_found_picture_goes_where_a_seed_goes(model, found):
    assert main(["edit", model, found, "--amount", "component 1=0", "--out", "again.png"]) == 0
    difference = np.asarray(Image.open("again.png"), np.int16) - np.asarray(Image.open(found), np.int16)
    assert abs(difference).max() <= 3  # the place is kept in 16 bits
    assert main(["mix", model, "3", found, "--crossover", "1"]) == 0


def test_complete_keeps_what_the_mask_leaves(model, found):
    mask = Image.new("L", (16, 16))
    mask.paste(255, (4, 4, 10, 10))
    mask.save("mask.png")
    assert main(["complete", model, "own.png", "mask.png", "--steps", "3", "--out", "whole.png"]) == 0
    changed = (np.asarray(Image.open("whole.png")) != np.asarray(Image.open("own.png"))).any(axis=2)
    assert not changed[~(np.asarray(mask) > 0)].any()
    assert "latent" in image.read_settings("whole.png")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["mix", "test/styles", "3", "own.png", "--crossover", "1"], "holds no settings"),
        (["edit", "test/styles", "plain.png", "--amount", "component 1=1"], "no place in a latent space"),
        (["edit", "test/styles", "3", "--amount", "component 1=1", "--layers", "all"], "no range of layers"),
        (["edit", "test/styles", "3", "--amount", "component 1=1", "--noise", "loud"], "no seed of noise"),
        (["mix", "dcgan/avatars", "1", "2", "--crossover", "1"], "dcgan/avatars"),
    ],
)
def test_a_mistake_is_one_line(model, capsys, command, says):
    picture = imgstudio.sample(model, 9)[0]
    picture.save("own.png")
    image.save_png(picture, "plain.png", {"seed": 9})
    assert main(command) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
