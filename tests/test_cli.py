"""The command line: each verb writes what its studio function makes, and a failure is one line."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import av
import foreign
import numpy as np
import pytest
import torch
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import StudioError, art, catalog, image, weights
from imgstudio.art import flowers
from imgstudio.bench import style
from imgstudio.catalog.records import Embedded
from imgstudio.cli.main import main
from imgstudio.models.vae import VAE
from imgstudio.models.vgg import VGG
from imgstudio.studio import seeds

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Results land in a folder of their own."""
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")


@pytest.fixture
def vae(small_model):
    """A registered VAE with random weights."""
    kwargs = {"latent": 8, "widths": (8, 8), "size": 16, "depth": 1, "groups": 2}
    torch.manual_seed(0)
    net = VAE(**kwargs)
    net.group_means[1] = 1.0
    model = small_model("test/vae", task="reconstruct", build="imgstudio.models.vae:VAE", kwargs=kwargs)
    digest = weights.write(model.path, net.state_dict())
    fields = {"source": Embedded(filename=model.path.name, sha256=digest), "labels": ("fruit/apple", "fruit/tomato")}
    return catalog.register(type(model.spec)(**{**vars(model.spec), **fields}))


@pytest.fixture
def photos(tmp_path) -> list[str]:
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{name}.png" for name in "abcd"]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (20, 24, 3), np.uint8)).save(path)
    return [str(path) for path in paths]


def test_sample_writes_a_grid_with_its_settings(small_model, capsys):
    small_model("test/gan")
    assert main(["sample", "test/gan", "--seeds", "0-4,9", "--columns", "3", "--truncation", "0.5", "--out", "grid.png"]) == 0
    assert capsys.readouterr().out == "grid.png\n"
    expected = image.grid(imgstudio.sample("test/gan", [0, 1, 2, 3, 4, 9], truncation=0.5), 3)
    assert image.read("grid.png").tobytes() == expected.tobytes()
    settings = image.read_settings("grid.png")
    assert settings == {
        "task": "sample", "model": "test/gan", "seeds": [0, 1, 2, 3, 4, 9], "truncation": 0.5, "columns": 3,
    }  # fmt: skip


def test_a_single_sample_is_kept_as_on_the_page(small_model):
    small_model("test/gan")
    assert main(["sample", "test/gan", "--seeds", "7"]) == 0
    assert image.read_settings("sample.png") == {"task": "sample", "model": "test/gan", "seed": 7, "truncation": 0.7}


def test_pictures_are_enlarged(small_model):
    small_model("test/gan")
    assert main(["sample", "test/gan", "--seeds", "7", "--side", "64"]) == 0
    assert image.read("sample.png").size == (64, 64)


@each_row("ending", ["gif", "webp", "mp4"])
def test_walk_writes_a_film(small_model, ending):
    small_model("test/gan")
    assert (
        main(["walk", "test/gan", "--seeds", "1,2", "--frames", "3", "--no-loop", "--truncation", "1", "--out", f"w.{ending}"])
        == 0
    )
    if ending == "mp4":
        with av.open("w.mp4") as container:
            assert len(list(container.decode(video=0))) == 4
    else:
        assert Image.open(f"w.{ending}").n_frames == 4


def test_verbs_of_the_vae(vae, photos, capsys):
    a, b, *_ = photos
    commands = {
        "reconstruct": [a],
        "interpolate": [a, b, "--steps", "3", "--curve", "lerp"],
        "manifold": [*photos, "--size", "3"],
        "traverse": [a, "--dimension", "2", "--steps", "5"],
        "prior": ["--seeds", "0-3"],
        "attribute": [a, "--amount", "apple to tomato=0.5"],
        "denoise": [a, "--noise", "0.2"],
    }
    cells = {"reconstruct": 1, "interpolate": 3, "manifold": 9, "traverse": 5, "prior": 4, "attribute": 1, "denoise": 2}
    for verb, rest in commands.items():
        assert main([verb, *rest, "--model", "test/vae", "--out", f"{verb}.png"]) == 0
        sheet = image.read(f"{verb}.png")
        assert (sheet.width + 2) * (sheet.height + 2) == cells[verb] * 18 * 18, verb
        assert image.read_settings(f"{verb}.png")["model"] == "test/vae"
    assert "PSNR" in capsys.readouterr().out
    strip = imgstudio.interpolate("test/vae", a, b, steps=3, curve="lerp")
    assert image.read("interpolate.png").tobytes() == image.grid(strip, 3).tobytes()
    half = imgstudio.attribute("test/vae", a, {"apple to tomato": 0.5})
    assert image.read("attribute.png").tobytes() == half.tobytes()


