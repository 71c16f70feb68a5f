"""Every recipe that `train` knows, on a tiny copy of its data in the form of `data`: it trains, resumes and ships.

Nothing is asked of quality. What makes a recipe long (nets that are large, stages of many pictures, scores of many samples) is
cut; which parts it has, and what it reads, stays.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from imgstudio.errors import StudioError
from imgstudio.models.vgg import VGG
from imgstudio.train import cyclegan, flow, ship
from imgstudio.train.data import datasets, drawn_sets, groups, photo_sets
from imgstudio.train.features import darknet
from imgstudio.train.run import Run

FRUITS = (("Apple", "Apple_Pink_Lady_1"), ("Cherry", "Cherry_Rainier_2"), ("Tomato", "Tomato_Heart_1"))
BATCH, STEPS = 2, 8


def picture(number: int, size: tuple[int, int]) -> Image.Image:
    """A smooth random picture."""
    pixels = np.random.default_rng(number).integers(0, 255, (5, 5, 3), np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)


def jpeg(number: int, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    picture(number, size).save(file, "JPEG")
    return file.getvalue()


def head(number: int) -> np.ndarray:
    """A patch of skin with something on it, on a plain ground: the colours by which heads are grouped."""
    image = np.empty((128, 128, 3), np.uint8)
    image[:] = list(groups.GROUNDS.values())[number % len(groups.GROUNDS)]
    image[32:96, 32:96] = list(groups.SKINS.values())[number % 7 % len(groups.SKINS)]
    image[48:64, 48:80] = np.asarray(picture(number, (32, 16)))
    return image


def names(file: str) -> list[tuple[str, tuple[int, int]]]:
    """Names and sizes of pictures, as `data` gives them to a set."""
    if file == "fruits64.tar":
        other = [(f"{fruit}/{fruit}_1__r_{i}_100.jpg", (64, 64)) for fruit, _ in FRUITS for i in range(20)]
        return other + [(f"{fruit}/{kind}__r_{i}_100.jpg", (64, 64)) for fruit, kind in FRUITS for i in range(4)]
    if file == "hands64.tar":
        return [(f"{digit}/img_{i}{digit}.jpg", (64, 64)) for digit in range(10) for i in range(8)]
    if file in ("objects128.tar", "clothing128.tar"):
        return [(f"{kind}/image_{i:04d}.jpg", (128, 128)) for kind in ("ant", "hat") for i in range(24)]
    if file == "flowers256.tar":
        kinds = ("daisy", "dandelion", "roses", "sunflower", "tulips")
        return [(f"{kind}/{i:04d}.jpg", (300, 240)) for kind in kinds for i in range(24)]
    if file == "textures.tar":
        materials = [(f"materials/Wood{i // 3:03d}/{i % 3:04d}.jpg", (320, 320)) for i in range(60)]
        return materials + [(f"tiles128/Bricks/Bricks{i:03d}.jpg", (128, 128)) for i in range(90)]
    if file == "photos512.tar":
        return [(row.name, (200, 160)) for row in photo_sets.singles("photo/")[::2]]
    rows = photo_sets.singles("impressionist/") + photo_sets.singles("styles/")
    return [(row.name, (320, 280)) for row in rows] + [(f"oldmaster/{i:04d}.jpg", (300, 286)) for i in range(1, 25)]


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """A folder with all sets, some dozen pictures each."""
    folder = tmp_path_factory.mktemp("sets")
    for each in datasets.DATASETS:
        if each.file.endswith(".tar"):
            found = names(each.file)
            photo_sets.write_tar(((name, jpeg(i, size)) for i, (name, size) in enumerate(found)), folder / each.file)
    drawn_sets.write_images([np.asarray(picture(i, (64, 64))) for i in range(60)], folder / "nouns64.npz")
    drawn_sets.write_images([head(i) for i in range(60)], folder / "avatars128.npz")
    generator = torch.Generator().manual_seed(0)
    state = {name: torch.randn(shape, generator=generator) * 0.1 for name, shape, _ in darknet._layout()}
    torch.save({name: v.abs() + 1 if name.startswith("bn") else v for name, v in state.items()}, folder / datasets.PERCEPTUAL)
    return folder


def short(recipe):
    """The recipe with small batches and stages of a few pictures."""
    distill = getattr(recipe, "distill", None)
    batch = 12 if getattr(distill, "style_mixing_finetuning", 0) else BATCH  # pictures of several kinds in one batch
    cut = {"batch": batch, "ema_horizon": 2, "warm_up": 8, "inversion": 8, "ramp": 2, "pool_size": 4}
    if distill:
        stages = dict.fromkeys(
            (
                "pretrain_images",
                "freeze_generator_images",
                "supervised_finetuning",
                "self_distillation",
                "style_mixing_finetuning",
            ),
            2 * batch,
        )
        lengths = {**stages, "decay_images": 8 * batch, "flow_steps": 3}
        kept = {name: min(value, getattr(distill, name)) for name, value in lengths.items()}
        cut["distill"] = dataclasses.replace(distill, **kept)
    if hasattr(recipe, "inverse_only_images"):
        cut |= {"pretrain_images": min(recipe.pretrain_images, 4), "inverse_only_images": min(recipe.inverse_only_images, 4)}
    known = {field.name for field in dataclasses.fields(recipe)}
    return dataclasses.replace(recipe, **{name: value for name, value in cut.items() if name in known})


@pytest.fixture
def quick(monkeypatch):
    """Cuts what is measured at the end of a run: batch statistics, centres, mosaics to segment. Draws no curves."""
    monkeypatch.setattr(Run, "plot", lambda _: None)
    settle, centres = ship.settle_batch_norm, ship.dcgan.find_centres
    few = lambda net, forward, *, passes=0: settle(net, forward, passes=1)  # noqa: E731
    for module in (ship, ship.dcgan, ship.features):
        monkeypatch.setattr(module, "settle_batch_norm", few)
    monkeypatch.setattr(ship.dcgan, "find_centres", lambda net: centres(net, 4))
    monkeypatch.setattr(flow, "BATCH", 16)
    finish = ship.stylegan2.finish
    monkeypatch.setattr(ship.stylegan2, "finish", lambda net: finish(net, 64))
    monkeypatch.setattr(ship.texture, "EXAM", (1, 64))
    monkeypatch.setattr(ship.texture, "FINAL", (1, 64))


def figures(folder: Path) -> list[dict[str, float]]:
    with (folder / "log.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def distinct() -> list[str]:
    """The recipes, one of each kind: those that differ in words alone, such as the painting that is learned, train alike."""
    kinds = {}
    for name, module in ship.RECIPE_MODULES.items():
        numbers = {key: value for key, value in vars(module.RECIPES[name]).items() if not isinstance(value, str)}
        kinds.setdefault((module.__name__, repr(numbers)), name)
    return list(kinds.values())


@pytest.mark.timeout(900)  # the longest took four minutes where all processors were taken
@pytest.mark.parametrize("name", distinct())
def test_a_recipe_trains_resumes_and_ships(name, data, quick, tmp_path, monkeypatch):
    room = ship.find(name)
    recipe = short(room.RECIPES[name])
    monkeypatch.setitem(room.RECIPES, name, recipe)
    steps = 4 if room is cyclegan else STEPS
    run, out, images = tmp_path / "run", tmp_path / "weights", steps * recipe.batch
    with monkeypatch.context() as interrupted:
        going = iter([False, False])
        stops = property(lambda _: next(going, True), lambda *_: None)  # as a signal does it
        interrupted.setattr(Run, "stopping", stops, raising=False)
        ship.train(name, data=data, folder=run, images=images)
    first = figures(run)
    ship.train(name, data=data, folder=run, images=images)
    rows = figures(run)
    assert len(rows) > len(first) and rows[-1]["images"] >= images > first[-1]["images"] > 0
    for row in rows:  # a stage without discriminator has no figures of it, which the log calls nan
        assert any(math.isfinite(v) for k, v in row.items() if k not in ("images", "minutes"))
        assert not any(math.isinf(v) for v in row.values())
    out.mkdir()
    report = ship.ship(name, data=data, folder=run, out=out)
    made = {out / each["file"] for each in (report, report.get("inverse")) if each}
    assert made == set(out.iterdir()) and len(made) == (2 if room is cyclegan else 1)
    assert report["scores"] and all(
        v.isfinite().all() for path in made for v in load_file(path).values() if v.is_floating_point()
    )


def test_a_run_in_its_last_stages_cannot_be_made_longer(data, quick, tmp_path, monkeypatch):
    recipe = short(ship.find("cgan/fruits").RECIPES["cgan/fruits"])
    monkeypatch.setitem(ship.dcgan.RECIPES, "cgan/fruits", recipe)
    ship.train("cgan/fruits", data=data, folder=tmp_path / "run", images=STEPS * BATCH)
    with pytest.raises(StudioError, match="last stages.*same --images.*another --folder"):
        ship.train("cgan/fruits", data=data, folder=tmp_path / "run", images=2 * STEPS * BATCH)


def test_the_small_vgg_is_as_the_recipes_expect_it():
    assert VGG(**ship.features.RECIPES["features/vgg-small"].net).smallest <= 64
