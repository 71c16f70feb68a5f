"""Trains the decoder of AdaIN (Huang and Belongie 2017, arXiv:1703.06868) for the project's own feature net.

python -m imgstudio train adain/vgg-small --data DATA_FOLDER --images 60000
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import device as devices
from ... import weights
from ...metrics.restyling import relative
from ...models.adain import DEEP, MATCH, AdaIN
from ...ops import style as losses
from ..data import Pictures, split, to_unit
from ..features.scenes import FILES as FILES
from ..features.scenes import labelled, random_views, unlabelled
from ..run import EMA, Resumable, Run, schedule

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """net: arguments of AdaIN; contents and styles: how often each set is drawn as either; style: weight of the style loss;
    identity: weight of the reconstruction of pictures in their own style, which teaches the decoder to keep what is there;
    tv: weight of the total variation, against the checkerboard that a decoder fakes fine texture with;
    covariance: share of the steps in which features are aligned by whitening and colouring (WCT) in place of AdaIN: one decoder
    serves both;
    inversion: pictures at first that the decoder only learns to draw again from their features, at a third of the cost."""

    net: Mapping = field(default_factory=dict)
    features: str = "features-vgg-small.safetensors"  # in `weights/`: the encoder
    contents: Mapping[str, float] = field(default_factory=dict)
    styles: Mapping[str, float] = field(default_factory=dict)
    style: float = 6.0
    identity: float = 2.0
    tv: float = 8.0
    covariance: float = 0.4
    inversion: int = 10_000
    pixels: int = 144  # side that pictures are kept at
    view: int = 128  # side that the net sees in training
    batch: int = 8
    rate: float = 1e-3
    ema_horizon: int = 300
    seed: int = 0


RECIPES = {
    "adain/vgg-small": Recipe(
        net={"widths": (32, 64, 128, 256, 256)},
        contents={"photographs": 5, "objects": 2, "flowers": 2, "paintings": 1},
        styles={"paintings": 6, "textures": 2.5, "photographs": 1.5},
    )
}


def style_loss(found: Mapping[str, Tensor], goal: Mapping[str, Tensor]) -> Tensor:
    """Distance of means and covariances, as in optimisation; mean over layers and pictures.

    The paper compares deviations alone, and its decoder learns colours long before strokes.
    """
    terms = [
        losses.style_loss(f[i : i + 1], losses.moments([goal[name][i : i + 1]], [1.0]))
        for name, f in found.items()
        for i in range(len(f))
    ]
    return torch.stack(terms).mean()


def load_data(recipe: Recipe, data: Path) -> tuple[dict[str, Pictures], dict[str, Pictures]]:
    """Training and held-out part of every set that the recipe draws from."""
    wanted = {*recipe.contents, *recipe.styles}
    sets = {**labelled(data, recipe.pixels), **unlabelled(data, recipe.pixels)}
    parts = {name: split(pictures) for name, pictures in sets.items() if name in wanted}
    return {name: part[0] for name, part in parts.items()}, {name: part[1] for name, part in parts.items()}


def draw(sets: dict[str, Pictures], shares: Mapping[str, float], recipe: Recipe, device: torch.device) -> Iterator[Tensor]:
    """Endless batches of random views [N, 3, S, S] in [-1, 1]."""
    names, weight = list(shares), torch.tensor([float(share) for share in shares.values()])
    while True:
        chosen = [sets[names[k]] for k in torch.multinomial(weight, recipe.batch, replacement=True).tolist()]
        images = torch.stack([pictures.images[int(torch.randint(len(pictures), ()))] for pictures in chosen])
        views = random_views(to_unit(images, device), recipe.view, smallest=0.7)
        yield views.contiguous(memory_format=torch.channels_last)


class Training(Resumable):
    """Net, average of the decoder and optimiser; `step` sees one batch of contents and one of styles."""

    def __init__(self, recipe: Recipe, device: torch.device, encoder: Mapping[str, Tensor] | None = None):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images = recipe, device, 0
        self.net = AdaIN(**recipe.net).to(device=device, memory_format=torch.channels_last)
        if encoder is not None:
            wanted = self.net.encoder.state_dict()
            self.net.encoder.load_state_dict({key: value for key, value in encoder.items() if key in wanted})
        self.net.encoder.eval().requires_grad_(False)
        for layer in self.net.decoder.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        self.ema = EMA(self.net, recipe.ema_horizon)
        self.weight = {"content": 1.0, "style": recipe.style, "identity": recipe.identity, "tv": recipe.tv}
        self.optimiser = torch.optim.Adam(self.net.decoder.parameters(), recipe.rate, betas=(0.9, 0.99))

    def step(self, content: Tensor, style: Tensor, rate: float) -> dict[str, Tensor]:
        """One update on contents and styles [N, 3, S, S] in [-1, 1]; returns the terms of the loss."""
        invert = self.images < self.recipe.inversion
        terms = self._invert(torch.cat([content, style])) if invert else self._restyle(content, style)
        loss = sum(self.weight[name] * term for name, term in terms.items())
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.decoder.parameters(), 5.0)
        self.optimiser.step()
        self.ema.update(self.net)
        self.images += len(content) * (2 if invert else 1)
        return {name: terms[name].detach() if name in terms else loss.new_zeros(()) for name in self.weight}

    def _invert(self, x: Tensor) -> dict[str, Tensor]:
        """Pictures from their own features."""
        with devices.autocast(self.device, training=True):
            with torch.no_grad():
                features = self.net.encode(x)
            return {"identity": F.l1_loss(self.net.decode(features), x)}

    def _restyle(self, content: Tensor, style: Tensor) -> dict[str, Tensor]:
        """The losses of the paper; the last quarter of the batch is restyled in its own style.

        Every second time the encoder sees the picture shifted against its pooling grid: a decoder whose loss has one grid
        draws a pattern with the period of that grid, which pooling hides.
        """
        own = max(1, len(content) // 4)
        self.net.match = MATCH["covariance" if torch.rand(()) < self.recipe.covariance else "deviation"]
        style = torch.cat([style[:-own], content[-own:]])
        with torch.no_grad(), devices.autocast(self.device, training=True):
            goal = self.net.encoder(style, STYLE_LAYERS)
            wanted = self.net.pack(goal)
            target = self.net.align(torch.cat([self.net.encode(content[:-own]), wanted[-own:]]), wanted)
        shift = int(torch.randint(0, self.net.stride, ())) if self.images // len(content) % 2 else 0
        with devices.autocast(self.device, training=True):
            picture = self.net.decode(target)
            found = self.net.encoder(picture[:, :, shift:, shift:], STYLE_LAYERS)
        terms = {
            "style": style_loss(found, goal),
            "identity": F.l1_loss(picture[-own:], content[-own:]),
            "tv": losses.total_variation(picture),
        }
        if shift == 0:  # the target lies on the encoder's grid, and can't be compared off it
            terms["content"] = relative(found[DEEP], target[:, : found[DEEP].shape[1]])
        return terms


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 4_000) -> AdaIN:
    """Runs or resumes `recipe` in `folder` until `images` contents were seen. Returns the averaged net."""
    device = devices.pick()
    run = Run(folder)
    training = Training(recipe, device, weights.read(weights.folder() / recipe.features))
    if state := run.load():
        training.restore(state)
    sets, held = load_data(recipe, data)
    torch.manual_seed(recipe.seed + training.images)
    contents, styles = draw(sets, recipe.contents, recipe, device), draw(sets, recipe.styles, recipe, device)
    next_report, terms = training.images + every, {}
    while training.images < images and not run.stopping:
        terms = training.step(next(contents), next(styles), recipe.rate * schedule(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, held)
    if terms:
        report(run, training, terms, held)
    return training.ema.net


@torch.no_grad()
def report(run: Run, training: Training, terms: dict[str, Tensor], held: dict[str, Pictures]) -> None:
    """Log row, preview of held-out pictures (rows of styles, contents, results), checkpoint."""
    run.record(training.images, {name: value.item() for name, value in terms.items()})
    content = to_unit(held["photographs"].images[::30][:8], training.device)
    style = to_unit(held["paintings"].images[::60][:8], training.device)
    with devices.autocast(training.device, training=True):
        rows = [training.ema.net(content, style), training.ema.net(content, style.roll(3, dims=0))]
    run.preview(training.images, torch.cat([style, content, *(row.clamp(-1, 1) for row in rows)]))
    run.plot()
    run.save(training.state())
