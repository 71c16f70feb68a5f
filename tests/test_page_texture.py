"""The textures through the page's HTTP API, and the parts of their tab that need no browser."""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from types import SimpleNamespace

import gradio as gr
import numpy as np
import page_server
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from scipy import ndimage

from imgstudio.errors import StudioError
from imgstudio.image import read_settings
from imgstudio.studio.steps import Step
from imgstudio.ui.kit import demos, sources
from imgstudio.ui.tabs.texture import exports, lens, regions, structure, synthesis
from imgstudio.ui.tabs.texture import fill as texture_fill
from imgstudio.ui.tabs.texture import result as regions_result
from imgstudio.ui.tabs.texture import scene as scenes
from imgstudio.ui.tabs.texture.regions import NO_EDITS, RegionEdits
from imgstudio.ui.tabs.texture.result import Display
from imgstudio.ui.tabs.texture.scene import Scene, Truth
from imgstudio.ui.tabs.texture.synthesis import GATYS, QUILTING, Controls

MODEL = "gabor/texture"
ANN = SimpleNamespace(session_hash="ann")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What the visitor reads."""
    sentences: list[str] = []
    monkeypatch.setattr(gr, "Warning", sentences.append)
    return sentences


def striped(width: int = 120, height: int = 80) -> Image.Image:
    """Left fine upright stripes, right coarse level ones, in a strip at the foot nothing: three textures."""
    y, x = np.mgrid[:height, :width]
    grey = np.where(x < width // 2, 128 + 100 * np.sin(x * 1.6), 128 + 100 * np.sin(y * 0.7))
    grey[height * 2 // 3 :] = 90
    return Image.fromarray(np.stack([grey, grey * 0.8, grey * 0.6], axis=2).astype(np.uint8))


@pytest.fixture
def scene(cache) -> Scene:
    striped().save(cache / "striped.png")
    return Scene(sources.source(cache / "striped.png", "Stripes"), MODEL, 256, 3)


# --- the API


def test_textures_through_the_api(cache):
    striped().save(cache / "striped.png")
    client, picture = Client(page_server.address(), verbose=False), handle_file(cache / "striped.png")
    shown, labels, rows = client.predict(MODEL, picture, 3, 0.5, api_name="/segment")
    assert Image.open(shown).size == (120, 80) and read_settings(shown)["regions"] == 3
    labels = Image.open(labels)
    assert labels.mode == "P" and np.unique(np.asarray(labels)).tolist() == [1, 2, 3]
    areas = np.bincount(np.asarray(labels).ravel()).tolist()[1:]
    assert [(row["region"], row["pixels"]) for row in rows] == list(enumerate(areas, start=1))

    parts = [Image.open(path) for path in client.predict(picture, 0.5, "rof", 512, api_name="/decompose")]
    whole = sum(np.asarray(part.convert("RGB"), np.int16) for part in parts) - 128
    assert np.array_equal(whole, np.asarray(striped()))

    grown = client.predict(picture, 96, 10, 3, "quilting", api_name="/synthesize")
    assert Image.open(grown).size == (96, 96) and read_settings(grown)["seed"] == 3

    filled = Image.open(client.predict(MODEL, picture, picture, 2, 3, api_name="/retexture"))
    changed = np.any(np.asarray(filled) != np.asarray(striped()), axis=2)
    assert changed.any() and not changed[inner(np.asarray(labels) != 2)].any()

    with pytest.raises(AppError, match="region"):
        client.predict(MODEL, picture, picture, 99, 3, api_name="/retexture")


# --- one scene, from which everything follows


def test_the_net_runs_once_for_all_that_is_done_to_a_picture(scene):
    before = scenes.runs()
    first = regions_result.show(scene, Display())
    assert scenes.runs() == before + 1
    for each in (scene.again(2), scene.again(None), scene.pick(1).pick(3).merge(), scene.pick(2)):
        line = regions_result.show(each, Display("labels", 0.2, False))[2]
        assert "without running the net again" in line
    assert scenes.runs() == before + 1
    assert "Gabor" in first[2] and "120 × 80 px" in first[2]
    assert scenes.segmentation(scene._replace(size=128)).regions == 3 and scenes.runs() == before + 2


def test_regions_are_chosen_merged_and_parted_again(scene):
    assert scene.pick(1).chosen == (1,)
    assert scene.pick(1).pick(1).chosen == ()
    assert scene.pick(1).pick(2).pick(3).chosen == (2, 3)  # the last two
    with pytest.raises(StudioError, match="two regions"):
        scene.pick(1).merge()
    merged = scene.pick(3).pick(2).merge()
    assert merged.chosen == () and scenes.segmentation(merged).regions == 2
    one, two, whole = (scenes.segmentation(each) for each in (merged, merged.undo(), scene))
    assert np.array_equal(two.labels, whole.labels)
    assert sorted(np.unique(one.labels[whole.labels > 1])) == sorted(np.unique(one.labels[whole.labels == 2]))
    assert merged.again(4).merged == ()


def test_a_mosaic_is_scored_and_a_photograph_is_not(cache, scene):
    changed, truth = regions.make_mosaic(3, True, 0)[2:]
    held = regions.make_mosaic(3, True, 0)[1]
    assert changed == 1 and read_settings(truth.path)["seed"] == truth.seed
    exact = scenes.mosaic(truth.seed, 3, True)
    assert np.array_equal(np.asarray(Image.open(truth.path)), np.asarray(exact.image))
    assert len(set(exact.labels.ravel().tolist())) == 3
    mine = Scene(sources.source(truth.path, "Mosaic"), MODEL, 256, 3, truth)
    score = scenes.score(mine)
    assert set(score) == {"mean IoU", "adjusted Rand index"} and 0.3 < score["mean IoU"] <= 1
    assert f"{score['mean IoU']:.3f}" in regions_result.show(mine, Display())[3]
    assert scenes.score(scene._replace(truth=truth)) is None  # the mosaic that hung there before
    assert regions_result.show(scene, Display())[3] == ""
    assert held.path != truth.path and isinstance(truth, Truth)


def test_without_a_picture_there_is_a_sentence_and_nothing_happens(cache):
    with pytest.raises(StudioError, match="no picture yet"):
        regions.find(None, MODEL, True, 4, 256, None, NO_EDITS, *Display())
    assert regions.regroup(None, 3, *Display()) == gr.skip()
    assert regions_result.redraw(None, *Display()) == gr.skip()
    assert regions_result.pick(None, "overlay", SimpleNamespace(index=1)) == gr.skip()
    assert texture_fill.offer(None, None, 0) == gr.skip()


def test_the_number_is_found_out_or_given(scene):
    *_, slider, _ = regions.find(scene.source, MODEL, True, 5, 256, None, RegionEdits(((1, 2),), (2,)), *Display())
    assert slider == scenes.segmentation(scene.again(None)).regions
    *_, found, slider, _ = regions.find(scene.source, MODEL, False, 5, 256, None, RegionEdits(((1, 2),), (2,)), *Display())
    assert (found.merged, found.chosen) == (((1, 2),), (2,)) and scenes.segmentation(
        found
    ).regions == 4  # as in the picture that was opened
    *_, found, slider, merges = regions.find(scene.source, MODEL, False, 5, 256, None, NO_EDITS, *Display())
    assert slider == gr.skip() and merges == NO_EDITS and found.regions == 5 and scenes.segmentation(found).regions == 5
    *_, found, auto = regions.regroup(scene, 2, *Display())
    assert auto is False and scenes.segmentation(found).regions == 2


# --- what is shown


def test_the_layer_knows_the_regions_and_the_table_their_size(scene):
    chosen = scene.pick(2)
    layer = lens.layer(chosen, "side by side")
    labels = np.asarray(Image.open(io.BytesIO(base64.b64decode(layer["labels"].partition(",")[2]))))
    _, small = scenes.small(scene)
    assert np.array_equal(labels, small.labels)
    assert (layer["copies"], layer["chosen"], len(layer["names"])) == (2, [2], 3)
    assert layer["names"]["2"].startswith("Region 2 ")
    assert lens.layer(scene, "overlay")["copies"] == 1
    rows = lens.rows(chosen)
    assert rows.count("<tr data-region") == 3 and rows.count('aria-pressed="true"') == 1
    assert 'data-region="2" class="chosen"' in rows
    pixels = int((scenes.segmentation(scene).labels == 1).sum())
    assert f"<td>{pixels:,}</td>".replace(",", " ") in rows
    assert (lens.percent(0.2345), lens.percent(0.0345)) == ("23 %", "3.5 %")


def test_the_picture_hangs_there_at_the_size_of_a_screen_and_is_kept_whole(cache):
    striped(1500, 300).save(cache / "wide.png")
    wide = Scene(sources.source(cache / "wide.png", "Wide"), MODEL, 256, 2)
    assert Image.open(regions_result.draw(wide, Display())).size == (1024, 205)
    assert Image.open(regions_result.draw(wide, Display("side by side"))).size == (2048, 205)
    assert Image.open(exports.write("overlay", wide, 0.5, True)).size == (1500, 300)
    image, found = scenes.small(wide)
    assert found.size == image.size and found.areas == scenes.segmentation(wide).areas


def test_a_click_changes_the_buttons(scene):
    _, _, hint, merge, undo, now = regions_result.pick(scene, "overlay", SimpleNamespace(index=2))
    assert "region 2" in hint and merge["interactive"] is False and undo["interactive"] is False
    _, _, hint, merge, _, now = regions_result.pick(now, "overlay", SimpleNamespace(index=1))
    assert "region 1" in hint and merge["value"] == "Merge 1 and 2" and merge["interactive"] is True
    *_, undo, now = regions_result.merge(now, *Display())
    assert undo["interactive"] is True and now.merged == ((1, 2),)
    assert regions_result.undo(now, *Display())[-1].merged == ()


def test_exports_are_what_they_say(scene):
    found = scenes.segmentation(scene)
    files = {name: exports.write(name, scene, 0.5, True) for name in exports.FORMATS}
    labels = Image.open(files["labels"])
    assert labels.mode == "P" and np.array_equal(np.asarray(labels), found.labels)
    with zipfile.ZipFile(files["cutouts"]) as archive:
        assert archive.namelist() == ["region-01.png", "region-02.png", "region-03.png", "records.json"]
        assert Image.open(io.BytesIO(archive.read("region-01.png"))).mode == "RGBA"
    with open(files["csv"], encoding="utf-8") as lines:
        assert [int(row["pixels"]) for row in csv.DictReader(lines)] == np.bincount(found.labels.ravel()).tolist()[1:]
    with open(files["coco"], encoding="utf-8") as text:
        coco = json.load(text)
    assert coco["images"][0]["file_name"] == "Stripes.png" and len(coco["annotations"]) == 3
    assert read_settings(files["overlay"])["model"] == MODEL


# --- a region in another texture


def fill(scene: Scene, filled, *, origin: int = 0, title: str = "Brick"):
    held = sources.source(demos.textures()[title], title)
    return texture_fill.fill_region(scene, filled, held, origin, 0.5, 1.0, 0)


def difference(path: str) -> np.ndarray:
    return np.any(np.asarray(Image.open(path)) != np.asarray(striped()), axis=2)


def inner(mask: np.ndarray) -> np.ndarray:
    """Without the soft edge between a filled region and its neighbours."""
    return ndimage.binary_erosion(mask, iterations=4, border_value=1)


def test_regions_are_filled_one_after_the_other(scene):
    labels = scenes.segmentation(scene).labels
    here, there, elsewhere = (inner(labels == region) for region in (2, 1, 3))
    pair, line, ready, again, first = fill(scene.pick(2), None)
    assert "region 2" in line and "Brick" in line
    assert difference(first.path)[here].mean() > 0.5 and not difference(first.path)[inner(labels != 2)].any()
    assert ready["value"] == first.path and again["interactive"] is True and len(pair) == 2
    second = fill(scene.pick(1), first, title="Grass")[-1]
    assert difference(second.path)[there].mean() > 0.5 and not difference(second.path)[elsewhere].any()
    pixels = {each: np.asarray(Image.open(each.path)) for each in (first, second)}
    assert np.array_equal(pixels[second][here], pixels[first][here])
    # The same region in another texture is filled as if it had not been filled before.
    once, twice = (np.asarray(Image.open(fill(scene.pick(2), past, title="Gravel")[-1].path)) for past in (None, first))
    assert np.array_equal(once[here], twice[here])
    assert fill(scene.pick(3), None, origin=1)[-1].path  # with the texture of region 1


def test_what_was_filled_stays_until_another_picture_comes(scene, cache):
    filled = fill(scene.pick(2), None)[-1]
    button, origins, *hung = texture_fill.offer(scene.again(2).pick(1), filled, 3)
    assert button["value"] == "Fill region 1" and button["interactive"] is True
    assert [value for _, value in origins["choices"]] == [0, 1, 2] and origins["value"] == 0
    assert hung == [gr.skip()] * 5
    striped(64, 64).save(cache / "other.png")
    other = scene._replace(source=sources.source(cache / "other.png", "Other"))
    button, _, pair, *_, now = texture_fill.offer(other, filled, 0)
    assert now is None and pair[0] == pair[1] and button["interactive"] is False


def test_a_region_and_a_texture_are_needed(scene):
    with pytest.raises(StudioError, match="No region is chosen"):
        texture_fill.fill_region(scene, None, scene.source, 0, 1, 1, 0)
    with pytest.raises(StudioError, match="no texture yet"):
        texture_fill.fill_region(scene.pick(1), None, None, 0, 1, 1, 0)


# --- structure and texture


def test_structure_and_texture_are_hung_and_mixed(scene):
    (before, after), line, parts, texture, ready, parting = structure.decompose(scene.source, "rof", 0.6, 512, 1.0)
    assert np.array_equal(np.asarray(Image.open(after)), np.asarray(striped()))
    assert np.array_equal(np.asarray(Image.open(before)), np.asarray(striped()))
    assert "120 × 80 px" in line and ready["value"] == after
    (_, without), _ = structure.mix(parting, 0)
    assert Image.open(without).tobytes() == Image.open(parts).tobytes()
    (_, twice), ready = structure.mix(parting, 2)
    assert Image.open(twice).tobytes() != Image.open(parts).tobytes() and read_settings(ready["value"])["amount"] == 2
    assert read_settings(texture)["strength"] == 0.6
    assert structure.mix(None, 1) == gr.skip()
    with pytest.raises(StudioError, match="no picture yet"):
        structure.decompose(None, "rof", 0.5, 512, 1)


# --- new texture


def wish(scene: Scene, **changes) -> Controls:
    return Controls(scene.source, QUILTING, 96, True, 1.0, "gatys/vgg-small", 20, "noise", 5)._replace(**changes)


def test_a_texture_grows_and_is_tiled(scene):
    *_, (path, line, ready, tiled, line_below) = synthesis.synthesize(ANN, *wish(scene))
    assert Image.open(path).size == (96, 96) and Image.open(tiled).size == (192, 192)
    assert ready["value"] == path and "seed 5" in line and "Stripes" in line and "no seam" in line_below
    settings = read_settings(path)
    assert (settings["seamless"], settings["seed"], settings["method"]) == (True, 5, QUILTING) and "steps" not in settings
    *_, (_, _, _, _, line_below) = synthesis.synthesize(ANN, *wish(scene, seamless=False))
    assert "seams show" in line_below


def test_only_what_acts_is_told_to_a_method(scene):
    assert not {"steps", "model"} & set(wish(scene).options())
    assert wish(scene, method=GATYS).options()["steps"] == 20


def test_an_optimisation_waits_for_its_button_and_shows_itself(scene, monkeypatch):
    assert list(synthesis.synthesize_quickly(ANN, *wish(scene, method=GATYS))) == [gr.skip()]
    assert list(synthesis.synthesize_quickly(ANN, *wish(scene, source=None))) == [gr.skip()]
    steps = [Step(done, 20, Image.new("RGB", (96, 96), (done, 0, 0)), {}, done / 2) for done in (0, 5, 20)]
    monkeypatch.setattr(synthesis.synthesis, "synthesize", lambda *_, **__: iter(steps))
    monkeypatch.setattr(synthesis, "PREVIEW_EVERY", 0)
    *previews, end = synthesis.synthesize(ANN, *wish(scene, method=GATYS))
    assert len(previews) == 2 and "step 5 of 20" in previews[1][1] and "left" in previews[1][1]
    assert Image.open(end[0]).getpixel((0, 0)) == (20, 0, 0) and "20 steps" in end[1]


def test_what_was_grown_before_a_failure_is_kept(scene, monkeypatch, said):
    def failing():
        yield Step(5, 20, Image.new("RGB", (96, 96), (5, 0, 0)), {}, 1.0)
        raise StudioError("The numbers grew out of range.")

    monkeypatch.setattr(synthesis.synthesis, "synthesize", lambda *_, **__: failing())
    *_, end = synthesis.synthesize(ANN, *wish(scene, method=GATYS))
    assert Image.open(end[0]).getpixel((0, 0)) == (5, 0, 0) and "stopped" in end[1]
    assert said == ["The numbers grew out of range."]
    with pytest.raises(StudioError, match="no sample yet"):
        list(synthesis.synthesize(ANN, *wish(scene, source=None)))


def test_samples_are_files_that_are_here():
    offered = demos.textures()
    assert {"Brick", "Grass", "Gravel"} <= set(offered) and len(offered) == 3 + len(demos.TEXTURED)
    assert all(path.is_file() for path in offered.values())
