"""Training code of both rooms on tiny pictures: it learns, stops, resumes and ships."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from plain import two_classes

from imgstudio import catalog, weights
from imgstudio.catalog import rows
from imgstudio.errors import StudioError
from imgstudio.importing import arguments
from imgstudio.models.dcgan import BinomialBlur, Discriminator, Generator, binomial_blur
from imgstudio.models.vae import VAE
from imgstudio.train import ship, vae
from imgstudio.train.data import batches, read, split
from imgstudio.train.gan import dcgan, stylegan2
from imgstudio.train.gan.augment import diffaugment, translation
from imgstudio.train.losses import ADVERSARIAL, calibrated_gaussian, gradient_penalty
from imgstudio.train.perceptual import WIDTHS, PerceptualDistance, TinyDarknet
from imgstudio.train.run import EMA, settle_batch_norm

SMALL = {"size": 16, "channels": 8, "widest": 16, "latent": 8}


@pytest.fixture
def data(tmp_path):
    """A folder with two classes of plain 16 px pictures: `red/` and `blue/`."""
    return two_classes(tmp_path / "data", 80)


@pytest.fixture
def judge(tmp_path):
    """A file with the shapes of Tiny Darknet and random weights."""
    state, generator = {}, torch.Generator().manual_seed(0)
    for i, (narrow, wide) in enumerate(zip((3, *WIDTHS[:6]), WIDTHS[:6]), start=1):
        side = 1 if i in (3, 5) else 3
        state[f"conv{i}.weight"] = torch.randn(wide, narrow, side, side, generator=generator) / (narrow * side**2) ** 0.5
        state |= {f"bn{i}.{name}": torch.ones(wide) for name in ("weight", "running_var")}
        state |= {f"bn{i}.{name}": torch.zeros(wide) for name in ("bias", "running_mean")}
    torch.save(state, tmp_path / "judge.pt")
    return tmp_path / "judge.pt"


def gan_recipe(**more):
    discriminator = {"channels": 8, "widest": 16}
    return dcgan.Recipe(**{"data": "plain.tar", "generator": SMALL, "discriminator": discriminator, "batch": 8} | more)


def vae_recipe(**more):
    net = {"latent": 4, "widths": (8, 16), "size": 16, "groups": 2, "components": 2}
    return vae.Recipe(**{"data": "plain.tar", "net": net, "batch": 8, "grouping": "colour/{}", "rate": 3e-3} | more)


def test_the_split_depends_on_names_alone(data):
    pictures = read(data / "plain.tar", size=16)
    assert pictures.classes == ("blue", "red") and len(pictures) == 80
    train, held = split(pictures, every=5)
    shuffled = pictures.subset(list(reversed(range(80))))
    assert set(split(shuffled, every=5)[1].names) == set(held.names)
    assert not set(train.names) & set(held.names) and 5 < len(held) < 30
    assert all(name.startswith("red") for name in set(split(pictures, every=5, groups=("red",))[1].names) - set(held.names))


def test_npz_is_read_and_shrunk(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.full((3, 32, 32, 3), 7, np.uint8))
    pictures = read(tmp_path / "a.npz", size=16)
    assert pictures.images.shape == (3, 3, 16, 16) and pictures.images.unique().tolist() == [7]


def test_batches_show_every_picture_once_an_epoch(data):
    pictures = read(data / "plain.tar", size=16)
    stream = batches(pictures, 8, seed=0)
    seen = torch.cat([next(stream)[0] for _ in range(10)])
    assert len(seen.flatten(1).unique(dim=0)) == len(pictures.images.flatten(1).unique(dim=0))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_a_loss_falls_as_its_player_wins(name):
    loss, up, down = ADVERSARIAL[name], torch.full((4,), 0.9), torch.full((4,), -0.9)
    assert loss.discriminator(up, down) < loss.discriminator(down, up)
    assert loss.generator(up) < loss.generator(down)


def test_the_gradient_penalty_is_zero_for_slope_one():
    direction = torch.randn(3 * 4 * 4)
    direction /= direction.norm()
    real, fake = torch.randn(2, 5, 3, 4, 4)
    assert gradient_penalty(lambda x: x.flatten(1) @ direction, real, fake) == pytest.approx(0, abs=1e-6)
    assert gradient_penalty(lambda x: x.flatten(1) @ (3 * direction), real, fake) == pytest.approx(4, abs=1e-4)


def test_the_calibrated_likelihood_is_that_of_the_best_variance():
    error, dims = torch.tensor([10.0, 30.0]), 100
    at_best = 0.5 * (error.mean() / 0.2 + dims * torch.tensor(0.2).log())  # 0.2 = 20 / 100
    assert calibrated_gaussian(error, dims).item() == pytest.approx((at_best - dims / 2).item(), rel=1e-5)


def test_augmentation_keeps_shape_and_lets_gradients_through():
    x = torch.rand(6, 3, 16, 16, requires_grad=True)
    y = diffaugment(x, True)
    y.sum().backward()
    assert y.shape == x.shape and x.grad.abs().sum() > 0 and not torch.equal(y, x)
    assert torch.equal(diffaugment(x, False), x)


def test_a_shift_moves_by_whole_pixels():
    x = torch.zeros(32, 1, 16, 16)
    x[:, :, 8, 8] = 1
    y = translation(x, ratio=1 / 8)
    places = y.flatten(1).argmax(dim=1)
    assert (y.flatten(1).sum(dim=1) == 1).all() and len(places.unique()) > 5
    assert ((places // 16 - 8).abs() <= 2).all() and ((places % 16 - 8).abs() <= 2).all()


@pytest.mark.parametrize("classes", [0, 3])
def test_the_nets_of_the_game_fit_each_other(classes):
    generator = Generator(**SMALL, classes=classes)
    discriminator = Discriminator(size=16, channels=8, widest=16, classes=classes)
    labels = torch.tensor([0, 1, 2, 0, 1]) if classes else None
    pictures = generator(torch.randn(5, 8), labels)
    assert pictures.shape == (5, 3, 16, 16) and pictures.abs().max() <= 1
    assert discriminator(pictures, labels).shape == (5,)


def test_pixel_art_is_enlarged_pixel_by_pixel():
    net, z = Generator(**SMALL, pixel=2).eval(), torch.randn(2, 8)
    large, small = net(z), net.without_upsampling(z)
    assert large.shape[-1] == 32 and torch.equal(large[:, :, ::2, ::2], small) and torch.equal(large[:, :, 1::2, 1::2], small)


@pytest.mark.short_training
@pytest.mark.parametrize("loss", ADVERSARIAL)
def test_a_gan_learns_the_colours_of_its_classes(loss, data, tmp_path):
    rate = 6e-3 if loss == "lsgan" else 2e-3  # its gradients are small
    rates = {"generator_rate": rate, "discriminator_rate": rate}
    recipe = gan_recipe(loss=loss, generator=SMALL | {"classes": 2}, augment=False, ema_horizon=20, **rates)
    net = dcgan.train(recipe, data, tmp_path / "run", images=3200, every=1600)
    with torch.no_grad():
        blue, red = (net(torch.randn(32, 8), torch.full((32,), i)).mean(dim=(0, 2, 3)) for i in (0, 1))
    assert red[0] > blue[0] + 0.5 and blue[2] > red[2] + 0.5
    assert (tmp_path / "run" / "log.csv").read_text().count("\n") >= 3
    assert list((tmp_path / "run").glob("preview-*.png"))


def test_a_run_resumes_where_it_stopped(data, tmp_path):
    recipe = gan_recipe()
    dcgan.train(recipe, data, tmp_path / "run", images=80)
    first = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    dcgan.train(recipe, data, tmp_path / "run", images=160)
    second = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert (first["images"], second["images"]) == (80, 160)
    assert second["ema"]["steps"] == 2 * first["ema"]["steps"]
    assert second["seconds"] > first["seconds"]
    dcgan.train(recipe, data, tmp_path / "run", images=160)  # nothing left to do
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["images"] == 160


@pytest.mark.short_training
def test_a_vae_learns_to_reconstruct_and_ships(data, judge, tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    recipe = vae_recipe(beta=0.1, perceptual=10.0)
    monkeypatch.setitem(vae.RECIPES, "vae/plain", recipe)
    monkeypatch.setitem(ship.RECIPE_MODULES, "vae/plain", vae)
    ship.train("vae/plain", data=data, folder=tmp_path / "run", images=2400, judge=judge)
    result = ship.ship("vae/plain", data=data, folder=tmp_path / "run", out=tmp_path)
    scores = result["scores"]
    assert scores["reconstruction"]["psnr"] > scores["mean picture"]["psnr"] + 3
    net = VAE(**recipe.net)
    net.load_state_dict(weights.read(tmp_path / "vae-plain.safetensors"))
    with torch.no_grad():
        blue, red = net.decode(net.group_means)
    assert red[0].mean() > blue[0].mean() and blue[2].mean() > red[2].mean()
    assert net.information.sum() > 0 and net.prior_weights.sum().item() == pytest.approx(1, abs=1e-2)


def test_the_perceptual_distance_may_weigh_otherwise_at_the_end_of_a_run(data, judge, tmp_path, monkeypatch):
    assert vae.perceptual(vae_recipe(perceptual=7.0), 1.0) == 7.0
    seen = []
    step = vae.Training.step
    monkeypatch.setattr(vae.Training, "step", lambda self, *given: seen.append(self.perceptual) or step(self, *given))
    vae.train(vae_recipe(perceptual=7.0, final_perceptual=2.0), data, judge, tmp_path / "run", images=160)
    assert seen == [7.0] * 18 + [2.0] * 2


def test_the_perceptual_distance_sees_structure(judge):
    distance = PerceptualDistance(TinyDarknet.from_file(judge))
    x, y = torch.rand(2, 4, 3, 32, 32) * 2 - 1
    assert distance(x, x).tolist() == pytest.approx([0] * 4, abs=1e-6)
    assert (distance(x, y) > distance(x, x + 0.01 * y)).all()


def test_averaged_batch_norm_is_measured_anew():
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    ema = EMA(net, 1)
    with torch.no_grad():
        ema.net[0].bias.fill_(5.0)
    settle_batch_norm(ema.net, lambda: ema.net(torch.zeros(8, 2)), passes=4)
    assert torch.allclose(ema.net[1].running_mean, torch.full((3,), 5.0))


@pytest.mark.parametrize("name", ship.RECIPE_MODULES)
def test_a_recipe_and_the_catalogue_name_the_same_net(name):
    """The file, the recipe and the table have to describe one net; a model not trained yet has a recipe alone."""
    spec = next((spec for spec in catalog.SPECS if spec.name == name), None)
    if spec is None:
        pytest.skip("not in the catalogue yet")
    room = ship.find(name)
    wanted = room.RECIPES[name].generator if room in (dcgan, stylegan2) else room.RECIPES[name].net
    config = weights.read_config(weights.folder() / spec.source.filename)
    assert as_json(spec.kwargs) == as_json(wanted) == arguments.current(config)


def test_the_catalogue_reads_what_ship_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "SHIPPED", tmp_path / "shipped.json")
    rows.SHIPPED.write_text('{"vae/old": {"size": 1}}')
    report = {"file": "dcgan-new.safetensors", "sha256": "0" * 64, "size": 5, "arguments": {"widths": [8, 4]}, "images": 40}
    rows.store("dcgan/new", report)
    stored = json.loads(rows.SHIPPED.read_text())
    assert stored["vae/old"] == {"size": 1} and stored["dcgan/new"]["images"] == 40
    monkeypatch.setattr(rows, "_shipped", stored)
    spec = rows.own("dcgan/new", "sample", "New", "dcgan:Generator", licence="CC0-1.0", data="none")
    assert (spec.source.filename, spec.source.sha256) == (report["file"], report["sha256"])
    assert (spec.size, spec.kwargs) == (5, {"widths": (8, 4)})


def as_json(kwargs):
    """As the file's metadata holds it: tuples are lists there."""
    return json.loads(json.dumps(dict(kwargs)))


