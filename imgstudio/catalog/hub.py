"""The rows of the catalogue whose weights lie on the Hugging Face Hub, and how a person puts others in their place.

IMGSTUDIO_HUB="features/vgg19=owner/repo, fastgan/shells=owner/repo/file.bin@revision" takes models from elsewhere; what is left
out stays as it is here.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import StudioError
from . import credits
from .records import Hub, Spec, Task

SETTING = "IMGSTUDIO_HUB"
_PLACE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:/(?P<file>[^@\s]+))?(?:@(?P<revision>\S+))?")


def _hub(name: str, task: Task, title: str, build: str, repo: str, filename: str, *, revision: str = "main", **more: Any) -> Spec:
    """Weights of others. `more` are further fields of Spec."""
    source = Hub(repo=repo, filename=filename, revision=revision)
    more.setdefault("origin", f"{repo.partition('/')[0]} (https://huggingface.co/{repo})")
    return Spec(name=name, task=task, title=title, build=f"imgstudio.models.{build}", source=source, **more)


def _keys(module: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """The conversion from public names to ours that a family of layouts has. Its module is imported when it is needed."""

    def convert(state: Mapping[str, Any]) -> Mapping[str, Any]:
        return importlib.import_module(f"imgstudio.importing.families.{module}").own_keys(state)

    return convert


def _down_to_relu5_1(key: str) -> bool:
    """Of a whole VGG-19 classifier, the convolutions that style transfer looks at; the rest, most of the file, is not read."""
    return key.startswith("features.") and int(key.split(".")[1]) <= 28


_VGG19 = _hub(
    "features/vgg19",
    "features",
    "VGG-19, ImageNet",
    "vgg:VGG",
    "timm/vgg19.tv_in1k",
    "model.safetensors",
    size=574_700_000,
    licence="BSD-3-Clause",
    origin="torchvision, by way of timm (https://huggingface.co/timm/vgg19.tv_in1k)",
    data="ImageNet-1k",
    paper=credits.VGG,
    only=_down_to_relu5_1,
)


def _few_shots(subject: str, title: str) -> Spec:
    return _hub(
        f"fastgan/{subject}",
        "sample",
        f"{title}, FastGAN, 1024 px",
        "fastgan:FastGAN",
        f"huggan/fastgan-few-shot-{subject}",
        "pytorch_model.bin",
        size=117_073_189,
        licence="MIT",
        data=f"A few dozen pictures: {title.lower()}, collected by the method's authors",
        paper=credits.FASTGAN,
        side=1024,
        convert=_keys("fastgan"),
    )


_MNIST_LAYERS = ((512, 4, 1, 0), (256, 4), (128, 4), (64, 4), (3, 4, 2, 1, False, False))


def _mnist_keys(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """`model.0`, `model.1`, `model.3`, ... are the transposed convolutions and their norms. Grey pictures become coloured ones by
    three equal colours."""
    places = {f"model.{3 * i}": f"convolutions.{i}" for i in range(5)} | {f"model.{3 * i + 1}": f"norms.{i}" for i in range(4)}
    ours = {}
    for key, value in state.items():
        place, _, part = key.rpartition(".")
        if place not in places:
            raise ValueError(f"{key} is unknown")
        ours[f"{places[place]}.{part}"] = value.expand(-1, 3, -1, -1) if key == "model.12.weight" else value
    return ours


def _street(name: str, inverse: str, title: str) -> Spec:
    """Street scenes of a computer game and of German cities."""
    return _hub(
        f"cyclegan/{name}",
        "translate",
        title,
        "resnet_generator:ResnetGenerator",
        f"Chris1/{name}-512",
        "pytorch_model.bin",
        kwargs={"channels": 64, "blocks": 9},
        size=45_531_027,
        licence="MIT",
        data="Street scenes: GTA 5 and Cityscapes",
        paper=credits.CYCLEGAN,
        inverse=f"cyclegan/{inverse}",
        side=512,
        convert=_keys("cyclegan"),
    )


def _fast(painting: str, title: str) -> Spec:
    """A feed-forward net that has learned one painting."""
    return _hub(
        f"maze/{painting.lower().replace('_', '-')}",
        "stylize",
        f"{title}, larger net",
        "fast_style:FastStyle",
        "maze/FastStyleTransfer",
        f"{painting}_512.pth",
        kwargs={"upsample": "transposed"},
        size=6_739_435,
        licence="MIT",
        data=f"{title}; photographs of COCO",
        paper=credits.JOHNSON,
        convert=_keys("fast_style"),
    )


HUB: tuple[Spec, ...] = (
    _few_shots("shells", "Shells"),
    _few_shots("universe", "Pictures of the universe"),
    _hub(
        "dcgan/mnist",
        "sample",
        "Written digits, DCGAN, 64 px",
        "tutorial_gan:TransposedGenerator",
        "huggan/dcgan-mnist",
        "pytorch_model.bin",
        kwargs={"latent": 100, "layers": _MNIST_LAYERS},
        size=14_310_000,
        licence="not stated",
        data="MNIST (LeCun, Cortes and Burges)",
        paper=credits.DCGAN,
        convert=_mnist_keys,
    ),
    _hub(
        "taesd/sd",
        "reconstruct",
        "Any picture, TAESD",
        "taesd:TAESD",
        "madebyollin/taesd",
        "diffusion_pytorch_model.safetensors",
        revision="f4a5c744c09b16bba019971e6fdb156bd633332b",  # the one that added the file
        size=9_790_000,
        licence="MIT",
        data="Pictures and their latents under the autoencoder of Stable Diffusion",
        paper=credits.TAESD,
        convert=_keys("taesd"),
    ),
    _VGG19,
    replace(_VGG19, name="gatys/vgg19", task="stylize", title="Optimisation, VGG-19", paper=credits.GATYS),
    _fast("Rain_Princess", "Rain Princess (Afremov)"),
    _fast("Scream", "The Scream (Munch)"),
    _fast("Mosaic", "Mosaic"),
    _fast("Starry_Night", "The Starry Night (van Gogh)"),
    replace(
        _VGG19,
        name="vgg19/texture",
        task="segment",
        title="Layers of VGG-19",
        build="imgstudio.models.vgg_segmenter:VGGSegmenter",
        kwargs={"layers": ("relu1_2", "relu2_2", "relu3_4", "relu4_4")},
    ),
    _hub(
        "dinov2/texture",
        "segment",
        "DINOv2, things rather than textures",
        "dinov2:DINOv2",
        "timm/vit_small_patch14_dinov2.lvd142m",
        "model.safetensors",
        revision="cace07adb9220de26eb51226ecbef6d04d35defe",
        size=88_200_000,
        licence="Apache-2.0",
        origin="Meta AI, by way of timm (https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m)",
        data="LVD-142M, pictures without labels",
        paper=credits.DINO,
    ),
    _street("sim2real", "real2sim", "Computer game to street photograph"),
    _street("real2sim", "sim2real", "Street photograph to computer game"),
)


# --- other places ---


def overridden(specs: tuple[Spec, ...]) -> tuple[Spec, ...]:
    """The models, those that IMGSTUDIO_HUB names from the place that it says. Raises StudioError if it can't be read."""
    setting = os.environ.get(SETTING, "").strip()
    return _overridden(specs, setting) if setting else specs


@functools.lru_cache(maxsize=8)
def _overridden(specs: tuple[Spec, ...], setting: str) -> tuple[Spec, ...]:
    known = {spec.name: spec for spec in specs}
    for part in filter(None, (part.strip() for part in setting.split(","))):
        name, _, place = (word.strip() for word in part.partition("="))
        found, source = _PLACE.fullmatch(place), known[name].source if name in known else None
        if not isinstance(source, Hub) or found is None:
            raise StudioError(
                f"{SETTING} says {part!r}: it has to be the name of a model of the Hub, an equals sign and owner/repo, "
                "owner/repo/file or owner/repo/file@revision."
            )
        moved = Hub(
            repo=found["repo"],
            filename=found["file"] or source.filename,
            revision=found["revision"] or ("main" if found["repo"] != source.repo else source.revision),
        )
        known[name] = replace(known[name], source=moved, origin=f"https://huggingface.co/{moved.repo}, as {SETTING} says")
    return tuple(known.values())
