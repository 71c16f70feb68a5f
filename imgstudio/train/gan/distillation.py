"""Lessons for a generator that is to play against a critic: real pictures, and the latent vectors that should give them.

At 128 px a critic soon sees through a generator that still draws one head for all, and what it then teaches are strokes, not
variety. The encoder of a variational autoencoder of the same pictures settles which picture belongs to which latent vector, and
a mean error to the picture itself keeps every kind of picture alive; the critic looks at these copies and at pictures of random
vectors alike. The two losses are those of VAE/GAN (Larsen et al. 2016, arXiv:1512.09300), with the error in pixels at several
sizes, as in pix2pix (Isola et al. 2017, arXiv:1611.07004), and in the features of a pretrained net (Johnson et al. 2016,
arXiv:1603.08155), to which an eye means more than to a mean over pixels.
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

WEIGHT = 10.0  # of the likeness beside an adversarial loss
SCALES = 4  # sizes at which it is measured: full, half, quarter, eighth
DETAIL = 3.0  # weight of the relative error in each of the layers SEEN
SEEN = ("relu1_2", "relu2_2", "relu3_2")
WORST = 0.01  # share of the places of a picture
WINDOW = 64  # side in pixels of the part of the pictures that is looked at for them, another one each time
ALL, TAUGHT = slice(None), slice(None, None, 2)  # the pictures of a batch that a generator with lessons is told to draw
FADE = 0.5  # the last part of the lessons, over which they lose their weight


@dataclass(frozen=True, kw_only=True)
class Course:
    """Which lessons a recipe gives."""

    encoder: str  # file of a VAE in `weights/` with as long a latent vector as the generator's
    net: dict = field(default_factory=dict)  # its arguments
    alone: int = 0  # pictures to learn by the lessons alone, before the critic joins
    watch: int = 0  # and so many more for which it only looks on: what a fresh one asks for undoes what was learned
    pictures: int  # until the lessons have lost what weight they lose
    floor: float = 0.75  # what stays of it
    polish: int = 0  # after the game, so many pictures of lessons alone again
    mend: int = 0  # and last, so many to learn what it would be without its faults, see `mending`
    steer: int = 0  # after that, so many to learn what lies beside its own styles, see `steered`; StyleGAN2 only
    crisp: float = 0.0  # how much crisper it then is to be, see `mending.crisper`; without a polish, drawings are redrawn anyway
    spread: float = 1.0  # a flow learns where codes lie at so many deviations of the posterior; the means give crisper pictures
    reach: float = 1.0  # and lessons are about codes at up to so many: a flow seldom hits them exactly
    flow: int = 10_000  # steps for which such a flow is fitted
    worst: float = 0.0  # weight of the error in the WORST places of each picture: a mean forgives a speck, an eye does not


class Lessons:
    """Latent vectors of real pictures, and the likeness of a generator's pictures to them."""

    def __init__(self, course: Course, device: torch.device):
        self.course = course
        vae = VAE(**course.net)
        vae.load_state_dict(weights.read(weights.folder() / course.encoder))
        self.size = vae.size
        self.encoder = vae.encoder.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        mean, factor = moments(vae)
        self.mean, self.factor = mean.to(device), factor.to(device)
        eye = features.shipped("features-vgg-small.safetensors", features.RECIPES["features/vgg-small"].net)
        self.eye = eye.to(device, memory_format=torch.channels_last)

    def share(self, seen: int) -> float:
        """Weight of the lessons after so many pictures: 1, then falling to the floor."""
        return min(1.0, max(self.course.floor, (self.course.pictures - seen) / (FADE * self.course.pictures)))

    @torch.no_grad()
    def latents(self, real: Tensor) -> Tensor:
        """Draws from the posterior of pictures [N, 3, H, W] in [-1, 1] -> z [N, Z], whitened: at a spread of 1 they have over all
        pictures the mean and the covariance of N(0, I), from which a generator without a flow draws later. The means lie closer
        together."""
        mean, deviation = self.posterior(real)
        return self.whitened(mean, deviation * torch.empty_like(mean[:, :1]).uniform_(self.course.spread, self.course.reach))

    def drawing(self, pictures: Pictures) -> Callable[[int], tuple[Tensor, Tensor]]:
        """A function that gives as many latent vectors [N, Z] as wanted, of random pictures at the spread of the course, and
        their classes int [N]."""
        device = self.mean.device
        seen = [self.posterior(to_unit(part.to(device))) for part in pictures.images.split(64)]
        mean, deviation = (torch.cat(part) for part in zip(*seen))
        labels = pictures.labels.to(device)

        def draw(count: int) -> tuple[Tensor, Tensor]:
            chosen = torch.randint(0, len(mean), (count,), device=device)
            return self.whitened(mean[chosen], self.course.spread * deviation[chosen]), labels[chosen]

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

    def unlikeness(self, pictures: Tensor, real: Tensor) -> Tensor:
        """Weighted sum of the errors between two batches [N, 3, H, W] in [-1, 1] in pixels and in features: a scalar."""
        given, wanted = pictures.float(), real.float()
        loss = WEIGHT * in_pixels(given, wanted) + DETAIL * self.in_features(pictures, real)
        return loss + self.course.worst * in_worst_places(given, wanted) if self.course.worst else loss

    def in_features(self, pictures: Tensor, real: Tensor) -> Tensor:
        return in_features(self.eye, pictures, real)


def in_features(eye: VGG, pictures: Tensor, real: Tensor) -> Tensor:
    """Mean absolute error in the features of `eye`, within one window, over the mean of what is there, summed over layers."""
    height, width = real.shape[2:]
    y, x = (int(torch.randint(0, max(side - WINDOW, 0) + 1, ())) for side in (height, width))
    part = (..., slice(y, y + WINDOW), slice(x, x + WINDOW))
    with devices.autocast(real.device, training=True):
        given = eye(pictures[part].float(), SEEN)
        with torch.no_grad():
            wanted = eye(real[part], SEEN)
    return sum(F.l1_loss(given[k].float(), wanted[k].float()) / wanted[k].float().abs().mean().clamp_min(1e-6) for k in SEEN)


def in_pixels(given: Tensor, wanted: Tensor, share: Tensor | float = 1.0) -> Tensor:
    """Mean absolute error, summed over the sizes; `share` [N] is what each picture counts for."""
    loss = given.new_zeros(())
    for scale in range(SCALES):
        if scale:
            given, wanted = F.avg_pool2d(given, 2), F.avg_pool2d(wanted, 2)
        loss = loss + ((given - wanted).abs().mean(dim=(1, 2, 3)) * share).mean()
    return loss


def in_worst_places(given: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute error over the hundredth of the places of each picture where it is largest."""
    errors = (given - wanted).abs().mean(dim=1).flatten(1)  # N,HW
    return errors.topk(math.ceil(WORST * errors.shape[1]), dim=1).values.mean()


def moments(vae: VAE) -> tuple[Tensor, Tensor]:
    """Mean [Z] and Cholesky factor of the covariance [Z, Z] of the Gaussian mixture that was fitted to a VAE's codes."""
    share, means = vae.prior_weights[:, None], vae.prior_means
    mean = (share * means).sum(dim=0)
    inside = torch.einsum("k,kij,klj->il", vae.prior_weights, vae.prior_factors, vae.prior_factors)
    between = (share * (means - mean)).T @ (means - mean)
    return mean, torch.linalg.cholesky(inside + between)
