"""Trains a DCGAN or a conditional GAN: one discriminator step, one generator step, repeat.

    python -m imgstudio train dcgan/avatars --data DATA_FOLDER --images 320000

The recipes that made the weights of this project are in RECIPES; the scores they reach stand in weights/README.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from .. import device as devices
from ..metrics.diversity import thumbnails
from ..models.dcgan import Discriminator, Generator
from .augment import diffaugment
from .data import Pictures, batches, read, split
from .flow import fit
from .lessons import ALL, TAUGHT, Course, Lessons
from .losses import ADVERSARIAL, gradient_penalty
from .run import Run, WeightAverage, settle_batch_norm


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run gives, apart from its length."""

    data: str  # file name of the training set
    generator: dict = field(default_factory=dict)  # arguments of models.dcgan.Generator
    discriminator: dict = field(default_factory=dict)
    loss: str = "hinge"  # a name in losses.ADVERSARIAL
    augment: tuple[str, ...] = ("translation",)  # names in augment.POLICIES
    batch: int = 64
    generator_rate: float = 2e-4
    discriminator_rate: float = 2e-4
    average: int = 1000  # horizon of the weight average, in steps
    course: Course | None = None  # see `lessons`
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    seed: int = 0


RECIPES = {
    # Heads that all look one way on a plain ground: shifts are the only change that keeps them what they are.
    "dcgan/avatars": Recipe(data="avatars128.npz", generator={"size": 64}),
    # Pixel art with pixels of 2 x 2: judged at its native 32 px.
    "dcgan/nouns": Recipe(data="nouns64.npz", generator={"size": 32, "pixel": 2}),
    "cgan/fruits": Recipe(
        data="fruits64.tar",
        generator={
            "latent": 96,
            "size": 64,
            "channels": 48,
            "classes": 3,
            "smooth": 2,
            "flow": {"width": 640, "depth": 4},
        },
        discriminator={"channels": 48},
        course=Course(
            encoder="vae-fruits.safetensors",
            net={"size": 64, "groups": 3},
            alone=40_000,
            pictures=100_000,
            floor=0.3,
            reach=8.0,
            flow=40_000,
            worst=10.0,
        ),
        batch=32,
        discriminator_rate=4e-4,
        held_out_groups=("Apple_Pink_Lady_1", "Cherry_Rainier_2", "Tomato_Heart_1"),
    ),
}


def load_data(recipe: Recipe, folder: Path) -> tuple[Pictures, Pictures]:
    """Training and held-out pictures of a recipe."""
    pictures = read(folder / recipe.data, size=recipe.generator.get("size", 64))
    return split(pictures, groups=recipe.held_out_groups)


