"""A picture apart into structure and texture, and together again."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import torch
from PIL import Image
from scipy.sparse.linalg import spsolve
from skimage import data
from table import each_row

import imgstudio
from imgstudio import StudioError, image
from imgstudio.cli.main import main
from imgstudio.ops.texture import decomposition as ops
from imgstudio.ops.texture import poisson
from imgstudio.studio.texture.decomposition import METHODS, decompose, recompose

PHOTO = Image.fromarray(data.astronaut()).resize((96, 80), Image.Resampling.LANCZOS)


def pixels(picture):
    return np.asarray(picture).astype(np.int16)


def whole(parted):
    return pixels(parted.structure) + pixels(parted.texture) - 128


def stripes_beside_an_edge():
    """Fine stripes of little contrast on two plains; the edge between those has as much contrast as the stripes."""
    x = np.full((64, 96), 0.35)
    x[:, 48:] = 0.6
    x[:, ::4] += 0.12
    x[:, 1::4] += 0.12
    return Image.fromarray(np.repeat(np.rint(x * 255).astype(np.uint8)[:, :, None], 3, axis=2))


@each_row("method", METHODS)
@each_row("strength", [0, 0.3, 1])
def test_the_parts_add_up_to_the_picture(method, strength):
    parted = decompose(PHOTO, strength=strength, method=method)
    assert {part.mode for part in (parted.structure, parted.texture)} == {"RGB"}
    assert (whole(parted) == pixels(PHOTO)).all()
    assert recompose(parted, 1).tobytes() == PHOTO.tobytes()
    assert recompose(parted, 0).tobytes() == parted.structure.tobytes()


@each_row("method", METHODS)
def test_the_parts_add_up_where_the_contrast_is_largest(method):
    random = np.random.default_rng(0)
    picture = Image.fromarray((random.integers(0, 2, (40, 50, 3)) * 255).astype(np.uint8))
    assert (whole(decompose(picture, strength=1, method=method)) == pixels(picture)).all()


@each_row("method", METHODS)
def test_more_strength_takes_more_off(method):
    taken = [abs(pixels(decompose(PHOTO, strength=s, method=method).texture) - 128).mean() for s in (0, 0.25, 0.5, 1)]
    assert taken[0] == 0 and taken == sorted(taken) and len(set(taken)) == 4


def test_relative_total_variation_takes_stripes_and_leaves_the_edge():
    structure = pixels(decompose(stripes_beside_an_edge(), strength=0.7).structure)[32, :, 0]
    assert np.ptp(structure[8:40]) < 6 and np.ptp(structure[56:88]) < 6  # the stripes had 31
    assert structure[56] - structure[40] > 55  # the edge had 64
    assert abs(np.diff(structure)).max() > 25  # and stays one


def test_total_variation_takes_what_is_small_and_leaves_what_is_large():
    grey = np.full((96, 96, 3), 60, np.uint8)
    grey[20:70, 20:70] = 200
    grey[84:86, 84:86] = 200
    structure = pixels(decompose(Image.fromarray(grey), strength=1, method="rof").structure)
    assert structure[45, 45, 0] > 190 and structure[85, 85, 0] < 160


@each_row("method", METHODS)
def test_a_larger_copy_falls_apart_alike(method):
    photo = Image.fromarray(data.astronaut()[:160, 140:300])
    small, large = photo.resize((80, 80), Image.Resampling.BOX), photo
    halves = [decompose(picture, strength=1, method=method).structure for picture in (small, large)]
    halves[1] = halves[1].resize((80, 80), Image.Resampling.BOX)
    assert abs(pixels(halves[0]) - pixels(halves[1])).mean() < 4


def test_boosting_goes_away_from_the_structure():
    parted = decompose(PHOTO)
    detail = pixels(parted.texture) - 128
    boosted = pixels(recompose(parted, 2)) - pixels(PHOTO)
    free = (pixels(PHOTO) + detail >= 0) & (pixels(PHOTO) + detail <= 255)
    assert (boosted == detail)[free].all() and abs(detail).max() > 20
    assert recompose(parted, 0.5).tobytes() != recompose(parted, 1).tobytes()


@each_row("method", METHODS)
@each_row("size", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 50), (17, 33)])
def test_any_shape(method, size):
    picture = PHOTO.resize(size)
    assert (whole(decompose(picture, strength=0.8, method=method)) == pixels(picture)).all()


@each_row("method", METHODS)
def test_a_flat_picture_has_no_texture(method):
    parted = decompose(Image.new("RGB", (40, 30), (10, 200, 90)), strength=1, method=method)
    assert parted.texture.getcolors() == [(1200, (128, 128, 128))]


def test_a_large_picture_is_shrunk_or_refused():
    assert decompose(PHOTO, size=48).structure.size == (48, 40)
    assert decompose(PHOTO, size=500).structure.size == PHOTO.size
    large = Image.new("RGB", (8000, 2000))
    assert decompose(large, size=32).texture.size == (32, 8)
    with pytest.raises(StudioError, match="choose a size"):
        decompose(large)


def test_gradients_are_nobodys_business():
    assert torch.is_grad_enabled()
    decompose(PHOTO)
    assert torch.is_grad_enabled()


@each_row("size", [(1, 2), (7, 9), (24, 31)])
def test_the_system_is_solved_as_by_elimination(size):
    """Against scipy's direct solver, on the same system put together entry by entry; weights of very different size."""
    height, width = size
    generator = torch.Generator().manual_seed(0)
    right, down = (10 ** (4 * torch.rand(s, generator=generator) - 2) for s in ((height, width - 1), (height - 1, width)))
    b = torch.rand(2, height, width, generator=generator)
    system = poisson.System(torch.ones(height, width), right, down)
    matrix = scipy.sparse.identity(height * width, format="lil")
    place = np.arange(height * width).reshape(height, width)
    for here, there, weights in ((place[:, :-1], place[:, 1:], right), (place[:-1], place[1:], down)):
        for i, j, weight in zip(here.ravel(), there.ravel(), weights.flatten().tolist()):
            for row, column in ((i, j), (j, i)):
                matrix[row, row] += weight
                matrix[row, column] -= weight
    wanted = spsolve(matrix.tocsc(), b.flatten(1).numpy().T.astype(np.float64)).T.reshape(2, height, width)
    assert abs(poisson.solve(system, b, b, tolerance=1e-6, most=200).numpy() - wanted).max() < 1e-4


