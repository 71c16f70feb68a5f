"""Training of a StyleGAN2 on tiny pictures: it learns its classes, resumes and ships with what steering needs."""

from __future__ import annotations

import shutil

import pytest
import torch
from plain import two_classes

from imgstudio import device, weights
from imgstudio.errors import StudioError
from imgstudio.models.stylegan2 import Discriminator, Generator
from imgstudio.models.vae import VAE
from imgstudio.train import ship
from imgstudio.train.data import Pictures
from imgstudio.train.gan import dcgan, distillation, self_distillation, stylegan2, trainer
from imgstudio.train.gan.distillation import DistillConfig, LatentDistillation
from imgstudio.train.losses import r1_penalty

SMALL = {"size": 16, "widths": (16, 16), "latent": 8, "style": 16, "mapping": 2, "components": 4}
RATES = {"generator_rate": 4e-3, "discriminator_rate": 4e-3}
DCGAN = {"size": 16, "latent": 8, "channels": 8, "widest": 16}


@pytest.fixture
def data(tmp_path):
    """A folder with two classes of plain 16 px pictures in many shades: `red/` and `blue/`."""
    return two_classes(tmp_path / "data", 120)


def recipe(**more):
    small = {"data": "plain.tar", "generator": SMALL | {"classes": 2}, "discriminator": {"widths": (8, 16)}, "batch": 16}
    return stylegan2.Recipe(**small | {"augment": False, "ema_horizon": 20} | RATES | more)


@pytest.mark.short_training
def test_a_run_learns_its_classes_and_ships(data, tmp_path, monkeypatch):
    monkeypatch.setitem(stylegan2.RECIPES, "stylegan2/plain", recipe())
    monkeypatch.setitem(ship.RECIPE_MODULES, "stylegan2/plain", stylegan2)
    ship.train("stylegan2/plain", data=data, folder=tmp_path / "run", images=4800)
    result = ship.ship("stylegan2/plain", data=data, folder=tmp_path / "run", out=tmp_path)
    scores = result["scores"]
    assert {"swd", "frechet", "coverage", "novelty"} <= set(scores["model"])
    assert scores["model"]["swd"] < scores["Gaussian fitted to pixels"]["swd"]
    assert (tmp_path / "run" / "log.csv").exists() and list((tmp_path / "run").glob("preview-*.png"))
    net = Generator(**SMALL, classes=2)
    net.load_state_dict(weights.read(tmp_path / "stylegan2-plain.safetensors"))
    with torch.no_grad():
        blue, red = net.synthesis(net.centre).mean(dim=(2, 3))
        varied = net(torch.randn(32, 8), torch.zeros(32, dtype=torch.long)).mean(dim=(2, 3))
    assert red[0] > blue[0] and blue[2] > red[2]
    assert varied.std(dim=0)[1] > 0.05  # the shades of green that the data varies in
    lengths = net.directions.norm(dim=1)
    assert lengths.min() > 0 and torch.equal(lengths, lengths.sort(descending=True).values)


@pytest.mark.parametrize("optimiser", stylegan2.OPTIMISERS)
def test_a_run_resumes_where_it_stopped(optimiser, data, tmp_path):
    chosen = recipe(optimiser=optimiser)
    stylegan2.train(chosen, data, tmp_path / "run", images=64)
    first = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    stylegan2.train(chosen, data, tmp_path / "run", images=128)
    second = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert (first["images"], second["images"]) == (64, 128) and (first["steps"], second["steps"]) == (4, 8)
    steps = [{int(row["step"]) for row in state["generator_optimiser"]["state"].values()} for state in (first, second)]
    assert steps == [{4}, {8}]


