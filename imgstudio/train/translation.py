"""Trains CycleGAN (Zhu et al. 2017, arXiv:1703.10593): two generators, there and back, from two heaps of unrelated pictures.

python -m imgstudio train cyclegan/daisy2sunflower --data DATA_FOLDER --images 60000
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import device as devices
from ..models.patchgan import PatchGAN
from ..models.resnet_generator import ResnetGenerator
from .augment import diffaugment
from .data import to_unit
from .domains import APPLES, DAISIES, PAINTINGS, PHOTOGRAPHS, SUNFLOWERS, TOMATOES, Domain, Pairs, draw, load_pairs
from .features import shipped
from .losses import ADVERSARIAL
from .run import Run, WeightAverage
from .score_translation import score_directions


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """a, b: the two domains; inverse: the model that leads back.

    cycle:    weight of the way there and back, mean absolute error; the adversarial loss counts half a mean square, so that 5
              here is the paper's 10. Less of it allows a plainer change.
    identity: weight of leaving alone what is of the target domain already, which keeps the colours; the paper's 5 is 2.5 here.
    ramp:     pictures over which both weights rise to their full value. A net with `skip` begins at the identity, which is
              perfect in either respect, and would stay there.
    lazy:     identity is looked at in one step of so many, with as many times the weight: it is a quarter of the work.
    pool:     translated pictures of earlier steps that the critics are reminded of (Shrivastava et al. 2017).
    augment:  changes of what the critics see, for small sets (see augment.POLICIES).
    """

    a: Domain
    b: Domain
    inverse: str
    net: Mapping = field(default_factory=lambda: {"channels": 32, "blocks": 6, "skip": True})
    critic: Mapping = field(default_factory=lambda: {"channels": 48, "layers": 3})
    pixels: int = 144  # side that pictures are kept at
    view: int = 112  # side that the nets see in training
    batch: int = 4
    cycle: float = 5.0
    identity: float = 1.0
    ramp: int = 4_000
    lazy: int = 4
    pool: int = 50
    augment: tuple[str, ...] = ()
    rate: float = 2e-4
    average: int = 500  # horizon of the weight average, in steps
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    features: str = "features-vgg-small.safetensors"  # in `weights/`: the judge of the held-out figures
    widths: tuple[int, ...] = (32, 64, 128, 256, 256)
    seed: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(source.file for source in (*self.a, *self.b)))


RECIPES = {
    # A net that is given the picture itself stays there, and one that is given nothing loses the colours.
    "cyclegan/photo2painting": Recipe(
        a=PHOTOGRAPHS,
        b=PAINTINGS,
        inverse="cyclegan/painting2photo",
        net={"channels": 32, "blocks": 6, "skip": True, "blur": 9},
        cycle=4.0,
        ramp=0,
    ),
    "cyclegan/daisy2sunflower": Recipe(
        a=DAISIES,
        b=SUNFLOWERS,
        inverse="cyclegan/sunflower2daisy",
        view=128,
        augment=("translation", "cutout"),
        identity=0.5,
    ),
    "cyclegan/apple2tomato": Recipe(
        a=APPLES,
        b=TOMATOES,
        inverse="cyclegan/tomato2apple",
        pixels=64,
        view=64,
        critic={"channels": 48, "layers": 2},
        identity=0.5,
        held_out_groups=("Apple_Pink_Lady_1", "Tomato_Heart_1"),
    ),
}

PREVIEWS = 6  # pictures of each domain


class History:
    """The last `size` pictures a generator made, to show its critic: half of a batch comes from earlier steps."""

    def __init__(self, size: int):
        self.size = size
        self.kept: list[Tensor] = []

    def exchange(self, pictures: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] -> as many; each with even odds itself, or an earlier one whose place it takes."""
        given = []
        for picture in pictures.detach().split(1):
            if len(self.kept) < self.size:
                self.kept.append(picture)
            elif torch.rand(()) < 0.5:
                place = int(torch.randint(self.size, ()))
                picture, self.kept[place] = self.kept[place], picture
            given.append(picture)
        return torch.cat(given)


class Direction:
    """The way into one domain: the generator that makes its pictures, its average, and the critic that knows real ones."""

    def __init__(self, recipe: Recipe, device: torch.device):
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = ResnetGenerator(**recipe.net).to(**layout)
        self.critic = PatchGAN(**recipe.critic).to(**layout)
        self.average = WeightAverage(self.generator, recipe.average)
        self.history = History(recipe.pool)

    def state(self) -> dict:
        nets = {"generator": self.generator.state_dict(), "critic": self.critic.state_dict()}
        return {**nets, "average": self.average.state()}

    def restore(self, state: dict) -> None:
        self.generator.load_state_dict(state["generator"])
        self.critic.load_state_dict(state["critic"])
        self.average.restore(state["average"])


