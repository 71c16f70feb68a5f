"""Trains feed-forward style transfer nets (Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155), one painting each.

python -m imgstudio train fast/starry-night --data DATA_FOLDER --images 8000
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ... import device as devices
from ... import weights
from ...errors import StudioError
from ...models.transformer_net import TransformerNet
from ...ops import style as ops
from ..data import Pictures, split, to_unit
from ..features import shipped
from ..features.scenes import members, random_views, read_crops
from ..run import EMA, Resumable, Run, schedule


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """painting: a file of `paintings.tar`; side: its shorter side while the net learns from it, which sets the size of the
    strokes; weights: as in optimisation, whose losses these are; after: the model whose trained net is the start;
    ramp: photographs over which the style's weight rises to its full value, while a new net learns to draw at all."""

    painting: str
    side: int = 360
    weights: ops.Weights = ops.Weights(style=0.3, tv=6.0)  # noqa: RUF009
    after: str | None = None
    ramp: int = 2500
    net: Mapping = field(default_factory=lambda: {"width": 24})
    features: str = "features-vgg-small.safetensors"  # in `weights/`: the perceptual network
    widths: tuple[int, ...] = (32, 64, 128, 256, 256)
    pixels: int = 256
    view: int = 160
    batch: int = 1
    rate: float = 1e-3
    ema_horizon: int = 200
    seed: int = 0


RECIPES = {
    "fast/starry-night": Recipe(painting="styles/0001.jpg"),
    "fast/great-wave": Recipe(painting="styles/0007.jpg", after="fast/starry-night", ramp=1),
    "fast/scream": Recipe(painting="styles/0008.jpg", after="fast/starry-night", ramp=1),
    "fast/composition-vii": Recipe(painting="styles/0009.jpg", after="fast/starry-night", ramp=1),
    "fast/udnie": Recipe(painting="styles/0021.jpg", after="fast/starry-night", ramp=1),
    "fast/woman-with-a-hat": Recipe(painting="styles/0019.jpg", after="fast/starry-night", ramp=1),
}

FILES = ("paintings.tar", "photos512.tar", "flowers256.tar")

OFFSETS = 8  # pixels: the grid of the perceptual network's coarsest layer


def load_painting(recipe: Recipe, data: Path) -> Tensor:
    """The painting [1, 3, H, W] in [-1, 1], its shorter side brought to `recipe.side` px."""
    found = dict(members(data / "paintings.tar", recipe.painting))
    if recipe.painting not in found:
        raise StudioError(f"{recipe.painting} is not in paintings.tar: get the data of this version.")
    painting = found[recipe.painting]
    scale = recipe.side / min(painting.size)
    size = (round(painting.width * scale), round(painting.height * scale))
    pixels = np.array(painting.resize(size, Image.Resampling.LANCZOS))  # H,W,3
    return to_unit(torch.from_numpy(pixels).permute(2, 0, 1)[None])


def load_data(recipe: Recipe, data: Path) -> tuple[Pictures, Pictures]:
    """Training and held-out crops of photographs: landscapes, cities, animals, flowers."""
    photographs = read_crops(data / "photos512.tar", recipe.pixels, pixels_each=16_000, most=24)
    flowers = read_crops(data / "flowers256.tar", recipe.pixels, most=1)
    (train, held), (more, _) = split(photographs), split(flowers)
    images = torch.cat([train.images, more.images])
    return Pictures(images, torch.zeros(len(images), dtype=torch.long), ("",), train.names + more.names), held


def draw(pictures: Pictures, recipe: Recipe, seed: int, device: torch.device) -> Iterator[Tensor]:
    """Endless batches of random views [N, 3, S, S] in [-1, 1]."""
    torch.manual_seed(seed)
    while True:
        images = pictures.images[torch.randint(len(pictures), (recipe.batch,))]
        views = random_views(to_unit(images, device), recipe.view, smallest=0.7)
        yield views.contiguous(memory_format=torch.channels_last)


