"""Adversarial losses by name. Scores are [N]; each function returns a scalar to be minimised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class AdversarialLoss:
    """A pair of losses, and the weight of a gradient penalty if the pair needs one to be well posed."""

    discriminator: Callable[[Tensor, Tensor], Tensor]  # (real scores, fake scores)
    generator: Callable[[Tensor], Tensor]  # (fake scores)
    gradient_penalty: float = 0.0


ADVERSARIAL = {
    # Goodfellow et al. 2014: minimax for the discriminator, the non-saturating form for the generator.
    "minimax": AdversarialLoss(
        lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
        lambda fake: F.softplus(-fake).mean(),
    ),
    # Mao et al. 2017.
    "lsgan": AdversarialLoss(
        lambda real, fake: 0.5 * ((real - 1).square().mean() + fake.square().mean()),
        lambda fake: 0.5 * (fake - 1).square().mean(),
    ),
    # Gulrajani et al. 2017.
    "wgan-gp": AdversarialLoss(
        lambda real, fake: fake.mean() - real.mean(),
        lambda fake: -fake.mean(),
        gradient_penalty=10.0,
    ),
    # Lim and Ye 2017; Miyato et al. 2018.
    "hinge": AdversarialLoss(
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
        lambda fake: -fake.mean(),
    ),
}


def gradient_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """WGAN-GP: mean squared distance of the discriminator's gradient norm from 1, between real and fake [N, 3, H, W]
    (Gulrajani et al. 2017, arXiv:1704.00028)."""
    t = torch.rand(real.shape[0], 1, 1, 1, device=real.device)
    between = torch.lerp(real, fake, t).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def r1_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """R1: mean squared gradient norm of the discriminator at real pictures [N, 3, H, W], a scalar (Mescheder et al. 2018,
    arXiv:1801.04406).

    It keeps the discriminator flat where the data is, so that training can converge there.
    """
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


def calibrated_gaussian(error: Tensor, dims: int) -> Tensor:
    """Negative log-likelihood of a Gaussian decoder whose variance is the best one for the batch.

    error: squared error summed over `dims` values, [N]. Returns nats a picture, a scalar. Rybkin, Daniilidis and Levine
    2021 ("sigma-VAE", arXiv:2006.13202): it sets the balance with the KL term that a hand-picked weight would have to find.
    """
    return 0.5 * dims * (error.mean() / dims).clamp_min(1e-6).log()


def edge_aware_smoothness(x: Tensor, made: Tensor, steep: float = 8.0) -> Tensor:
    """How much the change from x to made, both [N, 3, H, W] in [-1, 1], varies where x does not: a scalar, 0 for a change that
    has no edges but those of x.

    The edge-aware smoothness of Godard, Mac Aodha and Brostow 2017 (arXiv:1609.03677), of colours in place of disparities. A
    discriminator that misses texture on a plain ground otherwise gets a checkerboard.
    """
    change = made.float() - x
    total = change.new_zeros(())
    for dim in (2, 3):
        edges = x.diff(dim=dim).abs().mean(dim=1, keepdim=True)  # N,1,H,W, one less along dim
        total = total + (change.diff(dim=dim).abs() * torch.exp(-steep * edges)).mean()
    return total
