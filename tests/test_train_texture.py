"""Nets that embed pixels by texture, the mosaics they learn from, and their training, on tiny pictures."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from imgstudio.models.renet import ReNet, Sweep
from imgstudio.models.unet import UNet
from imgstudio.models.vit import ViT, rotations, turned
from imgstudio.train import ship, texture
from imgstudio.train.texture import mosaics
from imgstudio.train.texture.mosaics import Bank, Look

SMALL = {"dimensions": 6, "widths": (4, 4, 8, 8)}
NETS = {
    "unet": lambda: UNet(**SMALL, deep=(8, 8)),
    "renet": lambda: ReNet(**SMALL, layers=1),
    "vit": lambda: ViT(**SMALL, channels=16, blocks=1, heads=2),
}


def stripes(period: int, across: bool, side: int = 64) -> np.ndarray:
    """A texture [side, side, 3] of stripes."""
    wave = np.sin(2 * np.pi * np.arange(side) / period)
    grey = np.broadcast_to(wave if across else wave[:, None], (side, side))
    return np.uint8(np.repeat(grey[..., None], 3, axis=2) * 100 + 128)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """textures.tar with two materials of three samples each and 80 tiles."""
    folder = tmp_path_factory.mktemp("data")
    with tarfile.open(folder / "textures.tar", "w") as tar:
        for i in range(92):
            name = f"materials/{'ab'[i % 2]}{i // 6}/{i}.png" if i < 12 else f"tiles128/lines/{i // 2}.png"
            buffer = io.BytesIO()
            Image.fromarray(stripes(3 + i % 9, i % 2 == 0)).save(buffer, "PNG")
            member = tarfile.TarInfo(name)
            member.size = buffer.tell()
            buffer.seek(0)
            tar.addfile(member, buffer)
    return folder


@pytest.fixture(scope="module")
def bank(data) -> Bank:
    return mosaics.read_textures(data / "textures.tar")[0]


# --- nets


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("size", [(1, 1), (32, 32), (37, 150)])
def test_every_pixel_gets_a_vector_of_unit_length(name, size):
    net = NETS[name]().eval()
    with torch.no_grad():
        embedding = net(torch.rand(2, 3, *size) * 2 - 1)
    assert embedding.shape == (2, 6, *size) and embedding.dtype == torch.float32
    assert torch.allclose(embedding.norm(dim=1), torch.ones(2, *size), atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_a_far_corner_is_seen(name):
    """What a texture is depends on its surroundings: with deep features every place hears of every other in a small picture."""
    torch.manual_seed(0)
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    NETS[name]().eval()(x)[0, 0, 4, 4].backward()
    assert (x.grad[:, :, 56:, 56:].abs().amax(dim=1) > 0).any()


def test_a_sweep_passes_on_from_end_to_end():
    torch.manual_seed(0)
    sweep, h = Sweep(3, 4), torch.rand(1, 3, 5, 7, requires_grad=True)
    sweep(h)[0, :, 0, 0].sum().backward()
    assert (h.grad.abs().sum(dim=1) > 0).all()


def test_attention_knows_distances_and_no_places():
    """Turned queries and keys give the same product wherever a pair stands, and another for another distance."""
    torch.manual_seed(0)
    turn = rotations(6, 6, 8, torch.device("cpu"))
    q, k = (torch.randn(8).expand(1, 1, 36, 8) for _ in range(2))
    product = (turned(q, turn) @ turned(k, turn).transpose(2, 3))[0, 0].reshape(6, 6, 6, 6)
    assert torch.allclose(product[1, 2, 3, 3], product[2, 3, 4, 4], atol=1e-5)
    assert (product[1, 2, 3, 3] - product[1, 2, 4, 3]).abs() > 1e-3


# --- mosaics


def test_textures_are_split_with_all_their_samples(data):
    train, held = mosaics.read_textures(data / "textures.tar", every=3)
    names = [name.rstrip("'") for name in (*train.names, *held.names)]
    assert held.names and not {n.rstrip("'") for n in held.names} & {n.rstrip("'") for n in train.names}
    assert sum(len(samples) for part in (train, held) for samples in part.samples) == 92
    assert sum(name.startswith("tiles") for name in names) == 80  # also those that share a name


def test_a_mosaic_holds_its_regions_and_no_others(bank):
    torch.manual_seed(0)
    counts = [2, 5, 8]
    x, labels = mosaics.draw(bank, counts, 48, Look())
    assert x.shape == (3, 3, 48, 48) and x.min() >= -1 and x.max() <= 1
    for here, count in zip(labels, counts):
        assert (torch.bincount(here.flatten(), minlength=count) >= 48 * 48 // 100).all() and here.max() == count - 1


def test_grey_mosaics_tell_regions_by_texture_alone(bank):
    torch.manual_seed(0)
    x, labels = mosaics.draw(bank, [3, 4], 64, mosaics.exam_look(equalised=True))
    assert torch.equal(x[:, 0], x[:, 1]) and torch.equal(x[:, 0], x[:, 2])
    for picture, here in zip(x[:, 0], labels):
        parts = [picture[here == number] for number in range(int(here.max()) + 1)]
        assert max(abs(part.mean()) for part in parts) < 0.05
        assert max(part.std() for part in parts) - min(part.std() for part in parts) < 0.05


def test_the_exam_is_the_same_every_time_and_leaves_random_numbers_alone(bank):
    torch.manual_seed(3)
    first = texture.exam(bank, 2, 32, equalised=False)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(1))
    assert all(torch.equal(a, b) for a, b in zip(first, texture.exam(bank, 2, 32, equalised=False)))


def test_too_many_regions_for_the_textures_are_refused(bank):
    with pytest.raises(ValueError, match="different textures"):
        mosaics.draw(bank, [8] * 20, 16, Look())


# --- training


def test_the_loss_is_small_for_embeddings_that_tell_regions_apart():
    labels = torch.tensor([[0, 0, 1], [1, 1, 2]]).expand(2, 2, 3)
    own = labels + 3 * torch.arange(2)[:, None, None]
    perfect = F.one_hot(own, 6).permute(0, 3, 1, 2).float()
    loss, right = texture.prototype_loss(perfect, labels, 0.1)
    assert loss < 0.01 and right == 1
    same = torch.ones(2, 6, 2, 3) / 6**0.5
    loss, _ = texture.prototype_loss(same, labels, 0.1)
    assert torch.isclose(loss, torch.tensor(3.0).log(), atol=1e-3), "regions of the other picture don't count"


def test_pairs_want_one_cluster_a_region():
    labels = torch.tensor([[0, 0, 1, 1]]).expand(1, 16, 4)
    one = F.one_hot(labels, 2).permute(0, 3, 1, 2).float()
    assert texture.pair_loss(one, labels) < 0.01
    two = F.one_hot(torch.tensor([[0, 1, 2, 2]]).expand(1, 16, 4), 3).permute(0, 3, 1, 2).float()
    assert texture.prototype_loss(two, labels, 0.1)[0] < 0.01, "the means of such regions can be told apart"
    assert texture.pair_loss(two, labels) > 0.3
    assert texture.pair_loss(torch.ones(1, 2, 16, 4) / 2**0.5, labels) > 2


def test_regions_count_alike_in_the_loss():
    """Mistakes in a small region weigh as much as in a large one."""
    labels = torch.zeros(1, 4, 4, dtype=torch.long)
    labels[0, 0, 0] = 1
    wrong = torch.zeros(1, 2, 4, 4)
    wrong[:, 0] = 1.0
    loss, _ = texture.prototype_loss(wrong, labels, 0.1)
    assert torch.isclose(loss, torch.tensor(2.0).log(), atol=1e-3)


@pytest.mark.short_training
def test_a_net_learns_resumes_and_ships(data, tmp_path, monkeypatch):
    recipe = texture.Recipe(
        build="unet:UNet", net={**SMALL, "deep": (8, 8)}, view=32, batch=4, regions=(2, 3), rate=5e-3, ema_horizon=20
    )
    monkeypatch.setitem(texture.RECIPES, "unet/test", recipe)
    monkeypatch.setitem(ship.RECIPE_MODULES, "unet/test", texture)
    monkeypatch.setattr(texture, "EXAM", (2, 48))
    monkeypatch.setattr(texture, "FINAL", (2, 48))
    ship.train("unet/test", data=data, folder=tmp_path / "run", images=80)
    ship.train("unet/test", data=data, folder=tmp_path / "run", images=800)
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert float(rows[-1].split(",")[2]) < float(rows[1].split(",")[2])  # the loss
    result = ship.ship("unet/test", data=data, folder=tmp_path / "run", out=tmp_path)
    assert {"unet", "colour k-means"} <= set(result["scores"])
    assert all(0 <= value <= 1 for value in result["scores"]["unet"].values())
    assert (tmp_path / "unet-test.safetensors").stat().st_size == result["size"]


def test_every_recipe_names_its_files():
    assert all(file.endswith((".tar", ".npz")) for name in ship.RECIPE_MODULES for file in ship.files(name))


def test_recipes_differ_in_the_net_alone():
    """The comparison in the tab is fair: same data, same steps."""
    shared = [replace(recipe, build="", net={}) for recipe in texture.RECIPES.values()]
    assert all(recipe == shared[0] for recipe in shared)
