"""Steering through the page's HTTP API, and the parts of "Steer" that need no browser."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import catalog, ui, weights
from imgstudio.errors import StudioError
from imgstudio.image import read_settings
from imgstudio.ui import api
from imgstudio.ui.kit import layout
from imgstudio.ui.tabs.sampling import (
    editing,
    editing_features,
    editing_inversion,
    editing_mix,
    editing_moves,
    editing_pad,
    editing_point,
    editing_walk,
)
from imgstudio.ui.tabs.sampling.editing_point import MIDDLE, SLIDERS, Base, Point

REQUEST = SimpleNamespace(session_hash="visitor")
JUDGE = weights.folder() / catalog.find("features/vgg-small").source.filename


@pytest.fixture
def model(small_stylegan, tmp_path, monkeypatch) -> str:
    """A small net of two classes with random weights, beside the embedded feature net."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    small = small_stylegan("test/steered", kwargs={"classes": 2}, labels=("circle", "square"))
    shutil.copy(JUDGE, small.path.parent)
    return small.spec.name


@pytest.fixture
def point(model) -> Point:
    return Point(model, "any", 5, 0.7, True, 0, "pixels", Base(), MIDDLE, True, 1, 4, (0.0,) * SLIDERS)


def same(a, b) -> bool:
    a, b = (each if isinstance(each, Image.Image) else Image.open(each) for each in (a, b))
    return a.size == b.size and a.convert("RGB").tobytes() == b.convert("RGB").tobytes()


def chosen(index: int) -> SimpleNamespace:
    """A click on a part of something."""
    return SimpleNamespace(index=index)


# --- the API


def test_the_api_steers_as_the_studio_does(model):
    assert api.sampling.directions(model) == list(imgstudio.directions(model))
    assert model in {spec.name for spec in editing.editing.models()} < {spec.name for spec in imgstudio.models("sample")}
    mixed = api.sampling.mix(model, "3", "8", crossover=2, label="circle")
    assert same(mixed, imgstudio.mix(model, 3, 8, crossover=2, label="circle"))
    edited = api.sampling.edit(model, "3", {"component 1": 2.0}, layers="0-1", noise=-1)
    assert same(edited, imgstudio.edit(model, 3, {"component 1": 2.0}, layers=(0, 1), noise=None))
    assert same(api.sampling.pad(model, "3", 0.5, 0.0), api.sampling.edit(model, "3", {"component 1": 2.0}))
    assert read_settings(edited)["amounts"] == {"component 1": 2.0}
    maps = api.sampling.feature_maps(model, "3", layer=1, count=5)
    assert [caption for _, caption in maps] == ["1", "2", "3", "4", "5"]


def test_a_place_that_the_api_found_goes_for_a_seed(model, tmp_path):
    target = tmp_path / "target.png"
    imgstudio.sample(model, 7)[0].save(target)
    found, place, figures = api.sampling.invert(model, str(target), steps=3)
    assert read_settings(found)["latent"] == place and figures["psnr"] > 5
    assert abs(np.int16(Image.open(api.sampling.pad(model, place))) - np.int16(Image.open(found))).max() < 12  # 16 bits
    mask = Image.new("L", (16, 16))
    mask.paste(255, (4, 4, 9, 9))
    mask.save(tmp_path / "mask.png")
    completed, *_ = api.sampling.complete(model, str(target), str(tmp_path / "mask.png"), steps=3)
    difference = np.abs(np.int16(Image.open(completed)) - np.int16(Image.open(target))).sum(axis=2)
    assert difference[:4].max() == 0 and difference[4:9, 4:9].max() > 0


@each_row(
    ("call", "sentence"),
    [
        (lambda model: api.sampling.pad(model, "seven"), "neither a seed nor a place"),
        (lambda model: api.sampling.pad(model, "x" * 200), "no place in the latent space"),
        (lambda model: api.sampling.edit(model, "1", {}, layers="all"), "no range of layers"),
        (lambda model: api.sampling.mix(model, "1", "2", crossover=9), "from 0 to 4"),
    ],
)
def test_mistakes_get_one_sentence(model, call, sentence):
    with pytest.raises(StudioError, match=sentence):
        call(model)