def test_momentum_is_for_the_generator_alone():
    training = stylegan2.Training(recipe(momentum=0.5), torch.device("cpu"))
    training.set_rates(1.0)
    both = (training.generator_optimiser, training.discriminator_optimiser)
    assert [{group["betas"] for group in optimiser.param_groups} for optimiser in both] == [{(0.5, 0.99)}, {(0.0, 0.99)}]


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of weights with nothing but the feature net, for what a test adds."""
    shutil.copy(weights.folder() / "features-vgg-small.safetensors", tmp_path)
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("room", "more"),
    [
        (stylegan2, {"generator": SMALL, "discriminator": {"widths": (8, 16)}, "mapping_rate": 1.0, **RATES}),
        (dcgan, {"generator": DCGAN, "discriminator": {"channels": 8, "widest": 16}, "generator_rate": 2e-3}),
    ],
)
def test_a_picture_is_the_lesson_for_its_latent_vector_and_less_and_less_so(room, more, shelf):
    net = {"size": 16, "latent": 8, "widths": (8, 8)}
    torch.manual_seed(0)
    vae = VAE(**net)
    vae.encoder.posterior.weight.data[:8] *= 10
    vae.encoder.posterior.bias.data[8:] = -8.0  # an encoder that is sure of what it sees
    weights.write(shelf / "vae.safetensors", vae.state_dict())
    distill = DistillConfig(
        encoder="vae.safetensors", net=net, pretrain_images=3200, freeze_generator_images=800, decay_images=8000
    )
    training = room.Training(room.Recipe(data="", augment=False, ema_horizon=20, distill=distill, **more), torch.device("cpu"))
    greys = torch.linspace(-0.8, 0.8, 16).view(-1, 1, 1, 1).expand(-1, 3, 16, 16).contiguous()
    discriminator = training.discriminator.score.weight.clone()
    rows = [training.step(greys, torch.zeros(16, dtype=torch.long)) for _ in range(300)]
    one_grey_for_all = training.distillation.reconstruction_loss(torch.zeros_like(greys), greys)
    assert max(row["distillation"] for row in rows[180:200]) < 0.4 * one_grey_for_all
    assert [row["discriminator"].isnan().item() for row in rows] == [True] * 200 + [False] * 100
    assert [row["generator"].isnan().item() for row in rows] == [True] * 250 + [False] * 50  # the discriminator looks on first
    assert not torch.equal(discriminator, training.discriminator.score.weight)

    shares = {0: 1.0, 4000: 1.0, 4500: 0.875, 6000: 0.75, 9000: 0.75}
    assert [training.distillation.weight(seen) for seen in shares] == pytest.approx(list(shares.values()))


def test_latent_vectors_of_lessons_are_whitened_draws_from_the_posterior(shelf, monkeypatch):
    monkeypatch.setattr(device, "compute_dtype", lambda device, **_: torch.float32)  # bfloat16 rounds too much
    net = {"size": 16, "latent": 8, "widths": (8, 8), "components": 2}
    vae = VAE(**net).eval()
    vae.prior_weights.copy_(torch.tensor([0.25, 0.75]))
    vae.prior_means.copy_(torch.randn(2, 8))
    vae.prior_factors.copy_(torch.randn(2, 8, 8).tril() + 2 * torch.eye(8))
    weights.write(shelf / "vae.safetensors", vae.state_dict())
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    mean, logvar = vae.encode(torch.nn.functional.avg_pool2d(picture, 2))
    root = (13 / 3) ** 0.5  # of the mean square of a number between 1 and 3
    for spread, reach, times in ((1.0, 3.0, root), (0.1, 0.3, root / 10), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
        distill = DistillConfig(
            encoder="vae.safetensors", net=net, decay_images=100, posterior_std=spread, max_posterior_std=reach
        )
        distillation = LatentDistillation(distill, torch.device("cpu"))
        draws = distillation.latents(picture.expand(4000, -1, -1, -1)) @ distillation.factor.T + distillation.mean
        assert torch.allclose(draws.mean(dim=0), mean[0], atol=0.12 * times + 1e-4)
        assert torch.allclose(draws.std(dim=0), times * torch.exp(0.5 * logvar[0]), atol=0.12 * times + 1e-4)

        image = Pictures(((picture + 1) * 127.5).round().byte(), torch.tensor([4]), ("",), ("0",))
        codes, labels = distillation.code_sampler(image)(4000)
        assert labels.eq(4).all() and labels.shape == (4000,)
        deviations = (codes @ distillation.factor.T).std(dim=0)
        assert torch.allclose(deviations, spread * torch.exp(0.5 * logvar[0]), rtol=0.1, atol=1e-4)

    codes = vae.prior(torch.randn(50_000, 8), torch.rand(50_000))
    white = torch.linalg.solve_triangular(distillation.factor, (codes - distillation.mean).T, upper=False)
    assert white.mean(dim=1).abs().max() < 0.03 and (white.cov() - torch.eye(8)).abs().max() < 0.05


@pytest.mark.parametrize(("room", "small"), [(stylegan2, SMALL), (dcgan, DCGAN)])
def test_a_run_goes_on_without_its_critic(room, small, shelf, tmp_path, data):
    net = {"size": 16, "latent": 8, "widths": (8, 8)}
    weights.write(shelf / "vae.safetensors", VAE(**net).state_dict())
    discriminator = {"widths": (8, 16)} if room is stylegan2 else {"channels": 8, "widest": 16}
    distill = DistillConfig(encoder="vae.safetensors", net=net, decay_images=320, supervised_finetuning=160, self_distillation=80)
    recipe = room.Recipe(
        data="plain.tar", generator=small, discriminator=discriminator, batch=16, ema_horizon=10**6, distill=distill
    )
    pictures, _ = room.load_data(recipe, data)
    rows = []

    def run(images):
        training = room.Training(recipe, torch.device("cpu"))
        step = training.step

        def watched(real, labels):
            group = training.generator_optimiser.param_groups[0]
            nets = zip(training.generator.parameters(), training.ema.net.parameters())
            fresh = all(torch.equal(a, b) for a, b in nets)
            losses = step(real, labels)
            judged = not losses["discriminator"].isnan().item()
            other = training.discriminator_optimiser.param_groups[0]
            rows.append((training.stage, group["lr"] / group["full"], judged, fresh, group["betas"][0], other["betas"][0]))
            return losses

        training.step = watched
        trainer.train_gan(training, pictures, tmp_path / "run", images=images, every=1000)
        return training

    run(320)
    run(400)  # which changes when the stages end
    stages, rates, judged, fresh, momentum, other = zip(*rows)
    assert (
        stages == ("adversarial",) * 5 + ("supervised_finetuning",) * 10 + ("self_distillation",) * 5 + ("self_distillation",) * 5
    )
    assert judged == (True,) * 5 + (False,) * 20
    assert set(momentum[5:]) == {0.9} and set(momentum[:5]) == set(other) == {0.0 if room is stylegan2 else 0.5}
    assert fresh[0] and fresh[5] and fresh[15] and not any(fresh[1:5]) and not any(fresh[6:15])
    assert (
        rates[4] == pytest.approx(2 / 3)
        and rates[5] == trainer.FINETUNING_RATE
        and rates[14] == pytest.approx(trainer.FINETUNING_RATE / 3)
    )

    rows.clear()
    run(400)
    assert not rows  # it was over
    with pytest.raises(StudioError, match="last stages"):
        run(800)  # stages are counted from the end
    training = run(400)
    alike = training.draw_with(torch.randn(2, 8), torch.zeros(2, dtype=torch.long), *[training.finished()] * 3)
    assert torch.equal(alike[0], alike[1]) and torch.equal(alike[0], alike[2])


def test_what_is_mended_is_what_the_critic_spoiled():
    generator = torch.Generator().manual_seed(0)
    smooth = torch.full((1, 3, 32, 32), -0.5)
    smooth[..., 16:] = 0.5
    skin = smooth + 0.1 * torch.rand(smooth.shape, generator=generator)
    rough = skin.clone()
    rough[..., 8:10, 4:6] = 1.0  # a speck
    rough[..., :, 16] = 0.0  # an outline a little elsewhere
    wanted, share = self_distillation.merged_target(rough, smooth)
    assert torch.allclose(wanted[..., 8:10, 4:6], smooth[..., 8:10, 4:6])
    assert torch.equal(wanted[..., 12:, :], rough[..., 12:, :]) and torch.equal(wanted[..., 10:], rough[..., 10:])
    assert 0 < share.mean() < 0.03 and share.max() == 1

    assert self_distillation.masked_l1(wanted, wanted, share) == 0
    assert self_distillation.masked_l1(rough, wanted, share) > 4 * (rough - wanted).abs().mean()


def test_a_drawing_is_redrawn_with_even_grounds_and_crisp_lines():
    ripples = 0.02 * torch.sin(torch.arange(48.0)) * torch.cos(torch.arange(48.0))[:, None]
    code_sampler = (0.5 + ripples).expand(1, 3, -1, -1).clone()
    code_sampler[..., 23:25] = -0.3  # a line, paler than it should be
    wanted = self_distillation.smooth_flat_regions(code_sampler)
    assert wanted.shape == code_sampler.shape and wanted.abs().max() <= 1
    assert wanted[..., :14].std() < 0.2 * code_sampler[..., :14].std()
    assert wanted[..., :14].mean() == pytest.approx(0.5, abs=0.005)
    assert wanted[..., 23:25].mean() < -0.38


def test_a_generator_is_taught_its_own_drawings_where_there_was_no_polish():
    recipe = stylegan2.Recipe(data="plain.tar", generator=SMALL, discriminator={"widths": (8, 16)}, batch=16, generator_rate=1e-2)
    training = stylegan2.Training(recipe, torch.device("cpu"))
    training.enter("self_distillation")
    real, labels = torch.zeros(16, 3, 16, 16), torch.zeros(16, dtype=torch.long)
    errors = [training.step(real, labels)["distillation"].item() for _ in range(400)]
    assert sum(errors[-40:]) < 0.8 * 4 * sum(errors[:10])


@pytest.mark.short_training
def test_a_generator_learns_what_its_teachers_make_together():
    discriminator = {"channels": 8, "widest": 16}
    recipe = dcgan.Recipe(data="plain.tar", generator=DCGAN, discriminator=discriminator, batch=16, generator_rate=2e-3)
    training = dcgan.Training(recipe, torch.device("cpu"))
    training.teachers["adversarial"] = training.finished()
    other = training.finished()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.5)
    training.teachers["supervised_finetuning"], training.stage = other, "self_distillation"
    real, labels = torch.zeros(16, 3, 16, 16), torch.zeros(16, dtype=torch.long)
    errors = [training.step(real, labels)["distillation"].item() for _ in range(150)]
    assert sum(errors[-10:]) < 0.5 * sum(errors[:10])


def test_what_is_mended_can_be_asked_to_be_crisper(shelf):
    net = {"size": 16, "latent": 8, "widths": (8, 8)}
    weights.write(shelf / "vae.safetensors", VAE(**net).state_dict())
    errors = []
    for crisp in (0.0, 0.5):
        distill = DistillConfig(encoder="vae.safetensors", net=net, decay_images=100, sharpen=crisp)
        training = stylegan2.Training(recipe(generator=SMALL, distill=distill), torch.device("cpu"))
        training.teachers, training.stage = (
            {name: training.finished() for name in ("adversarial", "supervised_finetuning")},
            "self_distillation",
        )
        errors.append(training.step(torch.zeros(16, 3, 16, 16), torch.zeros(16, dtype=torch.long))["distillation"].item())
    assert errors[0] < 1e-3 < 0.01 < errors[1]
    line = torch.zeros(1, 3, 16, 16)
    line[..., 8] = 0.5
    made = self_distillation.unsharp_mask(line, 0.5)
    assert made[..., 8].min() > 0.55 and made[..., :4].abs().max() < 1e-6


def test_a_speck_costs_more_where_the_worst_places_count():
    wanted = torch.zeros(2, 3, 40, 40)
    veil, speck = torch.full_like(wanted, 0.01), wanted.clone()
    speck[:, :, 8:12, 8:12] = 1.0  # sixteen places, a hundredth of them all
    assert speck.mean() == pytest.approx(veil.mean().item())
    assert distillation.topk_loss(veil, wanted) == pytest.approx(0.01)
    assert distillation.topk_loss(speck, wanted) == pytest.approx(1.0)

    one_picture = torch.cat([speck[:1], wanted[:1]])  # every picture has its own worst places
    assert distillation.topk_loss(one_picture, wanted) == pytest.approx(0.5)


def test_worst_places_weigh_as_much_as_the_course_says(shelf):
    net = {"size": 16, "latent": 8, "widths": (8, 8)}
    weights.write(shelf / "vae.safetensors", VAE(**net).state_dict())
    given, wanted = (torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(n)) for n in range(2))
    costs = [
        LatentDistillation(
            DistillConfig(encoder="vae.safetensors", net=net, decay_images=9, topk_weight=w), torch.device("cpu")
        ).reconstruction_loss(given, wanted)
        for w in (0.0, 2.0)
    ]
    assert costs[1] - costs[0] == pytest.approx(2 * distillation.topk_loss(given, wanted).item(), rel=1e-3)


@pytest.mark.short_training
@pytest.mark.parametrize(("room", "generator"), [(stylegan2, SMALL), (dcgan, DCGAN)])
def test_a_flow_learns_where_the_codes_lie_before_the_first_step_and_then_rests(room, generator, shelf, tmp_path):
    net = {"size": 16, "latent": 8, "widths": (8, 8)}
    weights.write(shelf / "vae.safetensors", VAE(**net).state_dict())
    pictures = two_classes(tmp_path / "flow", 40)
    distill = DistillConfig(encoder="vae.safetensors", net=net, decay_images=8000, flow_steps=60)
    discriminator = {"widths": (8, 16)} if room is stylegan2 else {"channels": 8, "widest": 16}
    more = {"classes": 2, "flow": {"width": 32, "depth": 1}}
    chosen = room.Recipe(data="plain.tar", generator=generator | more, discriminator=discriminator, batch=16, distill=distill)
    room.train(chosen, pictures, tmp_path / "run", images=32)
    first = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    room.train(chosen, pictures, tmp_path / "run", images=64)
    second = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    for name in ("flow.enter.weight", "flow.leave.weight"):
        kept = first["generator"][name]
        assert kept.any() and all(torch.equal(kept, run[name]) for run in (second["generator"], second["ema"]["net"]))
    trained = next(name for name in first["generator"] if name in ("mapping.layers.0.weight", "main.0.weight"))
    assert not torch.equal(first["generator"][trained], second["generator"][trained])


def test_some_pictures_are_made_from_two_latent_vectors():
    training = stylegan2.Training(recipe(mixing=0.5), torch.device("cpu"))
    labels = torch.zeros(64, dtype=torch.long)
    w = training.styles(labels)
    mixed = (w[:, 0] != w[:, -1]).any(dim=1)
    assert 10 < mixed.sum() < 54
    assert torch.equal(w[:, :1].expand_as(w)[~mixed], w[~mixed])
    both = torch.stack([layer == w[mixed, 0] for layer in w[mixed].unbind(1)]).all(dim=2)  # L,N: still of the first vector
    assert (both[1:] <= both[:-1]).all()


def test_every_weight_moves_at_a_rate_of_its_own_size():
    groups = stylegan2.equalised_rates(Discriminator(size=16, widths=(8, 16)), 0.01)
    sized = [rate / params[0].std().item() for params, rate in groups if params[0].ndim > 1]
    assert sized == pytest.approx([0.01] * 7)


def test_r1_is_the_squared_slope_at_the_data():
    direction = torch.randn(3 * 4 * 4)
    assert r1_penalty(lambda x: x.flatten(1) @ direction, torch.randn(5, 3, 4, 4)).item() == pytest.approx(
        direction.square().sum().item()
    )