def test_the_filter_takes_a_mesh_away_and_keeps_the_rest():
    y, x = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    mesh = ((x + y) % 2 * 2.0 - 1)[None, None]
    ramp = (x + 3.0 * y)[None, None]
    assert binomial_blur(mesh)[:, :, 1:-1, 1:-1].abs().max() < 1e-6
    assert torch.allclose(binomial_blur(mesh + ramp)[:, :, 1:-1, 1:-1], ramp[:, :, 1:-1, 1:-1], atol=1e-5)
    torch.manual_seed(0)
    plain, smooth = (Generator(size=8, channels=8, latent=4, antialias=last).eval() for last in (0, 1))
    smooth.load_state_dict(plain.state_dict())  # a layer without weights: the old ones fit
    z = torch.randn(4, 4)
    assert torch.allclose(smooth(z).atanh(), binomial_blur(plain(z).atanh()), atol=1e-4)
    twice = Generator(size=16, channels=8, latent=4, antialias=2)
    assert sum(isinstance(layer, BinomialBlur) for layer in twice.main) == 2


def test_a_smooth_decoder_draws_no_mesh():
    torch.manual_seed(0)
    plain, smooth = (VAE(latent=4, widths=(8, 8), size=16, components=1, antialias=last).eval() for last in (False, True))
    smooth.load_state_dict(plain.state_dict())
    z = torch.randn(4, 4)
    assert torch.allclose(smooth.decode(z).atanh(), binomial_blur(plain.decode(z).atanh()), atol=1e-4)