def test_interpolation_as_a_film(vae, photos):
    assert main(["interpolate", *photos[:2], "--model", "test/vae", "--steps", "4", "--out", "m.gif"]) == 0
    assert Image.open("m.gif").n_frames == 4


def test_the_default_model_is_the_first_embedded_one(vae, photos, monkeypatch):
    monkeypatch.setattr(catalog, "SPECS", ())
    assert main(["prior", "--seeds", "1"]) == 0
    assert image.read_settings("prior.png")["model"] == "test/vae"


@pytest.fixture
def gatys(small_model):
    """A registered feature net with random weights."""
    kwargs = {"widths": (4, 4, 4, 4, 4)}
    torch.manual_seed(0)
    model = small_model("test/gatys", task="stylize", build="imgstudio.models.vgg:VGG", kwargs=kwargs)
    digest = weights.write(model.path, VGG(**kwargs).state_dict())
    fields = {"source": Embedded(filename=model.path.name, sha256=digest)}
    return catalog.register(type(model.spec)(**{**vars(model.spec), **fields}))


def test_stylize_writes_the_last_picture_with_its_settings(gatys, photos, capsys):
    a, b, c, _ = photos
    options = ["--mix", "0.7,0.3", "--size", "64", "--steps", "3", "--layer", "relu1_1=1", "--layer", "relu2_1=0.5"]
    assert main(["stylize", "test/gatys", a, "--style", b, "--style", c, *options, "--keep-colors"]) == 0
    assert "3 of 3" in capsys.readouterr().out
    chosen = {
        "weights": [0.7, 0.3],
        "size": 64,
        "steps": 3,
        "layers": {"relu1_1": 1.0, "relu2_1": 0.5},
        "keep_colors": "luminance",
    }
    expected = imgstudio.last(imgstudio.stylize("test/gatys", a, [b, c], **chosen)).image
    assert image.read("stylize.png").tobytes() == expected.tobytes()
    settings = image.read_settings("stylize.png")
    assert settings["task"] == "stylize" and settings["content"] == a and settings["styles"] == [b, c]
    assert {name: settings[name] for name in chosen} == chosen
    assert settings["content_weight"] == 1.0


def test_stopping_keeps_the_picture(gatys, photos, monkeypatch):
    shown = []

    def interrupted(*arguments, **options):
        for step in imgstudio_stylize(*arguments, **options, every=1):
            if step.done == 2:
                raise KeyboardInterrupt
            shown.append(step.image)
            yield step

    imgstudio_stylize = imgstudio.stylize
    monkeypatch.setattr(imgstudio, "stylize", functools.wraps(imgstudio_stylize)(interrupted))
    options = ["--size", "64", "--steps", "5", "--out", "kept.png"]
    assert main(["stylize", "test/gatys", photos[0], "--style", photos[1], *options]) == 0
    assert image.read("kept.png").tobytes() == shown[-1].tobytes()


def test_art_draws_the_style_pictures(monkeypatch, capsys):
    monkeypatch.setattr(art, "NAMES", dict(list(art.NAMES.items())[:1]))
    monkeypatch.setattr(art.write, "__kwdefaults__", {**art.write.__kwdefaults__, "size": 64})
    assert main(["art", "--out", "styles"]) == 0
    (path,) = Path("styles").iterdir()
    assert capsys.readouterr().out.strip() == str(path)
    assert max(image.read(path).size) == 64


def test_art_draws_flowers_to_translate(monkeypatch, capsys):
    monkeypatch.setattr(flowers, "SEEDS", {"daisy": (1,)})
    assert main(["art", "--flowers", "--out", "here"]) == 0
    assert capsys.readouterr().out.split() == [str(Path("here", "daisy-1.jpg"))]
    assert image.read(Path("here", "daisy-1.jpg")).size == (320, 320)


