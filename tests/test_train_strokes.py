"""The painter of rules: strokes follow shapes, come from the grain alone, and keep what a picture shows."""

from __future__ import annotations

import math

import pytest
import torch
from skimage import data

from imgstudio.models.resnet_generator import grained
from imgstudio.train import strokes
from imgstudio.train.strokes import Painter

SIDE = 64


def stripes(angle, period=16.0):
    """A soft grating whose lines run at this angle to the x axis, [1, 3, SIDE, SIDE]."""
    y, x = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")
    across = y * math.cos(angle) - x * math.sin(angle)
    return (0.5 * torch.sin(2 * math.pi * across / period)).expand(1, 3, -1, -1).contiguous()


def coffee():
    picture = torch.from_numpy(data.coffee()[60:316, 150:406].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    return torch.nn.functional.avg_pool2d(picture, 2)


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.2, 2.4])
def test_lines_run_along_what_is_there(angle):
    found = strokes.tangents(stripes(angle))
    assert torch.allclose(found.norm(dim=1), torch.ones(()), atol=1e-5)
    along = found[0, 0] * math.cos(angle) + found[0, 1] * math.sin(angle)
    assert along.abs().median() > 0.95


def test_strokes_are_long_along_a_shape_and_narrow_across():
    torch.manual_seed(0)
    x = stripes(0.0, period=40.0)
    paint = Painter(canvas=0.0, bristle=0.0)(x, grained(x, 0.1, None, motley=True))
    extra = strokes.lightness(paint) - strokes.lightness(Painter(canvas=0.0, bristle=0.0, light=0.0, hue=0.0, relief=0.0)(x, x))
    across, along = extra.diff(dim=2).square().mean(), extra.diff(dim=3).square().mean()
    assert across > 8 * along


def test_a_plain_ground_gets_strokes_from_the_grain_and_no_others():
    torch.manual_seed(0)
    x = torch.full((1, 3, SIDE, SIDE), -0.1)
    given = grained(x, 0.1, None, motley=True)
    first, again, other = Painter()(x, given), Painter()(x, given), Painter()(x, grained(x, 0.1, None, motley=True))
    assert torch.equal(first, again)
    assert first.std() > 0.05 and (first - other).abs().mean() > 0.03
    assert Painter()(x, x).std(dim=(2, 3)).max() < 0.01


def test_what_a_picture_shows_and_its_colours_are_kept():
    torch.manual_seed(0)
    x = coffee()
    made = Painter(tone=0.0)(x, grained(x, 0.1, None, motley=True))
    assert made.shape == x.shape and made.abs().max() <= 1
    small, before = (torch.nn.functional.avg_pool2d(part, 8) for part in (made, x))
    assert torch.corrcoef(torch.stack([small.flatten(), before.flatten()]))[0, 1] > 0.97
    assert (made - x).abs().mean() > 0.05
    brighter = Painter(tone=1.0)(x, grained(x, 0.1, None, motley=True))
    assert brighter.mean() > made.mean() + 0.1


def test_a_curve_of_tones_rises_and_leaves_black_and_white():
    light = torch.linspace(-1, 1, 101)
    toned = strokes.toned(light)
    assert toned.diff().min() > 0 and toned[-1] == 1 and toned[0] < -0.95


@pytest.mark.parametrize("size", [(20, 33), (8, 8), (9, 40)])
def test_any_size_is_painted(size):
    x = torch.rand(2, 3, *size) * 2 - 1
    assert Painter()(x, grained(x, 0.1, None, motley=True)).shape == x.shape


def test_other_hands_differ():
    torch.manual_seed(0)
    first, second = strokes.varied(Painter()), strokes.varied(Painter())
    assert first != second
    for name in Painter.__dataclass_fields__:
        assert 0.5 <= getattr(first, name) / getattr(Painter(), name) <= 1.5
    assert first.tone <= 1


def test_ground_is_not_carried_over_an_edge():
    x = torch.full((1, 3, 24, 24), -0.5)
    x[..., 12:] = 0.5
    across = torch.zeros(1, 2, 24, 24)
    across[:, 0] = 1.0
    planes, ground = strokes.along(x[:, :1], across, 8.0, x, 0.2)
    assert (ground - x).abs().max() < 0.01
    assert (planes - x[:, :1]).abs().max() > 0.3