def test_a_generator_with_a_flow_draws_what_the_flow_leads_to():
    net = Generator(**SMALL, classes=2, flow={"width": 16, "depth": 1}).eval()
    torch.nn.init.normal_(net.flow.leave.weight)
    z, labels = torch.randn(3, 8), torch.tensor([0, 1, 1])
    codes = net.flow(z, labels)
    assert not torch.allclose(codes, z, atol=0.1)
    assert torch.equal(net(z, labels), net.draw(codes, labels))
    assert not any(parameter.requires_grad for parameter in net.flow.parameters())


def test_a_loss_can_be_chosen_for_a_recipe_that_has_one(data, tmp_path, monkeypatch):
    monkeypatch.setitem(dcgan.RECIPES, "dcgan/plain", gan_recipe())
    monkeypatch.setitem(ship.RECIPE_MODULES, "dcgan/plain", dcgan)
    seen = []
    monkeypatch.setattr(dcgan, "train", lambda recipe, *_, **__: seen.append(recipe.loss))
    ship.train("dcgan/plain", data=data, folder=tmp_path, images=16, loss="wgan-gp")
    ship.train("dcgan/plain", data=data, folder=tmp_path, images=16)
    assert seen == ["wgan-gp", gan_recipe().loss]
    with pytest.raises(StudioError, match="minimax, lsgan"):
        ship.train("dcgan/plain", data=data, folder=tmp_path, images=16, loss="square")
    with pytest.raises(StudioError, match="leave --loss out"):
        ship.train("vae/fruits", data=data, folder=tmp_path, images=16, loss="lsgan")
