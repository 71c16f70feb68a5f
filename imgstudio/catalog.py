"""The one table of every model. New weights for a known net are one entry here; nothing else has to change."""

from __future__ import annotations

from dataclasses import replace

from . import credits
from .catalog_hub import HUB, overridden
from .catalog_own import canvas, fast, flower, fruit, own
from .checks import check_choice, unknown
from .errors import StudioError
from .spec import TASKS, Direction, Formula, Spec, Task

_WIDTHS = (32, 64, 128, 256, 256)

_VGG_SMALL = own(
    "features/vgg-small",
    "features",
    "Small VGG, trained here",
    "vgg:VGG",
    kwargs={"widths": _WIDTHS},
    sha256="14c72cdd49b7fda6476230c2297c2924b2b34f01ca6184677ec04ca3aa160f80",
    size=6477608,
    licence="CC-BY-SA-4.0",
    data=credits.SEEN,
    paper=credits.VGG,
)


_ANY = own(
    "adain/vgg-small",
    "stylize",
    "Any style, AdaIN",
    "adain:AdaIN",
    kwargs={"widths": _WIDTHS},
    sha256="ea2287ed26665b20681b22e7d8de1bed5fdb4385038025837c311db7a1cadb83",
    size=3807198,
    licence="CC-BY-SA-4.0",
    data=credits.SEEN,
    paper=credits.ADAIN,
)


_FILTERS = Spec(
    name="gabor/texture",
    task="segment",
    title="Gabor filters, nothing learned",
    build="imgstudio.models.gabor:Gabor",
    source=Formula(),
    size=0,
    licence="Apache-2.0",
    origin="a formula, written down by this project",
    data="none",
    paper=credits.GABOR,
)


