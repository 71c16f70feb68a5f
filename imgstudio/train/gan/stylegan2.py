"""Trains a StyleGAN2: the game of `game`, with the paper's regularisers.

    python -m imgstudio train stylegan2/avatars --data DATA_FOLDER --images 400000

The recipes that made the weights of this project are in RECIPES; the scores they reach stand in weights/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ... import device as devices
from ...models.stylegan2 import Discriminator, Generator
from ...ops.latent import styles
from ..losses import ADVERSARIAL, r1
from ..muon import Muon
from ..run import WeightAverage
from . import latent_edits, self_distillation
from .dcgan import load_data
from .distillation import DETAIL, TAUGHT, WEIGHT, Course, Lessons, in_pixels
from .trainer import Game, adam, by_class, play, update

__all__ = ["RECIPES", "Recipe", "Training", "finish", "load_data", "train"]

# Share of the rate. Noise is the easiest way to look like strokes: at a higher rate it grows within some hundred steps into
# speckle that hides what the styles draw.
NOISE_RATE = 0.005
OFFSET_RATE = 10.0  # share: it begins small, and shall not stay so
DECAY = 0.99  # beta 2 of Adam
STEERED, BESIDE = 0.7, 0.7  # weights in the last stage: of the critic, and of lessons about styles mixed and moved beside others
OPTIMISERS = {"adam": adam, "muon": Muon}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run gives, apart from its length."""

    data: str  # file name of the training set
    generator: dict = field(default_factory=dict)  # arguments of models.stylegan2.Generator
    discriminator: dict = field(default_factory=dict)
    augment: bool = True  # random shifts of what the discriminator sees (DiffAugment)
    batch: int = 16  # small, as many steps matter more here than even ones
    generator_rate: float = 2.5e-3
    discriminator_rate: float = 2.5e-3
    optimiser: str = "adam"  # of the generator, a name in OPTIMISERS
    momentum: float = 0.0  # beta 1 of the generator in the game; the critic has none
    mapping_rate: float = 0.1  # share of it: the mapping network steers everything, and a small step there is a large one
    mixing: float = 0.5  # share of pictures that are made from two latent vectors
    r1: float = 2.0  # weight of the gradient penalty
    r1_every: int = 16  # steps
    r1_share: int = 4  # one picture in so many is looked at
    average: int = 2000  # horizon of the weight average, in steps
    course: Course | None = None  # see `lessons`
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    seed: int = 0


RECIPES = {
    # Lessons alone. What a critic adds is crispness, which these drawings get in the end from `mending.redrawn`.
    "stylegan2/avatars": Recipe(
        data="avatars128.npz",
        generator={"size": 128, "latent": 96, "offset": 96, "flow": {"width": 432, "depth": 3}},
        course=Course(
            encoder="vae-avatars.safetensors",
            net={"size": 64, "groups": 12, "components": 32},
            alone=10**9,
            pictures=10**9,
            spread=0.3,  # the nearer to the means, the crisper; but those are single points, with nothing between them
            flow=12_000,
            worst=10.0,
            mend=18_000,
        ),
        optimiser="muon",
        mapping_rate=1.0,  # every picture is pinned to its vector, so that nothing is swept away
    ),
    # Lessons say which fruit, and fade; the critic then gives skins. What else it likes is mended, and everything made crisper;
    # and last it learns to be steered.
    "stylegan2/fruits": Recipe(
        data="fruits64.tar",
        generator={
            "latent": 96,
            "size": 64,
            "classes": 3,
            "widths": (256, 256, 128, 64),
            "flow": {"width": 640, "depth": 4},
        },
        discriminator={"widths": (48, 96, 192, 256)},
        course=Course(
            encoder="vae-fruits.safetensors",
            net={"size": 64, "groups": 3, "components": 32, "smooth": True},
            alone=24_000,
            watch=16_000,
            pictures=100_000,
            floor=0.06,
            spread=0.5,
            reach=4.0,
            flow=16_000,
            worst=10.0,
            polish=30_000,
            mend=45_000,
            steer=80_000,
            crisp=0.5,
        ),
        discriminator_rate=3.5e-3,
        mapping_rate=1.0,
        held_out_groups=("Apple_Pink_Lady_1", "Cherry_Rainier_2", "Tomato_Heart_1"),
    ),
}


