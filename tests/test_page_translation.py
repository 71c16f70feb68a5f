"""Translation through the page's HTTP API, and the parts of its tab that need no browser."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from table import each_row

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.image import read_settings
from imgstudio.studio import downloads
from imgstudio.ui import api
from imgstudio.ui.kit import downloads as fetching
from imgstudio.ui.kit import layout, sources
from imgstudio.ui.tabs import translation
from imgstudio.ui.tabs.translation import many, suited
from imgstudio.ui.tabs.translation import result as translation_wall
from imgstudio.ui.tabs.translation.result import Controls

REQUEST = SimpleNamespace(session_hash="visitor")


@pytest.fixture
def pair(translations, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    return translations(channels=4, blocks=1, skip=True)


@pytest.fixture
def content(pair, tmp_path) -> sources.Source:
    ramp = np.tile(np.arange(0, 240, 2, dtype=np.uint8)[:, None, None], (1, 90, 3))
    Image.fromarray(ramp).save(tmp_path / "ramp.png")  # 90 x 120
    return sources.source(tmp_path / "ramp.png", "Ramp")


def test_the_api_returns_picture_way_back_and_error(content, pair):
    translated, back, heat, figures = api.translation.translate(pair[0], content.path, size=64)
    for path in (translated, back, heat):
        assert Image.open(path).size == (48, 64)
    assert read_settings(translated)["model"] == pair[0] and figures["cycle"] > 0
    made = imgstudio.translate(pair[0], content.path, size=64)
    assert Image.open(back).tobytes() == made.cycle.tobytes()
    assert api.translation.translate(pair[0], content.path, cycle=False)[1:] == (None, None, {})
    with pytest.raises(StudioError, match="strength"):
        api.translation.translate(pair[0], content.path, strength=3.0)


def test_pairs_are_found_by_their_inverse(pair):
    found = [names for names in translation.find_pairs().values() if pair[0] in names]
    assert found == [pair]
    assert translation.pair_of(pair[1]) == pair
    assert len({name for names in translation.find_pairs().values() for name in names}) == len(imgstudio.models("translate"))


def test_the_size_of_a_pair_is_told_in_one_way(monkeypatch):
    monkeypatch.setattr(downloads.weights, "present", lambda source: None)
    both = sum(imgstudio.catalog.find(name).size for name in ("cyclegan/sim2real", "cyclegan/real2sim"))
    wanted = layout.megabytes(both)
    assert f"{wanted} for both directions" in layout.model_line("cyclegan/sim2real")
    assert fetching._label("cyclegan/sim2real").startswith(f"Download {wanted} ")
    assert "directions" not in layout.model_line("vae/hands")


def test_direction_swaps_there_and_back(pair, content):
    there, back = pair
    direction, swap, _line, size, picture, held, changed = translation.swapped(there, content, 3)
    assert (direction, size, changed) == (back, 32, 4) and swap["interactive"]
    assert picture == held == gr.skip(), "a picture of the visitor's own stays"
    assert translation.swapped(back, None, 0)[0] == there
    chooser, *_ = translation.choose_pair(there, None, 0)
    assert chooser["value"] == there and [name for _, name in chooser["choices"]] == [there, back]


@each_row("one, other", [("apple", "tomato"), ("daisy", "sunflower")])
def test_an_example_gives_way_to_one_that_suits_the_direction(one, other):
    there, back = (f"cyclegan/{one}2{other}", f"{one.title()} 2"), (f"cyclegan/{other}2{one}", f"{other.title()} 2")
    offered = suited.examples()
    held = sources.source(offered[there[1]], there[1])
    for (model, _), (_, title) in ((there, back), (back, there)):
        *_, picture, held, changed = translation.swapped(model, held, 1)
        assert held.title == title and picture == held.shown and changed == 2
    *_, held, _ = translation.choose_pair("cyclegan/sim2real", held, 1)
    assert held.title == suited.FIRST_PHOTOGRAPH
    *_, held, _ = translation.choose_direction(back[0], held, 1)
    assert held.title == f"{other.title()} 1"


def test_a_choice_that_comes_twice_is_one(monkeypatch, tmp_path):
    """Gradio may send a click on a list twice: what the field shows must be what the state holds, whoever is first."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    tower = sources.source(suited.examples()["Tower"], "Tower")
    (*_, shown, held, changed), (*_, again, held_again, _) = (
        translation.choose_pair("cyclegan/apple2tomato", tower, 1) for _ in range(2)
    )
    assert (shown, held) == (again, held_again) and held.title == "Apple 1"
    assert sources.accept(shown, held_again, changed) == (gr.skip(),) * 3  # not taken for a picture of the visitor's own
    Path(shown).unlink()  # as Gradio does with old files
    assert Path(sources.select(suited.examples(), "Apple 1", 1)[0]).is_file()