# --- where we are


def test_the_middle_of_the_pad_is_the_picture_of_the_seed(point):
    assert same(point.picture(), imgstudio.sample(point.model, 5)[0])
    assert same(point._replace(label="square").picture(), imgstudio.sample(point.model, 5, label="square")[0])
    assert same(point._replace(noisy=False).picture(), imgstudio.sample(point.model, 5, noise=None)[0])


def test_pad_and_directions_add_up(point):
    moved = point._replace(pad=(0.25, 0.0), amounts=(1.0, 0.0, 0.0))
    assert same(moved.picture(), imgstudio.edit(point.model, 5, {"component 1": 2.0}))
    assert moved.moves() == "pad +0.25, +0.00, component 1 +1.0"
    ranged = moved._replace(pad=MIDDLE, named=False, first=3, last=2)
    assert same(ranged.picture(), imgstudio.edit(point.model, 5, {"component 1": 1.0}, layers=(1, 2)))
    assert moved.key() != point.key() and point._replace(pad=(0.25, 0.0)).key(pad=False) == point.key(pad=False)


def test_a_downloaded_picture_leads_back(point):
    base = Base("Own <picture>", point._replace(seed=9).latent())
    moved = point._replace(pad=(0.5, -0.2), amounts=(1.0, -2.0, 0.5), label="circle", noisy=False)
    for there in (moved, point._replace(base=base)):
        path, caption, _ = editing_point.show(there)
        assert "<picture>" not in caption
        again = Point.of(*values(editing_moves.restore(REQUEST, path, *flat(point._replace(seed=1)))))
        assert np.abs(np.int16(again.picture()) - np.int16(there.picture())).max() < 12
        assert again.title() == there.title() and tuple(again.pad) == tuple(there.pad)
        settings = {"task": "invert", "model": point.model, "latent": there.latent().text()}
        path = layout.save_result(there.picture(), "found", settings)
        opened = Point.of(*values(editing_moves.restore(REQUEST, path, *flat(point))))
        assert opened.title() == "Opened picture"


