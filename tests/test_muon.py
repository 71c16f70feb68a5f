"""The optimiser Muon: equally long directions for matrices, Adam for the rest."""

from __future__ import annotations

import pytest
import torch

from imgstudio.train import muon
from imgstudio.train.gan.trainer import adam
from imgstudio.train.muon import Muon


@pytest.mark.parametrize("shape", [(24, 60), (60, 24), (32, 32)])
def test_every_direction_of_a_matrix_becomes_about_equally_long(shape):
    u, _, v = torch.linalg.svd(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), full_matrices=False)
    sizes = torch.logspace(0, -2.5, min(shape))
    made = muon.orthogonal(100 * (u * sizes) @ v)  # its size does not matter
    assert made.shape == shape
    assert torch.linalg.svdvals(made).min() > 0.6 and torch.linalg.svdvals(made).max() < 1.25
    along = u.T @ made @ v.T  # diagonal if the directions are those of the matrix
    assert (along - along.diag().diag()).abs().max() < 1e-3 and along.diag().min() > 0.6


def test_vectors_and_narrow_matrices_move_as_with_adam():
    for shape in ((40,), (1, 8, 4, 4), (3, 64), (64, 3), ()):
        values = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        ours, theirs = (torch.nn.Parameter(values.clone()) for _ in range(2))
        optimisers = Muon([([ours], 0.02)], (0.9, 0.99)), adam([([theirs], 0.02)], (0.9, 0.99))
        for step in range(20):
            slope = torch.randn(shape, generator=torch.Generator().manual_seed(step))
            for parameter, optimiser in zip((ours, theirs), optimisers):
                parameter.grad = slope.clone()
                optimiser.step()
        assert torch.allclose(ours, theirs, atol=1e-5) and not torch.allclose(ours, values, atol=1e-2)


def test_kernels_count_as_matrices_and_move_by_a_known_length():
    kernel = torch.nn.Parameter(torch.randn(32, 16, 3, 3))
    before = kernel.detach().clone()
    optimiser = Muon([([kernel], 0.1)], (0.0, 0.99))
    kernel.grad = torch.randn(32, 16, 3, 3)
    optimiser.step()
    moved = (kernel.detach() - before).flatten(1)
    sizes = torch.linalg.svdvals(moved) / (0.1 * muon.GAIN * 144**0.5)
    assert sizes.min() > 0.6 and sizes.max() < 1.25
    assert moved.square().mean().sqrt() == pytest.approx(0.1 * muon.GAIN, rel=0.25)


@pytest.mark.short_training
def test_weak_directions_are_learned_sooner_than_with_adam():
    generator = torch.Generator().manual_seed(0)
    wanted = torch.randn(32, 32, generator=generator)
    turn = torch.linalg.qr(torch.randn(32, 32, generator=generator))[0]
    strength = torch.logspace(0, -2, 32)
    errors = []
    for make in (Muon, adam):
        weight = torch.nn.Parameter(torch.zeros(32, 32))
        optimiser = make([([weight], 0.05)], (0.9, 0.99))
        for step in range(300):
            for group in optimiser.param_groups:
                group["lr"] = group["full"] * (1 - step / 300)
            optimiser.zero_grad()
            x = (torch.randn(256, 32, generator=generator) * strength) @ turn
            (x @ (weight - wanted)).square().mean().backward()
            optimiser.step()
        errors.append((weight - wanted).square().mean().item())
    assert errors[0] < 0.5 * errors[1] and errors[1] < 1.0