def test_work_ends_with_picture_tiles_and_file(content, pair):
    controls = Controls(pair[0], content, 0.5, 64, True)
    *_, (shown, line, download, tiles, made) = translation_wall.translate(REQUEST, *controls)
    assert "48 × 64 px" in line and "cycle error" in line
    whole, half = imgstudio.translate(pair[0], content.path, size=64), Image.open(download["value"])
    blended = imgstudio.translate(pair[0], content.path, size=64, strength=0.5).image
    assert np.abs(np.asarray(half, int) - np.asarray(blended, int)).max() <= 1
    assert read_settings(download["value"])["strength"] == 0.5
    assert [caption for _, caption in tiles] == [
        "Picture", "Translated", "Translated back", f"Cycle error {whole.cycle_error:.1f} of 255",
    ]  # fmt: skip
    assert Image.open(made.whole).tobytes() == whole.image.tobytes()
    assert Image.open(shown[0]).size == Image.open(shown[1]).size


def test_another_strength_needs_no_net(content, pair, monkeypatch):
    *_, (_, _, _, _, made) = translation_wall.translate(REQUEST, *Controls(pair[0], content, 1.0, 64, True))
    monkeypatch.setattr(imgstudio.loading, "_nets", {})
    _shown, download = translation_wall.reblend(made, 0.0)
    assert Image.open(download["value"]).tobytes() == Image.open(made.before).tobytes()
    assert imgstudio.loading._nets == {}
    assert translation_wall.reblend(None, 0.5) == (gr.skip(), gr.skip())


def test_without_the_way_back_there_are_two_tiles(content, pair):
    *_, (_, line, _, tiles, _) = translation_wall.translate(REQUEST, *Controls(pair[0], content, 1.0, 64, False))
    assert [caption for _, caption in tiles] == ["Picture", "Translated"] and "misses" not in line


def test_models_of_the_hub_wait_for_the_button(content):
    """Nobody asked for a download by looking at the list."""
    assert list(translation_wall.translate_quickly(REQUEST, *Controls("cyclegan/sim2real", content, 1.0, 64, True))) == [
        gr.skip()
    ]


def test_without_a_picture_there_is_a_sentence(pair):
    with pytest.raises(StudioError, match="no picture yet"):
        list(translation_wall.translate(REQUEST, *Controls(pair[0], None, 1.0, 64, True)))


def test_a_sampled_picture_is_taken(pair):
    _shown, held, changed = translation.take_sampled(np.zeros((16, 16, 3), np.uint8), 1)
    assert changed == 2 and Image.open(held.path).size == (16, 16) and held.title == "Sampled"
    with pytest.raises(StudioError, match="sample one first"):
        translation.take_sampled(None, 1)


def test_several_files_become_a_zip_and_problems_are_told(content, pair, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    brought = [content.path, str(tmp_path / "broken.png"), content.path]
    *_, (line, archive) = many.translate_all(REQUEST, brought, pair[0], 1.0, 48)
    assert "2 pictures" in line and "broken.png" in line
    assert zipfile.ZipFile(archive["value"]).namelist() == ["ramp-there.png", "ramp-there-2.png", "records.json"]


def test_a_zip_that_is_stopped_can_be_downloaded(content, pair):
    from imgstudio.ui.kit.events import request_stop

    steps = many.translate_all(REQUEST, [content.path] * 4, pair[0], 1.0, 32)
    next(steps), next(steps)
    request_stop(REQUEST)
    *_, (line, archive) = steps
    assert "stopped" in line and len(zipfile.ZipFile(archive["value"]).namelist()) < 5


def test_the_tab_is_built_with_its_pairs(pair, monkeypatch):
    with gr.Blocks() as page:
        translation.build()
    ids = {getattr(block, "elem_id", None) for block in page.blocks.values()}
    assert {"translation-button", "translation-swap", "translation-result", "translation-strip", "translation-zip"} <= ids
    assert "translation-sampled" not in ids  # there is no such tab on this page
    monkeypatch.setattr(translation, "find_pairs", dict)
    with gr.Blocks() as page:
        translation.build()
    assert "translation-button" not in {getattr(block, "elem_id", None) for block in page.blocks.values()}


def test_with_nothing_but_models_of_the_hub_the_tab_says_so(pair, monkeypatch):
    """Nothing is downloaded, and nothing fails, while the page is built."""
    street = imgstudio.catalog.find("cyclegan/sim2real")
    monkeypatch.setattr(translation.layout, "default_model", lambda task: street)
    monkeypatch.setattr(imgstudio.weights, "locate", lambda *_, **__: pytest.fail("a file was asked for"))
    with gr.Blocks() as page:
        translation.build()
    texts = [str(getattr(block, "value", "")) for block in page.blocks.values()]
    assert any("first click downloads" in text for text in texts)
    result = next(block for block in page.blocks.values() if getattr(block, "elem_id", None) == "translation-download")
    assert not result.interactive
