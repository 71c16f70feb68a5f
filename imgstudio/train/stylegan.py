"""Trains a StyleGAN2: the game of `sampling`, with the paper's regularisers.

    python -m imgstudio train stylegan2/avatars --data DATA_FOLDER --images 400000

The recipes that made the weights of this project are in RECIPES; the scores they reach stand in weights/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from .. import device as devices
from ..models.stylegan2 import Discriminator, Generator
from ..ops import styles
from . import sampling
from .augment import diffaugment
from .lessons import Lessons
from .losses import ADVERSARIAL, path_lengths, r1
from .run import WeightAverage
from .sampling import adam, by_class, load_data, update

__all__ = ["RECIPES", "Recipe", "Training", "finish", "load_data", "train"]

# Shares of the rate. The mapping network steers everything, and a small step there is a large one. Noise is the easiest way to
# look like strokes: at a higher rate it grows within some hundred steps into speckle that hides what the styles draw.
RATES = {"mapping.layers": 0.1, "strength": 0.005}
BETAS = (0.0, 0.99)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run gives, apart from its length."""

    data: str  # file name of the training set
    generator: dict = field(default_factory=dict)  # arguments of models.stylegan2.Generator
    discriminator: dict = field(default_factory=dict)
    augment: tuple[str, ...] = ("translation",)  # names in augment.POLICIES
    batch: int = 16  # small, as many steps matter more here than even ones
    rate: float = 2.5e-3
    mixing: float = 0.5  # share of pictures that are made from two latent vectors
    r1: float = 2.0  # weight of the gradient penalty
    r1_every: int = 16  # steps
    r1_share: int = 4  # one picture in so many is looked at
    path_length: float = 0.0  # weight of that penalty; 2 in the paper, which trained a hundred times longer
    path_length_every: int = 8
    average: int = 2000  # horizon of the weight average, in steps
    teacher: str = ""  # a DCGAN in `weights/` to imitate at first, see `lessons`
    teacher_net: dict = field(default_factory=dict)  # its arguments
    lessons: int = 0  # pictures
    lesson_pace: float = 4.0  # times the generator's rate, as long as the teacher holds things together
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    seed: int = 0


RECIPES = {
    # Heads that all look one way on a plain ground: shifts are the only change that keeps them what they are.
    "stylegan2/avatars": Recipe(
        data="avatars128.npz",
        generator={"size": 128},
        teacher="dcgan-avatars.safetensors",
        teacher_net={"size": 64},
        lessons=160_000,
        r1=8.0,  # four times the pixels
    ),
    "stylegan2/fruits": Recipe(
        data="fruits64.tar",
        generator={"size": 64, "classes": 3, "widths": (256, 256, 128, 64)},
        discriminator={"widths": (48, 96, 192, 256)},
        held_out_groups=("Apple_Pink_Lady_1", "Cherry_Rainier_2", "Tomato_Heart_1"),
    ),
}


