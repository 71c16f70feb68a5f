"""Trains a variational autoencoder: calibrated likelihood, perceptual term, KL with warm-up.

    python -m imgstudio train vae/fruits --data DATA_FOLDER --images 100000

The loss of a picture, in nats: D/2 log(mean squared error) + `perceptual` * distance + beta * KL, with D = 3 * size^2.
The recipes that made the weights of this project are in RECIPES; the scores they reach stand in weights/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import device as devices
from ..models.vae import VAE
from ..ops.autoencoder import kl
from .data import Pictures, batches, groups, read, split, to_unit
from .gan.augment import translation
from .losses import calibrated_gaussian
from .perceptual import PerceptualDistance, TinyDarknet
from .run import EMA, Resumable, Run, schedule

FINAL_SHARE = 0.1  # the last part of a run, in which it may weigh otherwise


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run gives, apart from its length."""

    data: str  # file name of the training set
    net: dict = field(default_factory=dict)  # arguments of models.vae.VAE
    beta: float = 1.0  # weight of the KL term once warmed up (Higgins et al. 2017)
    warm_up: int = 10_000  # pictures until the KL term has its full weight
    perceptual: float = 5000.0  # nats for a perceptual distance of 1
    final_perceptual: float | None = None  # over the last FINAL_SHARE of a run: pooling leaves a checkerboard
    flips: bool = False  # mirror half of the pictures
    shifts: bool = False  # move pictures by up to 1/16 of the side
    color_jitter: float = 0.0  # change brightness and contrast by up to this share
    batch: int = 32
    rate: float = 6e-4
    ema_horizon: int = 400  # steps over which old weights fade
    noise_share: float = 0.25  # share of pictures that the encoder sees with noise added, and has to restore
    grouping: str = ""  # pattern of the names of groups by class, or "palette"
    held_out_groups: tuple[str, ...] = ()
    seed: int = 0


RECIPES = {
    "vae/fruits": Recipe(
        data="fruits64.tar",
        net={"size": 64, "groups": 3, "components": 32, "antialias": True},
        beta=5.0,
        warm_up=160_000,
        perceptual=20_000.0,
        final_perceptual=3_000.0,
        flips=True,
        shifts=True,
        color_jitter=0.1,
        grouping="fruit/{}",
        held_out_groups=("Apple_Pink_Lady_1", "Cherry_Rainier_2", "Tomato_Heart_1"),
    ),
    "vae/hands": Recipe(
        data="hands64.tar",
        net={"size": 64, "groups": 10},
        beta=2.0,
        perceptual=20_000.0,
        flips=True,
        shifts=True,
        color_jitter=0.1,
        grouping="digit/digit {}",
    ),
    "vae/avatars": Recipe(
        data="avatars128.npz",
        net={"size": 64, "groups": 12, "components": 32},  # as different as hair is, one Gaussian leads to another's middle
        beta=10.0,  # a mouth is cheap to tell, and worth far more; what this keeps out is how each picture differs by chance
        warm_up=160_000,  # but it has to be seen before it can be told
        perceptual=20_000.0,  # drawn lines: their place matters more than the colour of each pixel
        grouping="palette",
    ),
}


def load_data(recipe: Recipe, folder: Path) -> tuple[Pictures, Pictures]:
    """Training and held-out pictures of a recipe."""
    return split(read(folder / recipe.data, size=recipe.net.get("size", 64)), groups=recipe.held_out_groups)


def named_groups(recipe: Recipe, pictures: Pictures) -> dict[str, Tensor]:
    """Group name -> bool [N], in the order in which their means are stored."""
    if recipe.grouping == "palette":
        return groups.by_palette(pictures)
    return groups.by_class(pictures, recipe.grouping)


def augment(x: Tensor, recipe: Recipe) -> Tensor:
    """Random changes that keep a picture what it is; [N, 3, H, W] in [-1, 1] to the same."""
    if recipe.flips:
        x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x, x.flip(3))
    if recipe.shifts:
        x = translation(x)
    if recipe.color_jitter:
        contrast, brightness = (
            torch.empty(len(x), 1, 1, 1, device=x.device).uniform_(-1, 1) * recipe.color_jitter for _ in range(2)
        )
        x = (x * (1 + contrast) + brightness).clamp(-1, 1)
    return x


def corrupt(x: Tensor, share: float) -> Tensor:
    """Adds Gaussian noise of random strength, up to half the range, to about `share` of the pictures (Vincent et al. 2008)."""
    sigma = torch.rand(len(x), 1, 1, 1, device=x.device) * (torch.rand(len(x), 1, 1, 1, device=x.device) < share)
    return (x + sigma * torch.randn_like(x)).clamp(-1, 1)


