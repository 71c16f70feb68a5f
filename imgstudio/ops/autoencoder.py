"""Encoding, decoding and the geometry of a VAE's latent space. Pictures are float32 [N, 3, H, W] in [-1, 1]."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .. import device as devices
from ..models.vae import VAE
from . import pieces


@torch.no_grad()
def encode(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """Pictures [N, 3, H, W] -> posterior mean and log variance, float32 [N, Z] each, on the CPU; of an encoder without a
    posterior, the latents [N, C, h, w] and None."""
    device = next(net.parameters()).device
    with devices.autocast(device):
        code = net.encode(x.to(device))
    mean, logvar = code if isinstance(code, tuple) else (code, None)
    return mean.float().cpu(), None if logvar is None else logvar.float().cpu()


@torch.no_grad()
def decode(net: nn.Module, z: Tensor) -> Tensor:
    """Codes [N, Z] or [N, C, h, w] -> pictures [N, 3, H, W] on the CPU; on a CPU one at a time, as in `ops.sampling.generate`."""
    device = next(net.parameters()).device

    def make(part: slice) -> Tensor:
        with devices.autocast(device):
            return net.decode(z[part].to(device)).float().cpu()

    return torch.cat(list(pieces.batches(make, len(z), 1 if device.type == "cpu" else 32)))


def kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL of the posterior N(mean, exp(logvar)) from N(0, I) in nats, [N, Z] -> [N, Z]: how much each dimension of the code
    says about its picture (Kingma and Welling 2013, appendix B)."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar)


@torch.no_grad()
def draw_prior(net: VAE, seed: int) -> Tensor:
    """One latent vector [1, Z] from the prior that was fitted to the training pictures, the same for a seed everywhere."""
    numbers = devices.normal(seed, net.latent + 1)
    choice = torch.special.ndtr(numbers[-1:])  # uniform in [0, 1)
    device = next(net.parameters()).device
    return net.prior(numbers[None, :-1].to(device), choice.to(device)).float().cpu()


def add_noise(x: Tensor, sigma: float, seed: int) -> Tensor:
    """Gaussian noise of standard deviation `sigma` (1 is the whole range from black to white), clipped to [-1, 1]."""
    return (x + 2 * sigma * devices.normal(seed, *x.shape)).clamp(-1, 1)


def psnr(x: Tensor, y: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of two pictures in [-1, 1]; infinite if they are equal."""
    error = (x - y).square().mean().item()
    return 10 * math.log10(4 / error) if error else math.inf
