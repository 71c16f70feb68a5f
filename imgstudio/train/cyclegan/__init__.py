"""Trains CycleGAN (Zhu et al. 2017, arXiv:1703.10593): two generators, there and back, from two heaps of unrelated pictures.

python -m imgstudio train cyclegan/daisy2sunflower --data DATA_FOLDER --images 29300
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import device as devices
from ...models.resnet_generator import ResnetGenerator
from ...models.vgg import VGG
from ...ops.translation import with_input_noise
from ..data import to_unit
from ..features import shipped
from ..gan.augment import diffaugment
from ..losses import ADVERSARIAL, uneven_change
from ..run import Run
from ..score.translation import score_directions
from ..spectra import peaks, power
from .direction import Direction
from .domains import Batch, Pairs, draw, load_pairs
from .pairs import RECIPES as RECIPES
from .pairs import Recipe
from .supervision import Practice

PACE = 2.0  # times the learning rate while no critic is asked: nothing can get out of balance
LONGEST = 1.0  # gradient of each net beside a painter's lessons, which ask for much at first
GENTLY = 0.3  # weight of the critic beside homework: at 1 it asks for contrast, and takes things farther from photographs
PREVIEWS = 6  # pictures of each domain


class Training:
    """Both directions and the two optimisers; `step` sees one batch of each domain."""

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images, self.steps = recipe, device, 0, 0
        self.forth, self.back = (Direction(recipe, net, device) for net in recipe.nets)
        self.generators = _adam([self.forth.generator, self.back.generator], recipe.rate)
        self.critics = _adam([self.forth.critic, self.back.critic], recipe.rate)
        self.practice = Practice(recipe.painter, _eye(recipe, device)) if recipe.painter else None
        self.at_home = False  # whether only the way back learns, see Recipe.homework

    def step(self, batch: Batch, rate: float) -> dict[str, Tensor]:
        """One update of the generators, at this learning rate, and one of the critics; returns the losses."""
        alone = self.images < self.recipe.alone
        for optimiser, pace in ((self.generators, PACE if alone else 1.0), (self.critics, self.recipe.lead)):
            for group in optimiser.param_groups:
                group["lr"] = rate * pace
        learn = self._practise if alone else self._do_homework if self.at_home else self._play
        terms = learn(batch)
        for direction in (self.back,) if self.at_home else (self.forth, self.back):
            direction.average.update(direction.generator)
        self.images += len(batch.a)
        self.steps += 1
        return terms

    def _practise(self, batch: Batch) -> dict[str, Tensor]:
        """An update of the generators by what a painter of rules makes of the photographs, and no critic."""
        given = with_input_noise(self.forth.generator, batch.a, seed=None)
        with devices.autocast(self.device, training=True):
            made_b = self.forth.generator(given)
        loss, terms = self.practice.lesson(batch.a, given, made_b, self._home)
        _update(self.generators, self.recipe.taught * loss, LONGEST)
        zero = loss.new_zeros(())
        return {"adversarial": zero, "cycle": zero, **terms, "critic": zero}

    def _home(self, paintings: Tensor) -> Tensor:
        with devices.autocast(self.device, training=True):
            return _translated(self.back.generator, paintings)

    def _do_homework(self, batch: Batch) -> dict[str, Tensor]:
        """An update of the way back, and one of its critic."""
        recipe, back = self.recipe, self.back
        back.critic.requires_grad_(False)
        with devices.autocast(self.device, training=True), torch.no_grad():
            painted = _translated(self.forth.generator, batch.a).float()
        sees, made = self.practice.seen_through(batch.a, painted, self._home), self._home(batch.b)
        with devices.autocast(self.device, training=True):
            score = back.critic(diffaugment(made, recipe.augment))
        adversarial = ADVERSARIAL["lsgan"].generator(score.float())
        loss, terms = GENTLY * adversarial + sees, {"adversarial": adversarial, "sees": sees}
        if recipe.mesh:
            terms["mesh"] = peaks(power(made))
            loss = loss + recipe.mesh * terms["mesh"]
        if self.steps % recipe.lazy == 0:
            loss = loss + recipe.lazy * recipe.identity * F.l1_loss(self._home(batch.a), batch.a)
        _update(self.generators, loss, LONGEST)
        back.critic.requires_grad_(True)
        critic = self._judge(back, batch.a, made, batch.b)
        _update(self.critics, critic)
        return {name: term.detach() for name, term in {**terms, "critic": critic}.items()}

    def _play(self, batch: Batch) -> dict[str, Tensor]:
        terms, made_b, made_a = self._generate(batch)
        critic = self._judge(self.forth, batch.b, made_b, batch.a) + self._judge(self.back, batch.a, made_a, batch.b)
        _update(self.critics, critic)
        return {**terms, "critic": critic.detach() / 2}

    def _translations(self, batch: Batch, *, same: bool) -> tuple[Tensor, list[Tensor]]:
        """a as it is given to a net; and what the nets make of the other domain, b and a; and with `same`, in the same passes,
        of their own."""
        net_b, net_a = self.forth.generator, self.back.generator
        given = [with_input_noise(net, x, seed=None) for net, x in ((net_b, batch.a), (net_a, batch.b))]
        own = [with_input_noise(net, x, seed=None) for net, x in ((net_b, batch.b), (net_a, batch.a))] if same else []
        with devices.autocast(self.device, training=True):
            if not same:
                return given[0], [net(x) for net, x in zip((net_b, net_a), given)]
            both = [net(torch.cat(pair)).chunk(2) for net, pair in zip((net_b, net_a), zip(given, own))]
        return given[0], [made for made, _ in both] + [kept for _, kept in both]

    def _generate(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """An update of the generators; the losses, and what the critics are to judge, b and a."""
        recipe, forth, back, a, b = self.recipe, self.forth, self.back, batch.a, batch.b
        due = recipe.identity > 0 and self.steps % recipe.lazy == 0
        for direction in (forth, back):
            direction.critic.requires_grad_(False)
        given, (made_b, made_a, *same) = self._translations(batch, same=due)
        with devices.autocast(self.device, training=True):
            scores = [d.critic(diffaugment(made, recipe.augment)) for d, made in ((forth, made_b), (back, made_a))]
        adversarial = sum(ADVERSARIAL["lsgan"].generator(score.float()) for score in scores)
        share = min(1.0, self.images / recipe.ramp) if recipe.ramp else 1.0
        cycle = self._cycle(batch, made_b, made_a)
        loss = recipe.critics * adversarial + share * recipe.cycle * cycle
        terms = {"adversarial": adversarial.detach() / 2, "cycle": cycle.detach() / 2}
        if same:
            loss = loss + share * recipe.lazy * recipe.identity * (F.l1_loss(same[0], b) + F.l1_loss(same[1], a))
        if recipe.plain:
            uneven = uneven_change(a, made_b) + uneven_change(b, made_a)
            loss, terms["plain"] = loss + recipe.plain * uneven, uneven.detach() / 2
        if recipe.mesh:
            repeated = peaks(power(made_b)) + peaks(power(made_a))
            loss, terms["mesh"] = loss + recipe.mesh * repeated, repeated.detach() / 2
        if self.practice:
            lesson, seen = self.practice.lesson(a, given, made_b, self._home)
            loss, terms = loss + recipe.taught * lesson, {**terms, **seen}
        _update(self.generators, loss, LONGEST if self.practice else None)
        for direction in (forth, back):
            direction.critic.requires_grad_(True)
        return terms, made_b, made_a

    def _cycle(self, batch: Batch, made_b: Tensor, made_a: Tensor) -> Tensor:
        """How far what comes back is from what was given, summed over both directions: a scalar."""
        with devices.autocast(self.device, training=True):
            again_a, again_b = _translated(self.back.generator, made_b), _translated(self.forth.generator, made_a)
        return F.l1_loss(again_a, batch.a) + F.l1_loss(again_b, batch.b)

    def _judge(self, direction: Direction, real: Tensor, made: Tensor, given: Tensor) -> Tensor:
        """The critic's loss on real pictures and on made ones, new and remembered; and, with `originals`, on what the new ones
        were made of."""
        count, fresh = self.recipe.judged, real
        made = torch.cat([*direction.history.recalled(count - len(made)), direction.history.exchange(made)])
        real = torch.cat([*direction.shown.recalled(count - len(real)), real])
        direction.shown.exchange(fresh)
        if self.recipe.originals:
            made = torch.cat([made, given])
        with devices.autocast(self.device, training=True):
            seen = torch.cat([diffaugment(part, self.recipe.augment) for part in (real, made)])
            scores = direction.critic(seen.contiguous(memory_format=torch.channels_last)).float()
        return ADVERSARIAL["lsgan"].discriminator(*scores.split([len(real), len(made)]))

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


def _eye(recipe: Recipe, device: torch.device) -> VGG:
    """The pretrained net that scores the pictures and, in some recipes, teaches."""
    return shipped(recipe.features, {"widths": recipe.widths}).to(device=device, memory_format=torch.channels_last)


def _adam(nets: list[nn.Module], rate: float) -> torch.optim.Adam:
    return torch.optim.Adam([{"params": net.parameters()} for net in nets], rate, betas=(0.5, 0.999), fused=True)


def _translated(generator: ResnetGenerator, x: Tensor) -> Tensor:
    return generator(with_input_noise(generator, x, seed=None))


def _update(optimiser: torch.optim.Optimizer, loss: Tensor, most: float | None = None) -> None:
    """One step down the loss; `most` limits the length of each net's gradient."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if most:
        for group in optimiser.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], most)
    optimiser.step()