class Training(Game):
    """The game of a StyleGAN2."""

    judged = (*Game.judged, "slope")

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, device
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = Generator(**recipe.generator).to(**layout)
        game = {"size": self.generator.size, "classes": self.generator.classes}
        self.discriminator = Discriminator(**game, **recipe.discriminator).to(**layout)
        rates = equalised(self.generator, recipe.generator_rate, recipe.mapping_rate)
        self.generator_optimiser = OPTIMISERS[recipe.optimiser](rates, (recipe.momentum, DECAY))
        self.discriminator_optimiser = adam(equalised(self.discriminator, recipe.discriminator_rate), (0.0, DECAY))
        self.average = WeightAverage(self.generator, recipe.average)
        self.slope = torch.zeros((), device=device)  # the R1 penalty when it was last looked at
        self.steps = 0
        self.teachers = {}
        self.lessons = Lessons(recipe.course, device) if recipe.course else None

    def codes(self, labels: Tensor, real: Tensor | None = None, taught: slice = TAUGHT) -> Tensor:
        codes = self.generator.codes(torch.randn(len(labels), self.generator.latent, device=self.device), labels)
        if self.lessons and real is not None:
            codes[taught] = self.lessons.latents(real[taught])
        return codes

    def styles(self, labels: Tensor, real: Tensor | None = None, taught: slice = TAUGHT) -> Tensor:
        """w [N, L, W] of random latent vectors, those of some pictures changed from a random layer on. With lessons, the taught
        ones are those of `real` [N, 3, H, W], and unchanged."""
        net, count = self.generator, len(labels)
        first, second = self.codes(labels, real, taught), self.codes(labels)
        mixed = torch.rand(count, device=self.device) < self.recipe.mixing
        if self.lessons and real is not None:
            mixed[taught] = False
        depth = len(net.sides)
        crossover = torch.randint(1, depth, (count, 1), device=self.device)
        late = (torch.arange(depth, device=self.device) >= crossover) & mixed[:, None]  # N,L
        return torch.where(late[:, :, None], net.mapping(second, labels)[:, None], net.mapping(first, labels)[:, None])

    def draw(self, labels: Tensor, real: Tensor, taught: slice) -> Tensor:
        w = self.styles(labels, real, taught)
        return self.generator.synthesise(w, self.generator.random_noise(len(labels)))

    def paint(self, codes: Tensor, labels: Tensor, *nets: Generator) -> list[Tensor]:
        noise = self.generator.random_noise(len(labels))
        with torch.no_grad():
            others = [net.synthesise(net.mapping(codes, labels), noise) for net in nets[1:]]
        return [nets[0].synthesise(nets[0].mapping(codes, labels), noise), *others]

    def step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        losses = self.steer(*by_class(real, labels)) if self.stage == "steer" else super().step(real, labels)
        self.steps += 1
        return losses

    def enter(self, stage: str) -> None:
        super().enter(stage)
        # What styles there are stays as it is: the directions are theirs.
        self.generator.mapping.requires_grad_(stage != "steer")

    def steer(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """A step of the last stage: lessons about styles mixed and moved, which a critic judges, too."""
        teacher = list(self.teachers.values())[-1]
        with torch.no_grad():
            w = teacher.mapping(self.codes(labels, real, TAUGHT), labels)
        given = latent_edits.lesson(teacher, w, labels)
        with devices.autocast(self.device, training=True):
            fake = self.generator.synthesise(given.styles, given.noise)
        losses = self.discriminate(real, fake.detach(), labels)
        self.discriminator.requires_grad_(False)
        with devices.autocast(self.device, training=True):
            scores = self.judge(fake, labels).float()
        self.discriminator.requires_grad_(True)
        judged, told = scores[~given.own], given.told
        losses["generator"] = ADVERSARIAL["minimax"].generator(judged)
        # Once more crisper than it is to be: learning from pictures softens.
        pictures, wanted = fake.float()[told], self_distillation.crisper(given.wanted[told], self.lessons.course.crisp)
        share = torch.where(given.own[told], 1.0, BESIDE)
        losses["lesson"] = WEIGHT * in_pixels(pictures, wanted, share) + DETAIL * self.lessons.in_features(pictures, wanted)
        update(self.generator_optimiser, STEERED * losses["generator"] + losses["lesson"])
        self.average.update(self.generator)
        self.images += len(real)
        return {name: value.detach() for name, value in losses.items()}

    def discriminate(self, real: Tensor, fake: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with devices.autocast(self.device, training=True):
            real_score, fake_score = self.judge(real, labels), self.judge(fake, labels)
        loss = total = ADVERSARIAL["minimax"].discriminator(real_score, fake_score)
        if self.steps % self.recipe.r1_every == 0:
            slope = self.steepness(real, labels)
            total = loss + 0.5 * self.recipe.r1_every * self.recipe.r1 * slope
            self.slope = slope.detach()
        update(self.discriminator_optimiser, total)
        return {"discriminator": loss, "real_score": real_score.mean(), "fake_score": fake_score.mean(), "slope": self.slope}

    def generate(self, fake: Tensor, labels: Tensor, real: Tensor) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with devices.autocast(self.device, training=True):
            loss = total = ADVERSARIAL["minimax"].generator(self.judge(fake, labels))
        losses = {"generator": loss}
        if self.lessons:
            losses["lesson"] = self.lessons.unlikeness(fake[TAUGHT], real[TAUGHT])
            total = loss + self.lessons.share(self.images) * losses["lesson"]
        update(self.generator_optimiser, total)
        self.discriminator.requires_grad_(True)
        return losses

    def steepness(self, real: Tensor, labels: Tensor) -> Tensor:
        """R1 on a part of the batch."""
        share = slice(None, None, self.recipe.r1_share)
        with devices.autocast(self.device, training=True):
            return r1(lambda x: self.judge(x, labels[share]), real[share])

    def state(self) -> dict:
        return super().state() | {"slope": self.slope, "steps": self.steps}

    def restore(self, state: dict) -> None:
        super().restore(state)
        self.slope = state["slope"].to(self.device)
        self.steps = state["steps"]
        self.generator.mapping.requires_grad_(self.stage != "steer")

    def finished(self) -> Generator:
        return finish(WeightAverage(self.average.net, 1).net)


def equalised(net: nn.Module, rate: float, mapping: float = 1.0) -> Iterator[tuple[list[nn.Parameter], float]]:
    """Parameters of a fresh net and their learning rates: weights move in proportion to how large they are at first.

    With Adam this is the equalised learning rate (Karras et al. 2018, arXiv:1710.10196) without rescaling at every use.
    """
    for name, parameter in net.named_parameters():
        if not parameter.requires_grad:
            continue
        spread = parameter.detach().std().item() if parameter.ndim > 1 and parameter.any() else 1.0
        shares = {"mapping.layers": mapping, "strength": NOISE_RATE, "offset.1": OFFSET_RATE}
        share = next((share for part, share in shares.items() if part in name), 1.0)
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
    net.directions.copy_(styles.principal_directions(torch.cat(rows), len(net.directions)))
    return net


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 10_000) -> Generator:
    """Runs or resumes `recipe` in `folder` until `images` pictures were seen. Returns the averaged generator."""
    pictures, _ = load_data(recipe, data)
    return play(Training(recipe, devices.pick()), pictures, folder, images=images, every=every)
