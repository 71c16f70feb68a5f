"""Lines along what a picture shows, and grain that is combed along them."""

from __future__ import annotations

import math

import pytest
import torch
from table import each_row

from imgstudio.models.resnet_generator import ResnetGenerator
from imgstudio.ops import lines
from imgstudio.ops.translation import with_input_noise

SIDE = 64


def stripes(angle, period=16.0):
    """A soft grating whose lines run at this angle to the x axis, [1, 3, SIDE, SIDE]."""
    y, x = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")
    across = y * math.cos(angle) - x * math.sin(angle)
    return (0.5 * torch.sin(2 * math.pi * across / period)).expand(1, 3, -1, -1).contiguous()


@each_row("angle", [0.0, 0.5, 1.2, 2.4])
def test_lines_run_along_what_is_there(angle):
    found = lines.edge_tangents(stripes(angle))
    assert torch.allclose(found.norm(dim=1), torch.ones(()), atol=1e-5)
    along = found[0, 0] * math.cos(angle) + found[0, 1] * math.sin(angle)
    assert along.abs().median() > 0.95


@each_row(("angle", "dim"), [(0.0, 3), (math.pi / 2, 2)])
def test_combed_grain_is_long_along_a_shape_and_narrow_across(angle, dim):
    noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    made = lines.stroke_noise(stripes(angle, 24.0), noise, 8.0, 0.8)
    assert made.shape == noise.shape and 0.9 < made.std() < 1.4
    smooth = lines.blur(made, 0.8)  # without what stays white
    along, across = (smooth.diff(dim=d).square().mean() for d in (dim, 5 - dim))
    assert across > 5 * along


def test_nothing_is_carried_over_an_edge_by_keen_averages():
    x = torch.full((1, 3, 24, 24), -0.5)
    x[..., 12:] = 0.5
    across = torch.zeros(1, 2, 24, 24)
    across[:, 0] = 1.0
    assert (lines.line_integral_convolution(x, across, 8.0, 0.2) - x).abs().max() < 0.01
    assert (lines.line_integral_convolution(x, across, 8.0) - x).abs().max() > 0.3
    plain = torch.full((1, 3, 9, 9), 0.3)
    assert torch.allclose(lines.line_integral_convolution(plain, torch.ones(1, 2, 9, 9) / math.sqrt(2), 8.0), plain, atol=1e-5)


def test_a_blur_is_a_gaussian_of_its_width():
    dot = torch.zeros(1, 1, 41, 41)
    dot[0, 0, 20, 20] = 1
    row = lines.blur(dot, 3.0)[0, 0].sum(dim=0)
    places = torch.arange(41.0) - 20
    assert row.sum() == pytest.approx(1, abs=1e-5)
    assert (row * places.square()).sum().sqrt() == pytest.approx(2.8, abs=0.15)  # a little less, as it is cut off


def test_large_pictures_are_combed_in_tiles_without_a_seam(monkeypatch):
    x = torch.cat([stripes(0.4, 30.0), stripes(0.4, 30.0)], dim=3).repeat(1, 1, 2, 2)  # 128 x 256
    noise = torch.randn(1, 3, *x.shape[2:], generator=torch.Generator().manual_seed(0))
    whole = lines.stroke_noise(x, noise, 8.0, 0.8)
    monkeypatch.setattr(lines, "TILE", 32)
    tiled = lines.stroke_noise(x, noise, 8.0, 0.8)
    assert (tiled - whole).abs().max() < 2e-2 * whole.std()


@each_row("size", [(20, 33), (8, 8), (9, 40)])
def test_a_net_that_wants_combed_grain_is_given_it_at_any_size(size):
    x = torch.rand(2, 3, *size) * 2 - 1
    net = ResnetGenerator(channels=4, blocks=1, skip=True, noise_std=0.1, per_channel_noise=True, lic_length=8.0)
    given = with_input_noise(net, x)
    assert given.shape == x.shape and torch.equal(given, with_input_noise(net, x))
    assert 0.05 < (given - x).std() < 0.2
    assert not torch.equal(given, with_input_noise(net, x, seed=1)) and not torch.equal(
        given, with_input_noise(net, x, seed=None)
    )
    assert net(given).shape == x.shape