def test_a_picture_from_elsewhere_is_refused(point, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(StudioError, match="not steered here|holds no settings|was not"):
        editing_moves.restore(REQUEST, str(tmp_path / "plain.png"), *flat(point))


def flat(point: Point) -> tuple:
    """The point as the components hand it over."""
    return (*point[:-1], *point.amounts)


def values(travelled: tuple) -> list:
    """What the components hold after `travel`."""
    count = len(Point._fields) - 1 + SLIDERS
    return [each["value"] if isinstance(each, dict) and "value" in each else each for each in travelled[:count]]


def test_controls_follow_a_journey(point):
    moved = point._replace(pad=(0.5, 0.5), amounts=(1.0,) * 3)
    for handler in (editing_moves.reset, editing_moves.random_seed, editing_moves.change_model):
        travelled = editing_moves.go_to(moved, REQUEST)
        assert values(travelled)[8] == [0.5, 0.5] and hangs(travelled)
        there = Point.of(*values(handler(REQUEST, *flat(moved))))
        assert tuple(there.pad) == MIDDLE
        assert (there.seed == 5) == (handler is not editing_moves.random_seed)
        assert any(there.amounts) == (handler is editing_moves.random_seed), "the dice leave the directions as they are"
    base, pad, *_ = editing_moves.change_seed(REQUEST, *flat(moved))
    assert base == Base() and pad == [0.0, 0.0]
    assert editing_moves.choose_layers(REQUEST, *flat(moved))[0] is False


def hangs(travelled: tuple) -> bool:
    picture = travelled[len(Point._fields) - 1 + SLIDERS + 1]
    return Image.open(picture).size == (512, 512)


def test_sliders_carry_the_names_of_the_directions(point):
    sliders = editing_point.control_updates(point)[-SLIDERS:]
    assert [slider["label"] for slider in sliders if slider["visible"]] == list(imgstudio.directions(point.model))


def test_what_follows_waits_until_nothing_moves(point, monkeypatch):
    monkeypatch.setattr(editing_moves, "QUIET", 0)
    old = editing_moves.redraw(REQUEST, *flat(point))[-1]
    new = editing_moves.redraw(REQUEST, *flat(point._replace(truncation=1.0)))[-1]
    assert editing_moves.settle(old, REQUEST) == gr.skip() and editing_moves.settle(new, REQUEST) == new


def test_the_sheet_behind_the_pad_is_made_once_a_plane(point):
    field, plane = editing_pad.refresh("", *flat(point))
    assert field["montage"].startswith("data:image/jpeg;base64,")
    assert editing_pad.refresh(plane, *flat(point._replace(pad=(1, 1)))) == (gr.skip(), gr.skip())
    other, _ = editing_pad.refresh(plane, *flat(point._replace(seed=6)))
    assert other["montage"] != field["montage"]


# --- the parts


def test_a_mixing_grid_has_its_sources_at_the_edges(point):
    path, layer, line, words, slider, grid = editing_mix.mix("1, 2", "4-5 here", 2, *flat(point))
    assert len(grid.cells) == 12 and grid.cells[0] is None and "6 mixtures" in line and slider["maximum"] == 4
    assert layer.count("<button") == 11 and "pose and shape" in words
    assert read_settings(path)["rows"] == "1, 2"
    base = editing_mix.chosen(chosen(5), grid)
    assert base.title == "Mix of 1 and 4"
    made = point._replace(base=base).picture()
    assert same(made, imgstudio.mix(point.model, 1, 4, crossover=2))
    assert editing_mix.chosen(chosen(1), grid).title == "Seed 4"
    assert editing_mix.chosen(chosen(3), grid) is editing_mix.chosen(chosen(0), grid) is None
    assert editing_moves.pick_mixture(REQUEST, chosen(0), grid, *flat(point)) == gr.skip()
    with pytest.raises(StudioError, match="from 1 to 8"):
        editing_mix.mix("", "4", 2, *flat(point))


def test_words_of_the_crossover_go_from_columns_to_rows():
    told = [editing_mix.explained(crossover, 8) for crossover in range(9)]
    assert "Everything comes from the columns" in told[0] and "Everything comes from the rows" in told[8]
    assert len(set(told)) == 5


def test_feature_maps_hang_as_a_sheet(point):
    choice, path, line = editing_features.show_layer(99, *flat(point))
    assert choice["value"] == 3 and choice["choices"][3] == ("Layer 4: 8 × 8", 3)  # the last one there is
    other = editing_features.show_layer(0, *flat(point))[1]
    assert not same(path, other) and read_settings(other)["layer"] == 0 and "16 maps" in line


def test_saved_points_come_back_and_are_walked_through(point):
    saved_points = editing_walk.SavedPoints()
    for pad in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)):
        *_, saved_points = editing_walk.keep(saved_points, *flat(point._replace(pad=pad)))
    assert [saved.caption for saved in saved_points.saved] == ["Seed 5", "Seed 5, moved", "Seed 5, moved"]
    kept, *travelled = editing_moves.pick_saved(REQUEST, chosen(1), saved_points, "smooth")
    back = Point.of(*values(tuple(travelled)))
    assert kept.chosen == 1 and tuple(back.pad) == (0.5, 0.0) and back.look == "smooth"
    assert editing_moves.pick_saved(REQUEST, chosen(7), saved_points, "smooth") == gr.skip()
    *_, saved_points = editing_walk.remove(kept)
    assert [tuple(saved.point.pad) for saved in saved_points.saved] == [(0.0, 0.0), (0.0, 0.5)]
    film = list(editing_walk.walk_through(REQUEST, saved_points, 3, False, 8, *flat(point)))[-1]
    assert "4 frames" in film[1] and film[2]["value"].endswith(".gif")
    *_, saved_points = editing_walk.remove(saved_points)
    with pytest.raises(StudioError, match="two points"):
        list(editing_walk.walk_through(REQUEST, saved_points, 3, True, 8, *flat(point)))


