"""Training of a StyleGAN2 on tiny pictures: it learns its classes, resumes and ships with what steering needs."""

from __future__ import annotations

import pytest
import torch
from plain import two_classes

from imgstudio import weights
from imgstudio.models.dcgan import Generator as DCGAN
from imgstudio.models.stylegan2 import Discriminator, Generator
from imgstudio.train import ship, stylegan
from imgstudio.train.losses import path_lengths, r1

SMALL = {"size": 16, "widths": (16, 16), "latent": 8, "style": 16, "mapping": 2, "components": 4}


@pytest.fixture
def data(tmp_path):
    """A folder with two classes of plain 16 px pictures in many shades: `red/` and `blue/`."""
    return two_classes(tmp_path / "data", 120)


def recipe(**more):
    small = {"data": "plain.tar", "generator": SMALL | {"classes": 2}, "discriminator": {"widths": (8, 16)}, "batch": 16}
    return stylegan.Recipe(**small | {"augment": (), "average": 20, "rate": 4e-3} | more)


def test_a_run_learns_its_classes_and_ships(data, tmp_path, monkeypatch):
    monkeypatch.setitem(stylegan.RECIPES, "stylegan2/plain", recipe())
    monkeypatch.setitem(ship.ROOMS, "stylegan2/plain", stylegan)
    ship.train("stylegan2/plain", data=data, folder=tmp_path / "run", images=4800)
    result = ship.ship("stylegan2/plain", data=data, folder=tmp_path / "run", out=tmp_path)
    scores = result["scores"]
    assert {"swd", "frechet", "coverage", "novelty"} <= set(scores["model"])
    assert scores["model"]["swd"] < scores["Gaussian fitted to pixels"]["swd"]
    assert (tmp_path / "run" / "log.csv").exists() and list((tmp_path / "run").glob("preview-*.png"))
    net = Generator(**SMALL, classes=2)
    net.load_state_dict(weights.read(tmp_path / "stylegan2-plain.safetensors"))
    with torch.no_grad():
        blue, red = net.synthesise(net.centre).mean(dim=(2, 3))
        varied = net(torch.randn(32, 8), torch.zeros(32, dtype=torch.long)).mean(dim=(2, 3))
    assert red[0] > blue[0] and blue[2] > red[2]
    assert varied.std(dim=0)[1] > 0.05  # the shades of green that the data varies in
    lengths = net.directions.norm(dim=1)
    assert lengths.min() > 0 and torch.equal(lengths, lengths.sort(descending=True).values)


def test_a_run_resumes_where_it_stopped(data, tmp_path):
    chosen = recipe(path_length=2.0, path_length_every=2)
    stylegan.train(chosen, data, tmp_path / "run", images=64)
    first = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    stylegan.train(chosen, data, tmp_path / "run", images=128)
    second = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert (first["images"], second["images"]) == (64, 128) and (first["steps"], second["steps"]) == (4, 8)
    assert second["path_length"] > 0 and second["path_length"] != first["path_length"]


def test_a_teacher_shows_it_what_to_draw_and_less_and_less_so(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    net = {"size": 16, "latent": 8, "channels": 16}
    torch.manual_seed(0)
    weights.write(tmp_path / "teacher.safetensors", DCGAN(**net).state_dict())
    chosen = recipe(generator=SMALL, teacher="teacher.safetensors", teacher_net=net, lessons=8000)
    training = stylegan.Training(chosen, torch.device("cpu"))
    real, labels = torch.rand(16, 3, 16, 16) * 2 - 1, torch.zeros(16, dtype=torch.long)
    course = [training.step(real, labels)["lesson"].item() for _ in range(300)]
    assert sum(course[-20:]) < 0.7 * sum(course[:20])

    full = [group["full"] for group in training.generator_optimiser.param_groups]
    shares = {0: 1.0, 4800: 1.0, 6400: 0.5, 8000: 0.15, 9000: 0.15}
    for training.images, share in shares.items():
        assert training.taught == pytest.approx(share)
        training.pace(1.0)
        rates = [group["lr"] for group in training.generator_optimiser.param_groups]
        assert rates == pytest.approx([4**share * rate for rate in full])
        assert all(group["lr"] == group["full"] for group in training.discriminator_optimiser.param_groups)


def test_some_pictures_are_made_from_two_latent_vectors():
    training = stylegan.Training(recipe(mixing=0.5), torch.device("cpu"))
    w, z, pure = training.styles(torch.zeros(64, dtype=torch.long))
    mixed = (w[:, 0] != w[:, -1]).any(dim=1)
    assert 10 < mixed.sum() < 54 and torch.equal(mixed, ~pure)
    assert torch.equal(w[:, :1].expand_as(w)[pure], w[pure])
    assert torch.allclose(training.generator.map(z, torch.zeros(64, dtype=torch.long)), w[:, 0], atol=1e-5)


def test_every_weight_moves_at_a_rate_of_its_own_size():
    groups = stylegan.equalised(Discriminator(size=16, widths=(8, 16)), 0.01)
    sized = [rate / params[0].std().item() for params, rate in groups if params[0].ndim > 1]
    assert sized == pytest.approx([0.01] * 7)


def test_r1_is_the_squared_slope_at_the_data():
    direction = torch.randn(3 * 4 * 4)
    assert r1(lambda x: x.flatten(1) @ direction, torch.randn(5, 3, 4, 4)).item() == pytest.approx(
        direction.square().sum().item()
    )


def test_path_lengths_measure_how_far_a_step_moves_the_picture():
    w, steps = torch.randn(256, 2, 4, requires_grad=True), torch.tensor([1.0, 3.0])
    pictures = (w.sum(dim=(1, 2)) * steps.repeat(128))[:, None, None, None].expand(-1, 3, 8, 8)
    lengths = path_lengths(pictures, w).detach()
    assert (lengths[1::2].mean() / lengths[::2].mean()).item() == pytest.approx(3, rel=0.3)
