"""Trains nets that embed pixels by their texture, on mosaics made fresh at every step.

python -m imgstudio train unet/texture --data DATA_FOLDER --images 40000

The loss asks of each pixel which region it belongs to, by its cosine to the mean embedding of every region of its picture
(prototypes as in Snell et al. 2017, arXiv:1703.05175): textures that a net has never seen then fall apart in the same way.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import device as devices
from ..run import EMA, Resumable, Run, schedule
from . import mosaics
from .mosaics import Bank, Look

FILES = ("textures.tar",)
EXAM = (12, 192)  # mosaics of held-out textures that every report judges, and their side in pixels
FINAL = (60, 256)  # the same when a net is shipped


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """build, net: the net's class and arguments; regions: fewest and most in a mosaic; temperature: of the cosines, whose
    smallness asks for a wide margin between textures; cost: batches are `batch` mosaics of `view` px."""

    build: str
    net: Mapping = field(default_factory=dict)
    look: Look = Look()  # noqa: RUF009
    regions: tuple[int, int] = (2, 7)
    temperature: float = 0.1
    view: int = 160
    batch: int = 6
    rate: float = 2e-3
    decay: float = 0.02
    ema_horizon: int = 200
    seed: int = 0


RECIPES = {
    "unet/texture": Recipe(build="unet:UNet"),
    "renet/texture": Recipe(build="renet:ReNet"),
    "vit/texture": Recipe(build="vit:ViT"),
}


def build(recipe: Recipe) -> nn.Module:
    """The recipe's net, new."""
    module, _, name = recipe.build.partition(":")
    return getattr(importlib.import_module(f"imgstudio.models.{module}"), name)(**recipe.net)