class Training(Resumable):
    """The net, its optimiser, its average and the perceptual network; `step` is one update."""

    def __init__(self, recipe: Recipe, network: Path, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images = recipe, device, 0
        self.net = VAE(**recipe.net).to(device=device, memory_format=torch.channels_last)
        self.ema = EMA(self.net, recipe.ema_horizon)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), recipe.rate, betas=(0.9, 0.99), weight_decay=1e-4)
        self.perceptual = recipe.perceptual
        self.distance = PerceptualDistance(TinyDarknet.from_file(network)).to(device=device, memory_format=torch.channels_last)

    def step(self, x: Tensor, rate: float) -> dict[str, Tensor]:
        """One update on pictures [N, 3, H, W] in [-1, 1] at this learning rate; returns the terms of the loss."""
        x = augment(x, self.recipe).contiguous(memory_format=torch.channels_last)
        with devices.autocast(self.device, training=True):
            y, mean, logvar = self.net(corrupt(x, self.recipe.noise_share))
            distance = self.distance(y, x).mean()
        error = (y.float() - x).square().flatten(1).sum(dim=1)
        divergence = kl(mean, logvar).sum(dim=1).mean()
        beta = self.recipe.beta * min(1.0, self.images / self.recipe.warm_up)
        likelihood = calibrated_gaussian(error, x[0].numel())
        loss = likelihood + self.perceptual * distance + beta * divergence
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5000.0)
        self.optimiser.step()
        self.ema.update(self.net)
        self.images += len(x)
        psnr = 10 * torch.log10(4 * x[0].numel() / error.detach().mean())
        return {"loss": loss.detach(), "psnr": psnr, "perceptual": distance.detach(), "kl": divergence.detach()}


def perceptual(recipe: Recipe, progress: float) -> float:
    """Weight of the perceptual distance at this share of a run."""
    return recipe.final_perceptual if recipe.final_perceptual is not None and progress >= 1 - FINAL_SHARE else recipe.perceptual


def train(recipe: Recipe, data: Path, network: Path, folder: Path, *, images: int, every: int = 8_000) -> VAE:
    """Runs or resumes `recipe` in `folder` until `images` pictures were seen. Returns the net to ship."""
    device = devices.pick()
    run, training = Run(folder), Training(recipe, network, device)
    if state := run.load():
        training.restore(state)
    pictures, held = load_data(recipe, data)
    stream = batches(pictures, recipe.batch, seed=recipe.seed + training.images, device=device)
    next_report, terms = training.images + every, {}
    while training.images < images and not run.stopping:
        training.perceptual = perceptual(recipe, training.images / images)
        terms = training.step(next(stream)[0], recipe.rate * schedule(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, held)
    if terms:
        report(run, training, terms, held)
    return finish(training.ema.net, recipe, pictures)


@torch.no_grad()
def report(run: Run, training: Training, terms: dict[str, Tensor], held: Pictures) -> None:
    """Log row with the held-out PSNR, preview (pictures above their reconstructions, then prior samples), checkpoint."""
    net = training.ema.net
    x = to_unit(held.images[:: max(1, len(held) // 64)][:64], training.device)
    y = net.decode(net.encode(x)[0])
    psnr = 10 * torch.log10(4 / F.mse_loss(y, x, reduction="none").flatten(1).mean(dim=1))
    run.record(training.images, {k: v.item() for k, v in terms.items()} | {"held_out_psnr": psnr.mean().item()})
    z = torch.stack([devices.normal(seed, net.latent) for seed in range(16)]).to(training.device)
    rows = [part for i in range(0, 16, 8) for part in (x[i : i + 8], y[i : i + 8])]
    run.preview(training.images, torch.cat([*rows, net.decode(z)]))
    run.plot()
    run.save(training.state())


@torch.no_grad()
def finish(net: VAE, recipe: Recipe, pictures: Pictures) -> VAE:
    """Measures on the training pictures what the net ships beside its weights: group means, fitted prior, information."""
    device = next(net.parameters()).device
    moments = [net.encode(to_unit(part, device)) for part in pictures.images.split(256)]
    mean, logvar = (torch.cat(part).cpu() for part in zip(*moments))
    net.information.copy_(kl(mean, logvar).mean(dim=0))
    for i, members in enumerate(named_groups(recipe, pictures).values()):
        net.group_means[i] = mean[members].mean(dim=0)
    torch.manual_seed(recipe.seed)
    fit_prior(net, mean + torch.exp(0.5 * logvar) * torch.randn_like(mean))
    return net


def fit_prior(net: VAE, z: Tensor) -> None:
    """Fits the Gaussian mixture of `net.prior` to draws z [N, Z] from the training pictures' posteriors."""
    from sklearn.mixture import GaussianMixture  # only training needs it: `pip install imgstudio[train]`

    mixture = GaussianMixture(len(net.prior_weights), covariance_type="full", reg_covar=1e-3, random_state=0, max_iter=200)
    mixture.fit(z.double().numpy())
    net.prior_weights.copy_(torch.from_numpy(mixture.weights_))
    net.prior_means.copy_(torch.from_numpy(mixture.means_))
    net.prior_factors.copy_(torch.linalg.cholesky(torch.from_numpy(mixture.covariances_)))
