"""Every parameter of every public function, with values that people give by mistake or on purpose.

Each is taken, or refused in one sentence before a net is asked for. A new parameter has to be put into a table here.
"""

from __future__ import annotations

import inspect
import math
import tempfile
from pathlib import Path

import bounds
import numpy as np
import torch
from bounds import (
    CURVE,
    FLAG,
    GAN,
    LABEL,
    NOISE,
    PLACE,
    SEED,
    SIDE,
    TRUNCATION,
    VAE,
    Kind,
    amounts,
    choice,
    count,
    model,
    number,
    one_of,
    plain,
)
from PIL import Image
from table import each_row

import imgstudio
from imgstudio.studio.sampling.latents import Latent
from imgstudio.studio.steps import Step
from imgstudio.studio.texture import from_labels
from imgstudio.studio.texture.mosaic import mosaic

PHOTO = Image.effect_noise((48, 40), 60).convert("RGB")
REGIONS = from_labels(np.arange(48 * 40).reshape(40, 48) // 960)
WEIGHTS = Path(imgstudio.__file__).parent.parent / "weights" / "dcgan-nouns.safetensors"
MADE = mosaic(1, regions=2, size=32).image
FILE = str(Path(tempfile.mkdtemp()) / "picture.gif")
TASKS = ("sample", "reconstruct", "translate", "stylize", "segment", "features")

PICTURE = one_of(PHOTO, np.zeros((40, 48, 3), np.uint8), np.zeros((40, 48), np.float32), bad=(np.full((9, 9), np.nan), "."))
OPTIONAL = one_of(None, PHOTO)
POINT = one_of(
    1, 0, 2**32 - 1, np.int64(7), torch.tensor(7), 3.0, PLACE, may=SEED.may, bad=(2**32, Latent("dcgan/avatars", torch.zeros(1)))
)
POINTS = one_of(
    [1, 2],
    range(8),
    (1, PLACE),
    np.arange(3),
    torch.tensor([1, 2]),
    may=lambda value: (
        isinstance(value, np.ndarray | torch.Tensor | list | tuple)
        and len(np.shape(value)) == 1
        and all(plain(each) is not None and plain(each) in (0, 1, 2, 3) for each in value)
        and len(value) > 1
    ),
    bad=([1, -1], [1, 1.5], [True, 1], ["1", "2"], [1, 2**32], [1, PHOTO], range(10**9), iter(int, 1)),
)
SEEDS = Kind((1, *POINTS.good), lambda value: SEED.may(value) or POINTS.may(value), POINTS.bad)
DRAWN = {"truncation": TRUNCATION, "label": LABEL, "noise": NOISE}
STEPS, EVERY = count(1, 5000), count(1, 5000)


PLACES = {"seed": POINT}

PYTHON: dict[str, dict[str, Kind]] = {
    "load": {
        "name": model("dcgan/avatars", bad="nothing/here"),
        "device": one_of("cpu", None, torch.device("cpu"), bad=("cuda:99", "gpu", "cpu:7")),
    },
    "import_weights": {
        "source": one_of(str(WEIGHTS), WEIGHTS, net=True),
        "task": one_of("sample", None, may=lambda value: value in TASKS, bad=("samples",)),
    },
    "cached": {},
    "sample": {"model": GAN, "seeds": SEEDS, **DRAWN},
    "walk": {"model": GAN, "seeds": POINTS, "frames": count(1, 240), "loop": FLAG, **DRAWN},
    "mix": {"model": GAN, "coarse": POINT, "fine": POINT, "crossover": count(0, 8, net=True), **DRAWN},
    "edit": {
        "model": GAN,
        **PLACES,
        "amounts": amounts("redder", "component 2"),
        "layers": one_of(
            None,
            (0, 3),
            [7, 7],
            (np.int64(0), 1.0),
            may=lambda value: isinstance(value, list | torch.Tensor) and np.shape(value) == (2,),
            bad=((3, 1), (0, 8), (-1, 2), "03"),
            net=True,
        ),
        **DRAWN,
    },
    "directions": {"model": GAN},
    "pad": {"model": GAN, **PLACES, "x": number(-1, 1), "y": number(-1, 1), **DRAWN},
    "feature_maps": {"model": GAN, **PLACES, "layer": count(0, 7, net=True), "count": count(1, 512), **DRAWN},
    "invert": {"model": GAN, "image": PICTURE, "steps": STEPS, "seed": SEED, "every": EVERY},
    "complete": {"model": GAN, "image": PICTURE, "mask": PICTURE, "steps": STEPS, "seed": SEED, "every": EVERY},
    "reconstruct": {"model": VAE, "image": PICTURE},
    "interpolate": {"model": VAE, "a": PICTURE, "b": PICTURE, "steps": count(2, 240), "curve": CURVE, "side": SIDE},
    "blend": {"model": VAE, "a": PICTURE, "b": PICTURE, "t": number(0, 1), "curve": CURVE, "side": SIDE},
    "manifold": {
        "model": VAE,
        "corners": one_of([PHOTO] * 4, (PHOTO,) * 4, bad=([PHOTO] * 3, [PHOTO] * 5, [PHOTO] * 3 + [None], [1, 2, 3, 4])),
        "size": count(2, 15),
        "side": SIDE,
    },
    "traverse": {
        "model": VAE,
        "image": PICTURE,
        "dimension": count(0, 95, net=True),
        "span": number(0, 10),
        "steps": count(2, 120),
    },
    "prior": {
        "model": VAE,
        "seeds": Kind(tuple(each for each in SEEDS.good if not isinstance(each, tuple)), SEEDS.may, SEEDS.bad),
    },
    "attribute": {"model": VAE, "image": PICTURE, "amounts": amounts("apple to tomato", "cherry to apple")},
    "attributes": {"model": VAE},
    "denoise": {"model": VAE, "image": PICTURE, "noise": number(0, 1), "seed": SEED},
    "last": {"steps": one_of([Step(1, 1, PHOTO)], bad=([PHOTO], iter([])))},
    "translate": {
        "model": model("cyclegan/apple2tomato"),
        "image": PICTURE,
        "cycle": FLAG,
        "size": one_of(None, 1, np.int64(64), 64.0, bad=(0, 8192, 8193)),
        "strength": number(0, 1),
    },
    "stylize": {
        "model": model("gatys/vgg-small"),
        "content": PICTURE,
        "style": one_of(PHOTO, [PHOTO, PHOTO], bad=([PHOTO, 1], [PHOTO] * 33)),
        "content_weight": number(0, math.inf),
        "style_weight": number(0, math.inf),
        "tv_weight": number(0, math.inf),
        "strength": number(0, 1),
        "steps": count(1, 10_000),
        "size": count(64, 1024),
        "keep_colors": one_of(False, True, None, "luminance", "match", np.True_, may=FLAG.may, bad=("sepia",)),
        "mask": OPTIONAL,
        "seed": SEED,
        "weights": one_of(None, [1.0], (2,), np.ones(1), bad=([0.5, 0.5], [-1], [math.inf], ["1"], [0])),
        "layers": one_of(
            None, {"relu1_1": 1, "relu4_1": 0.5}, bad=({"relu9_9": 1}, {"relu1_1": -1}, {"relu1_1": 0}, ["relu1_1"])
        ),
        "start": one_of("content", "noise", "style", PHOTO, bad=("nowhere.png", None)),
        "optimizer": choice("lbfgs", "adam"),
        "every": count(1, 10_000),
    },
    "segment": {"model": model("gabor/texture"), "image": PICTURE, "regions": count(1, 32, none=True)},
    "overlay": {
        "image": PICTURE,
        "segmentation": one_of(REGIONS, bad=(REGIONS.labels, from_labels(np.zeros((9, 9), int)))),
        "opacity": number(0, 1),
        "view": choice("overlay", "borders", "labels", "side by side", "original"),
        "numbers": FLAG,
    },
    "synthesize": {
        "image": PICTURE,
        "size": one_of(64, (64, 32), [32, 64], np.int64(64), bad=(31, 1025, (64, 10_000), (64, 64, 3), (64,))),
        "steps": count(1, 10_000),
        "seed": SEED,
        "method": choice("gatys", "quilting"),
        "model": model("gatys/vgg-small", bad="adain/vgg-small"),
        "seamless": FLAG,
        "scale": number(0.1, 4),
        "start": choice("noise", "quilting"),
        "patch": one_of(None, 8, np.int64(16), 9.0, bad=(7, 37, 500)),
        "every": count(1, 10_000),
    },
    "decompose": {
        "image": PICTURE,
        "strength": number(0, 1),
        "method": choice("rtv", "rof"),
        "size": count(1, 10_000, none=True),
    },
    "recompose": {
        "decomposition": one_of(imgstudio.decompose(PHOTO, strength=0), bad=(PHOTO,)),
        "amount": number(-10, 10),
    },
    "retexture": {
        "image": PICTURE,
        "segmentation": one_of(REGIONS, bad=(REGIONS.labels,)),
        "region": count(1, 2),
        "texture": one_of(PHOTO, 1, 2, np.int64(1), bad=(3, "nowhere.png", Image.new("RGB", (3, 3)))),
        "shading": number(0, 2),
        "scale": number(0.1, 4),
        "seed": SEED,
    },
    "save": {
        "picture": one_of(PHOTO, [PHOTO, PHOTO], bad=([PHOTO, 1], "photo.png")),
        "path": one_of(FILE, Path(FILE), bad=("picture.bmp", "nowhere/picture.png", "/", b"x.png")),
        "record": FLAG,
        "fps": number(1, 50),
    },
    "record": {"picture": one_of(MADE, bad=(PHOTO, str(WEIGHTS), "nowhere.png", {"record": 1}))},
    "replay": {"picture": one_of(MADE, imgstudio.record(MADE), bad=(PHOTO, {"record": 2}, "nowhere.png"))},
    "grid": {
        "operation": choice("sample"),
        "x": one_of(
            {"seeds": [1, 2]}, {"seeds": range(3)}, bad=({"seeds": []}, {"seed": [1]}, {"model": [1]}, {"seeds": range(101)})
        ),
        "y": one_of({"model": ["dcgan/avatars", "dcgan/nouns"]}, bad=({"seeds": [1]}, {"model": "dcgan/avatars"})),
    },
    "models": {"task": choice(*TASKS, none=True)},
}


def public(name: str) -> bool:
    value = getattr(imgstudio, name)
    return callable(value) and not isinstance(value, type)


def test_every_public_function_is_in_the_table():
    assert set(PYTHON) == {name for name in imgstudio.__all__ if public(name)}
    for name, table in PYTHON.items():
        parameters = inspect.signature(getattr(imgstudio, name)).parameters.values()
        assert set(table) == {each.name for each in parameters if each.kind != each.VAR_KEYWORD}, name


@each_row("name", PYTHON)
def test_a_function_takes_or_refuses_every_value(name):
    wrong = bounds.walk(getattr(imgstudio, name), PYTHON[name], name)
    assert not wrong, "\n".join(wrong)
