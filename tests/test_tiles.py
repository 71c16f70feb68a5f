"""Tiles: a large picture in pieces is the same picture."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from skimage import data
from table import each_row

from imgstudio import device
from imgstudio.image import to_tensor
from imgstudio.models.adain import AdaIN
from imgstudio.models.transformer_net import TransformerNet
from imgstudio.ops import tiles
from imgstudio.ops.style import feedforward


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    monkeypatch.setattr(device, "compute_dtype", lambda device, **_: torch.float32)


@pytest.fixture(scope="module")
def photo():
    """Its sides are no multiples of anything, and its halves differ in brightness."""
    return to_tensor(data.astronaut())[:, :, :301, :267]


def lively(net):
    """Random weights of a size that keeps activations alive."""
    torch.manual_seed(0)
    for parameter in net.parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def johnson():
    return lively(TransformerNet(width=4, blocks=5))


@each_row(("length", "side"), [(1, 4), (4, 4), (5, 4), (8, 4), (1000, 256), (1024, 256), (1040, 256)])
def test_spans_cover_a_side_once(length, side):
    found = tiles.spans(length, side)
    assert [place for start, end in found for place in range(start, end)] == list(range(length))
    assert all(start % side == 0 for start, _ in found)
    assert all(end - start < 1.25 * side for start, end in found)


@each_row("scale", [Fraction(1), Fraction(1, 4), Fraction(4)])
def test_a_local_function_is_the_same_in_tiles(scale):
    x = torch.randn(2, 3, 56, 36)

    def blur_and_resize(x):
        blurred = F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 5, 1)
        return F.avg_pool2d(blurred, 4) if scale < 1 else F.interpolate(blurred, scale_factor=int(scale))

    steps = [(done, total) for done, total, _ in tiles.tiled(blur_and_resize, x, side=16, margin=4, scale=scale)]
    assert steps == [(i, 12) for i in range(1, 13)]
    made = tiles.finished(tiles.tiled(blur_and_resize, x, side=16, margin=4, scale=scale))
    torch.testing.assert_close(made, blur_and_resize(x))


def test_what_is_still_to_come_shows_the_canvas():
    x = torch.rand(1, 1, 8, 8)
    _, _, first = next(tiles.tiled(lambda part: part - 9, x, side=4, margin=0, canvas=x))
    torch.testing.assert_close(first[:, :, :4, :4], x[:, :, :4, :4] - 9)
    torch.testing.assert_close(first[:, :, 4:, :], x[:, :, 4:, :])


def test_a_restyled_picture_has_no_seams(johnson, photo):
    moments = feedforward.measure(johnson, photo, whole=160)
    whole = johnson(photo, moments)
    in_tiles = tiles.finished(feedforward.restyle(johnson, photo, tile=96, whole=160))
    assert in_tiles.shape == photo.shape
    assert whole.std() > 0.05
    torch.testing.assert_close(in_tiles, whole, atol=1e-3, rtol=0)


def test_tiles_that_measure_themselves_would_have_seams(johnson, photo):
    parts = tiles.tiled(lambda part: feedforward.run(johnson, johnson, part), photo, side=96, margin=johnson.receptive_radius)
    alone = tiles.finished(parts)
    assert (alone - johnson(photo)).abs().max() > 0.1


def test_reach_is_enough_and_needed(johnson, photo):
    moments = johnson.measure(photo)
    whole = johnson(photo, moments)

    def error(margin):
        parts = tiles.tiled(lambda part: feedforward.run(johnson, johnson, part, moments), photo, side=96, margin=margin)
        return (tiles.finished(parts) - whole).abs().max()

    assert error(johnson.receptive_radius) < 1e-3 < error(johnson.receptive_radius // 4)


def test_moments_of_the_shrunk_picture_are_like_those_of_the_picture(johnson, photo):
    assert len(feedforward.measure(johnson, photo)) == len(johnson.norms)
    full, shrunk = (johnson(photo, feedforward.measure(johnson, photo, side)) for side in (301, 200))
    assert (full - shrunk).abs().mean() < 0.5 * (full - photo).abs().mean()


@each_row("strength", [1.0, 0.4])
def test_any_style_has_no_seams(photo, strength):
    net = lively(AdaIN(widths=(4, 4, 8, 8, 8)))
    style = to_tensor(data.coffee())[:, :, :100, :90]
    whole, in_tiles = (
        tiles.finished(feedforward.mix(net, photo, [style], [1.0], strength, tile=96, whole=side)) for side in (512, 96)
    )
    assert in_tiles.shape == photo.shape
    assert whole.std() > 0.02
    torch.testing.assert_close(in_tiles, whole, atol=1e-3, rtol=0)