def falling(progress: float) -> float:
    """Learning rate factor of the paper: full for the first half, then down to 0 in a straight line."""
    return min(1.0, max(0.01, 2 * (1 - progress)))


def train(recipe: Recipe, data: Path, folder: Path, *, images: int, every: int = 2_000) -> Training:
    """Runs or resumes `recipe` in `folder` until `images` pictures of each domain were seen."""
    device = devices.pick()
    run, pairs = Run(folder), load_pairs(recipe, data)
    training = Training(recipe, device)
    if state := run.load():
        training.restore(state)
    stream = draw(pairs, recipe, recipe.seed + training.images, device)
    next_report, terms = training.images + every, {}
    while training.images < images and not run.stopping:
        training.at_home = training.images >= images - recipe.homework
        terms = training.step(next(stream), recipe.rate * falling(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, pairs)
    if terms:
        report(run, training, terms, pairs)
    return training


def report(run: Run, training: Training, terms: dict[str, Tensor], pairs: Pairs) -> None:
    """Log row with figures of held-out pictures, checkpoint, preview: real, translated, and back, for either direction."""
    recipe = training.recipe
    judge = _eye(recipe, training.device)
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
        with devices.autocast(training.device, training=True):
            made = there(with_input_noise(there, real).contiguous(memory_format=torch.channels_last))
            rows += [real, made, home(with_input_noise(home, made))]
    return torch.cat(rows)


def finished(recipe: Recipe, state: dict) -> tuple[ResnetGenerator, ResnetGenerator]:
    """The averaged generators of a checkpoint, there and back, frozen."""
    nets = []
    for name, layout in zip(("forth", "back"), recipe.nets):
        net = ResnetGenerator(**layout).eval().requires_grad_(False)
        net.load_state_dict(state[name]["average"]["net"])
        nets.append(net.to(memory_format=torch.channels_last))
    return nets[0], nets[1]