class Training:
    """Both directions and the two optimisers; `step` sees one batch of each domain."""

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images, self.steps = recipe, device, 0, 0
        self.forth, self.back = Direction(recipe, device), Direction(recipe, device)
        self.generators = _adam([self.forth.generator, self.back.generator], recipe.rate)
        self.critics = _adam([self.forth.critic, self.back.critic], recipe.rate)

    def step(self, a: Tensor, b: Tensor, rate: float) -> dict[str, Tensor]:
        """One update of the generators and one of the critics on pictures [N, 3, S, S] in [-1, 1]; returns the losses."""
        for optimiser in (self.generators, self.critics):
            optimiser.param_groups[0]["lr"] = rate
        terms, made_b, made_a = self._generate(a, b)
        critic = self._judge(self.forth, b, made_b) + self._judge(self.back, a, made_a)
        _update(self.critics, critic)
        for direction in (self.forth, self.back):
            direction.average.update(direction.generator)
        self.images += len(a)
        self.steps += 1
        return {**terms, "critic": critic.detach() / 2}

    def _generate(self, a: Tensor, b: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        recipe, forth, back = self.recipe, self.forth, self.back
        same = recipe.identity > 0 and self.steps % recipe.lazy == 0
        for direction in (forth, back):
            direction.critic.requires_grad_(False)
        with devices.autocast(self.device):
            made_b, same_b = _both(forth.generator, a, b if same else None)
            made_a, same_a = _both(back.generator, b, a if same else None)
            again_a, again_b = back.generator(made_b), forth.generator(made_a)
            scores = [d.critic(diffaugment(made, recipe.augment)) for d, made in ((forth, made_b), (back, made_a))]
        adversarial = sum(ADVERSARIAL["lsgan"].generator(score.float()) for score in scores)
        cycle = F.l1_loss(again_a, a) + F.l1_loss(again_b, b)
        share = min(1.0, self.images / recipe.ramp) if recipe.ramp else 1.0
        loss = adversarial + share * recipe.cycle * cycle
        terms = {"adversarial": adversarial.detach() / 2, "cycle": cycle.detach() / 2}
        if same:
            loss = loss + share * recipe.lazy * recipe.identity * (F.l1_loss(same_a, a) + F.l1_loss(same_b, b))
        _update(self.generators, loss)
        for direction in (forth, back):
            direction.critic.requires_grad_(True)
        return terms, made_b, made_a

    def _judge(self, direction: Direction, real: Tensor, made: Tensor) -> Tensor:
        """The critic's loss on real pictures and on made ones, new and remembered."""
        made = direction.history.exchange(made)
        with devices.autocast(self.device):
            seen = torch.cat([diffaugment(part, self.recipe.augment) for part in (real, made)])
            scores = direction.critic(seen.contiguous(memory_format=torch.channels_last)).float()
        return ADVERSARIAL["lsgan"].discriminator(*scores.split(len(real)))

    def state(self) -> dict:
        """All but the remembered pictures, which come back within a few steps."""
        return {
            "forth": self.forth.state(),
            "back": self.back.state(),
            "generators": self.generators.state_dict(),
            "critics": self.critics.state_dict(),
            "images": self.images,
            "steps": self.steps,
        }

    def restore(self, state: dict) -> None:
        for name in ("forth", "back"):
            getattr(self, name).restore(state[name])
        self.generators.load_state_dict(state["generators"])
        self.critics.load_state_dict(state["critics"])
        self.images, self.steps = state["images"], state["steps"]


def _adam(nets: list[nn.Module], rate: float) -> torch.optim.Adam:
    return torch.optim.Adam([p for net in nets for p in net.parameters()], rate, betas=(0.5, 0.999), fused=True)


def _both(generator: ResnetGenerator, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """What the generator makes of x, and in the same pass of y if there is one."""
    if y is None:
        return generator(x), None
    return generator(torch.cat([x, y])).split([len(x), len(y)])


def _update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def falling(progress: float) -> float:
    """Learning rate factor of the paper: full for the first half, then down to 0 in a straight line."""
    return min(1.0, max(0.01, 2 * (1 - progress)))


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 2_000) -> Training:
    """Runs or resumes `recipe` in `folder` until `images` pictures of each domain were seen."""
    device = devices.pick()
    run, training = Run(folder), Training(recipe, device)
    if state := run.load():
        training.restore(state)
    pairs = load_pairs(recipe, data)
    stream = draw(pairs, recipe, recipe.seed + training.images, device)
    next_report, terms = training.images + every, {}
    while training.images < images and not run.stopping:
        terms = training.step(*next(stream), recipe.rate * falling(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, pairs)
    if terms:
        report(run, training, terms, pairs)
    return training


def report(run: Run, training: Training, terms: dict[str, Tensor], pairs: Pairs) -> None:
    """Log row with figures of held-out pictures, checkpoint, preview: real, translated, and back, for either direction."""
    recipe = training.recipe
    judge = shipped(recipe.features, {"widths": recipe.widths}).to(training.device)
    nets = [direction.average.net for direction in (training.forth, training.back)]
    scores = score_directions(*nets, pairs.held_a, pairs.held_b, judge, most=48)
    figures = {name: value.item() for name, value in terms.items()}
    for way, score in zip(("there", "back"), scores):
        figures |= {f"{way} {name}": value for name, value in score["translated"].items()}
    run.record(training.images, figures)
    run.preview(training.images, preview(training, pairs), columns=PREVIEWS)
    run.plot()
    run.save(training.state())


@torch.no_grad()
def preview(training: Training, pairs: Pairs) -> Tensor:
    """Rows of held-out pictures: a, translated, back again; b, translated, back again."""
    forth, back = training.forth.average.net, training.back.average.net
    rows = []
    for held, there, home in ((pairs.held_a, forth, back), (pairs.held_b, back, forth)):
        real = to_unit(held.images[:: max(1, len(held) // PREVIEWS)][:PREVIEWS], training.device)
        with devices.autocast(training.device):
            made = there(real.contiguous(memory_format=torch.channels_last))
            rows += [real, made, home(made)]
    return torch.cat(rows)


def finished(recipe: Recipe, state: dict) -> tuple[ResnetGenerator, ResnetGenerator]:
    """The averaged generators of a checkpoint, there and back, frozen."""
    nets = []
    for name in ("forth", "back"):
        net = ResnetGenerator(**recipe.net).eval().requires_grad_(False)
        net.load_state_dict(state[name]["average"]["net"])
        nets.append(net.to(memory_format=torch.channels_last))
    return nets[0], nets[1]
