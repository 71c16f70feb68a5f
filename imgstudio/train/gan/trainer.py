"""The game of a generator against a discriminator, whatever nets they are: steps, checkpoints, a run from beginning to end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

from ... import device as devices
from ...errors import StudioError
from ..data import Pictures, batches
from ..flow import fit
from ..run import Run, WeightAverage
from . import self_distillation
from .augment import diffaugment
from .distillation import ALL, DETAIL, TAUGHT, WEIGHT, Lessons

STAGES = ("game", "polish", "mend", "steer")  # of a run, see `Game.enter`; most have the first only
ALONE = 0.5  # share of the learning rate in the others
MOMENTUM = 0.9  # of the generator without a critic: what it goes for stays where it is


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
    stage: str = "game"  # one of STAGES
    teachers: dict[str, nn.Module]  # the finished generators of earlier stages, by their names

    def step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """One discriminator and one generator update on pictures [N, 3, H, W] in [-1, 1], or a lesson; returns the losses."""
        real, labels = by_class(real, labels)
        if self.stage == "mend":
            losses = self.learn(self.mended(labels, real))
        elif self.unjudged:
            with devices.autocast(self.device, training=True):
                fake = self.draw(labels, real, ALL)
            losses = self.learn(self.lessons.unlikeness(fake, real))
            if not self.alone:
                losses |= self.discriminate(real, fake.detach(), labels)
        else:
            with devices.autocast(self.device, training=True):
                fake = self.draw(labels, real, TAUGHT)
            losses = self.discriminate(real, fake.detach(), labels) | self.generate(fake, labels, real)
        self.average.update(self.generator)
        self.images += len(real)
        return {name: value.detach() for name, value in losses.items()}

    def learn(self, lesson: Tensor) -> dict[str, Tensor]:
        """One update of the generator without a critic."""
        update(self.generator_optimiser, lesson)
        return dict.fromkeys(self.judged, torch.tensor(torch.nan)) | {"lesson": lesson}

    def mended(self, labels: Tensor, real: Tensor) -> Tensor:
        """The lesson of the last stage: how far the generator is from what its teachers make of the same latent vectors."""
        codes = self.codes(labels, real, TAUGHT)
        self.generator.eval()  # batch statistics as they are in use, of student and teachers alike
        with devices.autocast(self.device, training=True):
            pictures, *taught = (drawn.float() for drawn in self.paint(codes, labels, self.generator, *self.teachers.values()))
        if "polish" not in self.teachers:
            return WEIGHT * self_distillation.unlikeness(pictures, self_distillation.redrawn(*taught))
        wanted, share = self_distillation.target(*taught)
        if self.lessons and self.lessons.course.crisp:
            wanted = self_distillation.crisper(wanted, self.lessons.course.crisp)
        lesson = WEIGHT * self_distillation.unlikeness(pictures, wanted, share)
        return lesson + DETAIL * self.lessons.in_features(pictures, wanted) if self.lessons else lesson

    @abstractmethod
    def codes(self, labels: Tensor, real: Tensor, taught: slice) -> Tensor:
        """Latent vectors [N, Z] of these class labels behind the flow; with lessons, the taught are those of `real`."""

    @abstractmethod
    def paint(self, codes: Tensor, labels: Tensor, *nets: nn.Module) -> list[Tensor]:
        """What several generators draw from the same latent vectors, [N, 3, S, S] each. Only the first keeps gradients."""

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
        """Whether the generator is to learn by its lessons alone: at first, and at last."""
        return self.lessons is not None and (self.stage == "polish" or self.images < self.lessons.course.alone)

    @property
    def unjudged(self) -> bool:
        """Whether the generator does not listen to the critic in the next step: without one, or while it only looks on."""
        if self.stage != "game" or self.lessons is None:
            return self.stage in ("polish", "mend")
        return self.images < self.lessons.course.alone + self.lessons.course.watch

    def prepare(self, pictures: Pictures) -> None:
        """Before the first step of a run, a generator with a flow learns where the codes of the training pictures lie."""
        flow = self.generator.flow
        if flow is None:
            return
        flow.requires_grad_(True)
        fit(flow, self.lessons.drawing(pictures), self.lessons.course.flow)
        flow.requires_grad_(False)
        self.average.net.flow.load_state_dict(flow.state_dict())

    def enter(self, stage: str) -> None:
        """Begins another stage of a run, of which each goes on from the average of the game, which is what would be used.

        polish: lessons alone. A critic likes specks and crumbs wherever there could be some, and they go with it.
        mend:   what came of the two stages before is joined; without a polish, drawings are redrawn. See `mending`.
        steer:  goes on from all of it, and learns what lies beside its own styles. See `steered`.
        """
        if stage != "game":
            self.teachers[self.stage] = self.finished()
            first = self.teachers[self.stage if stage == "steer" else "game"].state_dict()
            self.generator.load_state_dict(first)
            self.average.net.load_state_dict(first)
            self.average.steps = 0  # so that it soon follows
        self.stage = stage

    def pace(self, factor: float) -> None:
        """Sets all learning rates to this share of the recipe's, and the momentum to what suits the next step."""
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            momentum, decay = optimiser.defaults["betas"]
            if optimiser is self.generator_optimiser and self.unjudged:
                momentum = MOMENTUM
            for group in optimiser.param_groups:
                group["lr"], group["betas"] = factor * group["full"], (momentum, decay)

    def state(self) -> dict:
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state(),
            "generator_optimiser": self.generator_optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
            "images": self.images,
            "stage": self.stage,
            "teachers": {name: net.state_dict() for name, net in self.teachers.items()},
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
        self.images, self.stage = state["images"], state.get("stage", "game")
        for name, values in state.get("teachers", {}).items():
            self.teachers[name] = WeightAverage(self.average.net, 1).net
            self.teachers[name].load_state_dict(values)


