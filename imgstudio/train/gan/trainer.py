"""Training of a GAN, whatever its generator and discriminator are: steps, stages, checkpoints, a run from beginning to end."""

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
from ..run import EMA, Run
from . import self_distillation
from .augment import diffaugment
from .distillation import ALL, DISTILLED, FEATURE_WEIGHT, PIXEL_WEIGHT, LatentDistillation

# Stages of a run, see `GANTrainer.enter`; most have the first only.
STAGES = ("adversarial", "supervised_finetuning", "self_distillation", "style_mixing_finetuning")
FINETUNING_RATE = 0.5  # learning rate of the later stages, as a factor
MOMENTUM = 0.9  # beta 1 of the generator without an adversarial loss: its targets do not move


class GANTrainer(ABC):
    """Two nets, their optimisers and the averaged generator: what the training of any GAN keeps in a checkpoint."""

    adversarial_losses = ("discriminator", "real_score", "fake_score", "generator")  # not there in supervised steps
    device: torch.device
    generator: nn.Module
    discriminator: nn.Module
    generator_optimiser: torch.optim.Optimizer
    discriminator_optimiser: torch.optim.Optimizer
    ema: EMA
    distillation: LatentDistillation | None = None
    images: int = 0
    stage: str = "adversarial"  # one of STAGES
    teachers: dict[str, nn.Module]  # the finished generators of earlier stages, by their names

    def step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """One discriminator and one generator update on pictures [N, 3, H, W] in [-1, 1]; returns the losses.

        Stages without an adversarial loss update the generator alone."""
        real, labels = by_class(real, labels)
        if self.stage == "self_distillation":
            losses = self.supervised_step(self.self_distillation_loss(labels, real))
        elif self.skips_adversarial_loss:
            with devices.autocast(self.device, training=True):
                fake = self.draw(labels, real, ALL)
            losses = self.supervised_step(self.distillation.reconstruction_loss(fake, real))
            if not self.skips_discriminator:
                losses |= self.discriminate(real, fake.detach(), labels)
        else:
            with devices.autocast(self.device, training=True):
                fake = self.draw(labels, real, DISTILLED)
            losses = self.discriminate(real, fake.detach(), labels) | self.generate(fake, labels, real)
        self.ema.update(self.generator)
        self.images += len(real)
        return {name: value.detach() for name, value in losses.items()}

    def supervised_step(self, loss: Tensor) -> dict[str, Tensor]:
        """One update of the generator without an adversarial loss."""
        update(self.generator_optimiser, loss)
        return dict.fromkeys(self.adversarial_losses, torch.tensor(torch.nan)) | {"distillation": loss}

    def self_distillation_loss(self, labels: Tensor, real: Tensor) -> Tensor:
        """Distance of the generator's pictures from the targets that its teachers give for the same latent vectors, a scalar."""
        codes = self.codes(labels, real, DISTILLED)
        self.generator.eval()  # batch statistics as they are in use, of student and teachers alike
        with devices.autocast(self.device, training=True):
            drawn = self.draw_with(codes, labels, self.generator, *self.teachers.values())
        pictures, *from_teachers = (picture.float() for picture in drawn)
        if "supervised_finetuning" not in self.teachers:
            return PIXEL_WEIGHT * self_distillation.masked_l1(pictures, self_distillation.smooth_flat_regions(*from_teachers))
        wanted, mask = self_distillation.merged_target(*from_teachers)
        if self.distillation and self.distillation.config.sharpen:
            wanted = self_distillation.unsharp_mask(wanted, self.distillation.config.sharpen)
        loss = PIXEL_WEIGHT * self_distillation.masked_l1(pictures, wanted, mask)
        return loss + FEATURE_WEIGHT * self.distillation.feature_loss(pictures, wanted) if self.distillation else loss

    @abstractmethod
    def codes(self, labels: Tensor, real: Tensor, distilled: slice) -> Tensor:
        """Latent vectors [N, Z] of these class labels behind the flow; with distillation, those of `distilled` are the
        encoder's of `real`."""

    @abstractmethod
    def draw_with(self, codes: Tensor, labels: Tensor, *nets: nn.Module) -> list[Tensor]:
        """What several generators draw from the same latent vectors, [N, 3, S, S] each. Only the first keeps gradients."""

    @abstractmethod
    def draw(self, labels: Tensor, real: Tensor, distilled: slice) -> Tensor:
        """Generated pictures for these class labels; those of `distilled` should reconstruct `real` [N, 3, S, S]."""

    @abstractmethod
    def discriminate(self, real: Tensor, fake: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """One update of the discriminator."""

    @abstractmethod
    def generate(self, fake: Tensor, labels: Tensor, real: Tensor) -> dict[str, Tensor]:
        """One update of the generator, by the discriminator and, with distillation, by the reconstruction loss."""

    def score(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """The discriminator's scores [N], after augmentation."""
        return self.discriminator(diffaugment(pictures, self.recipe.augment), labels)

    @abstractmethod
    def finished(self) -> nn.Module:
        """The averaged generator, ready for use. Leaves the training state as it is."""

    @property
    def skips_discriminator(self) -> bool:
        """Whether the discriminator rests: in pretraining and in supervised fine-tuning."""
        return self.distillation is not None and (
            self.stage == "supervised_finetuning" or self.images < self.distillation.config.pretrain_images
        )

    @property
    def skips_adversarial_loss(self) -> bool:
        """Whether the generator's next step has no adversarial loss: the discriminator rests, or learns alone at first."""
        if self.stage != "adversarial" or self.distillation is None:
            return self.stage in ("supervised_finetuning", "self_distillation")
        return self.images < self.distillation.config.pretrain_images + self.distillation.config.freeze_generator_images

    def fit_flow(self, pictures: Pictures) -> None:
        """Before the first step of a run, a generator with a flow learns where the codes of the training pictures lie."""
        flow = self.generator.flow
        if flow is None:
            return
        flow.requires_grad_(True)
        fit(flow, self.distillation.code_sampler(pictures), self.distillation.config.flow_steps)
        flow.requires_grad_(False)
        self.ema.net.flow.load_state_dict(flow.state_dict())

    def enter(self, stage: str) -> None:
        """Begins another stage of a run. Each starts from the EMA generator of the adversarial stage.

        supervised_finetuning:   reconstruction loss alone, which removes the specks that adversarial training leaves.
        self_distillation:       joins both earlier stages, or without fine-tuning smooths flat regions; see `self_distillation`.
        style_mixing_finetuning: continues from the stage before, on mixed and moved styles; see `latent_edits`.
        """
        if stage != "adversarial":
            self.teachers[self.stage] = self.finished()
            first = self.teachers[self.stage if stage == "style_mixing_finetuning" else "adversarial"].state_dict()
            self.generator.load_state_dict(first)
            self.ema.net.load_state_dict(first)
            self.ema.steps = 0  # so that it soon follows
        self.stage = stage

    def set_rates(self, factor: float) -> None:
        """Sets all learning rates to this share of the recipe's, and the momentum to what suits the next step."""
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            momentum, decay = optimiser.defaults["betas"]
            if optimiser is self.generator_optimiser and self.skips_adversarial_loss:
                momentum = MOMENTUM
            for group in optimiser.param_groups:
                group["lr"], group["betas"] = factor * group["full"], (momentum, decay)

    def state(self) -> dict:
        return {
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "ema": self.ema.state(),
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
        self.ema.restore(state["ema"])
        self.images, self.stage = state["images"], state.get("stage", "adversarial")
        for name, values in state.get("teachers", {}).items():
            self.teachers[name] = EMA(self.ema.net, 1).net
            self.teachers[name].load_state_dict(values)


def adam(groups: Iterable[tuple[list[nn.Parameter], float]], betas: tuple[float, float]) -> torch.optim.Adam:
    """Adam over groups of parameters, each with its own learning rate, which `GANTrainer.set_rates` takes as the full one."""
    return torch.optim.Adam([{"params": params, "lr": rate, "full": rate} for params, rate in groups], betas=betas)


def by_class(real: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A batch with neighbours of one class, see models.dcgan.Discriminator."""
    labels, order = labels.sort()
    return real[order].contiguous(memory_format=torch.channels_last), labels


def update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def cooldown(progress: float) -> float:
    """Learning rate factor: full, then falling to a twentieth over the last 30 %."""
    return min(1.0, max(0.05, (1 - progress) / 0.3))


def train_gan(training: GANTrainer, pictures: Pictures, folder: Path, *, images: int, every: int) -> nn.Module:
    """Runs or resumes the training of a GAN in `folder`, with a log row, a preview and a checkpoint `every` so many pictures."""
    run = Run(folder)
    if state := run.load():
        training.restore(state)
    else:
        training.fit_flow(pictures)
    stream = batches(pictures, training.recipe.batch, seed=training.recipe.seed + training.images, device=training.device)
    next_report, losses = training.images + every, {}
    while training.images < images and not run.stopping:
        training.set_rates(advance_stage(training, images))
        losses = training.step(*next(stream))
        if training.images >= next_report:
            next_report += every
            report(run, training, losses)
    if losses:
        report(run, training, losses)
    return training.finished()


def advance_stage(training: GANTrainer, images: int) -> float:
    """Learning rate factor for the next step of a run over so many pictures. Begins the stage that is due."""
    distill = training.distillation.config if training.distillation else None
    lengths = {name: getattr(distill, name, 0) for name in STAGES[1:]}
    ends = {name: images - sum(list(lengths.values())[i:]) for i, name in enumerate(STAGES)}
    stage = next(name for name, end in ends.items() if training.images < end)
    if STAGES.index(stage) < STAGES.index(training.stage):  # stages are counted from the end of a run
        raise StudioError(
            f"This run has begun its last stages, which are counted from its end, and cannot be made {images:,} pictures long: "
            "train with the same --images as before, or begin anew in another --folder."
        )
    if stage != training.stage:
        training.enter(stage)
    if stage == "adversarial":
        return cooldown(training.images / ends[stage])
    return FINETUNING_RATE * cooldown(1 - (ends[stage] - training.images) / lengths[stage])


@torch.no_grad()
def report(run: Run, training: GANTrainer, losses: dict[str, Tensor]) -> None:
    """Log row, preview of fixed latents, checkpoint."""
    run.record(training.images, {name: value.item() for name, value in losses.items()})
    net = training.finished()
    z = torch.stack([devices.normal(seed, net.latent) for seed in range(48)]).to(training.device)
    labels = torch.arange(48, device=training.device) % max(net.classes, 1)
    run.preview(training.images, net(z, labels))
    run.plot()
    run.save(training.state())