def test_few_rounds_solve_a_photograph():
    x = torch.from_numpy(data.astronaut()[:96, 130:226].copy()).permute(2, 0, 1).float() / 255
    system = poisson.System(torch.ones_like(x[0]), *(0.01 * weight for weight in ops._weights(x, 3.0)))
    short, long = (poisson.solve(system, x, x, tolerance=t, most=n) for t, n in ((1e-3, 50), (1e-6, 500)))
    assert (short - long).abs().max() < 2 / 255
    assert (poisson.solve(system, x, x, most=30) - short).abs().max() == 0  # 30 are enough


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    PHOTO.save("photo.png")
    assert main(["decompose", "photo.png", "--strength", "0.4", "--method", "rof"]) == 0
    assert capsys.readouterr().out.split() == ["structure.png", "texture.png"]
    parted = imgstudio.decompose(PHOTO, strength=0.4, method="rof")
    assert image.read("structure.png").tobytes() == parted.structure.tobytes()
    assert image.read("texture.png").tobytes() == parted.texture.tobytes()
    assert image.read_settings("texture.png")["strength"] == 0.4
    assert main(["decompose", "photo.png", "--boost", "2", "--out", "crisp.png"]) == 0
    assert image.read("crisp.png").tobytes() == imgstudio.recompose(imgstudio.decompose(PHOTO), 2).tobytes()