def test_an_own_picture_is_found_and_steered_from(point):
    shown, held, changed = editing_inversion.redraw(0, *flat(point))
    assert changed == 1 and Image.open(held.path).size == (16, 16) and Image.open(shown).size == (384, 384)
    *_, (picture, line, ready, base) = editing_inversion.find(REQUEST, held, 4, 0, *flat(point))
    assert ready["interactive"] and "PSNR" in line and read_settings(picture)["latent"] == base.latent.text()
    led = editing_moves.edit_found(REQUEST, base, "1, 2", *flat(point._replace(noisy=False, pad=(1, 1))))
    there = Point.of(*values(led[3:]))
    assert led[1:3] == ("pad", "here, 1, 2") and there.noisy and tuple(there.pad) == MIDDLE
    assert same(there.enlarged(there.picture(), 384), picture)
    with pytest.raises(StudioError, match="Nothing is found yet"):
        editing_moves.edit_found(REQUEST, None, "", *flat(point))
    with pytest.raises(StudioError, match="no picture yet"):
        next(editing_inversion.find(REQUEST, None, 4, 0, *flat(point)))


def test_a_stopped_search_keeps_what_it_has(point):
    held = editing_inversion.sampled_target(point, 3)
    steps = editing_inversion.find(REQUEST, held, 400, 0, *flat(point))
    next(steps)
    editing_inversion.stop(REQUEST)
    *_, (_, line, ready, base) = steps
    assert "of 400" in line and ready["interactive"] and base.latent is not None


def test_completions_come_one_by_one_and_can_be_steered(point):
    held = editing_inversion.sampled_target(point, 3)
    mask = Image.new("RGBA", (384, 384))
    mask.paste((216, 57, 27, 153), (96, 96, 210, 210))
    seen = list(editing_inversion.complete(REQUEST, held, {"layers": [mask]}, 3, 5, *flat(point)))
    assert {1, 2, 3} <= {len(bases) for *_, bases in seen}, "each is shown as soon as it is complete"
    tiles, line, bases = seen[-1]
    assert [caption for _, caption in tiles["value"]] == ["seed 5", "seed 6", "seed 7"] and "3 completions" in line
    assert not same(tiles["value"][0][0], tiles["value"][1][0])
    there = Point.of(*values(editing_moves.pick_completion(REQUEST, chosen(1), bases, *flat(point))))
    assert there.title() == "Completion 6"
    with pytest.raises(StudioError, match="painted over"):
        next(editing_inversion.complete(REQUEST, held, None, 3, 5, *flat(point)))


def test_a_brought_picture_is_cut_to_what_the_net_sees(point, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Warning", said.append)
    wide, bad = tmp_path / "wide.png", tmp_path / "bad.png"
    Image.new("RGB", (300, 100), "teal").save(wide)
    bad.write_text("no picture")
    shown, held, changed = editing_inversion.accept(str(wide), None, 0)
    assert Image.open(shown).size == (384, 384) and held.path == str(wide) and changed == 1
    back, _, _ = editing_inversion.accept(str(bad), held, 1)
    assert back == held.shown and len(said) == 1


def test_decibels_have_words():
    told = [editing_inversion.similarity(psnr).partition(",")[0] for psnr in (3, 17, 21, 26, 34)]
    assert told == ["far off", "roughly alike", "alike", "close", "hard to tell apart"]


# --- the page


def test_without_a_model_to_steer_the_part_says_so(monkeypatch):
    monkeypatch.setattr("imgstudio.studio.sampling.editing.models", tuple)
    with gr.Blocks() as demo:
        editing.build()
    assert [block.value for block in demo.blocks.values() if isinstance(block, gr.HTML)] == [editing.NONE_YET]


def test_without_weights_the_part_stands_empty(monkeypatch, tmp_path):
    if not editing.editing.models():
        pytest.skip("there is no model to steer")
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setattr("imgstudio.loading._nets", {})
    with gr.Blocks() as demo:
        editing.build()
    found = {block.elem_id: block for block in demo.blocks.values() if block.elem_id}
    assert not found["steer-picture"].value and found["steer-model"].value == layout.find(found["steer-model"].value).name
    assert ui.tabs.TABS[0] == "sampling"
