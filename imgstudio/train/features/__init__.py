"""Trains a narrow VGG feature extractor by distillation: it predicts a teacher's features at every position (Hinton et al. 2015;
Romero et al. 2015), and the labels of several sets at once.

python -m imgstudio train features/vgg-small --data DATA_FOLDER --images 120000
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import device as devices
from ... import weights
from ...models.vgg import VGG
from ..data import Pictures, split, to_unit
from ..perceptual import TinyDarknet
from ..run import EMA, Run, schedule, settle_batch_norm
from .scenes import FILES as FILES
from .scenes import labelled, random_views, unlabelled

UNLABELLED = -1


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """net: arguments of VGG; layer_pairs: (layer of the net, layer of the teacher at the same resolution) pairs; shares: how
    often each set is drawn; labels: weight of the classification loss beside the distillation loss."""

    net: Mapping = field(default_factory=dict)
    layer_pairs: tuple[tuple[str, int], ...] = (
        ("relu1_2", 1),
        ("relu2_2", 2),
        ("relu3_2", 4),
        ("relu3_4", 6),
        ("relu4_2", 8),
        ("relu4_4", 10),
        ("relu5_1", 12),
        ("relu5_1", 14),
    )
    shares: Mapping[str, float] = field(default_factory=dict)
    labels: float = 0.3
    pixels: int = 128  # side that pictures are kept at
    view: int = 80  # side that the net sees in training
    batch: int = 32
    rate: float = 2e-3
    ema_horizon: int = 300
    seed: int = 0


RECIPES = {
    "features/vgg-small": Recipe(
        net={"widths": (32, 64, 128, 256, 256)},
        shares={
            "objects": 6,
            "clothing": 2,
            "flowers": 2,
            "fruits": 0.5,
            "textures": 2,
            "paintings": 2.5,
            "photographs": 2.5,
        },
    )
}


class Student(nn.Module):
    """A VGG with a batch norm after every convolution, which `folded` takes out again; linear views of the teacher's
    features (one a pair of layers), and one linear classifier for the classes of all sets together."""

    def __init__(self, recipe: Recipe, classes: int):
        super().__init__()
        self.vgg = VGG(**recipe.net)
        convolutions = [m for m in self.vgg.features if isinstance(m, nn.Conv2d)]
        for conv in convolutions:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        self.norms = nn.ModuleList(nn.BatchNorm2d(conv.out_channels) for conv in convolutions)
        teacher = TinyDarknet(max(number for _, number in recipe.layer_pairs))
        self.layer_pairs = recipe.layer_pairs
        self.projections = nn.ModuleList(
            nn.Conv2d(self.vgg.widths[name], teacher.kernels[f"conv{number}"].out_channels, 1)
            for name, number in recipe.layer_pairs
        )
        self.classifier = nn.Linear(list(self.vgg.widths.values())[-1], classes)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """[N, 3, H, W] in [-1, 1] -> predictions of the teacher's features, one a pair of layers; class scores [N, classes]."""
        h, norms, found = ((x + 1) / 2 - self.vgg.mean) / self.vgg.std, iter(self.norms), []
        for layer in self.vgg.features:
            h = layer(h)
            if isinstance(layer, nn.Conv2d):
                h = next(norms)(h)
            elif isinstance(layer, nn.ReLU):
                found.append(h)
        by_name = dict(zip(self.vgg.layers, found))
        views = [view(by_name[name]) for view, (name, _) in zip(self.projections, self.layer_pairs)]
        return views, self.classifier(found[-1].mean(dim=(2, 3)))

    @torch.no_grad()
    def folded(self) -> VGG:
        """The VGG alone, each batch norm folded into the convolution before it."""
        net = copy.deepcopy(self.vgg).eval().requires_grad_(False)
        for conv, norm in zip((m for m in net.features if isinstance(m, nn.Conv2d)), self.norms):
            scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            conv.bias.copy_((conv.bias - norm.running_mean) * scale + norm.bias)
            conv.weight.mul_(scale[:, None, None, None])
        return net


@dataclass(frozen=True)
class TrainingSets:
    """Training and held-out part of every set by name, with the number of each set's first class (UNLABELLED for none)."""

    train: dict[str, Pictures]
    held: dict[str, Pictures]
    first: dict[str, int]
    classes: int


