"""The VAE room, on every VAE of the catalogue."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from PIL import Image
from skimage import data
from table import each_row

import imgstudio
from imgstudio import StudioError, catalog
from imgstudio.studio.interpolation import dimensions
from imgstudio.studio.sampling import directions

MODELS = [spec.name for spec in catalog.models("reconstruct") if spec.embedded]
LABELLED = [spec.name for spec in catalog.models("reconstruct") if spec.labels]


def pixels(image):
    return np.asarray(image, dtype=np.int16)


def distance(a, b):
    return abs(pixels(a) - pixels(b)).mean()


@pytest.fixture(params=MODELS)
def model(request):
    return request.param


@pytest.fixture
def pair(model):
    return imgstudio.prior(model, [1, 2])


def test_a_reconstruction_looks_like_its_picture(model, pair):
    result = imgstudio.reconstruct(model, pair[0])
    assert result.psnr > 22 and result.latent_norm > 0 and result.kl > 0
    error = ((pixels(result.image) - pixels(pair[0])) ** 2).mean()
    assert result.psnr == pytest.approx(10 * math.log10(255**2 / error), abs=0.05)


def test_a_morph_has_both_reconstructions_at_its_ends(model, pair):
    strip = imgstudio.interpolate(model, *pair, steps=7)
    assert len(strip) == 7
    for end, picture in zip((strip[0], strip[-1]), pair):
        assert abs(pixels(end) - pixels(imgstudio.reconstruct(model, picture).image)).max() <= 2
    steps = [distance(a, b) for a, b in itertools.pairwise(strip)]
    assert max(steps) < 0.7 * distance(strip[0], strip[-1])


def test_line_and_arc_differ_in_between_alone(model, pair):
    line, arc = (imgstudio.interpolate(model, *pair, steps=3, curve=curve) for curve in ("lerp", "slerp"))
    assert distance(line[0], arc[0]) < 0.5 and distance(line[2], arc[2]) < 0.5
    assert line[1].tobytes() != arc[1].tobytes()


def test_the_slider_shows_what_the_strip_shows(model, pair):
    strip = imgstudio.interpolate(model, *pair, steps=5)
    assert imgstudio.blend(model, *pair, 0.25).tobytes() == strip[1].tobytes()


def test_a_sheet_has_its_corners(model):
    corners = imgstudio.prior(model, range(4))
    sheet = imgstudio.manifold(model, corners, size=3)
    assert [len(row) for row in sheet] == [3, 3, 3]
    for corner, shown in zip(corners, (sheet[0][0], sheet[0][2], sheet[2][0], sheet[2][2])):
        assert distance(imgstudio.reconstruct(model, corner).image, shown) < 0.5


def test_a_dimension_changes_the_picture_and_the_first_ones_most(model, pair):
    order = dimensions(model)
    assert sorted(order) == list(range(len(order)))

    def change(dimension):
        strip = imgstudio.traverse(model, pair[0], dimension=dimension, steps=3)
        return distance(strip[0], strip[2])

    assert change(order[0]) > 1
    assert np.mean([change(d) for d in order[:4]]) > np.mean([change(d) for d in order[-4:]])


def test_prior_samples_are_the_same_every_time_and_differ_by_seed(model):
    four = imgstudio.prior(model, range(4))
    assert imgstudio.prior(model, [2])[0].tobytes() == four[2].tobytes()
    assert len({image.tobytes() for image in four}) == 4


@each_row("model", LABELLED)
def test_directions_add_and_take_back(model):
    name = imgstudio.attributes(model)[0]
    picture = imgstudio.prior(model, 5)[0]
    plain = imgstudio.reconstruct(model, picture).image
    forward, back = name, " to ".join(reversed(name.split(" to ")))
    assert imgstudio.attribute(model, picture, {}).tobytes() == plain.tobytes()
    assert imgstudio.attribute(model, picture, {forward: 0}).tobytes() == plain.tobytes()
    assert distance(imgstudio.attribute(model, picture, {forward: 1}), plain) > 1
    undone, reversed_ = (imgstudio.attribute(model, picture, amount) for amount in ({forward: -1}, {back: 1}))
    assert undone.tobytes() == reversed_.tobytes()
    with pytest.raises(StudioError, match="direction"):
        imgstudio.attribute(model, picture, {"spoon to fork": 1})


def test_direction_names_stay_within_a_family():
    groups = ("ground/blue ground", "ground/pink ground", "skin/light skin")
    assert directions.names(groups) == ("blue ground to pink ground",)


def test_families_take_turns():
    groups = ("ground/blue", "ground/pink", "ground/mint", "skin/light", "skin/dark")
    assert directions.names(groups) == ("blue to pink", "light to dark", "blue to mint", "pink to mint")


def test_noise_is_taken_out(model, pair):
    result = imgstudio.denoise(model, pair[0], noise=0.25, seed=3)
    assert result.psnr > result.psnr_noisy + 3
    assert imgstudio.denoise(model, pair[0], noise=0.25, seed=3).noisy.tobytes() == result.noisy.tobytes()
    assert imgstudio.denoise(model, pair[0], noise=0.25, seed=4).noisy.tobytes() != result.noisy.tobytes()
    assert imgstudio.denoise(model, pair[0], noise=0).psnr == pytest.approx(imgstudio.reconstruct(model, pair[0]).psnr, abs=0.1)


def test_any_picture_is_taken(model):
    for picture in (data.astronaut(), Image.new("L", (1, 1)), Image.new("RGBA", (300, 20), (10, 200, 30, 128))):
        result = imgstudio.reconstruct(model, picture)
        assert result.image.mode == "RGB" and math.isfinite(result.psnr)
