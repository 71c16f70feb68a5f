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
from ..losses import ADVERSARIAL, edge_aware_smoothness
from ..run import Run
from ..score.translation import score_directions
from ..spectra import checkerboard_penalty, power_spectrum
from .direction import Direction
from .domains import Batch, Pairs, draw, load_pairs
from .pairs import RECIPES as RECIPES
from .pairs import Recipe
from .supervision import StrokeSupervision

PRETRAINING_RATE = 2.0  # times the learning rate without discriminators: nothing can get out of balance
MAX_GRADIENT_NORM = 1.0  # of each net with stroke-render supervision, whose loss is large at first
INVERSE_ADVERSARIAL = 0.3  # weight of the adversarial loss when only the way back learns: at 1 it raises contrast too far
PREVIEWS = 6  # pictures of each domain


class Training:
    """Both directions and the two optimisers; `step` sees one batch of each domain."""

    def __init__(self, recipe: Recipe, device: torch.device):
        torch.manual_seed(recipe.seed)
        self.recipe, self.device, self.images, self.steps = recipe, device, 0, 0
        self.forth, self.back = (Direction(recipe, net, device) for net in recipe.nets)
        self.generators = _adam([self.forth.generator, self.back.generator], recipe.rate)
        self.discriminators = _adam([self.forth.discriminator, self.back.discriminator], recipe.rate)
        self.supervision = StrokeSupervision(recipe.renderer, _perceptual_network(recipe, device)) if recipe.renderer else None
        self.inverse_only = False  # whether only the way back learns, see Recipe.inverse_only_images

    def step(self, batch: Batch, rate: float) -> dict[str, Tensor]:
        """One update of the generators, at this learning rate, and one of the discriminators; returns the losses."""
        pretraining = self.images < self.recipe.pretrain_images
        for optimiser, factor in (
            (self.generators, PRETRAINING_RATE if pretraining else 1.0),
            (self.discriminators, self.recipe.ttur_ratio),
        ):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
        learn = self._pretrain_step if pretraining else self._inverse_only_step if self.inverse_only else self._adversarial_step
        terms = learn(batch)
        for direction in (self.back,) if self.inverse_only else (self.forth, self.back):
            direction.ema.update(direction.generator)
        self.images += len(batch.a)
        self.steps += 1
        return terms

    def _pretrain_step(self, batch: Batch) -> dict[str, Tensor]:
        """Stroke-render supervision alone: an update of the generators without discriminators."""
        given = with_input_noise(self.forth.generator, batch.a, seed=None)
        with devices.autocast(self.device, training=True):
            made_b = self.forth.generator(given)
        loss, terms = self.supervision.loss(batch.a, given, made_b, self._translated_back)
        _update(self.generators, self.recipe.supervision * loss, MAX_GRADIENT_NORM)
        zero = loss.new_zeros(())
        return {"adversarial": zero, "cycle": zero, **terms, "discriminator": zero}

    def _translated_back(self, paintings: Tensor) -> Tensor:
        with devices.autocast(self.device, training=True):
            return _translated(self.back.generator, paintings)

    def _inverse_only_step(self, batch: Batch) -> dict[str, Tensor]:
        """An update of the way back, and one of its discriminator."""
        recipe, back = self.recipe, self.back
        back.discriminator.requires_grad_(False)
        with devices.autocast(self.device, training=True), torch.no_grad():
            painted = _translated(self.forth.generator, batch.a).float()
        inverse, made = self.supervision.inverse_loss(batch.a, painted, self._translated_back), self._translated_back(batch.b)
        with devices.autocast(self.device, training=True):
            score = back.discriminator(diffaugment(made, recipe.augment))
        adversarial = ADVERSARIAL["lsgan"].generator(score.float())
        loss, terms = INVERSE_ADVERSARIAL * adversarial + inverse, {"adversarial": adversarial, "inverse": inverse}
        if recipe.checkerboard:
            terms["checkerboard"] = checkerboard_penalty(power_spectrum(made))
            loss = loss + recipe.checkerboard * terms["checkerboard"]
        if self.steps % recipe.lazy_interval == 0:
            loss = loss + recipe.lazy_interval * recipe.identity * F.l1_loss(self._translated_back(batch.a), batch.a)
        _update(self.generators, loss, MAX_GRADIENT_NORM)
        back.discriminator.requires_grad_(True)
        discriminator = self._discriminator_loss(back, batch.a, made, batch.b)
        _update(self.discriminators, discriminator)
        return {name: term.detach() for name, term in {**terms, "discriminator": discriminator}.items()}

    def _adversarial_step(self, batch: Batch) -> dict[str, Tensor]:
        terms, made_b, made_a = self._generator_step(batch)
        discriminator = self._discriminator_loss(self.forth, batch.b, made_b, batch.a)
        discriminator = discriminator + self._discriminator_loss(self.back, batch.a, made_a, batch.b)
        _update(self.discriminators, discriminator)
        return {**terms, "discriminator": discriminator.detach() / 2}

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

    def _generator_step(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """An update of the generators; the losses, and what the discriminators are to be shown, b and a."""
        recipe, forth, back, a, b = self.recipe, self.forth, self.back, batch.a, batch.b
        due = recipe.identity > 0 and self.steps % recipe.lazy_interval == 0
        for direction in (forth, back):
            direction.discriminator.requires_grad_(False)
        given, (made_b, made_a, *same) = self._translations(batch, same=due)
        with devices.autocast(self.device, training=True):
            scores = [d.discriminator(diffaugment(made, recipe.augment)) for d, made in ((forth, made_b), (back, made_a))]
        adversarial = sum(ADVERSARIAL["lsgan"].generator(score.float()) for score in scores)
        share = min(1.0, self.images / recipe.ramp) if recipe.ramp else 1.0
        cycle = self._cycle(batch, made_b, made_a)
        loss = recipe.adversarial * adversarial + share * recipe.cycle * cycle
        terms = {"adversarial": adversarial.detach() / 2, "cycle": cycle.detach() / 2}
        if same:
            loss = loss + share * recipe.lazy_interval * recipe.identity * (F.l1_loss(same[0], b) + F.l1_loss(same[1], a))
        if recipe.smoothness:
            uneven = edge_aware_smoothness(a, made_b) + edge_aware_smoothness(b, made_a)
            loss, terms["smoothness"] = loss + recipe.smoothness * uneven, uneven.detach() / 2
        if recipe.checkerboard:
            repeated = checkerboard_penalty(power_spectrum(made_b)) + checkerboard_penalty(power_spectrum(made_a))
            loss, terms["checkerboard"] = loss + recipe.checkerboard * repeated, repeated.detach() / 2
        if self.supervision:
            rendering, parts = self.supervision.loss(a, given, made_b, self._translated_back)
            loss, terms = loss + recipe.supervision * rendering, {**terms, **parts}
        _update(self.generators, loss, MAX_GRADIENT_NORM if self.supervision else None)
        for direction in (forth, back):
            direction.discriminator.requires_grad_(True)
        return terms, made_b, made_a

    def _cycle(self, batch: Batch, made_b: Tensor, made_a: Tensor) -> Tensor:
        """How far what comes back is from what was given, summed over both directions: a scalar."""
        with devices.autocast(self.device, training=True):
            again_a, again_b = _translated(self.back.generator, made_b), _translated(self.forth.generator, made_a)
        return F.l1_loss(again_a, batch.a) + F.l1_loss(again_b, batch.b)

    def _discriminator_loss(self, direction: Direction, real: Tensor, made: Tensor, given: Tensor) -> Tensor:
        """The discriminator's loss on real pictures and on made ones, new and from the pool; and, with `identity_negatives`, on
        what the new ones were made of."""
        count, fresh = self.recipe.discriminator_batch, real
        made = torch.cat([*direction.pool.sample(count - len(made)), direction.pool.query(made)])
        real = torch.cat([*direction.real_pool.sample(count - len(real)), real])
        direction.real_pool.query(fresh)
        if self.recipe.identity_negatives:
            made = torch.cat([made, given])
        with devices.autocast(self.device, training=True):
            seen = torch.cat([diffaugment(part, self.recipe.augment) for part in (real, made)])
            scores = direction.discriminator(seen.contiguous(memory_format=torch.channels_last)).float()
        return ADVERSARIAL["lsgan"].discriminator(*scores.split([len(real), len(made)]))

    def state(self) -> dict:
        """All but the image pools, which come back within a few steps."""
        return {
            "forth": self.forth.state(),
            "back": self.back.state(),
            "generators": self.generators.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "images": self.images,
            "steps": self.steps,
        }

    def restore(self, state: dict) -> None:
        for name in ("forth", "back"):
            getattr(self, name).restore(state[name])
        self.generators.load_state_dict(state["generators"])
        self.discriminators.load_state_dict(state["discriminators"])
        self.images, self.steps = state["images"], state["steps"]


def _perceptual_network(recipe: Recipe, device: torch.device) -> VGG:
    """The pretrained net of the held-out figures and, in some recipes, of a loss."""
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


def linear_decay(progress: float) -> float:
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
        training.inverse_only = training.images >= images - recipe.inverse_only_images
        terms = training.step(next(stream), recipe.rate * linear_decay(training.images / images))
        if training.images >= next_report:
            next_report += every
            report(run, training, terms, pairs)
    if terms:
        report(run, training, terms, pairs)
    return training


def report(run: Run, training: Training, terms: dict[str, Tensor], pairs: Pairs) -> None:
    """Log row with figures of held-out pictures, checkpoint, preview: real, translated, and back, for either direction."""
    recipe = training.recipe
    network = _perceptual_network(recipe, training.device)
    nets = [direction.ema.net for direction in (training.forth, training.back)]
    scores = score_directions(*nets, pairs.held_a, pairs.held_b, network, most=48)
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
    forth, back = training.forth.ema.net, training.back.ema.net
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
        net.load_state_dict(state[name]["ema"]["net"])
        nets.append(net.to(memory_format=torch.channels_last))
    return nets[0], nets[1]
