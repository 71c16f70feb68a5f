"""In a notebook, results show themselves: lists as sheets, and what holds pictures as these pictures."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from table import each_row

import imgstudio
from imgstudio.studio import texture
from imgstudio.studio.interpolation import Denoised, Reconstruction
from imgstudio.studio.notebook import LARGEST, Pictures
from imgstudio.studio.texture.decomposition import Decomposition
from imgstudio.studio.texture.overlays import palette


def shown(result: object) -> Image.Image:
    return Image.open(io.BytesIO(result._repr_png_()))


RED, BLUE = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))


def test_every_list_of_pictures_is_a_sheet():
    heads = imgstudio.sample("dcgan/nouns", range(5))
    assert isinstance(heads, list) and heads[1:] == list(heads)[1:] and len(heads) == 5
    assert shown(heads).size == (3 * 64 + 4, 2 * 64 + 2)
    fruits = imgstudio.prior("vae/fruits", [1, 2, 3, 4])
    assert shown(fruits).size == (130, 130)
    a, b = fruits[:2]
    assert shown(imgstudio.interpolate("vae/fruits", a, b, steps=2)).size == (130, 64)
    assert shown(imgstudio.traverse("vae/fruits", a, dimension=0, steps=4)).size == (130, 130)
    rows = imgstudio.manifold("vae/fruits", fruits, size=3)
    assert shown(rows).size == (196, 196) and shown(rows[0]).size == (130, 130)
    assert isinstance(rows, list) and isinstance(rows[0], list)
    maps = imgstudio.feature_maps("stylegan2/fruits", 1, 0, count=4)
    assert shown(maps).size[0] > 4 * maps[0].width  # small ones are enlarged


@each_row(
    ("result", "colours"),
    [
        (imgstudio.Step(1, 2, RED), ["red"]),
        (imgstudio.Translation(RED), ["red"]),
        (imgstudio.Translation(RED, BLUE, 3.0), ["red", "blue"]),
        (Reconstruction(RED, 20.0, 1.0, None), ["red"]),
        (Denoised(RED, BLUE, 10.0, 20.0), ["red", "blue"]),
        (Decomposition(RED, BLUE), ["red", "blue"]),
    ],
)
def test_what_holds_pictures_shows_them(result, colours):
    sheet = shown(result).convert("RGB")
    part = sheet.width // len(colours)
    found = [sheet.getpixel((part * i + part // 2, sheet.height // 2)) for i in range(len(colours))]
    assert found == [Image.new("RGB", (1, 1), colour).getpixel((0, 0)) for colour in colours]


def test_regions_show_in_the_colours_of_the_overlay():
    labels = np.zeros((6, 8), int)
    labels[:, 6:] = 1
    sheet = shown(texture.from_labels(labels)).convert("RGB")
    assert sheet.size == (8, 6)
    assert [sheet.getpixel((x, 3)) for x in (0, 7)] == palette(2)
    assert texture.from_labels(np.arange(300).reshape(15, 20))._repr_png_() is None


def test_what_cannot_be_a_sheet_is_written_as_text():
    assert Pictures()._repr_png_() is None
    assert Pictures([RED, 3])._repr_png_() is None
    assert shown(Pictures([RED.resize((3000, 20))])).size == (LARGEST, 10)