class Game(ABC):
    """Two nets, their optimisers and the averaged generator: what the training of any GAN keeps in a checkpoint."""

    judged = ("discriminator", "real_score", "fake_score", "generator")  # losses that lessons alone do not have
    device: torch.device
    generator: nn.Module
    discriminator: nn.Module
    generator_optimiser: torch.optim.Optimizer
    discriminator_optimiser: torch.optim.Optimizer
    average: WeightAverage
    lessons: Lessons | None = None
    images: int = 0

    def step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """One discriminator and one generator update on pictures [N, 3, H, W] in [-1, 1], or a lesson; returns the losses."""
        real, labels = by_class(real, labels)
        with devices.autocast(self.device):
            fake = self.draw(labels, real, ALL if self.alone else TAUGHT)
        if self.alone:
            lesson = self.lessons.unlikeness(fake, real)
            update(self.generator_optimiser, lesson)
            losses = dict.fromkeys(self.judged, torch.tensor(torch.nan)) | {"lesson": lesson}
        else:
            losses = self.discriminate(real, fake.detach(), labels) | self.generate(fake, labels, real)
        self.average.update(self.generator)
        self.images += len(real)
        return {name: value.detach() for name, value in losses.items()}

    @abstractmethod
    def draw(self, labels: Tensor, real: Tensor, taught: slice) -> Tensor:
        """Generated pictures for these class labels; with lessons, the taught are told to be those of `real` [N, 3, S, S]."""

    @abstractmethod
    def discriminate(self, real: Tensor, fake: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """One update of the discriminator."""

    @abstractmethod
    def generate(self, fake: Tensor, labels: Tensor, real: Tensor) -> dict[str, Tensor]:
        """One update of the generator, by the discriminator and, where it was told which picture to draw, by that picture."""

    def judge(self, pictures: Tensor, labels: Tensor) -> Tensor:
        return self.discriminator(diffaugment(pictures, self.recipe.augment), labels)

    @abstractmethod
    def finished(self) -> nn.Module:
        """The averaged generator, ready for use. Leaves the training state as it is."""

    @property
    def alone(self) -> bool:
        """Whether the generator is still to learn by its lessons alone."""
        return self.lessons is not None and self.images < self.lessons.course.alone

    def prepare(self, pictures: Pictures) -> None:
        """Before the first step of a run, a generator with a flow learns where the codes of the training pictures lie."""
        flow = self.generator.flow
        if flow is None:
            return
        flow.requires_grad_(True)
        fit(flow, self.lessons.drawing(pictures), self.lessons.course.flow)
        flow.requires_grad_(False)
        self.average.net.flow.load_state_dict(flow.state_dict())

    def pace(self, factor: float) -> None:
        """Sets all learning rates to this share of the recipe's."""
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = factor * group["full"]

    def state(self) -> dict:
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
            "images": self.images,
        }

    def restore(self, state: dict) -> None:
        for name in ("generator", "discriminator"):
            getattr(self, name).load_state_dict(state[name])
        for name in ("generator_optimiser", "discriminator_optimiser"):
            optimiser = getattr(self, name)
            full = [group["full"] for group in optimiser.param_groups]
            optimiser.load_state_dict(state[name])
            for group, rate in zip(optimiser.param_groups, full):
                group["full"] = rate  # the recipe's, which may have changed since
        self.average.restore(state["average"])
        self.images = state["images"]


