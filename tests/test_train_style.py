"""Training code of the feature net and of the one-pass style nets, on tiny pictures."""

from __future__ import annotations

import csv
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from imgstudio import weights
from imgstudio.metrics.restyling import gram_distance, grams, relative
from imgstudio.models.adain import AdaIN
from imgstudio.models.transformer_net import TransformerNet
from imgstudio.train import features, ship, style
from imgstudio.train.perceptual import WIDTHS
from imgstudio.train.style import adain

NARROW = {"widths": (4, 4, 8, 8, 8)}
FOLDERS = {
    "objects128": ("chair", "cup"),
    "clothing128": ("hat", "shirt"),
    "flowers256": ("daisy", "rose"),
    "fruits64": ("apple", "pear"),
    "textures": ("materials/wood", "tiles128/brick"),
    "paintings": ("styles", "oldmaster"),
    "photos512": ("photo",),
}


def picture(seed: int, tint: int) -> Image.Image:
    """A smooth coloured field with stripes, 64 px; `tint` tells classes apart."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:64, 0:64] / 64
    stripes = np.sin(2 * np.pi * (2 + 6 * tint) * (x + rng.random()))
    field = np.stack([stripes, y * 2 - 1, np.full_like(x, 1 - 2 * tint)], axis=2)
    return Image.fromarray(np.uint8((field * 0.4 + 0.5) * 255))


@pytest.fixture
def data(tmp_path):
    """A folder with all the sets, 24 pictures a class."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, classes in FOLDERS.items():
        with tarfile.open(folder / f"{name}.tar", "w") as tar:
            for tint, label in enumerate(classes):
                for i in range(24):
                    buffer = io.BytesIO()
                    picture(i, tint).save(buffer, "PNG")
                    member = tarfile.TarInfo(f"{label}/{i:04d}.png")
                    member.size = buffer.tell()
                    buffer.seek(0)
                    tar.addfile(member, buffer)
    return folder


@pytest.fixture
def judge(tmp_path):
    """A file with the shapes of Tiny Darknet and random weights."""
    state, generator = {}, torch.Generator().manual_seed(0)
    for i, (narrow, wide) in enumerate(zip((3, *WIDTHS[:14]), WIDTHS[:14]), start=1):
        side = 1 if i > 2 and i % 2 else 3
        state[f"conv{i}.weight"] = torch.randn(wide, narrow, side, side, generator=generator) / (narrow * side**2) ** 0.5
        state |= {f"bn{i}.{name}": torch.ones(wide) for name in ("weight", "running_var")}
        state |= {f"bn{i}.{name}": torch.zeros(wide) for name in ("bias", "running_mean")}
    torch.save(state, tmp_path / "judge.pt")
    return tmp_path / "judge.pt"


def feature_recipe():
    small = {"net": NARROW, "pixels": 48, "view": 32, "batch": 8, "labels": 1.0}
    return replace(features.RECIPES["features/vgg-small"], **small)


@pytest.fixture
def eye(tmp_path, monkeypatch):
    """A narrow feature net with random weights where the recipes look for the trained one."""
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    torch.manual_seed(0)
    net = features.Student(feature_recipe(), 1).vgg  # its initial weights keep the signal alive
    features.balance(net, torch.rand(4, 3, 48, 48) * 2 - 1)
    weights.write(tmp_path / "features-vgg-small.safetensors", net.state_dict())


def enter(monkeypatch, room, name, recipe):
    monkeypatch.setitem(room.RECIPES, name, recipe)
    monkeypatch.setitem(ship.RECIPE_MODULES, name, room)


def test_a_feature_net_learns_from_teacher_and_labels_and_ships(data, judge, tmp_path, monkeypatch):
    enter(monkeypatch, features, "features/test", feature_recipe())
    ship.train("features/test", data=data, folder=tmp_path / "run", images=80, judge=judge)
    ship.train("features/test", data=data, folder=tmp_path / "run", images=960, judge=judge)  # resumed
    result = ship.ship("features/test", data=data, folder=tmp_path / "run", out=tmp_path)
    assert result["images"] == 960
    assert {"accuracy", "commonest class"} <= set(result["scores"]["objects"])
    with (tmp_path / "run" / "log.csv").open() as file:
        first, *_, last = csv.DictReader(file)
    assert float(last["distilled"]) < 0.93 * float(first["distilled"])  # of the teacher
    assert float(last["classified"]) < float(first["classified"])  # cross-entropy of the labels
    net = features.shipped(tmp_path / result["file"], NARROW)
    assert set(net(torch.rand(1, 3, 32, 32))) == set(net.layers)