def load_data(recipe: Recipe, data: Path) -> TrainingSets:
    """Reads all sets. Crops of one picture are never divided between training and held-out part."""
    named, plain = labelled(data, recipe.pixels), unlabelled(data, recipe.pixels)
    parts = {name: split(pictures) for name, pictures in (named | plain).items()}
    first, classes = {}, 0
    for name, pictures in named.items():
        first[name] = classes
        classes += len(pictures.classes)
    first |= dict.fromkeys(plain, UNLABELLED)
    return TrainingSets({n: p[0] for n, p in parts.items()}, {n: p[1] for n, p in parts.items()}, first, classes)


def draw(sets: TrainingSets, recipe: Recipe, seed: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches: random views [N, 3, S, S] in [-1, 1], and labels [N] over the classes of all sets."""
    torch.manual_seed(seed)
    names = list(recipe.shares)
    shares = torch.tensor([float(recipe.shares[name]) for name in names])
    while True:
        images, labels = [], []
        for k in torch.multinomial(shares, recipe.batch, replacement=True).tolist():
            pictures, first = sets.train[names[k]], sets.first[names[k]]
            i = int(torch.randint(len(pictures), ()))
            images.append(pictures.images[i])
            labels.append(UNLABELLED if first == UNLABELLED else first + int(pictures.labels[i]))
        views = random_views(to_unit(torch.stack(images), device), recipe.view)
        yield views.contiguous(memory_format=torch.channels_last), torch.tensor(labels, device=device)


class Training:
    """Student, its average, teacher and optimiser; `step` sees one batch."""

    def __init__(self, recipe: Recipe, network: Path, classes: int, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images = recipe, device, 0
        self.student = Student(recipe, classes).to(device=device, memory_format=torch.channels_last)
        self.ema = EMA(self.student, recipe.ema_horizon)
        deepest = max(number for _, number in recipe.layer_pairs)
        self.teacher = TinyDarknet.from_file(network, deepest).to(device=device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.student.parameters(), recipe.rate, betas=(0.9, 0.99), weight_decay=0.02)
        self.channel_stats: list[Tensor] = []  # mean and deviation of each teacher channel, [2, C] a pair of layers

    @torch.no_grad()
    def teacher_features(self, x: Tensor) -> list[Tensor]:
        """What the teacher sees, one a pair of layers, in float32."""
        with devices.autocast(self.device, training=True):
            seen = self.teacher(x)
        return [seen[number - 1].float() for _, number in self.recipe.layer_pairs]

    def measure(self, stream: Iterator[tuple[Tensor, Tensor]], count: int = 32) -> None:
        """Takes mean and deviation of the teacher's channels from `count` batches: rare channels need more than one."""
        batches = [self.teacher_features(next(stream)[0]) for _ in range(count)]
        for layer in zip(*batches):
            t = torch.cat([part.transpose(0, 1).flatten(1)[:, ::7] for part in layer], dim=1)  # C,positions
            self.channel_stats.append(torch.stack([t.mean(dim=1), t.std(dim=1) + 1e-3]))

    def targets(self, x: Tensor) -> list[Tensor]:
        """What the teacher sees, each channel brought to mean 0 and deviation 1; what is further off than 5 is taken as 5."""
        levels = zip(self.teacher_features(x), self.channel_stats, strict=True)
        return [((t - m[:, None, None]) / s[:, None, None]).clamp(-5, 5) for t, (m, s) in levels]

    def step(self, x: Tensor, labels: Tensor, rate: float) -> dict[str, Tensor]:
        """One update; returns the share of the teacher's variance not predicted, and the classification loss."""
        targets = self.targets(x)
        with devices.autocast(self.device, training=True):
            views, scores = self.student(x)
        distilled = torch.stack([F.mse_loss(v.float(), t) for v, t in zip(views, targets)])
        classified = F.cross_entropy(scores.float(), labels, ignore_index=UNLABELLED, label_smoothing=0.1)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        (distilled.mean() + self.recipe.labels * classified).backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimiser.step()
        self.ema.update(self.student)
        self.images += len(x)
        deepest = {"distilled_first": distilled[0].detach(), "distilled_last": distilled[-1].detach()}
        return {"distilled": distilled.detach().mean(), **deepest, "classified": classified.detach()}

    def state(self) -> dict:
        return {
            "student": self.student.state_dict(),
            "ema": self.ema.state(),
            "optimiser": self.optimiser.state_dict(),
            "channel_stats": self.channel_stats,
            "images": self.images,
        }

    def restore(self, state: dict) -> None:
        self.student.load_state_dict(state["student"])
        self.ema.restore(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.channel_stats, self.images = state["channel_stats"], state["images"]


def train(recipe: Recipe, data: Path, network: Path, folder: Path, *, images: int, every: int = 8_000) -> None:
    """Runs or resumes `recipe` in `folder` until `images` pictures were seen."""
    device, sets = devices.pick(), load_data(recipe, data)
    run, training = Run(folder), Training(recipe, network, sets.classes, device)
    if state := run.load():
        training.restore(state)
    stream = draw(sets, recipe, recipe.seed + training.images, device)
    if not training.channel_stats:
        training.measure(stream)
    next_report, terms = training.images + every, {}
    while training.images < images and not run.stopping:
        terms = training.step(*next(stream), recipe.rate * schedule(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, sets)
    if terms:
        report(run, training, terms, sets)


def report(run: Run, training: Training, terms: dict[str, Tensor], sets: TrainingSets) -> None:
    """Log row with the held-out accuracy of the set with most classes, checkpoint."""
    student = copy.deepcopy(training.student).eval()
    held = sets.held["objects"]
    right = accuracy(student, held, sets.first["objects"], training.recipe.view)
    run.record(training.images, {name: value.item() for name, value in terms.items()} | {"objects_accuracy": right})
    run.plot()
    run.save(training.state())


@torch.no_grad()
def accuracy(student: Student, held: Pictures, first: int, size: int, most: int = 400) -> float:
    """Share of held-out pictures whose class scores highest among the classes of its set, seen whole at `size` px."""
    keep = slice(None, None, max(1, len(held) // most))
    x = F.interpolate(to_unit(held.images[keep]), (size, size), mode="bilinear", antialias=True)
    scores = torch.cat([student(part)[1] for part in x.to(student.classifier.weight.device).split(32)]).cpu()
    guess = scores[:, first : first + len(held.classes)].argmax(dim=1)
    return (guess == held.labels[keep]).float().mean().item()


def finish(recipe: Recipe, state: dict, sets: TrainingSets) -> tuple[Student, VGG]:
    """The averaged student of a checkpoint with batch statistics measured anew; and its VGG, folded and balanced."""
    student = Student(recipe, sets.classes)
    student.load_state_dict(state["ema"]["net"])
    stream = draw(sets, recipe, recipe.seed, torch.device("cpu"))
    settle_batch_norm(student, lambda: student(next(stream)[0]), passes=30)
    net = student.folded()
    balance(net, torch.cat([next(stream)[0] for _ in range(8)]))
    return student.requires_grad_(False), net


@torch.no_grad()
def balance(net: VGG, x: Tensor) -> None:
    """Scales every channel to a mean activation of 1 over the pictures x, and the next layer's weights by the inverse, which
    leaves what the net computes unchanged up to those scales (Gatys et al. 2016): no channel rules a Gram matrix by its scale.
    """
    h, earlier = ((x + 1) / 2 - net.mean) / net.std, None
    for layer in net.features:
        if not isinstance(layer, nn.Conv2d):
            h = layer(h)
            continue
        if earlier is not None:
            layer.weight.mul_(earlier[:, None, None])
        means = layer(h).relu().mean(dim=(0, 2, 3))
        earlier = means.clamp_min(0.05 * means.mean() + 1e-6)  # channels that hardly ever speak are not made to shout
        layer.weight.div_(earlier[:, None, None, None])
        layer.bias.div_(earlier)
        h = layer(h)


@torch.no_grad()
def score(student: Student, sets: TrainingSets, recipe: Recipe) -> dict[str, dict[str, float]]:
    """Accuracy on the held-out part of every labelled set, beside that of always naming its most frequent class."""
    result = {}
    for name, held in sets.held.items():
        if sets.first[name] != UNLABELLED:
            right = accuracy(student, held, sets.first[name], recipe.view, most=len(held))
            result[name] = {"accuracy": right, "commonest class": held.labels.bincount().max().item() / len(held)}
    return result


def shipped(filename: str, kwargs: Mapping) -> VGG:
    """A feature net from `weights/`, frozen; kwargs are the arguments of VGG."""
    net = VGG(**kwargs)
    net.load_state_dict(weights.read(weights.folder() / filename))
    return net.eval().requires_grad_(False)
