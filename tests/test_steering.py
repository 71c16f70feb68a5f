"""Steering a StyleGAN2: properties of `mix`, `edit`, `pad`, `walk` and the look inside, on a small net with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from table import each_row

import imgstudio
from imgstudio import Direction, Latent, StudioError
from imgstudio.bench import speed
from imgstudio.studio.sampling import editing
from imgstudio.train.gan.stylegan2 import finish

TRUNCATIONS = (0.0, 0.7, 1.0)


def pixels(image):
    return np.asarray(image, dtype=np.int16)


def same(a, b):
    return np.array_equal(pixels(a), pixels(b))


@pytest.fixture
def model(small_stylegan):
    return small_stylegan("test/steered", directions=(Direction(name="Warmer light", component=1, first=1, last=2),)).spec.name


@pytest.fixture
def classes(small_stylegan):
    return small_stylegan("test/classes", kwargs={"classes": 2}, labels=("circle", "square")).spec.name


@each_row("truncation", TRUNCATIONS)
def test_a_seed_gives_one_picture_alone_and_in_a_grid(model, truncation):
    alone = imgstudio.sample(model, 5, truncation=truncation)[0]
    grid = imgstudio.sample(model, range(16), truncation=truncation)
    assert same(alone, grid[5]) and alone.size == (16, 16)
    assert len({image.tobytes() for image in grid}) == (16 if truncation else 1)


def test_the_class_decides_the_picture_also_at_truncation_zero(classes):
    circle, square = (imgstudio.sample(classes, [1, 2], truncation=0, label=label) for label in ("circle", 1))
    assert same(*circle) and same(*square) and not same(circle[0], square[0])


def test_noise_has_a_seed_and_can_be_left_out(model):
    with_noise = [imgstudio.sample(model, 1, noise=seed)[0] for seed in (0, 0, 1, None)]
    assert same(with_noise[0], with_noise[1])
    assert not same(with_noise[0], with_noise[2]) and not same(with_noise[0], with_noise[3])


def test_noise_of_a_model_that_has_none_changes_nothing(small_model):
    name = small_model("test/gan").spec.name
    assert same(imgstudio.sample(name, 1, noise=3)[0], imgstudio.sample(name, 1)[0])


@each_row("truncation", TRUNCATIONS)
def test_mixing_leads_from_one_parent_to_the_other(model, truncation):
    coarse, fine = imgstudio.sample(model, [3, 8], truncation=truncation)
    made = [imgstudio.mix(model, 3, 8, crossover=i, truncation=truncation) for i in range(5)]
    assert len(editing.layers(model)) == 4
    assert same(made[0], fine) and same(made[4], coarse)
    if truncation:
        assert len({image.tobytes() for image in made}) == 5


def test_an_edit_of_nothing_changes_nothing(model):
    (picture,) = imgstudio.sample(model, 3)
    assert same(imgstudio.edit(model, 3, {}), picture)
    assert same(imgstudio.edit(model, 3, {name: 0 for name in imgstudio.directions(model)}), picture)
    assert same(imgstudio.edit(model, 3, {"component 1": 0.0}, layers=(0, 0)), picture)
    assert same(imgstudio.pad(model, 3, 0, 0), picture)


def test_a_direction_moves_the_layers_it_was_named_for(model):
    assert imgstudio.directions(model) == ("Warmer light",)
    named = imgstudio.edit(model, 3, {"warmer  light": 2})
    assert same(named, imgstudio.edit(model, 3, {"component 2": 2}, layers=(1, 2)))
    assert not same(named, imgstudio.edit(model, 3, {"component 2": 2}))
    assert not same(named, imgstudio.sample(model, 3)[0])


def test_a_named_direction_can_be_turned_round(small_stylegan):
    back = Direction(name="Colder", component=0, first=0, last=9, sign=-1)
    name = small_stylegan("test/back", directions=(back,)).spec.name
    assert same(imgstudio.edit(name, 1, {"Colder": 1.5}), imgstudio.edit(name, 1, {"component 1": -1.5}))


def test_nameless_directions_are_numbered(small_stylegan):
    name = small_stylegan("test/nameless").spec.name
    assert imgstudio.directions(name) == ("component 1", "component 2", "component 3")


def test_the_pad_is_even(model):
    middle, near, far = (pixels(imgstudio.pad(model, 3, x, 0.0)) for x in (0, 0.1, 0.8))
    assert 0 < abs(near - middle).mean() < abs(far - middle).mean()
    assert same(imgstudio.pad(model, 3, 0.5, 0), imgstudio.edit(model, 3, {"component 1": 2}))
    assert same(imgstudio.pad(model, 3, 0, -0.5), imgstudio.edit(model, 3, {"component 2": -2}))


def test_a_walk_runs_through_its_seeds_and_places(model):
    place = Latent(model, torch.randn(4, 16, generator=torch.Generator().manual_seed(0)))
    frames = list(imgstudio.walk(model, [3, place], frames=6, loop=False))
    ends = imgstudio.sample(model, [3, place])
    assert len(frames) == 7 and same(frames[0], ends[0]) and same(frames[-1], ends[1])
    assert len(list(imgstudio.walk(model, [3, 4], frames=3))) == 6


def test_a_walk_keeps_the_class_of_its_first_seed(classes):
    frames = list(imgstudio.walk(classes, [1, 2], frames=2, loop=False))
    assert same(frames[0], imgstudio.sample(classes, 1)[0])
    assert same(frames[-1], imgstudio.sample(classes, 2, label=1)[0])


def test_a_place_goes_wherever_a_seed_goes(model):
    place = Latent(model, torch.randn(4, 16, generator=torch.Generator().manual_seed(1)))
    (picture,) = imgstudio.sample(model, place)
    assert same(picture, imgstudio.sample(model, [place], truncation=0.1)[0])  # it stays as it was found
    assert same(imgstudio.mix(model, place, 2, crossover=4), picture)
    assert same(imgstudio.mix(model, 2, place, crossover=0), picture)
    assert same(imgstudio.edit(model, place, {"component 1": 0}), picture) and same(imgstudio.pad(model, place, 0, 0), picture)


def test_one_can_go_on_from_what_was_made(model):
    place = editing.edit_latent(model, 3, {"component 1": 1.5})
    assert same(imgstudio.sample(model, place)[0], imgstudio.edit(model, 3, {"component 1": 1.5}))
    place = editing.mix_latent(model, place, 8, crossover=2)
    place = editing.pad_latent(model, place, 0.25, -0.5)
    straight = imgstudio.edit(model, editing.mix_latent(model, 3, 8, crossover=2), {"component 1": 1, "component 2": -2})
    assert not same(editing.generate(place), straight)  # the first edit is still in it
    back = editing.edit_latent(model, place, {"component 1": -1.5}, layers=(0, 1))
    assert abs(pixels(editing.generate(back)) - pixels(straight)).max() <= 2


def test_a_place_survives_as_text(model):
    place = Latent(model, torch.randn(4, 16, generator=torch.Generator().manual_seed(1)))
    again = Latent.from_text(model, place.text())
    assert torch.allclose(again.w, place.w, atol=2e-3) and again.text() == place.text()
    with pytest.raises(StudioError, match="invert a picture"):
        Latent.from_text(model, place.text()[:-8])


@each_row(("layer", "side"), [(0, 4), (1, 4), (2, 8), (3, 8)])
def test_a_look_inside_shows_a_layer_of_the_picture(model, layer, side):
    maps = imgstudio.feature_maps(model, 3, layer, count=5)
    assert len(maps) == 5 and {image.size for image in maps} == {(side, side)}
    assert all(pixels(image).min() == 0 and pixels(image).max() == 255 for image in maps)
    assert len(imgstudio.feature_maps(model, 3, layer, count=500)) == 16


def test_the_directions_are_those_of_the_greatest_variance(small_stylegan):
    net = finish(small_stylegan("test/variance").net)
    w = net.map(torch.randn(4000, 8, generator=torch.Generator().manual_seed(9))) - net.centre
    along = (w @ torch.nn.functional.normalize(net.directions, dim=1).T).std(dim=0)
    assert torch.allclose(along, net.directions.norm(dim=1), rtol=0.1)
    assert along[0] >= along[1] >= along[2]
    random = torch.nn.functional.normalize(torch.randn(16, 50, generator=torch.Generator().manual_seed(3)), dim=0)
    assert (w @ random).std(dim=0).max() < along[0]


@each_row(
    ("call", "says"),
    [
        (lambda name: imgstudio.edit(name, 1, {"older": 1}), "Warmer light"),
        (lambda name: imgstudio.edit(name, 1, {"component 99": 1}), "Warmer light"),
        (lambda name: imgstudio.sample(name, Latent("test/other", torch.zeros(4, 16))), "belongs to test/other"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(model, call, says):
    with pytest.raises(StudioError, match=says) as caught:
        call(model)
    assert str(caught.value).count("\n") == 0 and str(caught.value).endswith(".")


@each_row(
    "call",
    [
        lambda name: imgstudio.mix(name, 1, 2, crossover=1),
        lambda name: imgstudio.directions(name),
        lambda name: imgstudio.edit(name, 1, {}),
        lambda name: imgstudio.pad(name, 1, 0, 0),
        lambda name: imgstudio.feature_maps(name, 1, 0),
    ],
)
def test_a_model_without_styles_says_so(small_model, call):
    with pytest.raises(StudioError, match="no styles to steer by"):
        call(small_model("test/gan").spec.name)


def test_the_bench_measures_a_drag_on_the_pad_and_a_sheet(small_stylegan):
    row = speed.measure(small_stylegan("test/bench").spec, 1)
    assert row.name == "test/bench" and min(row.one, row.one_plain, row.many, row.many_plain) > 0


@each_row("wrong", [{"name": ""}, {"component": -1}, {"first": 3}, {"sign": 2}])
def test_a_direction_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="direction has a name"):
        Direction(**{"name": "older", "component": 0, "first": 1, "last": 2} | wrong)
