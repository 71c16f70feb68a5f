"""Every public name as a program of somebody else uses it. `mypy` reads this file in tests/test_typing.py; nothing runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from typing_extensions import assert_type

import imgstudio
from imgstudio import (
    Direction,
    Embedded,
    Hub,
    Latent,
    Segmentation,
    Spec,
    Step,
    StudioError,
    Translation,
    attribute,
    attributes,
    blend,
    cached,
    complete,
    decompose,
    denoise,
    directions,
    edit,
    feature_maps,
    grid,
    import_weights,
    interpolate,
    invert,
    last,
    load,
    manifold,
    mix,
    models,
    overlay,
    pad,
    prior,
    recompose,
    reconstruct,
    record,
    replay,
    retexture,
    sample,
    save,
    segment,
    stylize,
    synthesize,
    translate,
    traverse,
    walk,
)


def the_catalogue() -> None:
    found: tuple[Spec, ...] = models()
    assert_type(imgstudio.models("sample")[0].name, str)
    assert_type(found[0].directions, tuple[Direction, ...])
    assert_type(import_weights(Path("generator.pth")), Spec)
    assert_type(load("dcgan/avatars", device="cpu"), torch.nn.Module)
    print(sum(stored.size for stored in cached()))
    print(Embedded(filename="a.safetensors", sha256="0" * 64), Hub(repo="a/b", filename="c", revision="main"))


def generators() -> None:
    place = last(invert("stylegan2/fruits", "apple.jpg", steps=20)).latent
    assert_type(place, Latent)
    pictures: list[Image.Image] = sample("stylegan2/fruits", [1, place], truncation=0.7, label="apple")
    assert_type(walk("dcgan/avatars", range(3), frames=4), Iterator[Image.Image])
    assert_type(mix("stylegan2/fruits", 1, place, crossover=4), Image.Image)
    assert_type(directions("stylegan2/fruits"), tuple[str, ...])
    assert_type(edit("stylegan2/fruits", 1, {"redder": 2.0}, layers=(0, 3)), Image.Image)
    assert_type(pad("stylegan2/fruits", 1, 0.5, -0.5), Image.Image)
    maps: list[Image.Image] = feature_maps("stylegan2/fruits", 1, layer=2)
    assert_type(last(complete("stylegan2/fruits", pictures[0], maps[0])).image, Image.Image)


def autoencoders() -> None:
    pictures: list[Image.Image] = prior("vae/fruits", [1, 2, 3, 4])
    a, b = pictures[:2]
    strip: list[Image.Image] = interpolate("vae/fruits", a, np.asarray(b), steps=9, curve="slerp")
    turned: list[Image.Image] = traverse("vae/fruits", a, dimension=3)
    sheet: list[list[Image.Image]] = [list(row) for row in manifold("vae/fruits", pictures)]
    assert_type(blend("vae/fruits", a, b, 0.5), Image.Image)
    assert_type(reconstruct("vae/fruits", a).psnr, float)
    assert_type(denoise("vae/fruits", a, noise=0.2).image, Image.Image)
    assert_type(attribute("vae/fruits", a, {name: 1.0 for name in attributes("vae/fruits")[:1]}), Image.Image)
    print(len(strip), len(turned), len(sheet))


def styles_and_textures() -> None:
    steps = stylize("gatys/vgg-small", "photo.jpg", ["night.jpg", "wave.jpg"], weights=[0.5, 0.5], keep_colors="match")
    assert_type(steps, Iterator[Step])
    assert_type(last(synthesize("pebbles.jpg", size=(640, 480), seamless=True)), Step)
    regions = segment("renet/texture", "photo.jpg", regions=5)
    assert_type(regions, Segmentation)
    assert_type(overlay("photo.jpg", regions), Image.Image)
    assert_type(retexture("photo.jpg", regions, 1, "pebbles.jpg"), Image.Image)
    assert_type(recompose(decompose("photo.jpg", strength=0.4), 1.5), Image.Image)


def records(picture: Image.Image) -> None:
    assert_type(save(picture, "photo.webp", record=False), Path)
    again: Image.Image | list[Image.Image] = replay(picture, content="photo.jpg")
    print(record("photo.png")["settings"], again)
    steps = grid("stylize", x={"strength": [0, 0.5, 1]}, y={"model": ["fast/udnie"]}, content="photo.jpg")
    assert_type(last(steps).html(), str)


def translations() -> float | None:
    try:
        made = translate("cyclegan/photo2painting", "photo.jpg", size=512)
    except StudioError as error:
        print(error)
        return None
    assert_type(made, Translation)
    return made.cycle_error
