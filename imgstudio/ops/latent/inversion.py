"""GAN inversion by optimisation (Abdal et al. 2019, arXiv:1904.03189): first one w for all layers, which stays where the
generator is good, then one w a layer (W+), which comes nearer. Pictures are float32 in [-1, 1]."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import device as devices
from ...models.stylegan2 import Generator
from ...models.vgg import VGG
from ..texture import poisson

LAYERS = ("relu1_2", "relu2_2", "relu3_3")  # of the feature net, which see edges, strokes and small parts
PIXELS = 2.0  # what the mean squared error counts beside the features
LAYER_SPREAD = 0.02  # weight of the variance between the layers' vectors: far apart they leave what the generator knows
SHARED_STEPS = 0.4  # share of the steps with one w for all layers
RATE = 0.08  # of Adam, in standard deviations of w
LATENT_NOISE = 0.1  # standard deviations of w, at the beginning: escapes poor local minima
CANDIDATES = 48  # random pictures, the nearest of which is the start
THUMBNAIL = 16  # side at which they are compared


@dataclass(frozen=True)
class Progress:
    """`w` [L, W] after `done` of `total` steps, its picture [1, 3, S, S] and their losses."""

    done: int
    total: int
    w: Tensor
    picture: Tensor
    losses: dict[str, float]


class Search:
    """The optimisation towards one target [1, 3, S, S]; `known` [1, 1, S, S] is 1 where the target counts, None for
    everywhere."""

    def __init__(self, net: Generator, perceptual: VGG, target: Tensor, known: Tensor | None, seed: int):
        self.net, self.perceptual = net, perceptual
        self.device = net.centre.device
        self.target = target.to(self.device)
        self.known = torch.ones_like(self.target[:, :1]) if known is None else known.to(self.device)
        self.noise = net.noise(0)
        self.random = torch.Generator().manual_seed(seed)
        self.goal = self._features(self.target)
        self.start, self.scale = self._initial()  # [1, 1, W], and how much w varies
        self.offset = self._zeros(1)  # of w from `start`, in units of `scale`; [1, 1 or L, W]

    @torch.no_grad()
    def _initial(self) -> tuple[Tensor, Tensor]:
        net, classes = self.net, len(self.net.centre)
        labels = (torch.arange(CANDIDATES) % classes).to(self.device)
        w = net.map(torch.randn(CANDIDATES, net.latent, generator=self.random).to(self.device), labels)
        deviation = (w - net.centre[labels]).square().mean().sqrt().clamp_min(1e-6)
        w = torch.cat([net.centre, torch.lerp(net.centre[labels], w, 0.7)])
        with devices.autocast(self.device):
            pictures = torch.cat([net.synthesis(part, self.noise).float() for part in w.split(8)])
        side = min(THUMBNAIL, net.size)
        weight = F.adaptive_avg_pool2d(self.known, side)
        small = F.adaptive_avg_pool2d((pictures - self.target) * self.known, side) / weight.clamp_min(0.05)
        error = (small.square() * weight).mean(dim=(1, 2, 3))
        return w[error.argmin()][None, None], deviation

    def _zeros(self, layers: int) -> Tensor:
        return torch.zeros(1, layers, self.net.style, device=self.device, requires_grad=True)

    def _features(self, x: Tensor) -> dict[str, Tensor]:
        with devices.autocast(self.device):
            return self.perceptual(x * self.known, LAYERS)

    def w(self) -> Tensor:
        """[1, L, W]"""
        return (self.start + self.scale * self.offset).expand(-1, len(self.net.sides), -1)

    def loss(self, noise_std: float) -> tuple[Tensor, Tensor, dict[str, float]]:
        """The loss to be minimised, the picture, and the parts of the loss; `noise_std` is that of noise added to w, in standard
        deviations of w."""
        w = self.w()
        if noise_std:
            w = w + noise_std * self.scale * torch.randn(1, 1, self.net.style, generator=self.random).to(self.device)
        with devices.autocast(self.device):
            picture = self.net.synthesis(w, self.noise).float()
        pixels = ((picture - self.target).square() * self.known).mean() / self.known.mean()
        found = self._features(picture)
        perceptual = sum(_relative_error(found[name], goal) for name, goal in self.goal.items()) / len(self.goal)
        spread = (self.offset - self.offset.mean(dim=1, keepdim=True)).square().mean()
        error = max(pixels.item(), 1e-12)
        losses = {"perceptual": perceptual.item(), "pixels": error, "psnr": 10 * math.log10(4 / error)}
        return perceptual + PIXELS * pixels + LAYER_SPREAD * spread, picture, losses

    @torch.no_grad()
    def evaluate(self, done: int, total: int) -> Progress:
        _, picture, losses = self.loss(0.0)
        return Progress(done, total, self.w()[0].detach().cpu().clone(), picture.detach().cpu(), losses)

    def run(self, steps: int, every: int) -> Iterator[Progress]:
        """Yields before the first step, after every few and after the last."""
        common = max(1, round(SHARED_STEPS * steps))
        optimiser = torch.optim.Adam([self.offset], RATE, (0.9, 0.99))
        for done in range(steps):
            if done % every == 0:
                yield self.evaluate(done, steps)
            if done == common:
                self.offset = self.offset.detach().expand(-1, len(self.net.sides), -1).clone().requires_grad_(True)
                optimiser = torch.optim.Adam([self.offset], RATE, (0.9, 0.99))
            optimiser.param_groups[0]["lr"] = RATE * _rate_factor(done / steps)
            self._descend(optimiser, LATENT_NOISE * max(0.0, 1 - 2 * done / common) ** 2)
        yield self.evaluate(steps, steps)

    @torch.enable_grad()
    def _descend(self, optimiser: torch.optim.Optimizer, noise_std: float) -> None:
        loss, _, _ = self.loss(noise_std)
        (self.offset.grad,) = torch.autograd.grad(loss, self.offset)
        optimiser.step()


def _rate_factor(progress: float) -> float:
    """Of the learning rate: a short warm-up, and a decay over the last third."""
    return min(1.0, progress / 0.05 + 0.1, (1 - progress) / 0.33 + 0.02)


def _relative_error(found: Tensor, goal: Tensor) -> Tensor:
    """Squared difference of features over the size of the wanted ones."""
    return (found.float() - goal.float()).square().mean() / goal.float().square().mean().clamp_min(1e-6)


def search(
    net: Generator, perceptual: VGG, target: Tensor, *, known: Tensor | None = None, steps: int, seed: int, every: int
) -> Iterator[Progress]:
    """Looks for the target [1, 3, S, S] in the latent space; where `known` [1, 1, S, S] is 0, anything may be. See Progress."""
    return Search(net, perceptual, target, known, seed).run(steps, every)


def blend(target: Tensor, made: Tensor, hole: Tensor) -> Tensor:
    """`made` [1, 3, S, S] in the hole [1, 1, S, S], `target` around it, and no edge between: inside, the gradients are those of
    `made`, and its colours change evenly so as to meet the border (Perez et al. 2003, https://doi.org/10.1145/882269.882315)."""
    outside = 1 - hole[0, 0]
    mass = 1e-5 + 1e2 * outside
    height, width = mass.shape
    system = poisson.System(mass, torch.ones(height, width - 1), torch.ones(height - 1, width))
    gap = (target - made)[0] * outside
    shift = poisson.solve(system, mass * gap, gap, tolerance=1e-4, most=100)
    return torch.where(hole > 0, made + shift[None], target)