class Training(Resumable):
    """Net, its average, the perceptual network with the painting's Gram matrices, and optimiser; `step` sees one batch."""

    def __init__(self, recipe: Recipe, painting: Tensor, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images = recipe, device, 0
        self.net = TransformerNet(**recipe.net).to(device=device, memory_format=torch.channels_last)
        self.ema = EMA(self.net, recipe.ema_horizon)
        network = shipped(recipe.features, {"widths": recipe.widths})
        self.network = network.to(device=device, memory_format=torch.channels_last)
        self.goal = ops.style_goal(self.network, None, [painting.to(device)], [1.0], ops.default_layers(self.network))
        self.layers = ops.content_layers(self.network)
        self.optimiser = torch.optim.Adam(self.net.parameters(), recipe.rate, betas=(0.9, 0.99))

    def start_from(self, state: Mapping[str, Tensor]) -> None:
        """Takes over a net that was trained on another painting: most of what it can do is the same."""
        self.net.load_state_dict(state)
        self.ema = EMA(self.net, self.recipe.ema_horizon)

    def step(self, content: Tensor, rate: float) -> dict[str, Tensor]:
        """One update on contents [N, 3, H, W] in [-1, 1]; returns the terms of the loss.

        The perceptual network gets a random offset: with one pooling grid a net draws a checkerboard that pooling hides.
        """
        most = min(OFFSETS, content.shape[2] - self.network.smallest + 1)
        down, across = torch.randint(0, most, (2,)).tolist()
        with devices.autocast(self.device, training=True):
            with torch.no_grad():
                target = self.network(content[:, :, down:, across:], self.layers)
            picture = self.net(content)
            found = self.network(picture[:, :, down:, across:], [*self.goal.style, *self.layers])
        terms = {
            "content": torch.stack([ops.content_loss(found[name], target[name]) for name in self.layers]).mean(),
            "style": torch.stack([self._style(found, i) for i in range(len(content))]).mean(),
            "tv": ops.total_variation(picture),
        }
        weights = self.recipe.weights
        loss = ops.weighted(terms, replace(weights, style=weights.style * min(1.0, 0.02 + self.images / self.recipe.ramp)))
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.ema.update(self.net)
        self.images += len(content)
        return {name: term.detach() for name, term in terms.items()}

    def _style(self, found: Mapping[str, Tensor], i: int) -> Tensor:
        """The style loss of picture i of a batch."""
        goals, shares = self.goal.style, self.goal.shares
        return sum(shares[name] * ops.style_loss(found[name][i : i + 1], goals[name]) for name in goals)


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 800) -> TransformerNet:
    """Runs or resumes `recipe` in `folder` until `images` photographs were seen. Returns the averaged net."""
    device, run = devices.pick(), Run(folder)
    training = Training(recipe, load_painting(recipe, data), device)
    if state := run.load():
        training.restore(state)
    elif recipe.after:
        training.start_from(weights.read(weights.folder() / f"{recipe.after.replace('/', '-')}.safetensors"))
    pictures, held = load_data(recipe, data)
    stream = draw(pictures, recipe, recipe.seed + training.images, device)
    next_report, terms = training.images + every, {}
    while training.images < images and not run.stopping:
        terms = training.step(next(stream), recipe.rate * schedule(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, held)
    if terms:
        report(run, training, terms, held)
    return training.ema.net


@torch.no_grad()
def report(run: Run, training: Training, terms: dict[str, Tensor], held: Pictures) -> None:
    """Log row, preview of held-out photographs above their restyled versions, checkpoint."""
    run.record(training.images, {name: value.item() for name, value in terms.items()})
    content = to_unit(held.images[:: max(1, len(held) // 4)][:4], training.device)
    with devices.autocast(training.device, training=True):
        pictures = training.ema.net(content)
    run.preview(training.images, torch.cat([content, pictures]), columns=4)
    run.plot()
    run.save(training.state())
