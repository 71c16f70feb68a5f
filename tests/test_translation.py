"""There and back on pictures of every size: `translate`, its tiles, its zip, the command line, and the Hub's two layouts."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from hub_server import HubServer
from PIL import Image
from table import each_row
from test_translation_nets import Published

import imgstudio
from imgstudio import StudioError, catalog, device, loading, weights
from imgstudio.art import flowers
from imgstudio.bench import translation as bench
from imgstudio.catalog.records import Hub
from imgstudio.cli.main import main
from imgstudio.image import read_settings, to_image, to_tensor
from imgstudio.models.resnet_generator import ResnetGenerator
from imgstudio.ops import translation as ops
from imgstudio.studio import translation as studio
from imgstudio.studio.translation.batch import translate_many

NET = {"channels": 4, "blocks": 1, "skip": True}


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    monkeypatch.setattr(device, "compute_dtype", lambda device, **_: torch.float32)


@pytest.fixture
def pair(translations):
    """Names of two models that lead there and back."""
    return translations(**NET)


def photo(width: int, height: int) -> Image.Image:
    """Soft coloured shapes, darker to the right."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    field = np.stack([np.sin(9 * x + 3 * y), np.cos(7 * y - 2 * x), np.sin(5 * (x + y))], axis=2)
    return Image.fromarray(np.uint8((field * 0.5 + 0.5) * 235 * (1 - 0.5 * x[..., None]) + 10))


@each_row("size", [(1, 1), (3, 200), (7, 5), (64, 64), (61, 90)])
def test_any_size_goes_there_and_back(pair, size):
    picture = photo(*size)
    made = imgstudio.translate(pair[0], picture)
    assert made.image.size == made.cycle.size == size
    x, y = to_tensor(picture), to_tensor(made.cycle)
    assert made.cycle_error == pytest.approx((x - y).abs().mean().item() * 127.5, abs=0.3)  # of rounding to 8 bits


def test_the_way_back_is_the_other_model(pair):
    there, back = pair
    picture = photo(40, 32)
    made = imgstudio.translate(there, picture)
    again = imgstudio.translate(back, made.image, cycle=False)
    assert again.cycle is None and again.cycle_error is None
    assert again.image.tobytes() == made.cycle.tobytes()
    with torch.no_grad():
        bare = imgstudio.load(there)(to_tensor(picture))
    assert np.abs(np.asarray(made.image, int) - np.asarray(to_image(bare), int)).max() <= 1


def test_size_and_strength_shape_the_result(pair):
    picture = photo(60, 30)
    assert imgstudio.translate(pair[0], picture, size=24).image.size == (24, 12)
    assert imgstudio.translate(pair[0], picture, size=100).cycle.size == (100, 50)
    whole, none, half = (np.asarray(imgstudio.translate(pair[0], picture, strength=s).image, float) for s in (1, 0, 0.5))
    assert np.array_equal(none, np.asarray(picture))
    assert np.abs(half - (whole + none) / 2).max() <= 1
    assert np.abs(np.asarray(studio.blend(picture, Image.fromarray(whole.astype(np.uint8)), 0.5), float) - half).max() <= 1
    strong, weak = (imgstudio.translate(pair[0], picture, strength=s) for s in (1.0, 0.2))
    assert strong.cycle_error == weak.cycle_error


def test_a_border_that_does_not_divide_by_four_is_not_seen(pair):
    """The same picture with and without its last columns: what is left comes out the same, up to its last few pixels."""
    net = imgstudio.load(pair[0])
    x = to_tensor(photo(96, 64))
    moments = net.measure(x)
    with torch.no_grad():
        whole, cut = net(x, moments), net(x[:, :, :, :93], moments)
    inner = 93 - net.receptive_radius
    assert (whole[:, :, :, :inner] - cut[:, :, :, :inner]).abs().max() < 1e-4
    inside, border = (cut[:, :, :, 60:90] - x[:, :, :, 60:90]).abs().mean(), (cut - x[:, :, :, :93])[..., 90:].abs().mean()
    assert border < 2 * inside  # no frame


def test_tiles_are_one_picture(pair):
    net = imgstudio.load(pair[0])
    x = to_tensor(photo(203, 150))
    ((_, _, whole),) = ops.translate(net, x)
    steps = list(ops.translate(net, x, tile=64, whole=128))
    assert len(steps) == steps[0][1] > 1 and [done for done, _, _ in steps] == list(range(1, len(steps) + 1))
    tiled = steps[-1][2]
    given = net(x, ops.feedforward.measure(net, x, 128))
    assert (tiled - given).abs().max() < 1e-4  # exactly the whole picture under the same moments: no seam anywhere
    assert (tiled - whole).abs().mean() < 0.1  # and near the picture that measures itself


