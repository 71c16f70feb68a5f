"""Latent paths and the maths of the VAE's latent space."""

from __future__ import annotations

import math

import pytest
import torch
from table import each_row

from imgstudio.models.vae import VAE
from imgstudio.ops import autoencoder as ops
from imgstudio.ops import latent


@pytest.fixture
def ends():
    return torch.randn(2, 1, 64, generator=torch.Generator().manual_seed(0))


@each_row("curve", latent.CURVES.values())
def test_a_curve_starts_and_ends_at_its_ends(curve, ends):
    a, b = ends
    assert torch.allclose(curve(a, b, 0.0), a, atol=1e-5)
    assert torch.allclose(curve(a, b, 1.0), b, atol=1e-5)


def test_the_great_arc_keeps_the_length_that_the_line_loses(ends):
    a, b = (v / v.norm() for v in ends)
    assert latent.slerp(a, b, 0.5).norm().item() == pytest.approx(1.0, abs=1e-5)
    assert latent.lerp(a, b, 0.5).norm().item() < 0.9


def test_the_great_arc_moves_at_an_even_angle(ends):
    a, b = (v / v.norm() for v in ends)
    whole = math.acos((a * b).sum().item())
    third = math.acos((a * latent.slerp(a, b, 1 / 3)).sum().item())
    assert third == pytest.approx(whole / 3, rel=1e-3)


@each_row("other", ["same", "opposite", "zero"])
def test_the_great_arc_falls_back_where_there_is_none(other, ends):
    a = ends[0]
    b = {"same": a, "opposite": -a, "zero": torch.zeros_like(a)}[other]
    assert torch.allclose(latent.slerp(a, b, 0.25), torch.lerp(a, b, 0.25), atol=1e-5)


def test_a_loop_has_its_legs_and_never_shows_its_start_twice():
    points = torch.randn(3, 8)
    loop = latent.path(points, 5, loop=True)
    line = latent.path(points, 5, loop=False)
    assert len(loop) == 15 and len(line) == 11
    assert torch.allclose(loop[0], points[0], atol=1e-5) and torch.equal(line[-1], points[2])
    assert not any(torch.equal(loop[0], z) for z in loop[1:])


def test_a_sheet_has_its_corners_in_reading_order():
    corners = torch.randn(4, 8)
    sheet = latent.bilinear(corners, 5)
    for corner, (row, column) in zip(corners, ((0, 0), (0, 4), (4, 0), (4, 4))):
        assert torch.allclose(sheet[row, column], corner, atol=1e-6)
    assert torch.allclose(sheet[2, 2], corners.mean(dim=0), atol=1e-6)


def test_truncation_pulls_towards_the_centre():
    z, centre = torch.randn(4, 64), torch.randn(1, 64)
    assert torch.equal(latent.truncate(z, 0.0, centre), centre.expand(4, 64))
    assert torch.allclose(latent.truncate(z, 1.0, centre), z, atol=1e-5)
    near, far = ((latent.truncate(z, psi, centre) - centre).norm(dim=1) for psi in (0.3, 0.7))
    assert (near < far).all() and (far < (z - centre).norm(dim=1)).all()
    assert latent.truncate(z, 0.5, centre).norm(dim=1).min() > 0.8 * z.norm(dim=1).min()  # it stays on the shell


def test_the_divergence_agrees_with_torch():
    mean, logvar = torch.randn(5, 7), torch.randn(5, 7)
    posterior = torch.distributions.Normal(mean, torch.exp(0.5 * logvar))
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(ops.kl(mean, logvar), expected, atol=1e-5)


def test_psnr_of_a_known_error():
    x = torch.zeros(1, 3, 4, 4)
    assert ops.psnr(x, x) == math.inf
    assert ops.psnr(x, x + 0.2) == pytest.approx(20.0, abs=1e-3)  # a tenth of the range


def test_the_prior_draws_from_its_mixture():
    net = VAE(latent=8, widths=(8, 16), size=16, components=2)
    net.prior_weights.copy_(torch.tensor([0.0, 1.0]))
    net.prior_means[1] = 5.0
    net.prior_factors.mul_(0.1)
    draws = torch.cat([ops.draw_prior(net, seed) for seed in range(200)])
    assert draws.mean().item() == pytest.approx(5.0, abs=0.02)
    assert draws.std(dim=0).mean().item() == pytest.approx(0.1, rel=0.15)
    assert torch.equal(ops.draw_prior(net, 7), draws[7:8])
