"""Trains a StyleGAN2 with the paper's regularisers, see `trainer`.

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
from .. import losses as gan_losses
from ..losses import ADVERSARIAL
from ..muon import Muon
from ..run import EMA
from . import latent_edits, self_distillation
from .dcgan import load_data
from .distillation import DISTILLED, FEATURE_WEIGHT, PIXEL_WEIGHT, DistillConfig, LatentDistillation, pixel_loss
from .trainer import GANTrainer, adam, by_class, train_gan, update

__all__ = ["RECIPES", "Recipe", "Training", "finish", "load_data", "train"]

# Share of the rate. Noise is the easiest way to look like strokes: at a higher rate it grows within some hundred steps into
# speckle that hides what the styles draw.
NOISE_RATE = 0.005
OFFSET_RATE = 10.0  # share: it begins small, and shall not stay so
DECAY = 0.99  # beta 2 of Adam
ADVERSARIAL_WEIGHT, EDITED_WEIGHT = 0.7, 0.7  # in style-mixing fine-tuning: of the discriminator, and of edited styles
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
    momentum: float = 0.0  # beta 1 of the generator in adversarial training; the discriminator has none
    mapping_rate: float = 0.1  # share of it: the mapping network steers everything, and a small step there is a large one
    mixing: float = 0.5  # share of pictures that are made from two latent vectors
    r1: float = 2.0  # weight of the gradient penalty
    r1_every: int = 16  # steps
    r1_subset: int = 4  # one picture in so many is looked at
    ema_horizon: int = 2000  # steps over which old weights fade
    distill: DistillConfig | None = None  # see `distillation`
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    seed: int = 0


RECIPES = {
    # Latent distillation alone. A discriminator would add crispness, which `smooth_flat_regions` gives these drawings in the end.
    "stylegan2/avatars": Recipe(
        data="avatars128.npz",
        generator={"size": 128, "latent": 96, "const_offset_rank": 96, "flow": {"width": 432, "depth": 3}},
        distill=DistillConfig(
            encoder="vae-avatars.safetensors",
            net={"size": 64, "groups": 12, "components": 32},
            pretrain_images=10**9,
            decay_images=10**9,
            posterior_std=0.3,  # the nearer to the means, the crisper; but those are single points, with nothing between them
            flow_steps=12_000,
            topk_weight=10.0,
            self_distillation=18_000,
        ),
        optimiser="muon",
        mapping_rate=1.0,  # every picture is pinned to its vector, so that nothing is swept away
    ),
    # Distillation says which fruit, and fades; adversarial training gives textures. Self-distillation removes specks and
    # sharpens; the last stage is about edited styles.
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
        distill=DistillConfig(
            encoder="vae-fruits.safetensors",
            net={"size": 64, "groups": 3, "components": 32, "antialias": True},
            pretrain_images=24_000,
            freeze_generator_images=16_000,
            decay_images=100_000,
            min_weight=0.06,
            posterior_std=0.5,
            max_posterior_std=4.0,
            flow_steps=16_000,
            topk_weight=10.0,
            supervised_finetuning=30_000,
            self_distillation=45_000,
            style_mixing_finetuning=80_000,
            sharpen=0.5,
        ),
        discriminator_rate=3.5e-3,
        mapping_rate=1.0,
        held_out_groups=("Apple_Pink_Lady_1", "Cherry_Rainier_2", "Tomato_Heart_1"),
    ),
}


class Training(GANTrainer):
    """Trainer of a StyleGAN2."""

    adversarial_losses = (*GANTrainer.adversarial_losses, "r1")

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, device
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = Generator(**recipe.generator).to(**layout)
        shape = {"size": self.generator.size, "classes": self.generator.classes}
        self.discriminator = Discriminator(**shape, **recipe.discriminator).to(**layout)
        rates = equalised_rates(self.generator, recipe.generator_rate, recipe.mapping_rate)
        self.generator_optimiser = OPTIMISERS[recipe.optimiser](rates, (recipe.momentum, DECAY))
        self.discriminator_optimiser = adam(equalised_rates(self.discriminator, recipe.discriminator_rate), (0.0, DECAY))
        self.ema = EMA(self.generator, recipe.ema_horizon)
        self.last_r1 = torch.zeros((), device=device)  # the R1 penalty when it was last looked at
        self.steps = 0
        self.teachers = {}
        self.distillation = LatentDistillation(recipe.distill, device) if recipe.distill else None

    def codes(self, labels: Tensor, real: Tensor | None = None, distilled: slice = DISTILLED) -> Tensor:
        codes = self.generator.codes(torch.randn(len(labels), self.generator.latent, device=self.device), labels)
        if self.distillation and real is not None:
            codes[distilled] = self.distillation.latents(real[distilled])
        return codes

    def styles(self, labels: Tensor, real: Tensor | None = None, distilled: slice = DISTILLED) -> Tensor:
        """w [N, L, W] of random latent vectors, some of them mixed with others from a random layer on (style mixing).

        With distillation, those of `distilled` are the encoder's of `real` [N, 3, H, W], and unmixed.
        """
        net, count = self.generator, len(labels)
        first, second = self.codes(labels, real, distilled), self.codes(labels)
        mixed = torch.rand(count, device=self.device) < self.recipe.mixing
        if self.distillation and real is not None:
            mixed[distilled] = False
        depth = len(net.sides)
        crossover = torch.randint(1, depth, (count, 1), device=self.device)
        late = (torch.arange(depth, device=self.device) >= crossover) & mixed[:, None]  # N,L
        return torch.where(late[:, :, None], net.mapping(second, labels)[:, None], net.mapping(first, labels)[:, None])

    def draw(self, labels: Tensor, real: Tensor, distilled: slice) -> Tensor:
        w = self.styles(labels, real, distilled)
        return self.generator.synthesis(w, self.generator.random_noise(len(labels)))

    def draw_with(self, codes: Tensor, labels: Tensor, *nets: Generator) -> list[Tensor]:
        noise = self.generator.random_noise(len(labels))
        with torch.no_grad():
            others = [net.synthesis(net.mapping(codes, labels), noise) for net in nets[1:]]
        return [nets[0].synthesis(nets[0].mapping(codes, labels), noise), *others]

    def step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        mixing = self.stage == "style_mixing_finetuning"
        losses = self.style_mixing_step(*by_class(real, labels)) if mixing else super().step(real, labels)
        self.steps += 1
        return losses

    def enter(self, stage: str) -> None:
        super().enter(stage)
        # The mapping network is frozen: the named directions belong to its styles.
        self.generator.mapping.requires_grad_(stage != "style_mixing_finetuning")

    def style_mixing_step(self, real: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """A step of the last stage: reconstruction and adversarial loss on mixed and moved styles."""
        teacher = list(self.teachers.values())[-1]
        with torch.no_grad():
            w = teacher.mapping(self.codes(labels, real, DISTILLED), labels)
        given = latent_edits.edit_batch(teacher, w, labels)
        with devices.autocast(self.device, training=True):
            fake = self.generator.synthesis(given.styles, given.noise)
        losses = self.discriminate(real, fake.detach(), labels)
        self.discriminator.requires_grad_(False)
        with devices.autocast(self.device, training=True):
            scores = self.score(fake, labels).float()
        self.discriminator.requires_grad_(True)
        edited_scores, supervised = scores[~given.unedited], given.supervised
        losses["generator"] = ADVERSARIAL["minimax"].generator(edited_scores)
        # Sharper than wanted: learning from pictures softens.
        sharpen = self.distillation.config.sharpen
        pictures, wanted = fake.float()[supervised], self_distillation.unsharp_mask(given.target_pictures[supervised], sharpen)
        picture_weight = torch.where(given.unedited[supervised], 1.0, EDITED_WEIGHT)
        losses["distillation"] = PIXEL_WEIGHT * pixel_loss(pictures, wanted, picture_weight)
        losses["distillation"] += FEATURE_WEIGHT * self.distillation.feature_loss(pictures, wanted)
        update(self.generator_optimiser, ADVERSARIAL_WEIGHT * losses["generator"] + losses["distillation"])
        self.ema.update(self.generator)
        self.images += len(real)
        return {name: value.detach() for name, value in losses.items()}

    def discriminate(self, real: Tensor, fake: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with devices.autocast(self.device, training=True):
            real_score, fake_score = self.score(real, labels), self.score(fake, labels)
        loss = total = ADVERSARIAL["minimax"].discriminator(real_score, fake_score)
        if self.steps % self.recipe.r1_every == 0:
            penalty = self.r1_penalty(real, labels)
            total = loss + 0.5 * self.recipe.r1_every * self.recipe.r1 * penalty
            self.last_r1 = penalty.detach()
        update(self.discriminator_optimiser, total)
        return {"discriminator": loss, "real_score": real_score.mean(), "fake_score": fake_score.mean(), "r1": self.last_r1}

    def generate(self, fake: Tensor, labels: Tensor, real: Tensor) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with devices.autocast(self.device, training=True):
            loss = total = ADVERSARIAL["minimax"].generator(self.score(fake, labels))
        losses = {"generator": loss}
        if self.distillation:
            losses["distillation"] = self.distillation.reconstruction_loss(fake[DISTILLED], real[DISTILLED])
            total = loss + self.distillation.weight(self.images) * losses["distillation"]
        update(self.generator_optimiser, total)
        self.discriminator.requires_grad_(True)
        return losses

    def r1_penalty(self, real: Tensor, labels: Tensor) -> Tensor:
        """R1 on a part of the batch."""
        part = slice(None, None, self.recipe.r1_subset)
        with devices.autocast(self.device, training=True):
            return gan_losses.r1_penalty(lambda x: self.score(x, labels[part]), real[part])

    def state(self) -> dict:
        return super().state() | {"r1": self.last_r1, "steps": self.steps}

    def restore(self, state: dict) -> None:
        super().restore(state)
        self.last_r1 = state["r1"].to(self.device)
        self.steps = state["steps"]
        self.generator.mapping.requires_grad_(self.stage != "style_mixing_finetuning")

    def finished(self) -> Generator:
        return finish(EMA(self.ema.net, 1).net)


def equalised_rates(net: nn.Module, rate: float, mapping: float = 1.0) -> Iterator[tuple[list[nn.Parameter], float]]:
    """Parameters of a fresh net and their learning rates: weights move in proportion to how large they are at first.

    With Adam this is the equalised learning rate (Karras et al. 2018, arXiv:1710.10196) without rescaling at every use.
    """
    for name, parameter in net.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = parameter.detach().std().item() if parameter.ndim > 1 and parameter.any() else 1.0
        factors = {"mapping.layers": mapping, "strength": NOISE_RATE, "offset.1": OFFSET_RATE}
        factor = next((factor for part, factor in factors.items() if part in name), 1.0)
        yield [parameter], rate * scale * factor


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
    return train_gan(Training(recipe, devices.pick()), pictures, folder, images=images, every=every)