def test_all_tiles_share_one_grain(translations):
    net = imgstudio.load(translations(channels=4, blocks=1, skip=True, noise_std=0.3)[0])
    x = to_tensor(photo(203, 150))
    *_, (_, _, tiled) = ops.translate(net, x, tile=64, whole=128)
    noisy = ops.with_input_noise(net, x)
    given = net(noisy, ops.feedforward.measure(net, noisy, 128))
    assert (tiled - given).abs().max() < 1e-4
    plain = net(x, ops.feedforward.measure(net, noisy, 128))
    assert (tiled - plain).abs().mean() > 1e-3  # and it is seen


@each_row("size", [(1, 1), (3, 200), (20, 30), (24, 24), (61, 90)])
def test_a_net_that_sees_pictures_at_one_size_translates_all(translations, size):
    picture = photo(*size)
    made = imgstudio.translate(translations(**NET, input_size=24)[0], picture)
    assert made.image.size == made.cycle.size == size


def test_what_a_net_sees_at_one_size_changes_alike_at_every_size(translations):
    """The change of a large picture, shrunk, is that of the small one; a net without `input_size` makes another of it."""
    small, large = photo(30, 24), photo(180, 144)
    changes = {}
    for input_size in (0, 24):
        net = imgstudio.load(translations(channels=4, blocks=1, skip=True, input_size=input_size)[0])
        net.model[-1].weight.data *= 4  # plain to see
        for picture in (small, large):
            x = to_tensor(picture)
            *_, (_, _, made) = ops.translate(net, x)
            change = torch.nn.functional.interpolate(made - x, (24, 30), mode="bilinear", antialias=True)
            changes[input_size, picture.width] = change - change.mean(dim=(2, 3), keepdim=True)
    apart = {
        input_size: (changes[input_size, 30] - changes[input_size, 180]).norm() / changes[input_size, 30].norm()
        for input_size in (0, 24)
    }
    assert apart[24] < 0.5 * apart[0]


def test_large_pictures_come_step_by_step(pair, monkeypatch):
    monkeypatch.setattr(ops, "_VALUES", NET["channels"] * 256**2)
    steps = list(studio.translation_steps(pair[0], photo(300, 270)))
    total = steps[0].total
    assert [step.done for step in steps] == list(range(1, total + 1)) and total >= 4
    assert all(step.image.size == (300, 270) for step in steps)
    assert [step.result for step in steps[:-1]] == [None] * (total - 1)
    assert steps[-1].result.image.tobytes() == steps[-1].image.tobytes()


def test_the_error_map_is_dark_where_pictures_agree():
    a = np.full((20, 30, 3), 100, np.uint8)
    b = a.copy()
    b[:, 10:20] += 20
    b[:, 20:] += studio.FULL + 9
    heat = np.asarray(studio.error_map(Image.fromarray(a), Image.fromarray(b)), int).sum(axis=2)
    assert heat.shape == (20, 30)
    assert (heat[:, :10] == 0).all() and 0 < heat[0, 15] < heat[0, 25]
    assert np.array_equal(np.asarray(studio.error_map(Image.fromarray(a), Image.fromarray(b)))[0, 25], (255, 250, 200))


def test_a_model_for_something_else_is_refused(small_model):
    small_model("test/gan")
    with pytest.raises(StudioError, match="can't do this"):
        imgstudio.translate("test/gan", photo(16, 16))


# --- many at once


def test_many_go_into_a_zip_with_safe_names(pair, tmp_path):
    names = ("My Cat!.png", "my cat!.bmp", "..dots.png", "ünï.png")
    for name in names:
        photo(20, 16).save(tmp_path / name)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    brought = [tmp_path / names[0], tmp_path / "broken.jpg", *(tmp_path / name for name in names[1:]), photo(9, 9)]
    steps = list(translate_many(pair[0], brought, tmp_path / "made.zip"))
    last = steps[-1]
    assert (last.done, last.total, len(steps)) == (6, 6, 6)
    assert last.names == ("My-Cat-there.png", "my-cat-there-2.png", "dots-there.png", "ünï-there.png", "picture-6-there.png")
    assert list(last.problems) == ["broken"] and "not a picture" in last.problems["broken"]
    with zipfile.ZipFile(tmp_path / "made.zip") as archive:
        assert archive.namelist() == [*last.names, "records.json"] and archive.testzip() is None
        records = json.loads(archive.read("records.json"))
        assert list(records) == list(last.names) and records[last.names[0]]["settings"]["model"] == pair[0]
        first = Image.open(io.BytesIO(archive.read(last.names[0])))
    assert first.tobytes() == imgstudio.translate(pair[0], tmp_path / names[0], cycle=False).image.tobytes()


def test_a_zip_that_is_stopped_is_whole(pair, tmp_path):
    steps = translate_many(pair[0], [photo(16, 16)] * 4, tmp_path / "made.zip")
    next(steps), next(steps)
    steps.close()
    with zipfile.ZipFile(tmp_path / "made.zip") as archive:
        assert len(archive.namelist()) == 3 and archive.testzip() is None and len(json.loads(archive.read("records.json"))) == 2