def test_crops_of_one_picture_stay_on_one_side_of_the_split(data):
    sets = features.load_data(feature_recipe(), data)
    for name, train in sets.train.items():
        assert train.names and sets.held[name].names
        assert not set(train.names) & set(sets.held[name].names)
    assert sets.classes == 10 and sets.first["paintings"] == features.UNLABELLED


def test_folding_and_balancing_leave_what_is_computed_unchanged_up_to_scale():
    student = features.Student(feature_recipe(), 3)
    for norm in student.norms:
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.5, 2)
        torch.nn.init.uniform_(norm.weight, 0.5, 2)
    student.eval()
    x = torch.rand(8, 3, 48, 48) * 2 - 1
    net = student.folded()
    with torch.no_grad():
        plain = net(x)
        views, _ = student(x)
        assert torch.allclose(student.projections[0](plain["relu1_2"]), views[0], atol=1e-4)
        features.balance(net, x)
        balanced = net(x)
    for name, f in balanced.items():
        means = f.mean(dim=(0, 2, 3))
        assert means.max().item() == pytest.approx(1, abs=1e-2)
        ratio = plain[name].mean(dim=(0, 2, 3)) / means.clamp_min(1e-9)
        assert torch.allclose(f * ratio[:, None, None], plain[name], rtol=1e-2, atol=1e-3)


@pytest.mark.short_training
def test_the_decoder_of_adain_learns_and_ships(data, eye, tmp_path, monkeypatch):
    shares = {"net": NARROW, "pixels": 48, "view": 32, "batch": 4, "rate": 3e-3, "inversion": 480}
    recipe = replace(adain.RECIPES["adain/vgg-small"], **shares)
    enter(monkeypatch, adain, "adain/test", recipe)
    ship.train("adain/test", data=data, folder=tmp_path / "run", images=40)
    ship.train("adain/test", data=data, folder=tmp_path / "run", images=560)
    result = ship.ship("adain/test", data=data, folder=tmp_path / "run", out=tmp_path)
    net = AdaIN(**NARROW)
    net.load_state_dict(weights.read(tmp_path / result["file"]))
    eye_weights = weights.read(tmp_path / "features-vgg-small.safetensors")
    assert all(torch.equal(value, eye_weights[key]) for key, value in net.encoder.state_dict().items())
    untrained = adain.Training(recipe, torch.device("cpu"), eye_weights)
    x = torch.stack([torch.from_numpy(np.array(picture(i, i % 2))) for i in range(4)]).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        errors = [(model(x, x) - x).abs().mean() for model in (net, untrained.net)]
    assert errors[0] < errors[1]
    assert {"restyled", "contents as they are"} == set(result["scores"])


def test_a_feed_forward_net_learns_starts_from_another_and_ships(data, eye, tmp_path, monkeypatch):
    small = {"net": {"width": 4, "blocks": 1}, "widths": NARROW["widths"], "pixels": 48, "view": 32, "side": 48, "rate": 3e-3}
    recipe = style.Recipe(painting="oldmaster/0001.png", **small)
    enter(monkeypatch, style, "fast/test", recipe)
    enter(monkeypatch, style, "fast/second", replace(recipe, painting="styles/0002.png", after="fast/test"))
    ship.train("fast/test", data=data, folder=tmp_path / "run", images=400)
    scores = ship.ship("fast/test", data=data, folder=tmp_path / "run", out=tmp_path)["scores"]
    assert scores["restyled"]["style distance"] < scores["contents as they are"]["style distance"]
    assert scores["contents as they are"]["content distance"] == 0
    ship.train("fast/second", data=data, folder=tmp_path / "next", images=4)
    first = TransformerNet(**recipe.net)
    first.load_state_dict(weights.read(tmp_path / "fast-test.safetensors"))
    second = torch.load(tmp_path / "next" / "checkpoint.pt", weights_only=True)["net"]
    assert (second["last.weight"] - first.last.weight).abs().max() < 0.02  # one step away from where it started


def test_distances_are_zero_for_equal_features_and_one_for_none():
    f = torch.rand(2, 4, 5, 5)
    assert relative(f, f) == 0 and relative(torch.zeros_like(f), f) == 1
    assert gram_distance({"a": f}, {"a": f}) == 0
    assert torch.allclose(grams(f)[0], sum(torch.outer(c, c) for c in f[0].flatten(1).T) / 25, atol=1e-5)
