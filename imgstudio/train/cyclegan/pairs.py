"""What decides the result of a CycleGAN beside its code: the recipes of the pairs that this project trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .domains import APPLES, DAISIES, PAINTINGS, PHOTOGRAPHS, SUNFLOWERS, TOMATOES, Domain
from .renderer import Painter


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """a, b: the two domains; inverse: the model that leads back.

    cycle:    weight of the way there and back, mean absolute error; the adversarial loss counts half a mean square, so that 5
              here is the paper's 10. Less of it allows a plainer change.
    identity: weight of leaving alone what is of the target domain already, which keeps the colours; the paper's 5 is 2.5 here.
    ramp:     pictures over which both weights rise to their full value. A net with `skip` begins at the identity, which is
              perfect in either respect, and would stay there.
    critics:  weight of getting past them.
    mesh:     weight of what repeats (spectra.peaks), against a weave in place of strokes.
    painter:  one of rules, for photographs to paintings: one net learns to paint as it does, stroke by stroke, and the other to
              see through what it and other hands have painted. Taught is what both weigh.
    alone:    pictures over which only that counts, before critics and cycle join.
    homework: last pictures of a run with a painter, in which only the way back learns, which has farther to go: by photographs
              that the finished net and other hands have painted, and by its critic; and free of the way there and back from a
              painting, which asks for strokes that can be found again.
    plain:    weight of a change that varies where the picture does not (losses.uneven_change): against meshes on plain grounds,
              and petals that are half yellow, half white.
    skies:    share of the pictures drawn from either domain that show a blue sky; None for as they come. Where one domain has
              more of them, the white petals of the other become skies.
    turns:    views are turned by random right angles: of a flower that looks up, lit from above, nets otherwise learn that its
              upper petals are others than its lower ones.
    lead:     learning rate of the critics, as a multiple of the generators' (Heusel et al. 2017).
    lazy:     identity is looked at in one step of so many, with as many times the weight: it is a quarter of the work.
    originals: critics are shown the other domain untranslated, too, as what theirs is not: where a generator has gone half of the
              way, they know from where to where it leads.
    pool:     translated pictures of earlier steps that the critics are reminded of (Shrivastava et al. 2017).
    judged:   pictures of either kind that a critic is shown in a step, those beyond a batch from the pool. Of four at a time
              a critic of paintings learns nothing; of sixteen it tells within a hundred steps a weave from strokes.
    augment:  random shifts of what the critics see, for small sets (DiffAugment).
    home:     arguments of the net of the way back, where they are others than those of `net`.
    """

    a: Domain
    b: Domain
    inverse: str
    net: Mapping = field(default_factory=lambda: {"channels": 32, "blocks": 6, "skip": True})
    home: Mapping | None = None
    critic: Mapping = field(default_factory=lambda: {"channels": 48, "layers": 3})
    pixels: int = 144  # side that pictures are kept at
    view: int = 112  # side that the nets see in training
    batch: int = 4
    cycle: float = 5.0
    identity: float = 1.0
    ramp: int = 4_000
    critics: float = 1.0
    mesh: float = 0.0
    painter: Painter | None = None
    taught: float = 1.0
    alone: int = 0
    homework: int = 0
    plain: float = 0.0
    skies: float | None = None
    turns: bool = False
    lead: float = 1.0
    lazy: int = 4
    originals: bool = False
    pool: int = 50
    judged: int = 0
    augment: bool = False
    rate: float = 2e-4
    average: int = 500  # horizon of the weight average, in steps
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    features: str = "features-vgg-small.safetensors"  # in `weights/`: the judge of the held-out figures
    widths: tuple[int, ...] = (32, 64, 128, 256, 256)
    seed: int = 0

    @property
    def nets(self) -> tuple[Mapping, Mapping]:
        """Arguments of the nets there and back."""
        return self.net, self.net if self.home is None else self.home

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(source.file for source in (*self.a, *self.b)))


PAINTS = {"channels": 32, "blocks": 6, "skip": True, "norm": "none", "unet_skips": True}

RECIPES = {
    # An apprenticeship first: critics alone take a speckle or a weave for strokes long before they ask for strokes that follow a
    # shape. The net that paints draws them from combed grain; the way back has nothing to draw, and needs less of it.
    "cyclegan/photo2painting": Recipe(
        a=PHOTOGRAPHS,
        b=PAINTINGS,
        inverse="cyclegan/painting2photo",
        net=PAINTS | {"noise_std": 0.12, "per_channel_noise": True, "lic_length": 8.0},
        home=PAINTS | {"noise_std": 0.05},
        critic={"channels": 48, "layers": 3, "norm": "none"},
        view=96,
        painter=Painter(),
        taught=0.5,
        alone=4_600,
        homework=2_300,
        identity=0.2,
        cycle=0.5,
        ramp=0,
        critics=1.4,
        mesh=20.0,
        originals=True,
        lead=0.8,
        pool=100,
        judged=8,
        augment=True,
        rate=2.5e-4,
    ),
    # Critics that norm away the mean colour of a picture let petals that fill it stay white; and nets that see 128 px of a
    # flower for which 64 are enough turn some petals of it and not the others.
    "cyclegan/daisy2sunflower": Recipe(
        a=DAISIES,
        b=SUNFLOWERS,
        inverse="cyclegan/sunflower2daisy",
        net={"channels": 32, "blocks": 6, "skip": True, "antialias": True, "input_size": 72},
        critic={"channels": 48, "layers": 3, "norm": "none"},
        pixels=72,
        view=64,
        turns=True,
        originals=True,
        lead=1.5,
        augment=True,
        cycle=0.5,
        identity=0.15,
        ramp=0,
        critics=1.5,
        plain=2.0,
        skies=0.05,
        rate=3e-4,
    ),
    "cyclegan/apple2tomato": Recipe(
        a=APPLES,
        b=TOMATOES,
        inverse="cyclegan/tomato2apple",
        net={"channels": 32, "blocks": 6, "skip": True, "input_size": 64},
        critic={"channels": 48, "layers": 2},
        pixels=64,
        view=64,
        identity=0.5,
        held_out_groups=("Apple_Pink_Lady_1", "Tomato_Heart_1"),
    ),
}
