"""New texture from a sample: quilting, and optimisation on the net that comes with the project."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from table import each_row

import imgstudio
from imgstudio import StudioError, catalog, image
from imgstudio.cli.main import main
from imgstudio.models.vgg import VGG
from imgstudio.ops import optimise
from imgstudio.ops.texture import quilting, synthesis
from imgstudio.ops.texture.block_search import Search
from imgstudio.studio.texture.synthesis import METHODS, repeat, synthesize

COFFEE = Image.fromarray(data.coffee()[100:228, 60:188])
GRAVEL = Image.fromarray(data.gravel()[:128, :128])
FEW = {"size": 64, "steps": 4}


def made(sample=GRAVEL, **options):
    return imgstudio.last(synthesize(sample, **{**FEW, **options})).image


def pixels(picture):
    return np.asarray(picture).astype(np.float32)


def jump(tile):
    """How much larger the step across the tile's sides is than the steps inside, horizontally and vertically."""
    x = pixels(tile)
    return [abs(np.take(x, 0, axis) - np.take(x, -1, axis)).mean() / abs(np.diff(x, axis=axis)).mean() for axis in (0, 1)]


# --- either method ---


@each_row("method", METHODS)
@each_row("seamless", [False, True])
@each_row("size", [64, (90, 50), (49, 71)])
def test_any_size(method, seamless, size):
    steps = list(synthesize(COFFEE, method=method, seamless=seamless, size=size, steps=4, every=1))
    assert {step.image.size for step in steps} == {size if isinstance(size, tuple) else (size, size)}
    assert steps[-1].done == steps[-1].total
    assert [step.done for step in steps] == sorted({step.done for step in steps})


@each_row("method", METHODS)
def test_seeds(method):
    first, again, other = (made(method=method, seed=seed).tobytes() for seed in (1, 1, 2))
    assert first == again != other


@each_row("method", METHODS)
def test_a_grey_sample_gives_a_grey_texture(method):
    grown = pixels(made(method=method, steps=12))
    assert np.ptp(grown, axis=2).max() <= 2 and grown.std() > 10


@pytest.mark.parametrize("method", METHODS)
def test_a_seamless_tile_has_no_seam(method):
    options = {"method": method, "size": (80, 64), "steps": 24}
    seam = {flag: np.mean([jump(made(**options, seed=seed, seamless=flag)) for seed in (1, 2, 3)]) for flag in (True, False)}
    assert seam[True] < 1.25 < seam[False]


@each_row("method", METHODS)
def test_scale_makes_the_pattern_larger(method):
    def roughness(scale):
        x = pixels(made(Image.fromarray(data.gravel()[:256, :256]), method=method, size=96, steps=16, scale=scale))
        return abs(np.diff(x, axis=1)).mean() / x.std()

    assert roughness(2.0) < 0.8 * roughness(0.5)


@each_row("method", METHODS)
def test_a_flat_sample_gives_a_flat_texture(method):
    grown = pixels(made(Image.new("RGB", (40, 40), (200, 30, 60)), method=method, steps=10))
    assert abs(grown - (200, 30, 60)).max() <= 3


@each_row("method", METHODS)
@each_row(
    "sample",
    [Image.new("RGB", (40, 600), "red"), GRAVEL.resize((33, 32)), GRAVEL.resize((1600, 900))],
)
def test_any_sample(method, sample):
    assert made(sample, method=method, seamless=True, size=48).size == (48, 48)


@each_row(
    ("options", "words"),
    [
        ({"image": Image.new("RGB", (1, 1))}, "1 x 1 pixels"),
        ({"image": Image.new("RGB", (2000, 40))}, "narrow strip"),
        ({"image": Image.new("RGB", (10_000, 5_001))}, "50 megapixels"),
        ({"method": "quilting", "patch": 500}, "Blocks of 500"),
    ],
)
def test_mistakes_are_answered_at_once(options, words):
    with pytest.raises(StudioError, match=words) as caught:
        synthesize(**{"image": GRAVEL, **FEW, **options})
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_repeat_lays_tiles():
    tile = pixels(COFFEE)
    whole = pixels(repeat(COFFEE, 3))
    assert whole.shape == (384, 384, 3) and (whole == np.tile(tile, (3, 3, 1))).all()


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    COFFEE.save("sample.png")
    assert main(["synthesize", "sample.png", "--size", "80x60", "--method", "quilting", "--seamless", "--seed", "5"]) == 0
    wanted = imgstudio.last(imgstudio.synthesize(COFFEE, size=(80, 60), method="quilting", seamless=True, seed=5)).image
    assert image.read("synthesize.png").tobytes() == wanted.tobytes()
    settings = image.read_settings("synthesize.png")
    assert settings["size"] == [80, 60] and settings["seed"] == 5 and settings["task"] == "synthesize"
    assert main(["synthesize", "sample.png", "--size", "wide"]) == 2
    assert "640x480" in capsys.readouterr().err


