"""Golden outputs: what every shipped model and operation makes, as digests of 8 x 8 means.

    python tests/golden.py    # writes golden.json anew, after a change that is meant to change pictures

The inputs are drawn by code, so that no decoder has a say. Optimisations run a few steps: far enough to show a fault, too few
for the rounding of another processor to lead elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

import imgstudio

FILE = Path(__file__).with_name("golden.json")
CELLS = 8  # a side
SEEDS = [3, 1003]

Case = Callable[[], Iterable[Image.Image]]


def scene(side: int = 96, phase: float = 0.0) -> Image.Image:
    """A picture with shapes, gradients, colours and two textures, the same on every machine."""
    y, x = np.mgrid[0:side, 0:side] / side
    disc = np.hypot(x - 0.45 - 0.1 * phase, y - 0.4) < 0.25
    stripes, checks = np.floor(x * 12) % 2, (np.floor(x * 16) + np.floor(y * 16)) % 2
    ground = np.where(y > 0.65, 0.3 + 0.4 * checks, 0.75 - 0.3 * y)
    channels = [
        np.where(disc, 0.8 - 0.4 * phase, ground),
        np.where(disc, 0.25 + 0.2 * stripes, ground * 0.9),
        0.5 * ground + 0.3 * x,
    ]
    return Image.fromarray(np.rint(np.stack(channels, -1) * 255).clip(0, 255).astype(np.uint8))


def two_textures(side: int = 128) -> Image.Image:
    """Three fifths blue stripes, two fifths yellow checks: regions that no rounding turns into others."""
    y, x = np.mgrid[0:side, 0:side]
    stripes, checks = (x + y) // 3 % 2, (x // 6 + y // 6) % 2
    left = (x < 0.6 * side)[..., None]
    colours = np.where(left, stripes[..., None] * [60, 80, 60] + [20, 40, 150], checks[..., None] * [100, 90, 0] + [150, 130, 20])
    return Image.fromarray(colours.astype(np.uint8))


def digest(pictures: Iterable[Image.Image]) -> list[list[int]]:
    """Means of the cells of each picture, red, green and blue one after the other, 0..255."""
    small = (picture.convert("RGB").resize((CELLS, CELLS), Image.Resampling.BOX) for picture in pictures)
    return [np.asarray(picture).reshape(-1).tolist() for picture in small]


def cases() -> dict[str, Case]:
    """Every model of the catalogue that needs no download with each operation it can do, by name."""
    found: dict[str, Case] = {}
    makers = {
        "sample": _sampling,
        "reconstruct": _interpolation,
        "translate": _translation,
        "stylize": _style,
        "segment": _texture,
    }
    for spec in imgstudio.models():
        if spec.embedded and spec.task in makers:
            found |= {f"{spec.name} {operation}": case for operation, case in makers[spec.task](spec.name).items()}
    return found | _without_model()


def _sampling(model: str) -> dict[str, Case]:
    operations: dict[str, Case] = {
        "sample": lambda: imgstudio.sample(model, SEEDS),
        "walk": lambda: list(imgstudio.walk(model, SEEDS, frames=2)),
    }
    if model.startswith("stylegan2/"):
        name = imgstudio.directions(model)[0]
        operations |= {
            "mix": lambda: [imgstudio.mix(model, *SEEDS, crossover=4)],
            "edit": lambda: [imgstudio.edit(model, 3, {name: 1.5})],
            "pad": lambda: [imgstudio.pad(model, 3, 0.5, -0.5)],
            "feature_maps": lambda: imgstudio.feature_maps(model, 3, 2, count=2),
            "invert": lambda: [imgstudio.last(imgstudio.invert(model, scene(64), steps=2)).image],
            "complete": lambda: [imgstudio.last(imgstudio.complete(model, scene(64), _half(), steps=2)).image],
        }
    return operations


def _interpolation(model: str) -> dict[str, Case]:
    a, b = scene(64), scene(64, 1.0)
    name = next(iter(imgstudio.attributes(model)), None)
    operations: dict[str, Case] = {
        "prior": lambda: imgstudio.prior(model, SEEDS),
        "reconstruct": lambda: [imgstudio.reconstruct(model, a).image],
        "interpolate": lambda: imgstudio.interpolate(model, a, b, steps=3),
        "manifold": lambda: [picture for row in imgstudio.manifold(model, [a, b, b, a], size=2) for picture in row],
        "traverse": lambda: imgstudio.traverse(model, a, dimension=1, steps=3),
        "denoise": lambda: [imgstudio.denoise(model, a, seed=5).image],
    }
    return operations | ({"attribute": lambda: [imgstudio.attribute(model, a, {name: 1.0})]} if name else {})


def _translation(model: str) -> dict[str, Case]:
    def both() -> list[Image.Image]:
        made = imgstudio.translate(model, scene())
        return [made.image, made.cycle]

    return {"translate": both}


def _style(model: str) -> dict[str, Case]:
    def restyled(**options) -> list[Image.Image]:
        return [imgstudio.last(imgstudio.stylize(model, scene(), scene(96, 1.0), size=96, **options)).image]

    return {"stylize": lambda: restyled(**({"steps": 3} if model.startswith("gatys/") else {}))}


def _texture(model: str) -> dict[str, Case]:
    def overlaid() -> list[Image.Image]:
        return [imgstudio.overlay(two_textures(), imgstudio.segment(model, two_textures(), regions=2))]

    return {"segment": overlaid}


def _without_model() -> dict[str, Case]:
    def parts(method: str) -> list[Image.Image]:
        made = imgstudio.decompose(scene(), method=method)
        return [made.structure, made.texture]

    def filled() -> list[Image.Image]:
        regions = imgstudio.segment("gabor/texture", two_textures(), regions=2)
        return [imgstudio.retexture(two_textures(), regions, 1, scene(96, 1.0))]

    return {
        "decompose rtv": lambda: parts("rtv"),
        "decompose rof": lambda: parts("rof"),
        "synthesize quilting": lambda: [imgstudio.last(imgstudio.synthesize(scene(), size=96, method="quilting")).image],
        "synthesize gatys": lambda: [imgstudio.last(imgstudio.synthesize(scene(), size=96, steps=3)).image],
        "retexture": filled,
    }


def _half() -> Image.Image:
    """A mask over the lower half."""
    return Image.fromarray(np.repeat([[0], [255]], 32, axis=0).repeat(64, axis=1).astype(np.uint8))


if __name__ == "__main__":
    lines = [f"{json.dumps(name)}: {json.dumps(digest(case()), separators=(',', ':'))}" for name, case in cases().items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(lines)} digests in {FILE}")
