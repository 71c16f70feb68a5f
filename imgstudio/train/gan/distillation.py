"""Latent distillation: supervision of a GAN's generator by pairs of a real picture and the latent vector that should give it.

At 128 px a discriminator soon tells a generator that still draws one head for all, and its gradients then teach strokes, not
variety. The encoder of a variational autoencoder of the same pictures says which picture belongs to which latent vector, and a
reconstruction loss keeps every kind of picture alive; the discriminator sees these pictures and those of random vectors alike.
The two losses are those of VAE/GAN (Larsen et al. 2016, arXiv:1512.09300), with the error in pixels at several sizes, as in
pix2pix (Isola et al. 2017, arXiv:1611.07004), and in the features of a pretrained net, a perceptual loss (Johnson et al. 2016,
arXiv:1603.08155).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import device as devices
from ... import weights
from ...models.vae import VAE
from ...models.vgg import VGG
from .. import features
from ..data import Pictures, to_unit

PIXEL_WEIGHT = 10.0  # of the error in pixels beside an adversarial loss
SCALES = 4  # sizes at which it is measured: full, half, quarter, eighth
FEATURE_WEIGHT = 3.0  # of the relative error in each of FEATURE_LAYERS
FEATURE_LAYERS = ("relu1_2", "relu2_2", "relu3_2")
TOPK = 0.01  # share of the places of a picture
WINDOW = 64  # side in pixels of the part of the pictures that is looked at for them, another one each time
ALL, DISTILLED = slice(None), slice(None, None, 2)  # pictures of a batch with a reconstruction loss
DECAY_SHARE = 0.5  # last share of `decay_images`, over which the weight falls


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """Latent distillation of a recipe: its encoder, its stages (in training pictures) and its losses."""

    encoder: str  # file of a VAE in `weights/` with as long a latent vector as the generator's
    net: dict = field(default_factory=dict)  # arguments of that VAE
    pretrain_images: int = 0  # reconstruction loss alone, without a discriminator
    freeze_generator_images: int = 0  # then the discriminator learns without gradients to the generator: a fresh one does harm
    decay_images: int  # by then the weight of the reconstruction loss has fallen to `min_weight`
    min_weight: float = 0.75  # of the reconstruction loss, from `decay_images` on
    supervised_finetuning: int = 0  # stage after adversarial training: reconstruction loss alone
    self_distillation: int = 0  # next stage: targets made from the earlier stages' pictures, see `self_distillation`
    style_mixing_finetuning: int = 0  # last stage: mixed and moved styles, see `latent_edits`; StyleGAN2 only
    sharpen: float = 0.0  # amount of unsharp masking of self-distillation targets
    posterior_std: float = 1.0  # scale of the posterior's deviation in the codes that a flow is fitted to; less is crisper
    max_posterior_std: float = 1.0  # and the largest in distillation: a flow seldom hits the codes exactly
    flow_steps: int = 10_000  # for which the flow is fitted
    topk_weight: float = 0.0  # of the mean error over the worst TOPK of each picture's places: a plain mean forgives specks


class LatentDistillation:
    """Encodes real pictures to latent vectors, and measures how well a generator reconstructs them."""

    def __init__(self, config: DistillConfig, device: torch.device):
        self.config = config
        vae = VAE(**config.net)
        vae.load_state_dict(weights.read(weights.folder() / config.encoder))
        self.size = vae.size
        self.encoder = vae.encoder.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        mean, factor = moments(vae)
        self.mean, self.factor = mean.to(device), factor.to(device)
        network = features.shipped("features-vgg-small.safetensors", features.RECIPES["features/vgg-small"].net)
        self.network = network.to(device, memory_format=torch.channels_last)

    def weight(self, seen: int) -> float:
        """Weight of the reconstruction loss after so many pictures: 1, then falling to `min_weight`."""
        return min(1.0, max(self.config.min_weight, (self.config.decay_images - seen) / (DECAY_SHARE * self.config.decay_images)))

    @torch.no_grad()
    def latents(self, real: Tensor) -> Tensor:
        """Draws from the posterior of pictures [N, 3, H, W] in [-1, 1] -> z [N, Z], whitened.

        At a `posterior_std` of 1 they have over all pictures the mean and the covariance of N(0, I), from which a generator
        without a flow draws later.
        """
        mean, deviation = self.posterior(real)
        return self.whitened(
            mean, deviation * torch.empty_like(mean[:, :1]).uniform_(self.config.posterior_std, self.config.max_posterior_std)
        )

    def code_sampler(self, pictures: Pictures) -> Callable[[int], tuple[Tensor, Tensor]]:
        """A function that draws as many latent vectors [N, Z] as wanted, of random pictures at `posterior_std`, and their
        classes int [N]."""
        device = self.mean.device
        seen = [self.posterior(to_unit(part.to(device))) for part in pictures.images.split(64)]
        mean, deviation = (torch.cat(part) for part in zip(*seen))
        labels = pictures.labels.to(device)

        def draw(count: int) -> tuple[Tensor, Tensor]:
            chosen = torch.randint(0, len(mean), (count,), device=device)
            return self.whitened(mean[chosen], self.config.posterior_std * deviation[chosen]), labels[chosen]

        return draw

    @torch.no_grad()
    def posterior(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """Means and standard deviations [N, Z] of the codes of pictures [N, 3, H, W] in [-1, 1]."""
        with devices.autocast(real.device, training=True):
            mean, logvar = self.encoder(F.adaptive_avg_pool2d(real, self.size))
        return mean.float(), torch.exp(0.5 * logvar.float())

    def whitened(self, mean: Tensor, deviation: Tensor) -> Tensor:
        """Draws from posteriors as of `posterior`, at the mean and the covariance of N(0, I) over all pictures: [N, Z]."""
        z = mean + deviation * torch.randn_like(mean)
        return torch.linalg.solve_triangular(self.factor, (z - self.mean).T, upper=False).T

    def reconstruction_loss(self, pictures: Tensor, real: Tensor) -> Tensor:
        """Weighted sum of the errors between two batches [N, 3, H, W] in [-1, 1] in pixels and in features: a scalar."""
        given, wanted = pictures.float(), real.float()
        loss = PIXEL_WEIGHT * pixel_loss(given, wanted) + FEATURE_WEIGHT * self.feature_loss(pictures, real)
        return loss + self.config.topk_weight * topk_loss(given, wanted) if self.config.topk_weight else loss

    def feature_loss(self, pictures: Tensor, real: Tensor) -> Tensor:
        return feature_loss(self.network, pictures, real)


def feature_loss(network: VGG, pictures: Tensor, real: Tensor) -> Tensor:
    """Mean absolute error in the features of `network`, within one window, over the mean of what is there, summed over layers."""
    height, width = real.shape[2:]
    y, x = (int(torch.randint(0, max(side - WINDOW, 0) + 1, ())) for side in (height, width))
    part = (..., slice(y, y + WINDOW), slice(x, x + WINDOW))
    with devices.autocast(real.device, training=True):
        given = network(pictures[part].float(), FEATURE_LAYERS)
        with torch.no_grad():
            wanted = network(real[part], FEATURE_LAYERS)
    return sum(
        F.l1_loss(given[k].float(), wanted[k].float()) / wanted[k].float().abs().mean().clamp_min(1e-6) for k in FEATURE_LAYERS
    )


def pixel_loss(given: Tensor, wanted: Tensor, picture_weight: Tensor | float = 1.0) -> Tensor:
    """Mean absolute error, summed over the sizes; `picture_weight` [N] is what each picture counts for."""
    loss = given.new_zeros(())
    for scale in range(SCALES):
        if scale:
            given, wanted = F.avg_pool2d(given, 2), F.avg_pool2d(wanted, 2)
        loss = loss + ((given - wanted).abs().mean(dim=(1, 2, 3)) * picture_weight).mean()
    return loss


def topk_loss(given: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute error over the hundredth of the places of each picture where it is largest."""
    errors = (given - wanted).abs().mean(dim=1).flatten(1)  # N,HW
    return errors.topk(math.ceil(TOPK * errors.shape[1]), dim=1).values.mean()


def moments(vae: VAE) -> tuple[Tensor, Tensor]:
    """Mean [Z] and Cholesky factor of the covariance [Z, Z] of the Gaussian mixture that was fitted to a VAE's codes."""
    mix, means = vae.prior_weights[:, None], vae.prior_means
    mean = (mix * means).sum(dim=0)
    inside = torch.einsum("k,kij,klj->il", vae.prior_weights, vae.prior_factors, vae.prior_factors)
    between = (mix * (means - mean)).T @ (means - mean)
    return mean, torch.linalg.cholesky(inside + between)