# --- quilting ---


def quilted(sample, height, width, **options):
    *_, (_, _, grown) = quilting.quilt(sample, height, width, **{"patch": 24, "random": np.random.default_rng(0), **options})
    return grown


SAMPLE = pixels(GRAVEL.convert("RGB")) / 255


@each_row("shape", [(40, 40), (37, 53)])
def test_search_compares_as_a_loop_would(shape):
    random = np.random.default_rng(0)
    sample, block = random.random((*shape, 3), np.float32), random.random((9, 9, 3), np.float32)
    known = random.random((9, 9)) < 0.4
    found = Search(sample, 9).misfit(block, known)
    assert found.shape == (shape[0] - 8, shape[1] - 8)
    for y, x in ((0, 0), (5, 12), (shape[0] - 9, shape[1] - 9)):
        error = ((sample[y : y + 9, x : x + 9] - block) ** 2).sum(axis=2)[known].mean()
        assert found[y, x] == pytest.approx(error, rel=1e-4)


def test_the_best_path_is_the_best_of_all():
    error = np.random.default_rng(1).random((6, 5))

    def sums(row, column):
        """Of every way down from there."""
        if row == 5:
            return [error[row, column]]
        ways = (sums(row + 1, c) for c in (column - 1, column, column + 1) if 0 <= c < 5)
        return [error[row, column] + rest for way in ways for rest in way]

    path = quilting.best_path(error)
    assert abs(np.diff(path)).max() <= 1
    assert error[np.arange(6), path].sum() == pytest.approx(min(min(sums(0, c)) for c in range(5)))


def test_a_cut_keeps_to_the_overlap_and_follows_the_least_difference():
    error = np.ones((20, 20))
    error[6:, 3] = error[4, 6:] = 0
    share, seam = quilting.cut(error, (6, 6, 0, 0))
    assert share[6:, 6:].all() and not share[10:, :3].any() and not share[:4, 10:].any()
    assert seam[10:, 3].all() and seam[4, 10:].all() and seam.sum() < 40
    share, _ = quilting.cut(error, (0, 0, 0, 5))
    assert share[:15].all()


def test_every_block_comes_from_the_sample():
    """Off the cuts, which are soft, every pixel with its neighbours is somewhere in the sample."""
    grown = quilted(SAMPLE, 90, 90, patch=60)
    windows = np.lib.stride_tricks.sliding_window_view(SAMPLE[:, :, 0], (3, 3)).reshape(-1, 9)
    known = {window.tobytes() for window in windows}
    mine = np.lib.stride_tricks.sliding_window_view(grown[:, :, 0], (3, 3)).reshape(-1, 9)
    assert np.mean([window.tobytes() in known for window in mine]) > 0.4


def test_only_the_valid_part_of_a_sample_is_used():
    sample = np.zeros((80, 80, 3), np.float32)
    sample[:, :, 0] = 1
    valid = np.zeros((80, 80), bool)
    valid[10:60, 5:45] = True
    sample[valid] = SAMPLE[:80, :80][valid]
    grown = quilted(sample, 90, 70, valid=valid)
    assert abs(grown - grown[:, :, :1]).max() < 1e-5
    assert quilting.fits(valid, 40) and not quilting.fits(valid, 41) and not quilting.fits(valid, 100)


def test_blocks_that_are_not_wanted_are_left_out():
    wanted = np.zeros((200, 200), bool)
    wanted[10:30, 10:30] = True
    grown = quilted(SAMPLE, 200, 200, wanted=wanted)
    assert (grown[100:, 100:] == 0.5).all() and grown[wanted].std() > 0.05


@each_row("circular", [False, True])
def test_refinement_covers_the_worst_seams(circular):
    rows = columns = quilting.layout(96, 24, circular=circular)
    canvas = quilting.Canvas.empty(rows, columns, 3)
    canvas.pixels[:] = SAMPLE[: rows.length, : rows.length]
    canvas.done[:] = True
    corners = [(40, 40), (2, 60)]
    for y, x in corners:
        canvas.pixels[y : y + 9, x : x + 9] = 1
        canvas.seams[y : y + 9, x] = canvas.seams[y : y + 9, x + 8] = 0.3
    before = canvas.seams.sum()
    assert list(quilting._refine_seams(Search(SAMPLE, 24), canvas, 20, np.random.default_rng(0))) == [16, 20]
    assert canvas.seams.sum() < 0.7 * before
    assert all((canvas.pixels[y + 2 : y + 7, x + 2 : x + 7] < 1).all() for y, x in corners)


