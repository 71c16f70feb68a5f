"""Own pictures in the latent space of a StyleGAN2: what the net has made itself is found again, and holes are filled."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import StudioError, catalog, weights
from imgstudio.models.stylegan2 import Generator
from imgstudio.ops.latent import inversion

JUDGE = weights.folder() / catalog.find("features/vgg-small").source.filename


@pytest.fixture
def model(small_stylegan):
    """A small net with random weights beside the embedded feature net."""
    small = small_stylegan("test/inverted", kwargs={"size": 32, "widths": (16, 16, 16)})
    shutil.copy(JUDGE, small.path.parent)
    return small.spec.name


@pytest.fixture
def target(model):
    return imgstudio.sample(model, 77, truncation=1.0)[0]


def pixels(image):
    return np.asarray(image, dtype=np.int16)


def test_a_picture_of_the_net_is_found_again(model, target):
    steps = list(imgstudio.invert(model, target, steps=150, every=50))
    assert [step.done for step in steps] == [0, 50, 100, 150] and {step.total for step in steps} == {150}
    assert steps[-1].losses["psnr"] > steps[0].losses["psnr"] + 5 and steps[-1].losses["psnr"] > 22
    difference = (pixels(steps[-1].image) - pixels(target)) / 127.5
    assert steps[-1].losses["pixels"] == pytest.approx(np.square(difference).mean(), abs=3e-5)
    assert np.array_equal(pixels(imgstudio.sample(model, steps[-1].latent)[0]), pixels(steps[-1].image))


def test_the_same_seed_finds_the_same_place(model, target):
    places = [imgstudio.last(imgstudio.invert(model, target, steps=4, seed=seed)).latent for seed in (0, 0, 1)]
    assert torch.equal(places[0].w, places[1].w) and not torch.equal(places[0].w, places[2].w)


def test_stopping_early_leaves_a_picture_and_gradients_as_they_were(model, target):
    steps = imgstudio.invert(model, target, steps=100, every=1)
    next(steps)
    assert torch.is_grad_enabled() and next(steps).image.size == (32, 32)
    steps.close()
    assert all(parameter.grad is None for parameter in imgstudio.load(model).parameters())


def test_a_hole_is_filled_and_the_rest_stays(model, target):
    image, mask = target.resize((64, 64), Image.Resampling.NEAREST), Image.new("L", (64, 64))
    mask.paste(255, (20, 24, 44, 48))
    image.paste((255, 0, 255), (20, 24, 44, 48))
    hole = np.zeros((32, 32), bool)
    hole[12:24, 10:22] = True
    found = imgstudio.last(imgstudio.complete(model, image, mask, steps=120))
    assert np.array_equal(pixels(found.image)[~hole], pixels(target)[~hole])
    assert (
        abs(pixels(found.image) - pixels(target))[hole].mean() < 0.5 * abs(np.int16([255, 0, 255]) - pixels(target))[hole].mean()
    )
    assert found.losses["psnr"] > 18
    others = [imgstudio.last(imgstudio.complete(model, image, mask, steps=20, seed=seed)).image for seed in (1, 2)]
    assert (pixels(others[0])[hole] != pixels(others[1])[hole]).any()


def test_a_blend_has_no_edge_where_colours_are_off():
    generator = torch.Generator().manual_seed(0)
    target = torch.linspace(-0.5, 0.5, 32).expand(1, 3, 32, 32) + 0.02 * torch.randn(1, 3, 32, 32, generator=generator)
    hole = torch.zeros(1, 1, 32, 32)
    hole[:, :, 8:24, 8:24] = 1
    made = target + 0.4  # right but for its brightness
    blended = inversion.blend(target, made, hole)
    assert torch.equal(blended * (1 - hole), target * (1 - hole))
    assert (blended - target).abs().max() < 0.02


def test_a_blend_keeps_the_strokes_of_what_was_made():
    target, made = torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    made[:, :, :, 16] = 0.8
    hole = torch.zeros(1, 1, 32, 32)
    hole[:, :, 8:24, 8:24] = 1
    blended = inversion.blend(target, made, hole)
    stroke = blended[0, 0, 12:20, 16] - blended[0, 0, 12:20, 14]
    assert stroke.min() > 0.6


def test_one_vector_a_layer_comes_nearer_than_one_for_all(model):
    net: Generator = imgstudio.load(model)
    judge = imgstudio.load("features/vgg-small")
    w = torch.cat([net.map(torch.randn(1, 8, generator=torch.Generator().manual_seed(i))) for i in range(6)])
    target = net.synthesis(w[None], net.noise(0)).clamp(-1, 1)  # a style a layer
    last = {}
    for share in (0.4, 1.0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inversion, "SHARED_STEPS", share)
            *_, last[share] = inversion.search(net, judge, target, steps=150, seed=0, every=150)
    assert last[0.4].losses["psnr"] > last[1.0].losses["psnr"] + 1
    assert torch.equal(last[1.0].w[0], last[1.0].w[-1]) and not torch.equal(last[0.4].w[0], last[0.4].w[-1])


@each_row(
    ("call", "says"),
    [
        (lambda name, image: imgstudio.complete(name, image, Image.new("L", (8, 8))), "covers nothing"),
        (lambda name, image: imgstudio.complete(name, image, Image.new("L", (8, 8), 255)), "whole picture"),
    ],
)
def test_mistakes_are_answered_at_once(model, target, call, says):
    with pytest.raises(StudioError, match=says):
        call(model, target)


def test_a_model_without_styles_says_so(small_model, target):
    name = small_model("test/gan").spec.name
    for call in (lambda: imgstudio.invert(name, target), lambda: imgstudio.complete(name, target, target)):
        with pytest.raises(StudioError, match="no styles to steer by"):
            call()
