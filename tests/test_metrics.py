"""Scores have to tell good from bad."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from imgstudio.metrics.diversity import coverage, novelty, spread, thumbnails
from imgstudio.metrics.reconstruction import gaussian_samples, principal_components, psnr
from imgstudio.metrics.sliced_wasserstein import laplacian_pyramid, sliced_wasserstein


def discs(count: int, seed: int) -> torch.Tensor:
    """Pictures of a coloured disc at a random place: [N, 3, 32, 32] in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand(count, 2, 1, 1, generator=generator) * 16 + 8
    colour = torch.rand(count, 3, 1, 1, generator=generator) * 2 - 1
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    inside = (rows - centre[:, :1]) ** 2 + (columns - centre[:, 1:]) ** 2 < 36
    return torch.where(inside, colour, torch.ones(1))


def test_the_pyramid_has_all_levels_and_adds_up():
    x = discs(2, 0)
    band, low = laplacian_pyramid(x)
    assert band.shape[-1] == 32 and low.shape[-1] == 16
    smooth = torch.ones(1, 3, 32, 32)
    assert laplacian_pyramid(smooth)[0].abs().max() < 0.6  # a plain picture has no band-pass energy but at its border
    assert laplacian_pyramid(smooth)[0][:, :, 4:-4, 4:-4].abs().max() < 1e-5


def test_sliced_wasserstein_orders_same_blurred_and_noise():
    real, other = discs(200, 0), discs(200, 1)
    blurred = F.avg_pool2d(other, 5, stride=1, padding=2)
    same, soft, noise = (sliced_wasserstein(real, y) for y in (other, blurred, torch.rand_like(real) * 2 - 1))
    assert sliced_wasserstein(real, real)[32] == pytest.approx(0, abs=1e-3)
    assert same[32] < soft[32] < noise[32]
    assert same == sliced_wasserstein(real, other)


def test_coverage_and_spread_show_a_collapse():
    real, other = thumbnails(discs(200, 0)), thumbnails(discs(200, 1))
    collapsed = other[:4].repeat(50, 1)
    assert coverage(real, other) > 0.8 > 0.3 > coverage(real, collapsed)
    assert spread(real, other) == pytest.approx(1.0, abs=0.1)
    assert spread(real, other[:1].repeat(50, 1)) == pytest.approx(0.0, abs=1e-3)


def test_psnr_is_one_value_a_picture():
    x = torch.zeros(2, 3, 8, 8)
    y = torch.stack([x[0] + 0.2, x[1] + 0.02])
    assert psnr(x, y).tolist() == pytest.approx([20.0, 40.0], abs=1e-3)


def test_linear_baselines_are_what_they_say():
    train, held = discs(200, 0), discs(50, 1)
    few, many = (psnr(held, principal_components(train, held, n)).mean() for n in (2, 64))
    assert many > few + 3
    drawn = gaussian_samples(train, 400, components=64)
    assert drawn.shape == (400, 3, 32, 32) and drawn.abs().max() <= 1
    assert (drawn.mean(dim=0) - train.mean(dim=0)).abs().mean() < 0.1  # clipping moves the mean a little


def test_copies_are_not_new():
    train, held, fresh = (thumbnails(discs(count, seed)) for count, seed in ((300, 0), (60, 1), (60, 2)))
    assert novelty(train, held, fresh) == pytest.approx(1, abs=0.4)
    assert novelty(train, held, train[:60]) < 0.05
    assert novelty(train, held, train[:60] + 0.01 * torch.randn(train[:60].shape)) < 0.6