def test_a_block_that_is_worse_is_not_laid():
    rows = columns = quilting.layout(60, 24, circular=True)
    canvas = quilting.Canvas.empty(rows, columns, 3)
    canvas.done[:] = True
    before = canvas.pixels.copy()
    assert not canvas.lay((5, 5), (0, 0), SAMPLE[:24, :24], (8, 8, 8, 8), improve=True)
    assert (canvas.pixels == before).all() and canvas.laid == []
    assert canvas.lay((5, 5), (0, 0), SAMPLE[:24, :24], (8, 8, 8, 8))
    assert canvas.seams.sum() > 0


# --- optimisation ---


def test_the_loss_falls_and_is_the_pictures():
    steps = list(synthesize(COFFEE, size=64, steps=40, every=1))
    assert [step.done for step in steps] == list(range(41))
    assert set(steps[0].losses) == {"texture"}
    assert steps[-1].losses["texture"] < 0.1 * steps[0].losses["texture"]
    wanted, found = (pixels(picture).mean(axis=(0, 1)) for picture in (COFFEE, steps[-1].image))
    assert abs(wanted - found).max() < 25


def test_a_quilted_start_is_where_it_begins():
    start = made(COFFEE, method="quilting", size=96)
    first = next(synthesize(COFFEE, size=96, steps=4, start="quilting")).image
    assert abs(pixels(first) - pixels(start)).mean() < 3


def test_features_with_circular_padding_turn_with_the_picture():
    net = VGG(widths=(4, 4, 4, 4, 4)).eval()
    x = torch.rand(1, 3, 64, 96)
    turned = x.roll((32, 16), dims=(2, 3))
    found, again = (net(picture, ("relu1_1", "relu5_1"), circular_padding=True) for picture in (x, turned))
    for name, stride in (("relu1_1", 1), ("relu5_1", 16)):
        assert torch.allclose(found[name].roll((32 // stride, 16 // stride), dims=(2, 3)), again[name], atol=1e-5)
    plain = net(x, ("relu1_1",))["relu1_1"]
    assert torch.allclose(plain[:, :, 1:-1, 1:-1], found["relu1_1"][:, :, 1:-1, 1:-1], atol=1e-6)


@each_row("size", [(64, 64), (50, 71), (30, 33)])
def test_resizing_a_ring_leaves_no_seam(size):
    rows, columns = torch.meshgrid(torch.arange(48) / 48, torch.arange(64) / 64, indexing="ij")
    wave = torch.sin(2 * torch.pi * (rows + 2 * columns))[None, None]
    rows, columns = ((torch.arange(n) + 0.5) / n - 0.5 / old for n, old in zip(size, (48, 64)))
    wanted = torch.sin(2 * torch.pi * (rows[:, None] + 2 * columns[None]))
    assert (synthesis.resize(wave, *size, circular=True)[0, 0] - wanted).abs().max() < 0.03


def test_a_palette_gives_a_picture_back():
    x = image.to_tensor(COFFEE)
    palette = synthesis.ColorTransform.of(x)
    amounts = palette.amounts(x)
    assert torch.allclose(palette.picture(amounts), x, atol=1e-4)
    assert amounts.std() == pytest.approx(1.0, abs=0.5)
    spread = palette.picture(torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(spread.mean(dim=(2, 3)), x.mean(dim=(2, 3)), atol=0.1)


def test_two_at_once_get_what_each_would_get_alone():
    alone, together = [made(COFFEE, seed=seed).tobytes() for seed in (0, 1)], {}

    def visit(seed):
        together[seed] = made(COFFEE, seed=seed).tobytes()

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[0], together[1]] == alone


def test_steps_leave_gradients_as_they_were():
    net = imgstudio.load("gatys/vgg-small")
    with torch.no_grad():
        for _ in synthesize(GRAVEL, **FEW):
            assert not torch.is_grad_enabled()
    for _ in synthesize(GRAVEL, **FEW):
        assert torch.is_grad_enabled()
    assert not any(p.requires_grad or p.grad is not None for p in net.parameters())


def test_numbers_out_of_range_keep_the_last_good_picture(monkeypatch):
    total, seen = synthesis.style.total_variation, []

    def overflow(x):
        seen.append(x)
        return total(x) * (1.0 if len(seen) < 4 else float("inf"))

    monkeypatch.setattr(synthesis.style, "total_variation", overflow)
    kept = []
    with pytest.raises(StudioError, match="out of range"):
        kept.extend(synthesize(GRAVEL, size=64, steps=10))
    assert kept[-1].done == 2 + optimise.MOST_REJECTED - 1  # shorter steps are tried first


def test_the_largest_size_is_that_of_the_model():
    assert catalog.find("gatys/vgg-small").embedded
    with pytest.raises(StudioError, match="1024|4096"):
        synthesize(GRAVEL, size=5000)
    next(synthesize(GRAVEL, size=2048, method="quilting"))
