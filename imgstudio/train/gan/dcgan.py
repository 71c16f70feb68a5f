"""Trains a DCGAN or a conditional GAN: one discriminator step, one generator step, repeat.

    python -m imgstudio train dcgan/avatars --data DATA_FOLDER --images 320000

The recipes that made the weights of this project are in RECIPES; the scores they reach stand in weights/README.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from ... import device as devices
from ...metrics.diversity import thumbnails
from ...models.dcgan import Discriminator, Generator
from ..data import Pictures, read, split
from ..losses import ADVERSARIAL, gradient_penalty
from ..run import EMA, settle_batch_norm
from .distillation import DISTILLED, DistillConfig, LatentDistillation
from .trainer import GANTrainer, adam, train_gan, update


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run gives, apart from its length."""

    data: str  # file name of the training set
    generator: dict = field(default_factory=dict)  # arguments of models.dcgan.Generator
    discriminator: dict = field(default_factory=dict)
    loss: str = "hinge"  # a name in losses.ADVERSARIAL
    augment: bool = True  # random shifts of what the discriminator sees (DiffAugment)
    batch: int = 64
    generator_rate: float = 2e-4
    discriminator_rate: float = 2e-4
    ema_horizon: int = 1000  # steps over which old weights fade
    distill: DistillConfig | None = None  # see `distillation`
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    seed: int = 0


RECIPES = {
    # Heads that all look one way on a plain ground: shifts are the only change that keeps them what they are.
    "dcgan/avatars": Recipe(data="avatars128.npz", generator={"size": 64}),
    # Pixel art with pixels of 2 x 2: the discriminator is shown its own 32 px.
    "dcgan/nouns": Recipe(data="nouns64.npz", generator={"size": 32, "pixel": 2}),
    "cgan/fruits": Recipe(
        data="fruits64.tar",
        generator={
            "latent": 96,
            "size": 64,
            "channels": 48,
            "classes": 3,
            "antialias": 2,
            "flow": {"width": 640, "depth": 4},
        },
        discriminator={"channels": 48},
        distill=DistillConfig(
            encoder="vae-fruits.safetensors",
            net={"size": 64, "groups": 3, "components": 32, "antialias": True},
            pretrain_images=40_000,
            decay_images=100_000,
            min_weight=0.3,
            max_posterior_std=8.0,
            flow_steps=40_000,
            topk_weight=10.0,
            supervised_finetuning=40_000,
            self_distillation=60_000,
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


class Training(GANTrainer):
    """Trainer of a DCGAN."""

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device = recipe, device
        size, classes = recipe.generator.get("size", 64), recipe.generator.get("classes", 0)
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = Generator(**recipe.generator).to(**layout)
        self.discriminator = Discriminator(size=size, classes=classes, **recipe.discriminator).to(**layout)
        self.ema = EMA(self.generator, recipe.ema_horizon)
        betas = (0.0, 0.9) if recipe.loss == "wgan-gp" else (0.5, 0.999)
        trained = [parameter for parameter in self.generator.parameters() if parameter.requires_grad]
        self.generator_optimiser = adam([(trained, recipe.generator_rate)], betas)
        self.discriminator_optimiser = adam([(list(self.discriminator.parameters()), recipe.discriminator_rate)], betas)
        self.teachers = {}
        self.distillation = LatentDistillation(recipe.distill, device) if recipe.distill else None

    def codes(self, labels: Tensor, real: Tensor, distilled: slice) -> Tensor:
        codes = self.generator.codes(torch.randn(len(labels), self.generator.latent, device=self.device), labels)
        if self.distillation:
            codes[distilled] = self.distillation.latents(real[distilled])
        return codes

    def draw(self, labels: Tensor, real: Tensor, distilled: slice) -> Tensor:
        return self.generator.draw(self.codes(labels, real, distilled), labels)

    def draw_with(self, codes: Tensor, labels: Tensor, *nets: Generator) -> list[Tensor]:
        with torch.no_grad():
            others = [net.draw(codes, labels) for net in nets[1:]]
        return [nets[0].draw(codes, labels), *others]

    def discriminate(self, real: Tensor, fake: Tensor, labels: Tensor) -> dict[str, Tensor]:
        rule = ADVERSARIAL[self.recipe.loss]
        with devices.autocast(self.device, training=True):
            real_score, fake_score = self.score(real, labels).float(), self.score(fake, labels).float()
        loss = rule.discriminator(real_score, fake_score)
        if rule.gradient_penalty:
            penalty = gradient_penalty(lambda x: self.discriminator(x, labels), real, fake.float())
            loss = loss + rule.gradient_penalty * penalty
        update(self.discriminator_optimiser, loss)
        return {"discriminator": loss, "real_score": real_score.mean(), "fake_score": fake_score.mean()}

    def generate(self, fake: Tensor, labels: Tensor, real: Tensor) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with devices.autocast(self.device, training=True):
            loss = total = ADVERSARIAL[self.recipe.loss].generator(self.score(fake, labels).float())
        losses = {"generator": loss}
        if self.distillation:
            losses["distillation"] = self.distillation.reconstruction_loss(fake[DISTILLED], real[DISTILLED])
            total = loss + self.distillation.weight(self.images) * losses["distillation"]
        update(self.generator_optimiser, total)
        self.discriminator.requires_grad_(True)
        return losses

    @torch.no_grad()
    def finished(self, batch: int = 64) -> Generator:
        """The averaged generator, its batch statistics measured anew. Leaves the training state as it is."""
        ema = EMA(self.ema.net, 1)
        classes = self.generator.classes

        def forward() -> None:
            labels = torch.randint(0, max(classes, 1), (batch,), device=self.device)
            ema.net(torch.randn(batch, self.generator.latent, device=self.device), labels)

        settle_batch_norm(ema.net, forward)
        return ema.net


@torch.no_grad()
def find_centres(net: Generator, candidates: int = 1024) -> None:
    """Stores for each class the latent vector whose picture comes nearest to the mean of all, seen as thumbnails."""
    device = net.centre.device
    z = torch.stack([devices.normal(seed, net.latent) for seed in range(candidates)]).to(device)
    for number in range(len(net.centre)):
        labels = torch.full((candidates,), number, device=device)
        small = torch.cat([thumbnails(net(part, label)) for part, label in zip(z.split(64), labels.split(64))])
        net.centre[number] = z[(small - small.mean(dim=0)).norm(dim=1).argmin()]


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 10_000) -> Generator:
    """Runs or resumes `recipe` in `folder` until `images` pictures were seen. Returns the averaged generator."""
    pictures, _ = load_data(recipe, data)
    return train_gan(Training(recipe, devices.pick()), pictures, folder, images=images, every=every)
