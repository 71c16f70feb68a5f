"""Lessons about styles that are mixed and moved: what is wanted of them, and that a generator learns it."""

from __future__ import annotations

import shutil

import pytest
import torch

from imgstudio import weights
from imgstudio.models.vae import VAE
from imgstudio.train.gan import distillation, latent_edits, stylegan2, trainer
from imgstudio.train.gan.distillation import DistillConfig

SIDE = 32
RED, GREEN = (0.8, -0.6, -0.7), (-0.4, 0.6, -0.8)


def ball(colour, centre=(0.0, 0.0), radius=(0.6, 0.6), spot=True):
    """A ball of this colour on white, lit from the upper left, [1, 3, SIDE, SIDE]."""
    line = torch.linspace(-1 + 1 / SIDE, 1 - 1 / SIDE, SIDE)
    x, y = (line - centre[0]) / radius[0], (line[:, None] - centre[1]) / radius[1]
    inside = (4 * (1 - x.square() - y.square())).clamp(0, 1)
    skin = torch.tensor(colour)[:, None, None] - 0.2 * (x + y)
    light = (1 - 12 * ((x + 0.4).square() + (y + 0.4).square())).clamp(0, 1) * spot
    return ((1 - inside) + inside * torch.lerp(skin, torch.ones(()), light)).clamp(-1, 1)[None]


def body(picture):
    """Mean colour of what is no light and no rim."""
    part = picture[0, :, 14:20, 14:20]
    return part.mean(dim=(1, 2))


def bounds(picture):
    """Left, top, right and lower end of the ball, in pixels."""
    rows, columns = (latent_edits._foreground(picture)[0, 0].amax(dim=d).nonzero().squeeze(1) for d in (1, 0))
    return [columns.min().item(), rows.min().item(), columns.max().item(), rows.max().item()]


def test_a_thing_takes_the_colours_of_another_and_keeps_shape_ground_and_light():
    made = latent_edits.color_transfer(ball(RED, radius=(0.7, 0.5)), ball(GREEN))
    assert (body(made) - body(ball(GREEN))).abs().max() < 0.15
    assert bounds(made) == bounds(ball(RED, radius=(0.7, 0.5)))
    assert torch.equal(made[..., :2, :], torch.ones(1, 3, 2, SIDE))  # the ground stays white
    given = ball(RED, radius=(0.7, 0.5))
    y, x = divmod(given.mean(dim=1).masked_fill(latent_edits._coverage(given)[:, 0] < 0.2, -1).flatten().argmax().item(), SIDE)
    assert made[0, :, y, x].mean() > made[0, :, 16, 16].mean()  # and the light is where it was
    same = latent_edits.color_transfer(given, given)
    assert (same - given).abs().max() < 1e-4


def test_a_thing_goes_where_another_is_and_gets_as_large():
    there = ball(GREEN, centre=(0.15, -0.1), radius=(0.5, 0.75))
    there[..., 14:18, 14:22] = -there[..., 14:18, 14:22]  # a blot, that shall not come along
    made = latent_edits.match_placement(ball(RED), there)
    assert max(abs(a - b) for a, b in zip(bounds(made), bounds(there))) <= 1
    mean = torch.stack([latent_edits._moments(part, latent_edits._foreground(part))[0].flatten() for part in (made, there)])
    assert (mean[0] - mean[1]).abs().max() < 0.15
    smooth = ball(body(made).tolist(), centre=(0.15, -0.1), radius=(0.5, 0.75))
    assert (made - smooth)[..., 12:20, 12:24].abs().max() < 0.4 < (there - smooth)[..., 12:20, 12:24].abs().max()


NET = {"size": 16, "widths": (16, 16), "latent": 8, "style": 16, "mapping": 2, "components": 8}


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return stylegan2.finish(stylegan2.Generator(**NET), count=256)


def test_a_lesson_is_of_styles_as_they_are_mixed_and_moved(teacher):
    torch.manual_seed(1)
    w = teacher.map(torch.randn(96, 8))
    given = latent_edits.edit_batch(teacher, w, torch.zeros(96, dtype=torch.long))
    assert given.styles.shape == (96, 4, 16) and given.target_pictures.shape == (96, 3, 16, 16)
    even = (given.styles == given.styles[:, :1]).all(dim=(1, 2))
    as_it_is = even & (given.styles[:, 0] == w).all(dim=1)
    assert given.unedited.sum() == 48 and torch.equal(given.unedited, as_it_is)
    assert (~even).sum() == 24  # mixed
    with torch.no_grad():
        drawn = teacher.synthesis(given.styles, given.noise).clamp(-1, 1)
    error = (drawn - given.target_pictures).abs().mean(dim=(1, 2, 3))
    assert error[given.unedited].max() < 0.02 < error[~given.unedited & given.supervised].mean()
    amounts = (given.styles[:, 0] - w)[even & ~as_it_is] @ torch.linalg.pinv(teacher.directions)
    assert 1 < amounts.abs().max() < latent_edits.FAR_IN_PLANE + 3  # and less of the way from the mean


def test_a_generator_learns_to_be_steered_and_keeps_its_styles(tmp_path, monkeypatch):
    shutil.copy(weights.folder() / "features-vgg-small.safetensors", tmp_path)
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    torch.manual_seed(0)
    weights.write(tmp_path / "vae.safetensors", VAE(size=16, latent=8, widths=(8, 8)).state_dict())
    distill = DistillConfig(
        encoder="vae.safetensors", net={"size": 16, "latent": 8, "widths": (8, 8)}, decay_images=100, style_mixing_finetuning=800
    )
    nets = {"generator": NET, "discriminator": {"widths": (8, 16)}}
    recipe = stylegan2.Recipe(data="plain.tar", batch=16, generator_rate=4e-3, augment=False, distill=distill, **nets)
    training = stylegan2.Training(recipe, torch.device("cpu"))
    assert [stage_of(training, images) for images in (0, 200, 999)] == [
        "adversarial",
        "style_mixing_finetuning",
        "style_mixing_finetuning",
    ]
    mapping = {name: value.clone() for name, value in training.generator.mapping.state_dict().items()}
    real, labels = torch.rand(16, 3, 16, 16), torch.zeros(16, dtype=torch.long)
    errors = [training.step(real, labels)["distillation"].item() for _ in range(320)]
    assert sum(errors[-40:]) < 0.9 * sum(errors[:40])
    assert all(torch.equal(value, mapping[name]) for name, value in training.generator.mapping.state_dict().items())
    again = stylegan2.Training(recipe, torch.device("cpu"))
    again.restore(training.state())
    assert again.stage == "style_mixing_finetuning" and not any(p.requires_grad for p in again.generator.mapping.parameters())


def stage_of(training, images):
    training.images = images
    training.set_rates(trainer.advance_stage(training, 1000))
    return training.stage


def test_an_error_can_count_for_less_in_some_pictures():
    given, wanted = torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16)
    given[1] = 1.0
    whole = distillation.pixel_loss(given, wanted)
    assert distillation.pixel_loss(given, wanted, torch.tensor([1.0, 0.5])) == pytest.approx(whole.item() / 2)
    assert distillation.pixel_loss(given, wanted, torch.tensor([0.5, 1.0])) == pytest.approx(whole.item())