def adam(groups: Iterable[tuple[list[nn.Parameter], float]], betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam over groups of parameters, each with its own learning rate, which `Game.pace` takes as the full one."""
    return torch.optim.Adam([{"params": params, "lr": rate, "full": rate} for params, rate in groups], betas=betas)


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


def play(training: Game, pictures: Pictures, folder: Path, *, images: int, every: int) -> nn.Module:
    """Runs or resumes any game in `folder`, with a log row, a preview and a checkpoint `every` so many pictures."""
    run = Run(folder)
    if state := run.load():
        training.restore(state)
    else:
        training.prepare(pictures)
    stream = batches(pictures, training.recipe.batch, seed=training.recipe.seed + training.images, device=training.device)
    next_report, losses = training.images + every, {}
    while training.images < images and not run.stopping:
        training.pace(phase(training, images))
        losses = training.step(*next(stream))
        if training.images >= next_report:
            next_report += every
            report(run, training, losses)
    if losses:
        report(run, training, losses)
    return training.finished()


def phase(training: Game, images: int) -> float:
    """Learning rate factor for the next step of a run over so many pictures. Begins the stage that is due."""
    course = training.lessons.course if training.lessons else None
    lengths = {name: getattr(course, name, 0) for name in STAGES[1:]}
    ends = {name: images - sum(list(lengths.values())[i:]) for i, name in enumerate(STAGES)}
    stage = next(name for name, end in ends.items() if training.images < end)
    if STAGES.index(stage) < STAGES.index(training.stage):  # stages are counted from the end of a run
        raise StudioError(
            f"This run has begun its last stages, which are counted from its end, and cannot be made {images:,} pictures long: "
            "train with the same --images as before, or begin anew in another --folder."
        )
    if stage != training.stage:
        training.enter(stage)
    if stage == "game":
        return settling(training.images / ends[stage])
    return ALONE * settling(1 - (ends[stage] - training.images) / lengths[stage])


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