class Training(sampling.Game):
    """The game of a StyleGAN2; `step` is one round of it."""

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, device
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = Generator(**recipe.generator).to(**layout)
        game = {"size": self.generator.size, "classes": self.generator.classes}
        self.discriminator = Discriminator(**game, **recipe.discriminator).to(**layout)
        self.average = WeightAverage(self.generator, recipe.average)
        self.generator_optimiser = adam(equalised(self.generator, recipe.rate), BETAS)
        self.discriminator_optimiser = adam(equalised(self.discriminator, recipe.rate), BETAS)
        self.path_length = torch.zeros((), device=device)  # running mean
        self.slope = torch.zeros((), device=device)  # the R1 penalty when it was last looked at
        self.steps = 0
        self.lessons = None
        if recipe.teacher:
            self.lessons = Lessons(recipe.teacher, recipe.teacher_net, recipe.lessons, device)

    @property
    def taught(self) -> float:
        """The teacher's share in this step."""
        return self.lessons.share(self.images) if self.lessons else 0.0

    def pace(self, factor: float) -> None:
        super().pace(factor)
        for group in self.generator_optimiser.param_groups:
            group["lr"] *= self.recipe.lesson_pace**self.taught

    def styles(self, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """w [N, L, W] of random latent vectors, those of some pictures changed from a random layer on; the vectors z [N, Z]
        that they begin with; and which pictures are of that alone, bool [N]."""
        net, count = self.generator, len(labels)
        z = [torch.randn(count, net.latent, device=self.device) for _ in range(2)]
        first, second = (net.map(part, labels) for part in z)
        depth = len(net.sides)
        crossover = torch.randint(1, depth, (count, 1), device=self.device)
        pure = torch.rand(count, device=self.device) >= self.recipe.mixing
        late = (torch.arange(depth, device=self.device) >= crossover) & ~pure[:, None]  # N,L
        return torch.where(late[:, :, None], second[:, None], first[:, None]), z[0], pure

    def judge(self, pictures: Tensor, labels: Tensor) -> Tensor:
        return self.discriminator(diffaugment(pictures, self.recipe.augment), labels)

    def step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        real, labels = by_class(real, labels)
        with devices.autocast(self.device):
            w, z, pure = self.styles(labels)
            fake = self.generator.synthesise(w, self.generator.random_noise(len(labels)))
        losses = self._discriminate(real, fake.detach(), labels) | self._generate(fake, labels, z, pure)
        self.average.update(self.generator)
        self.steps += 1
        self.images += len(real)
        return {name: value.detach() for name, value in losses.items()}

    def _discriminate(self, real: Tensor, fake: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """One update of the discriminator."""
        with devices.autocast(self.device):
            real_score, fake_score = self.judge(real, labels), self.judge(fake, labels)
        loss = total = ADVERSARIAL["minimax"].discriminator(real_score, fake_score)
        if self.steps % self.recipe.r1_every == 0:
            slope = self.steepness(real, labels)
            total = loss + 0.5 * self.recipe.r1_every * self.recipe.r1 * slope
            self.slope = slope.detach()
        update(self.discriminator_optimiser, total)
        return {"discriminator": loss, "real_score": real_score.mean(), "fake_score": fake_score.mean(), "slope": self.slope}

    def _generate(self, fake: Tensor, labels: Tensor, z: Tensor, pure: Tensor) -> dict[str, Tensor]:
        """One update of the generator, by the discriminator and by the teacher, who only knows pictures of one z."""
        self.discriminator.requires_grad_(False)
        with devices.autocast(self.device):
            loss = total = ADVERSARIAL["minimax"].generator(self.judge(fake, labels))
        losses = {"generator": loss}
        if self.lessons:
            seen = pure if pure.any() else ~pure  # none of one z: once in 65,000 batches
            losses["lesson"] = self.lessons.unlikeness(fake[seen], z[seen], labels[seen])
            total = loss + self.taught * losses["lesson"]
        if self.recipe.path_length and self.steps % self.recipe.path_length_every == 0:
            total = total + self.recipe.path_length_every * self.recipe.path_length * self.unevenness(labels)
        update(self.generator_optimiser, total)
        self.discriminator.requires_grad_(True)
        return losses

    def steepness(self, real: Tensor, labels: Tensor) -> Tensor:
        """R1 on a part of the batch."""
        share = slice(None, None, self.recipe.r1_share)
        with devices.autocast(self.device):
            return r1(lambda x: self.judge(x, labels[share]), real[share])

    def unevenness(self, labels: Tensor) -> Tensor:
        """The path length penalty, on half of the batch."""
        w, _, _ = self.styles(labels[::2])
        with devices.autocast(self.device):
            pictures = self.generator.synthesise(w, self.generator.random_noise(len(w)))
        lengths = path_lengths(pictures, w)
        self.path_length = self.path_length.lerp(lengths.detach().mean(), 0.01)
        return (lengths - self.path_length).square().mean()

    def state(self) -> dict:
        return super().state() | {"path_length": self.path_length, "slope": self.slope, "steps": self.steps}

    def restore(self, state: dict) -> None:
        super().restore(state)
        self.path_length, self.slope = (state[name].to(self.device) for name in ("path_length", "slope"))
        self.steps = state["steps"]

    def finished(self) -> Generator:
        return finish(WeightAverage(self.average.net, 1).net)


def equalised(net: nn.Module, rate: float) -> Iterator[tuple[list[nn.Parameter], float]]:
    """Parameters of a fresh net and their learning rates: weights move in proportion to how large they are at first.

    With Adam this is the equalised learning rate (Karras et al. 2018, arXiv:1710.10196) without rescaling at every use.
    """
    for name, parameter in net.named_parameters():
        spread = parameter.detach().std().item() if parameter.ndim > 1 and parameter.any() else 1.0
        share = next((share for part, share in RATES.items() if part in name), 1.0)
        yield [parameter], rate * spread * share


@torch.no_grad()
def finish(net: Generator, count: int = 4096) -> Generator:
    """Stores the mean w of each class and the principal directions around it, from `count` latent vectors a class."""
    z = torch.randn(count, net.latent, generator=torch.Generator().manual_seed(0)).to(net.centre.device)
    rows = []
    for number in range(len(net.centre)):
        w = net.map(z, torch.full((count,), number, device=z.device))
        net.centre[number] = w.mean(dim=0)
        rows.append(w - net.centre[number])
    net.directions.copy_(styles.principal(torch.cat(rows), len(net.directions)))
    return net


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 10_000) -> Generator:
    """Runs or resumes `recipe` in `folder` until `images` pictures were seen. Returns the averaged generator."""
    return sampling.play(Training(recipe, devices.pick()), recipe, data, folder, images=images, every=every)