def adam(groups: Iterable[tuple[list[nn.Parameter], float]], betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam over groups of parameters, each with its own learning rate, which `Game.pace` takes as the full one."""
    return torch.optim.Adam([{"params": params, "lr": rate, "full": rate} for params, rate in groups], betas=betas)


class Training(Game):
    """The game of a DCGAN."""

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, device
        size, classes = recipe.generator.get("size", 64), recipe.generator.get("classes", 0)
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = Generator(**recipe.generator).to(**layout)
        self.discriminator = Discriminator(size=size, classes=classes, **recipe.discriminator).to(**layout)
        self.average = WeightAverage(self.generator, recipe.average)
        betas = (0.0, 0.9) if recipe.loss == "wgan-gp" else (0.5, 0.999)
        trained = [parameter for parameter in self.generator.parameters() if parameter.requires_grad]
        self.generator_optimiser = adam([(trained, recipe.generator_rate)], betas)
        self.discriminator_optimiser = adam([(list(self.discriminator.parameters()), recipe.discriminator_rate)], betas)
        self.lessons = Lessons(recipe.course, device) if recipe.course else None

    def draw(self, labels: Tensor, real: Tensor, taught: slice) -> Tensor:
        codes = self.generator.codes(torch.randn(len(labels), self.generator.latent, device=self.device), labels)
        if self.lessons:
            codes[taught] = self.lessons.latents(real[taught])
        return self.generator.draw(codes, labels)

    def discriminate(self, real: Tensor, fake: Tensor, labels: Tensor) -> dict[str, Tensor]:
        rule = ADVERSARIAL[self.recipe.loss]
        with devices.autocast(self.device):
            real_score, fake_score = self.judge(real, labels).float(), self.judge(fake, labels).float()
        loss = rule.discriminator(real_score, fake_score)
        if rule.gradient_penalty:
            penalty = gradient_penalty(lambda x: self.discriminator(x, labels), real, fake.float())
            loss = loss + rule.gradient_penalty * penalty
        update(self.discriminator_optimiser, loss)
        return {"discriminator": loss, "real_score": real_score.mean(), "fake_score": fake_score.mean()}

    def generate(self, fake: Tensor, labels: Tensor, real: Tensor) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with devices.autocast(self.device):
            loss = total = ADVERSARIAL[self.recipe.loss].generator(self.judge(fake, labels).float())
        losses = {"generator": loss}
        if self.lessons:
            losses["lesson"] = self.lessons.unlikeness(fake[TAUGHT], real[TAUGHT])
            total = loss + self.lessons.share(self.images) * losses["lesson"]
        update(self.generator_optimiser, total)
        self.discriminator.requires_grad_(True)
        return losses

    @torch.no_grad()
    def finished(self, batch: int = 64) -> Generator:
        """The averaged generator, its batch statistics measured anew. Leaves the training state as it is."""
        average = WeightAverage(self.average.net, 1)
        classes = self.generator.classes

        def forward() -> None:
            labels = torch.randint(0, max(classes, 1), (batch,), device=self.device)
            average.net(torch.randn(batch, self.generator.latent, device=self.device), labels)

        settle_batch_norm(average.net, forward)
        return average.net


@torch.no_grad()
def find_centres(net: Generator, candidates: int = 1024) -> None:
    """Stores for each class the latent vector whose picture comes nearest to the mean of all, seen as thumbnails."""
    device = net.centre.device
    z = torch.stack([devices.normal(seed, net.latent) for seed in range(candidates)]).to(device)
    for number in range(len(net.centre)):
        labels = torch.full((candidates,), number, device=device)
        small = torch.cat([thumbnails(net(part, label)) for part, label in zip(z.split(64), labels.split(64))])
        net.centre[number] = z[(small - small.mean(dim=0)).norm(dim=1).argmin()]


def by_class(real: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A batch with neighbours of one class, see models.dcgan.Discriminator."""
    labels, order = labels.sort()
    return real[order].contiguous(memory_format=torch.channels_last), labels


def update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def settling(progress: float) -> float:
    """Learning rate factor: full, then falling to a twentieth over the last 30 %, while the game calms down."""
    return min(1.0, max(0.05, (1 - progress) / 0.3))


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 10_000) -> Generator:
    """Runs or resumes `recipe` in `folder` until `images` pictures were seen. Returns the averaged generator."""
    return play(Training(recipe, devices.pick()), recipe, data, folder, images=images, every=every)


def play(training: Game, recipe: Recipe, data: Path, folder: Path, *, images: int, every: int) -> nn.Module:
    """Runs or resumes any game in `folder`, with a log row, a preview and a checkpoint `every` so many pictures."""
    run = Run(folder)
    pictures, _ = load_data(recipe, data)
    if state := run.load():
        training.restore(state)
    else:
        training.prepare(pictures)
    stream = batches(pictures, recipe.batch, seed=recipe.seed + training.images, device=training.device)
    next_report, losses = training.images + every, {}
    while training.images < images and not run.stopping:
        training.pace(settling(training.images / images))
        losses = training.step(*next(stream))
        if training.images >= next_report:
            next_report += every
            report(run, training, losses)
    if losses:
        report(run, training, losses)
    return training.finished()


@torch.no_grad()
def report(run: Run, training: Game, losses: dict[str, Tensor]) -> None:
    """Log row, preview of fixed latents, checkpoint."""
    run.record(training.images, {name: value.item() for name, value in losses.items()})
    net = training.finished()
    z = torch.stack([devices.normal(seed, net.latent) for seed in range(48)]).to(training.device)
    labels = torch.arange(48, device=training.device) % max(net.classes, 1)
    run.preview(training.images, net(z, labels))
    run.plot()
    run.save(training.state())
