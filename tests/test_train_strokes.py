"""The painter of rules: strokes come from the grain alone, and what a picture shows stays."""

from __future__ import annotations

import torch
from skimage import data

from imgstudio.train.cyclegan import renderer
from imgstudio.train.cyclegan.renderer import StrokeRenderer

SIDE = 64


def coffee():
    picture = torch.from_numpy(data.coffee()[60:316, 150:406].copy()).permute(2, 0, 1)[None] / 127.5 - 1
    return torch.nn.functional.avg_pool2d(picture, 2)


def test_a_plain_ground_gets_strokes_from_the_grain_and_no_others():
    torch.manual_seed(0)
    x, painter = torch.full((1, 3, SIDE, SIDE), -0.1), StrokeRenderer()
    given = x + 0.1 * painter.stroke_noise(x)
    first, again, other = painter(x, given), painter(x, given), painter(x, x + 0.1 * painter.stroke_noise(x))
    assert torch.equal(first, again)
    assert first.std() > 0.05 and (first - other).abs().mean() > 0.03
    assert painter(x, x).std(dim=(2, 3)).max() < 0.01
    assert torch.allclose(painter(x, x + 0.3 * (given - x)), first, atol=0.02)  # however strong the grain


def test_what_a_picture_shows_and_its_colours_are_kept():
    torch.manual_seed(0)
    x = coffee()
    painter = StrokeRenderer(tone=0.0)
    given = x + 0.1 * painter.stroke_noise(x)
    made = painter(x, given)
    assert made.shape == x.shape and made.abs().max() <= 1
    small, before = (torch.nn.functional.avg_pool2d(part, 8) for part in (made, x))
    assert torch.corrcoef(torch.stack([small.flatten(), before.flatten()]))[0, 1] > 0.97
    assert (made - x).abs().mean() > 0.05
    assert StrokeRenderer(tone=1.0)(x, given).mean() > made.mean() + 0.1


def test_thick_paint_is_lit_from_the_upper_left():
    hill = torch.zeros(1, 1, 9, 9)
    hill[..., 4, 4] = 1.0
    lit = renderer.emboss(hill)
    assert lit[..., 3, 3] > 0 > lit[..., 5, 5] and abs(lit.sum()) < 1e-5


def test_a_curve_of_tones_rises_and_leaves_white():
    light = torch.linspace(-1, 1, 101)
    curve = renderer.tone_curve(light)
    assert curve.diff().min() > 0 and curve[-1] == 1 and curve[0] < -0.95
    assert curve[50] > 0.3  # and lifts what lies between


def test_other_hands_differ():
    torch.manual_seed(0)
    first, second = renderer.randomised(StrokeRenderer()), renderer.randomised(StrokeRenderer())
    assert first != second
    assert {*renderer.STROKE_FIELDS, *renderer.COLOUR_FIELDS} == set(StrokeRenderer.__dataclass_fields__)
    for _ in range(20):
        other = renderer.randomised(StrokeRenderer())
        for name in StrokeRenderer.__dataclass_fields__:
            assert 0.39 <= getattr(other, name) / getattr(StrokeRenderer(), name) <= 2.51
        assert other.tone <= 1