def test_nothing_but_broken_files_says_so(pair, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(StudioError, match="not a picture"):
        list(translate_many(pair[0], [tmp_path / "broken.jpg"], tmp_path / "made.zip"))
    assert not (tmp_path / "made.zip").exists()
    with pytest.raises(StudioError, match="from 1 to"):
        translate_many(pair[0], [], tmp_path / "made.zip")
    with pytest.raises(StudioError, match="cannot be written"):
        list(translate_many(pair[0], [photo(8, 8)], tmp_path / "no" / "made.zip"))


# --- the command line


def test_the_command_line_writes_picture_way_back_and_error(pair, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photo(30, 20).save("in.png")
    assert main(["translate", pair[0], "in.png", "--size", "24", "--cycle", "back.png", "--error", "map.png"]) == 0
    assert "mean error" in capsys.readouterr().out
    made = imgstudio.translate(pair[0], "in.png", size=24)
    for name, picture in {"translate.png": made.image, "back.png": made.cycle}.items():
        assert Image.open(name).tobytes() == picture.tobytes()
    assert Image.open("map.png").size == (24, 16)
    assert read_settings("translate.png")["model"] == pair[0]
    assert main(["translate", pair[0], "in.png", "in.png", "--out", "all.zip"]) == 0
    assert zipfile.ZipFile("all.zip").namelist() == ["in-there.png", "in-there-2.png", "records.json"]
    assert main(["translate", pair[0], "in.png", "in.png"]) == 2
    assert "zip" in capsys.readouterr().err


# --- the Hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights.hub, "_silence", {})
    monkeypatch.setattr(loading, "_nets", {})
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.close()


def publish(hub, state) -> str:
    """Puts a checkpoint on the Hub; returns the name of the catalogue's entry that finds it there."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    hub.put("someone/generator", "pytorch_model.bin", buffer.getvalue())
    spec = catalog.find("cyclegan/sim2real")
    kwargs = {"channels": 4, "blocks": 3, "upsample": "transposed" if any("conv_block" in key for key in state) else "resize"}
    source = Hub(repo="someone/generator", filename="pytorch_model.bin", revision="main")
    return catalog.register(replace(spec, name="test/street", kwargs=kwargs, source=source, inverse=None)).name


@pytest.mark.parametrize("layout", ["huggan", "junyanz"])
def test_a_checkpoint_of_either_layout_comes_from_the_hub(hub, layout):
    torch.manual_seed(0)
    theirs = Published(layout, 4, 3).eval()
    name = publish(hub, theirs.state_dict())
    try:
        x = torch.rand(1, 3, 64, 48) * 2 - 1
        with torch.no_grad():
            assert torch.allclose(imgstudio.load(name, "cpu")(x), theirs(x), atol=1e-4)
    finally:
        catalog.unregister(name)


def test_a_wrong_checkpoint_from_the_hub_names_the_key(hub):
    state = Published("huggan", 4, 3).state_dict()
    state["model.11.block.5.weight"] = torch.zeros(16, 16, 1, 1)
    name = publish(hub, state)
    try:
        with pytest.raises(StudioError, match=r"model\.11\.block\.5\.weight has the shape \[16, 16, 1, 1\]"):
            imgstudio.load(name)
    finally:
        catalog.unregister(name)


def test_the_catalogue_knows_the_way_back():
    for spec in catalog.models("translate"):
        if spec.inverse:
            assert catalog.find(spec.inverse).inverse == spec.name
        assert spec.kwargs.get("upsample", "resize") in ("resize", "transposed")
        assert ResnetGenerator.smallest <= (spec.side or 8)


def test_the_bench_measures_a_direction(pair):
    row = bench.measure(pair[0], 1)
    assert row.studio > 0 and row.plain > 0
    assert "256 px" in bench.heading() and row.name in bench.line(row)


def petals(picture) -> np.ndarray:
    """Mean colour of what is bright in a picture: the petals of a flower in front of leaves."""
    pixels = np.asarray(picture, dtype=float).reshape(-1, 3)
    return pixels[pixels.max(axis=1) > 190].mean(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("side", [72, 192, 640])
def test_daisies_turn_yellow_and_sunflowers_white_and_come_back(side):
    for kind, name in (("daisy", "cyclegan/daisy2sunflower"), ("sunflower", "cyclegan/sunflower2daisy")):
        flower = flowers.make(kind, 21, side)
        made = imgstudio.translate(name, flower, cycle=True)
        given, turned, again = (
            petals(p)[2] for p in (flower, made.image, made.cycle)
        )  # blue is what white has and yellow has not
        assert (given - turned if kind == "daisy" else turned - given) > 60
        assert abs(again - given) < abs(turned - given) / 2