def test_a_file_goes_for_a_model(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(catalog, "_registered", {})
    torch.manual_seed(0)
    torch.save(foreign.dcgan((6, 8, 4, 1), (7, 4, 4), (1, 2, 2), (0, 1, 1)).state_dict(), tmp_path / "mine.pth")
    assert main(["import", str(tmp_path / "mine.pth")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("A DCGAN: 6 numbers become 28 × 28 px in grey") and "licence: not stated" in told
    assert main(["sample", str(tmp_path / "mine.pth"), "--seeds", "3"]) == 0
    assert image.read("sample.png").size == (28, 28)
    assert image.read_settings("sample.png")["model"] == "own/mine"
    assert main(["translate", str(tmp_path / "mine.pth"), "sample.png"]) == 2
    assert "can't do this (translate)" in capsys.readouterr().err


def test_models_lists_the_catalogue(small_model, capsys):
    spec = small_model("test/listed", task="segment").spec
    assert main(["models", "--task", "segment"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "task", "title", "size", "licence", "weights"]
    assert any(row.split()[:3] == [spec.name, "segment", spec.title] for row in rows)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["sample", "test/gan", "--seeds", "9-3"], "'9-3' is not a seed"),
        (["sample", "test/gan", "--seeds", "0-99999999"], "more than 1024 seeds"),
        (["sample", "test/gan", "--out", "a.jpg"], "ending .png"),
        (["walk", "test/gan", "--out", "a.avi"], ".mp4"),
        (["attribute", "a.png", "--model", "test/vae", "--amount", "apple"], "is no amount"),
        (["stylize", "test/gan", "a.png"], "can't do this"),
        (["train", "no/recipe", "--data", ".", "--images", "1"], "dcgan/avatars"),
        (["train", "dcgan/avatars", "--data", ".", "--images", "1"], "avatars128.npz"),
    ],
    ids=" ".join,
)
def test_a_failure_is_one_line(small_model, vae, gatys, capsys, command, words):
    small_model("test/gan")
    assert main(command) == 2
    error = capsys.readouterr().err
    assert error.startswith("imgstudio: ")
    assert error.count("\n") == 1
    assert words in error


def test_defaults_are_those_of_the_functions(capsys):
    with pytest.raises(SystemExit):
        main(["walk", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "frames from seed to seed (default: 24)" in text
    assert "(default: 0.7)" in text


@each_row("text", ["", "3", "3,17", " 3 ; 17\n20-22, "])
def test_seeds_as_people_write_them(text):
    assert seeds.parse(text) == {0: [], 1: [3], 4: [3, 17]}.get(len(text), [3, 17, 20, 21, 22])


@each_row("text", ["-3", "1.5", "3-", "0x3", "٣-"])
def test_other_texts_are_no_seeds(text):
    with pytest.raises(StudioError):
        seeds.parse(text)


def test_as_a_program():
    command = [sys.executable, "-m", "imgstudio", "sample", "no/such"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("imgstudio: There is no model 'no/such'")


def test_bench_measures_what_the_studio_does(small_model, vae, monkeypatch, capsys):
    gan = small_model("test/gan")
    monkeypatch.setattr(catalog, "SPECS", ())
    assert main(["bench", "--repeats", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    measured = {line.split()[0]: [float(number) for number in line.split()[1:]] for line in lines[3:]}
    assert set(measured) == {gan.spec.name, vae.name}
    for one, one_plain, ratio, many, many_plain, _ in measured.values():
        assert min(one, one_plain, many, many_plain) > 0
        assert abs(ratio - one_plain / one) < 0.2 * ratio + 0.02


def test_bench_measures_style(gatys, monkeypatch, capsys):
    monkeypatch.setattr(catalog, "SPECS", ())
    monkeypatch.setattr(style, "SIZE", 96)
    assert main(["bench", "--repeats", "2"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("test/gatys")]
    assert [" ".join(line.split()[1:3]) for line in lines] == ["one step", "average step"]
    for line in lines:
        studio, plain, ratio = map(float, line.split()[3:])
        assert studio > 0 and plain > 0 and ratio > 0