SPECS: tuple[Spec, ...] = (
    own(
        "stylegan2/avatars",
        "sample",
        "Drawn heads, StyleGAN2, 128 px",
        "stylegan2:Generator",
        kwargs={"size": 128, "latent": 96, "offset": 96, "flow": {"width": 432, "depth": 3}},
        sha256="318f4012dc23cb93628f70bdb60c8d3d47ebba7c0de6c7b809490efc77ad81f9",
        size=9902116,
        licence="CC-BY-4.0",
        origin="trained by this project as a decoder, by latent distillation from the encoder of vae/avatars: a StyleGAN2 "
        "generator whose final training had no discriminator",
        data=credits.AVATARS,
        paper=credits.STYLEGAN,
        directions=(
            Direction(name="shorter hair", component=1, first=0, last=9),
            Direction(name="fuller hair", component=2, first=0, last=3),
            Direction(name="lighter", component=3, first=4, last=9),
            Direction(name="skin darker than hair", component=7, first=0, last=9),
            Direction(name="cooler hair", component=9, first=0, last=9),
        ),
    ),
    own(
        "dcgan/avatars",
        "sample",
        "Drawn heads, DCGAN, 64 px",
        "dcgan:Generator",
        kwargs={"size": 64},
        sha256="ec7264fdc47e9547324575d5f702c217f3084739376c77e505565c3b92cd753e",
        size=7618534,
        licence="CC-BY-4.0",
        data=credits.AVATARS,
        paper=credits.DCGAN,
    ),
    own(
        "dcgan/nouns",
        "sample",
        "Pixel-art characters, DCGAN, 64 px",
        "dcgan:Generator",
        kwargs={"size": 32, "pixel": 2},
        sha256="c361e956b6bfb2e52bbd29aee5493ea79d3199539ed0accd3872b41fc6e2631d",
        size=2371062,
        licence="CC0-1.0",
        data="Pixel-art characters: Nouns (CC0)",
        paper=credits.DCGAN,
    ),
    own(
        "cgan/fruits",
        "sample",
        "Fruits, conditional GAN, 64 px",
        "dcgan:Generator",
        kwargs={
            "latent": 96,
            "size": 64,
            "channels": 48,
            "classes": 3,
            "smooth": 2,
            "flow": {"width": 640, "depth": 4},
        },
        sha256="444c6cfa197c538a40ac094b0d0aed709a134ffd243d538ad0e5ec6c8f6c0527",
        size=9044806,
        licence="CC-BY-SA-4.0",
        data=credits.FRUITS,
        paper=credits.CGAN,
        labels=("apple", "cherry", "tomato"),
    ),
    own(
        "stylegan2/fruits",
        "sample",
        "Fruits, StyleGAN2, 64 px",
        "stylegan2:Generator",
        kwargs={
            "latent": 96,
            "size": 64,
            "classes": 3,
            "widths": (256, 256, 128, 64),
            "flow": {"width": 640, "depth": 4},
        },
        sha256="fc041754c2f0dab703f7ed776aef688ddf937beafca2f4156ffd95cf7ba20742",
        size=9809266,
        licence="CC-BY-SA-4.0",
        data=credits.FRUITS,
        paper=credits.STYLEGAN,
        labels=("apple", "cherry", "tomato"),
        directions=(
            Direction(name="darker", component=3, first=0, last=7),
            Direction(name="redder", component=5, first=0, last=7),
            Direction(name="yellower", component=1, first=0, last=7),
            Direction(name="taller", component=0, first=0, last=7),
            Direction(name="wider", component=2, first=0, last=7),
        ),
    ),
    own(
        "vae/avatars",
        "reconstruct",
        "Drawn heads, VAE, 64 px",
        "vae:VAE",
        kwargs={"size": 64, "groups": 12, "components": 32},
        sha256="4d1cef469dfe02e928c9226748adc0ce0ffca3b0be7c4b7756aff84103d62387",
        size=9686632,
        licence="CC-BY-4.0",
        data=credits.AVATARS,
        paper=credits.VAE,
        labels=(
            *(f"ground/{c} ground" for c in ("blue", "purple", "pink", "peach", "white", "lavender", "yellow", "mint")),
            *(f"skin/{c} skin" for c in ("dark", "brown", "tan", "light")),
        ),
    ),
    own(
        "vae/fruits",
        "reconstruct",
        "Fruits, VAE, 64 px",
        "vae:VAE",
        kwargs={"size": 64, "groups": 3, "components": 32, "smooth": True},
        sha256="ac604e00610381e96c293804179bd1949afd1266a09abb07c2a02b6c3eba8998",
        size=9684920,
        licence="CC-BY-SA-4.0",
        data=credits.FRUITS,
        paper=credits.VAE,
        labels=("fruit/apple", "fruit/cherry", "fruit/tomato"),
    ),
    own(
        "vae/hands",
        "reconstruct",
        "Hands, VAE, 64 px",
        "vae:VAE",
        kwargs={"size": 64, "groups": 10},
        sha256="60fe9a23bd9b93938ea722f6440e5d3ec8e51d4b783514e8147ead503dd4423b",
        size=9239200,
        licence="Apache-2.0",
        data=credits.HANDS,
        paper=credits.VAE,
        labels=tuple(f"digit/digit {digit}" for digit in range(10)),
    ),
    _VGG_SMALL,
    replace(_VGG_SMALL, name="gatys/vgg-small", task="stylize", title="Optimisation, small VGG", paper=credits.GATYS),
    replace(
        _ANY,
        name="wct/vgg-small",
        title="Any style, WCT",
        kwargs={"widths": _WIDTHS, "match": "covariance"},
        paper=credits.WCT,
    ),
    _ANY,
    fast("starry-night", "The Starry Night (van Gogh)", "7fe147c742e7183e63947a51588b0cdc5d2caa4345f4d704ab8451ae4ac8b559"),
    fast("great-wave", "The Great Wave (Hokusai)", "b17cbe0fd954b0f41bd15ac02a480f818d52eb88637f1d5c6ebb89905fada368"),
    fast("scream", "The Scream (Munch)", "49bf1e8a1eee22868a075ad410a072edd492b2b22aaa523684a19bdb3e4c6766"),
    fast("composition-vii", "Composition VII (Kandinsky)", "23ff1fe94c7aae05a6b49907a8aff09fda8126a73857daddd7bd2672df5668d5"),
    fast("udnie", "Udnie (Picabia)", "2361a903fb35398a84d31ced9c18add2b4f238fe8fa485c6fbc92ba45f03cc0f"),
    fast("woman-with-a-hat", "Woman with a Hat (Matisse)", "a974e0bec15364c47893148de2a7ef308d318c72b2fbdb4ad6f7517bda5d51c8"),
    own(
        "renet/texture",
        "segment",
        "ReNet, recurrent",
        "renet:ReNet",
        sha256="d0c2075eaf0c5224cdd383a085ee853585a287390260310519eea91611a13f74",
        size=2936680,
        licence="CC0-1.0",
        data=credits.TEXTURES,
        paper=credits.RENET,
    ),
    own(
        "unet/texture",
        "segment",
        "U-Net, convolutional",
        "unet:UNet",
        sha256="d33dbae181cf056b49f86b00674fd2cd2df408a3aa6b989bfa0b9fbe3d3d9822",
        size=6839688,
        licence="CC0-1.0",
        data=credits.TEXTURES,
        paper=credits.UNET,
    ),
    own(
        "vit/texture",
        "segment",
        "ViT, a transformer",
        "vit:ViT",
        sha256="3a9949a7591d19129eda940dae261719fcaa71cc592d42891486f9b439e80595",
        size=4112640,
        licence="CC0-1.0",
        data=credits.TEXTURES,
        paper=credits.VIT,
    ),
    replace(
        _VGG_SMALL,
        name="vgg-small/texture",
        task="segment",
        title="Layers of the small VGG",
        build="imgstudio.models.vgg_segmenter:VGGSegmenter",
    ),
    _FILTERS,
    canvas(
        "photo2painting",
        "painting2photo",
        "Photograph to painting",
        "50dce680ebd4707411bd0b9d917730bfd0118f7ab13fdcb8c19cbbe9dfe1aeb0",
        size=3_933_454,
        grain=0.12,
        motley=True,
        combed=8.0,
    ),
    canvas(
        "painting2photo",
        "photo2painting",
        "Painting to photograph",
        "dbc2847b18438687c26db7adec72e76b7f6067708e9934a305a5a5240ac30efa",
        size=3_933_414,
        grain=0.05,
    ),
    flower(
        "daisy2sunflower",
        "sunflower2daisy",
        "Daisy to sunflower",
        "fb40e5b70200cca38b46d15cd4885e45df1a075cf9bbd1457cc857a64530bb1e",
    ),
    flower(
        "sunflower2daisy",
        "daisy2sunflower",
        "Sunflower to daisy",
        "45368552486f689d07c1ef9fcad8e40a841bfebbcaba525614be52123486263a",
    ),
    fruit("apple2tomato", "tomato2apple", "Apple to tomato", "986dfc4d5baf5baf7ce3ebbac7dd39f52fad624f37627c8de27afa0e0d40579e"),
    fruit("tomato2apple", "apple2tomato", "Tomato to apple", "276018f487385c720e1ee206da951c86b2464484ee7a5c7c805804fb899101e9"),
    *HUB,
)

