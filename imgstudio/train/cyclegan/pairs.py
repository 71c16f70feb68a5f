"""What decides the result of a CycleGAN beside its code: the recipes of the pairs that this project trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .domains import APPLES, DAISIES, PAINTINGS, PHOTOGRAPHS, SUNFLOWERS, TOMATOES, Domain
from .renderer import StrokeRenderer


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run gives, apart from its length."""

    a: Domain
    b: Domain
    inverse: str  # name of the model of the way back
    net: Mapping = field(default_factory=lambda: {"channels": 32, "blocks": 6, "skip": True})  # of ResnetGenerator
    inverse_net: Mapping | None = None  # of the way back, where it differs from `net`
    discriminator: Mapping = field(default_factory=lambda: {"channels": 48, "layers": 3})  # of PatchGAN
    pixels: int = 144  # side that pictures are kept at
    view: int = 112  # side that the nets see in training
    batch: int = 4
    rate: float = 2e-4
    ttur_ratio: float = 1.0  # learning rate of the discriminators over the generators' (TTUR, Heusel et al. 2017)
    ema_horizon: int = 500  # steps over which old weights fade

    # Losses. The adversarial one counts half a mean square: 5 of `cycle` are the paper's 10, 2.5 of `identity` its 5.
    adversarial: float = 1.0  # weight of the adversarial loss
    cycle: float = 5.0  # weight of the cycle-consistency loss; less of it allows a plainer change
    identity: float = 1.0  # weight of the identity loss, which keeps the colours
    lazy_interval: int = 4  # lazy regularisation: identity loss in one step of so many, with as many times the weight
    ramp: int = 4_000  # pictures over which cycle and identity rise: a net with `skip` begins at their optimum and would stay
    checkerboard: float = 0.0  # weight of spectra.checkerboard_penalty, against a weave in place of strokes
    smoothness: float = 0.0  # weight of losses.edge_aware_smoothness, against patterns on plain grounds

    # Stroke-render supervision, for photographs to paintings.
    renderer: StrokeRenderer | None = None  # its paintings of photographs are targets there, and inputs of the way back
    supervision: float = 1.0  # weight of either
    pretrain_images: int = 0  # pictures with this loss alone, before adversarial and cycle losses join
    inverse_only_images: int = 0  # last pictures of a run, in which only the way back learns, without a cycle loss

    # What the discriminators are shown.
    pool_size: int = 50  # translated pictures of earlier steps that are kept (image pool, Shrivastava et al. 2017)
    discriminator_batch: int = 0  # pictures of either kind a step, those beyond a batch from the pool; 0 for a batch
    identity_negatives: bool = False  # the untranslated other domain counts as fake, too
    augment: bool = False  # random shifts, for small sets (DiffAugment)

    # The data.
    sky_share: float | None = None  # of pictures with a blue sky in either domain; None for as they come
    rotate: bool = False  # views are turned by random right angles
    held_out_groups: tuple[str, ...] = ()  # names that contain one of these are held out, beside one name in ten
    features: str = "features-vgg-small.safetensors"  # in `weights/`: the perceptual network, also of the held-out figures
    widths: tuple[int, ...] = (32, 64, 128, 256, 256)  # of that network
    seed: int = 0

    @property
    def nets(self) -> tuple[Mapping, Mapping]:
        """Arguments of the nets there and back."""
        return self.net, self.net if self.inverse_net is None else self.inverse_net

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(source.file for source in (*self.a, *self.b)))


PAINTS = {"channels": 32, "blocks": 6, "skip": True, "norm": "none", "unet_skips": True}

RECIPES = {
    # Stroke-render supervision first: discriminators alone accept a speckle or a weave as strokes long before they ask for
    # strokes that follow a shape. The net that paints draws them from LIC noise; the way back needs less noise.
    "cyclegan/photo2painting": Recipe(
        a=PHOTOGRAPHS,
        b=PAINTINGS,
        inverse="cyclegan/painting2photo",
        net=PAINTS | {"noise_std": 0.12, "per_channel_noise": True, "lic_length": 8.0},
        inverse_net=PAINTS | {"noise_std": 0.05},
        discriminator={"channels": 48, "layers": 3, "norm": "none"},
        view=96,
        renderer=StrokeRenderer(),
        supervision=0.5,
        pretrain_images=4_600,
        inverse_only_images=2_300,
        identity=0.2,
        cycle=0.5,
        ramp=0,
        adversarial=1.4,
        checkerboard=20.0,
        identity_negatives=True,
        ttur_ratio=0.8,
        pool_size=100,
        discriminator_batch=8,
        augment=True,
        rate=2.5e-4,
    ),
    # Discriminators with instance norm lose the mean colour of a picture, and petals that fill it stay white; nets that see
    # 128 px of a flower for which 64 are enough turn some petals of it and not the others.
    "cyclegan/daisy2sunflower": Recipe(
        a=DAISIES,
        b=SUNFLOWERS,
        inverse="cyclegan/sunflower2daisy",
        net={"channels": 32, "blocks": 6, "skip": True, "antialias": True, "input_size": 72},
        discriminator={"channels": 48, "layers": 3, "norm": "none"},
        pixels=72,
        view=64,
        rotate=True,
        identity_negatives=True,
        ttur_ratio=1.5,
        augment=True,
        cycle=0.5,
        identity=0.15,
        ramp=0,
        adversarial=1.5,
        smoothness=2.0,
        sky_share=0.05,
        rate=3e-4,
    ),
    "cyclegan/apple2tomato": Recipe(
        a=APPLES,
        b=TOMATOES,
        inverse="cyclegan/tomato2apple",
        net={"channels": 32, "blocks": 6, "skip": True, "input_size": 64},
        discriminator={"channels": 48, "layers": 2},
        pixels=64,
        view=64,
        identity=0.5,
        held_out_groups=("Apple_Pink_Lady_1", "Tomato_Heart_1"),
    ),
}