def prototype_loss(embedding: Tensor, labels: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Cross-entropy of pixels over the regions of their own picture, all regions counting alike, and the share of pixels that
    are nearest to their own region's mean.

    Regions of other pictures are left out: a net that has to tell those apart too learns to name textures, which is harder than
    to see where one ends, and of less use for clustering.

    embedding: [N, D, H, W] of unit length; labels: int64 [N, H, W].
    """
    most = int(labels.max()) + 1
    own = labels.flatten(1)  # N,P
    member = F.one_hot(own, most).float()  # N,P,R
    pixels = embedding.flatten(2)  # N,D,P
    area = member.sum(dim=1)  # N,R
    centres = F.normalize(pixels @ member, dim=1)  # N,D,R
    closeness = (pixels.transpose(1, 2) @ centres / temperature).masked_fill(area[:, None] == 0, -torch.inf)  # N,P,R
    losses = F.cross_entropy(closeness.transpose(1, 2), own, reduction="none")  # N,P
    share = 1 / area.gather(1, own) / (area > 0).sum()  # N,P
    return (losses * share).sum(), (closeness.detach().argmax(dim=2) == own).float().mean()


def pair_loss(embedding: Tensor, labels: Tensor, count: int = 384, threshold: float = 0.5, temperature: float = 0.1) -> Tensor:
    """Logistic loss of "are these two of one texture?" for all pairs of `count` random pixels a picture, both answers alike.

    The cosine of two pixels is held against `threshold`. Means of regions can be told apart even if a region falls into several
    clusters; this asks for one cluster a region, and gives similarities a meaning by which their number can be chosen.
    """
    place = torch.randint(labels[0].numel(), (len(labels), count))  # N,M
    pixels = embedding.flatten(2).gather(2, place[:, None].expand(-1, embedding.shape[1], -1))  # N,D,M
    region = labels.flatten(1).gather(1, place)
    same = region[:, :, None] == region[:, None]  # N,M,M
    logits = (pixels.transpose(1, 2) @ pixels - threshold) / temperature
    losses = F.softplus(torch.where(same, -logits, logits))
    return (losses[same].mean() + losses[~same].mean()) / 2


class Training(Resumable):
    """Net, its average and optimiser; `step` sees one batch of mosaics."""

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images = recipe, device, 0
        self.net = build(recipe).to(device=device, memory_format=torch.channels_last)
        self.ema = EMA(self.net, recipe.ema_horizon)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), recipe.rate, betas=(0.9, 0.98), weight_decay=recipe.decay)

    def step(self, x: Tensor, labels: Tensor, rate: float) -> dict[str, Tensor]:
        """One update on mosaics [N, 3, S, S] in [-1, 1] and their truth [N, S, S]; every second pixel each way is judged."""
        with devices.autocast(self.device, training=True):
            embedding = self.net(x)
        down, across = torch.randint(0, 2, (2,)).tolist()
        loss, right = prototype_loss(embedding[:, :, down::2, across::2], labels[:, down::2, across::2], self.recipe.temperature)
        pairs = pair_loss(embedding, labels)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        (loss + pairs).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.ema.update(self.net)
        self.images += len(x)
        return {"loss": loss.detach(), "pairs": pairs.detach(), "right": right}


def batch(bank: Bank, recipe: Recipe, device: torch.device) -> tuple[Tensor, Tensor]:
    """A fresh batch of mosaics and their truth."""
    low, high = recipe.regions
    counts = torch.randint(low, high + 1, (recipe.batch,)).tolist()
    x, labels = mosaics.draw(bank, counts, recipe.view, recipe.look)
    return x.to(device).contiguous(memory_format=torch.channels_last), labels.to(device)


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 2_400) -> nn.Module:
    """Runs or resumes `recipe` in `folder` until `images` mosaics were seen. Returns the averaged net."""
    device, run = devices.pick(), Run(folder)
    training = Training(recipe, device)
    if state := run.load():
        training.restore(state)
    bank, held = mosaics.read_textures(data / FILES[0])
    torch.manual_seed(recipe.seed + training.images)
    next_report, terms = training.images + every, {}
    while training.images < images and not run.stopping:
        terms = training.step(*batch(bank, recipe, device), recipe.rate * schedule(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, held)
    if terms:
        report(run, training, terms, held)
    return training.ema.net


def exam(bank: Bank, count: int, size: int, *, equalised: bool, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Mosaics to be judged on, the same ones every time, with 2 to 7 regions in turn; textures are as they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = [mosaics.draw(bank, [2 + i % 6], size, mosaics.exam_look(equalised)) for i in range(count)]
    return torch.cat([x for x, _ in drawn]), torch.cat([labels for _, labels in drawn])


def painted(embedding: Tensor) -> Tensor:
    """The three main directions of each picture's embedding as colours [N, 3, H, W] in [-1, 1], to look at."""
    pictures = []
    for e in embedding:
        pixels = e.flatten(1).T - e.flatten(1).mean(dim=1)
        _, _, directions = torch.pca_lowrank(pixels, 3, center=False)
        colour = pixels @ directions
        pictures.append((colour / colour.std(dim=0).clamp_min(1e-6) / 2).T.reshape(3, *e.shape[1:]))
    return torch.stack(pictures).clamp(-1, 1)


@torch.no_grad()
def report(run: Run, training: Training, terms: dict[str, Tensor], held: Bank) -> None:
    """Log row with the score on held-out textures, preview (mosaics above their embeddings), checkpoint."""
    figures = {name: value.item() for name, value in terms.items()}
    rows = []
    for kind, equalised in (("colour", False), ("grey", True)):
        x, labels = (part.to(training.device) for part in exam(held, *EXAM, equalised=equalised))
        with devices.autocast(training.device, training=True):
            embedding = training.ema.net(x)
        loss, right = prototype_loss(embedding[:, :, ::2, ::2], labels[:, ::2, ::2], training.recipe.temperature)
        figures |= {f"held-out loss, {kind}": loss.item(), f"held-out right, {kind}": right.item()}
        rows += [x[:6], painted(embedding[:6])]
    run.record(training.images, figures)
    run.preview(training.images, torch.cat(rows), columns=6)
    run.plot()
    run.save(training.state())
