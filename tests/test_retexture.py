"""A region in another texture, under its own light."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from table import each_row

import imgstudio
from imgstudio import StudioError, image
from imgstudio.cli.main import main
from imgstudio.ops.texture import shading
from imgstudio.studio.texture.export import label_map
from imgstudio.studio.texture.regions import from_labels
from imgstudio.studio.texture.retexture import retexture

GRASS = Image.fromarray(data.grass()[:96, :96])
RED = Image.fromarray(np.random.default_rng(0).integers(0, (255, 60, 60), (64, 64, 3)).astype(np.uint8))


def disc(height=96, width=120, radius=30):
    rows, columns = np.mgrid[:height, :width]
    return (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < radius**2


def lit_surface(inside, fall=0.6):
    """A surface with noise on it, which gets darker from left to right; outside it is white."""
    random = np.random.default_rng(1)
    light = np.linspace(1, 1 - fall, inside.shape[1])
    surface = 150 * light + random.normal(0, 6, inside.shape)
    grey = np.where(inside, surface, 255).clip(0, 255)
    return Image.fromarray(np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2))


INSIDE = disc()
PICTURE = lit_surface(INSIDE)
REGIONS = from_labels(INSIDE.astype(np.int32))  # the disc is the smaller part, so its number is 2


def pixels(picture):
    return np.asarray(picture).astype(np.float32)


def brightness_left_and_right(picture):
    grey = pixels(picture).mean(axis=2)
    return grey[40:56, 36:48].mean(), grey[40:56, 72:84].mean()


def test_only_the_region_changes():
    made = pixels(retexture(PICTURE, REGIONS, 2, RED))
    far = ~disc(radius=34)
    assert (made[far] == pixels(PICTURE)[far]).all()
    core = disc(radius=26)
    assert (made[core, 0] > made[core, 1] + 10).mean() > 0.8


def test_shading_is_kept():
    left, right = brightness_left_and_right(retexture(PICTURE, REGIONS, 2, GRASS))
    flat_left, flat_right = brightness_left_and_right(retexture(PICTURE, REGIONS, 2, GRASS, shading=0))
    before = np.divide(*brightness_left_and_right(PICTURE))
    assert flat_left / flat_right == pytest.approx(1, abs=0.15)
    assert left / right == pytest.approx(before, rel=0.2) and before > 1.25
    more = np.divide(*brightness_left_and_right(retexture(PICTURE, REGIONS, 2, GRASS, shading=2)))
    assert more > left / right


def test_the_regions_own_pattern_goes():
    checks = (np.indices((96, 120)) // 2).sum(axis=0) % 2 * 60
    picture = Image.fromarray(np.repeat((80 + checks).astype(np.uint8)[:, :, None], 3, axis=2))
    light = shading.illumination(image.to_tensor(picture)[0].add(1).div(2), torch.from_numpy(INSIDE))
    assert light[0][torch.from_numpy(disc(radius=24))].std() < 0.2  # the checks have 0.9 stops


def test_what_lies_outside_throws_no_shadow():
    """The same surface before white and before black."""
    flat = [np.where(INSIDE, 128, around).astype(np.uint8) for around in (0, 255)]
    lights = [shading.illumination(torch.from_numpy(x).expand(3, -1, -1).float() / 255, torch.from_numpy(INSIDE)) for x in flat]
    for light in lights:
        assert light[:, torch.from_numpy(INSIDE)].abs().max() < 0.05


def test_an_evened_sample_has_the_same_light_everywhere():
    x = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0)) * torch.linspace(0.4, 1, 64)
    even = shading.flatten_illumination(x, torch.ones(64, 64, dtype=torch.bool))
    halves = [part[:, :, :32].mean() / part[:, :, 32:].mean() for part in (x, even)]
    assert abs(halves[1] - 1) < 0.5 * abs(halves[0] - 1)


def test_another_region_is_a_texture_too():
    left = np.zeros((96, 120), np.int32)
    left[:, 70:] = 1
    picture = np.full((96, 120, 3), 90, np.uint8)
    picture[:, 70:] = pixels(RED).astype(np.uint8)[np.arange(96) % 64][:, np.arange(50)]
    made = pixels(retexture(Image.fromarray(picture), from_labels(left), 1, 2))
    assert (made[:, :66, 0] > made[:, :66, 1] + 10).mean() > 0.6
    assert (made[:, 74:] == picture[:, 74:]).all()


def test_a_region_of_odd_shape_gives_only_itself():
    """The source is an L; blue, which lies in its box, may not come along."""
    labels = np.full((100, 100), 2, np.int32)
    labels[10:90, 5:35] = labels[60:90, 5:90] = 1
    labels[5:40, 50:95] = 3
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[..., 2] = 255
    noise = np.random.default_rng(0).integers(100, 200, (100, 100))
    picture[labels == 1] = np.stack([noise, noise, noise * 0], axis=2)[labels == 1]
    regions = from_labels(labels)
    target, source = (int(regions.labels[place]) for place in ((20, 70), (75, 20)))
    made = pixels(retexture(Image.fromarray(picture), regions, target, source))
    core = made[9:36, 54:91]
    assert core[..., 2].max() < 20 and core[..., 0].min() > 40


@each_row("shading", [0, 1])
def test_seeds_and_scale(shading):
    options = [{}, {}, {"seed": 1}, {"scale": 0.5}]
    first, again, other, fine = (retexture(PICTURE, REGIONS, 2, GRASS, shading=shading, **o).tobytes() for o in options)
    assert first == again and len({first, other, fine}) == 3


@each_row("place", [(slice(0, 1), slice(0, 1)), (slice(0, 96), slice(7, 8)), (slice(90, 96), slice(0, 120))])
def test_regions_of_any_shape_are_filled(place):
    labels = np.zeros((96, 120), np.int32)
    labels[place] = 1
    made = retexture(PICTURE, from_labels(labels), 2, RED)
    assert made.size == PICTURE.size and made.tobytes() != PICTURE.tobytes()


def test_a_picture_that_is_one_region():
    made = retexture(PICTURE, from_labels(np.zeros((96, 120), np.int32)), 1, GRASS)
    assert abs(pixels(made) - pixels(PICTURE)).mean() > 10
    assert retexture(Image.new("RGB", (1, 1)), from_labels(np.zeros((1, 1), np.int32)), 1, GRASS).size == (1, 1)


def test_a_source_without_room_for_a_block():
    labels = np.zeros((96, 120), np.int32)
    labels[:, 4:8] = 1
    with pytest.raises(StudioError, match="too narrow"):
        retexture(PICTURE, from_labels(labels), 1, 2)


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    PICTURE.save("picture.png")
    GRASS.save("grass.png")
    label_map(REGIONS).save("map.png")
    assert main(["retexture", "picture.png", "2", "grass.png", "--labels", "map.png", "--seed", "3"]) == 0
    assert capsys.readouterr().out == "retexture.png\n"
    wanted = imgstudio.retexture(PICTURE, REGIONS, 2, GRASS, seed=3)
    assert image.read("retexture.png").tobytes() == wanted.tobytes()
    assert image.read_settings("retexture.png")["region"] == 2
    assert main(["retexture", "picture.png", "2", "1", "--labels", "map.png"]) == 0
    assert main(["retexture", "picture.png", "3", "1", "--labels", "map.png"]) == 2
    assert "from 1 to 2" in capsys.readouterr().err