_registered: dict[str, Spec] = {}  # models added while the process runs, by name
_unlisted: set[str] = set()  # names of those that only who knows their name can use


def register(spec: Spec, *, listed: bool = True) -> Spec:
    """Makes a model usable by its name in this process. It may replace an earlier one, but none of the table.

    listed: False keeps it out of `models`, for what one visitor of a page brought for himself.
    """
    if any(known.name == spec.name for known in SPECS):
        raise StudioError(f"{spec.name} is the name of a model of this studio: choose another name.")
    _registered[spec.name] = spec
    (_unlisted.discard if listed else _unlisted.add)(spec.name)
    return spec


def unregister(name: str) -> None:
    """Forgets a model that `register` added."""
    _registered.pop(name, None)
    _unlisted.discard(name)


def models(task: Task | None = None) -> tuple[Spec, ...]:
    """Every model, or those for one task, in the order of the table."""
    if task is not None:
        check_choice("task", task, TASKS)
    added = (spec for spec in _registered.values() if spec.name not in _unlisted)
    return tuple(spec for spec in (*overridden(SPECS), *added) if task in (None, spec.task))


def find(name: str) -> Spec:
    """The model of that name, listed or not."""
    for spec in (*overridden(SPECS), *_registered.values()):
        if isinstance(name, str) and spec.name == name:
            return spec
    raise unknown("model", name, [spec.name for spec in models()])


def default(task: Task) -> Spec | None:
    """The model to offer first: the first embedded one of that task."""
    return next((spec for spec in models(task) if spec.embedded), None)
