"""Style transfer through the page's HTTP API, and the parts of its tab that need no browser."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import page_server
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw
from table import each_row

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.image import read_settings
from imgstudio.studio.steps import Step
from imgstudio.ui.kit import demos, layout, sources
from imgstudio.ui.tabs.style import region, result, settings
from imgstudio.ui.tabs.style.settings import ANY, METHODS, ONE, OPTIMISE, Controls

MODELS = {method: layout.first_ready(specs).name for method, specs in settings.kinds().items()}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What the visitor is told."""
    sentences: list[str] = []
    monkeypatch.setattr(gr, "Warning", sentences.append)
    return sentences


@pytest.fixture
def pair(cache) -> tuple[sources.Source, sources.Source]:
    """A content and a style."""
    for name, colour in (("content", "teal"), ("style", "orange")):
        Image.linear_gradient("L").convert("RGB").save(cache / f"{name}.png")
        Image.blend(Image.open(cache / f"{name}.png"), Image.new("RGB", (256, 256), colour), 0.5).save(cache / f"{name}.png")
    return sources.source(cache / "content.png", "Content"), sources.source(cache / "style.png", "Manner")


def controls(method: str, pair: tuple, **changes) -> Controls:
    return Controls.first(method, "family/name", *pair)._replace(**changes)


def values(chosen: Controls) -> list:
    """As the page hands them over."""
    return [*chosen[:-1], *chosen.layers]


# --- the API


@pytest.mark.skipif(not MODELS, reason="there is no model for style transfer")
def test_a_picture_comes_back_restyled(pair):
    client = Client(page_server.address(), verbose=False)
    content, manner = (handle_file(each.path) for each in pair)
    for method, model in MODELS.items():
        brought = None if method == ONE else manner
        path, losses = client.predict(model, content, brought, 1.0, 1.0, 1.0, 96, 4, "none", None, 0, api_name="/stylize")
        assert Image.open(path).size == (96, 96)
        assert read_settings(path)["model"] == model
        assert bool(losses) == (method == OPTIMISE)
        with pytest.raises(AppError, match="strength"):
            client.predict(model, content, brought, 7.0, 1.0, 1.0, 96, 4, "none", None, 0, api_name="/stylize")


# --- controls and what they mean


def test_values_of_the_page_become_controls_and_back(pair):
    chosen = controls(ANY, pair, strength=0.5)
    assert Controls.of(*values(chosen)) == chosen
    assert chosen.model == "family/name"


@each_row(("model", "hidden"), [("gatys/vgg16", [False] * 4 + [True]), ("gatys/vgg-small", [False] * 5), (None, [False] * 5)])
def test_layers_that_a_net_lacks_have_no_slider_and_are_not_asked_for(pair, model, hidden):
    assert [not update["visible"] for update in settings.shown_layers(model)] == hidden
    asked = controls(OPTIMISE, pair, slow_model=model).options()["layers"]
    assert list(asked) == [name for name, lacking in zip(settings.LAYERS, hidden) if not lacking]


def test_a_method_is_told_only_what_acts_in_it(pair):
    quick, slow = controls(ANY, pair).options(), controls(OPTIMISE, pair).options()
    assert "strength" in quick and not {"steps", "style_weight", "seed"} & set(quick)
    assert "strength" not in slow and {"steps", "style_weight", "content_weight", "layers", "seed"} <= set(slow)
    assert controls(ANY, pair, colours="luminance").options()["keep_colors"] == "luminance"
    assert quick["keep_colors"] is False


def test_two_styles_are_mixed_by_shares_and_a_net_of_one_style_has_none(pair):
    mixed = controls(ANY, pair, second=pair[0], mix=0.25)
    assert mixed.styles() == [pair[1], pair[0]]
    assert mixed.options()["weights"] == [0.75, 0.25]
    assert mixed._replace(mix=0).styles() == [pair[1]]
    assert mixed._replace(method=ONE).styles() == []
    assert mixed._replace(mix=0).settings()["styles"] == ["Manner"]
    with pytest.raises(StudioError, match="no style yet"):
        controls(ANY, (pair[0], None)).styles()


@each_row(
    ("seconds", "words"), [(0.01, "0.1 s"), (0.44, "0.4 s"), (7.3, "7 s"), (38.0, "40 s"), (88.0, "90 s"), (300.0, "5 min")]
)
def test_expected_times_for_people(seconds, words):
    assert settings.duration(seconds) == words


# --- pictures that are brought


def test_what_is_brought_is_taken_at_its_full_size_or_put_back(cache, said):
    good, bad = cache / "good.png", cache / "bad.png"
    Image.new("RGB", (2000, 1000), "teal").save(good)
    bad.write_text("no picture")
    held = sources.Source("Cat", "cat.png", "shown.png")

    shown, now, changed = sources.accept(str(good), held, 0)
    assert Image.open(shown).size == (512, 256) and Image.open(now.path).size == (2000, 1000)
    assert changed == 1
    assert sources.accept(shown, now, 1) == (gr.skip(),) * 3  # our own answer

    back, now, _ = sources.accept(str(bad), held, 0)
    assert back == "shown.png" and now.path == "cat.png"
    assert sources.accept(str(bad), now, 0)[0] == "shown.png"
    assert len(said) == 1
    assert sources.accept(str(bad), None, 0)[0] is None


def test_surprise_me_never_picks_what_hangs_there(cache, pair):
    offered = {each.title: each.path for each in pair}
    pick = sources.random_choice(offered)
    assert {pick(pair[0], 0)[1].title for _ in range(8)} == {"Manner"}
    assert sources.random_choice({"Manner": pair[1].path})(pair[1], 0)[1].title == "Manner"


def test_pictures_to_begin_with_are_files_that_are_here():
    for title, path in {**demos.contents(), **demos.artworks()}.items():
        assert title and path.is_file()
    assert {"Cat", "Astronaut"} <= set(demos.contents())


def test_a_painted_region_is_white_where_the_brush_was(cache):
    layer = Image.new("RGBA", (60, 40))
    assert region.painted({"background": None, "layers": [layer], "composite": None}) is None
    assert region.painted(None) is None
    ImageDraw.Draw(layer).rectangle((10, 10, 19, 29), fill=(216, 57, 27, 153))
    mask = Image.open(region.painted({"background": None, "layers": [layer], "composite": None}))
    assert mask.getbbox() == (10, 10, 20, 30)
    assert sorted(mask.convert("L").getcolors()) == [(200, 255), (2200, 0)]


# --- a picture in the making


ANN = SimpleNamespace(session_hash="ann")


def paint(monkeypatch, steps, chosen: Controls, past=None) -> list[tuple]:
    """All that the page is sent while these steps come out of the studio."""
    monkeypatch.setattr(result.style, "stylize", lambda *_, **__: steps)
    monkeypatch.setattr(result.style, "expected_seconds", lambda *_: 10.0)
    monkeypatch.setattr(result, "PREVIEW_EVERY", 0)
    work = result.resume(ANN, past, *values(chosen)) if past else result.restyle(ANN, *values(chosen))
    return list(work)


def step(done: int, total: int = 10) -> Step:
    losses = {"content": 0.1 * done, "style": 1 / (done + 1), "tv": 1.0, "total": 2.0}
    return Step(done, total, Image.new("RGB", (64, 64), (done, 0, 0)), losses, done / 2)


def test_a_painting_is_shown_as_it_grows_and_kept_at_the_end(monkeypatch, pair):
    *previews, end = paint(monkeypatch, map(step, (0, 5, 10)), controls(OPTIMISE, pair))
    assert len(previews) == 2
    assert "step 5 of 10 in 2.5 s · 2.0 steps/s" in previews[1][1] and "left" in previews[1][1]
    _, line, download, again, curves, made = end
    assert "10 steps in" in line and "64 × 64 px" in line and "seed 0" in line and "Manner" in line
    assert Image.open(made.path).getpixel((0, 0)) == (10, 0, 0)
    assert read_settings(made.path)["steps"] == 10
    assert download["value"] == made.path and again["visible"] is True
    assert sorted(set(curves["value"]["step"])) == [5, 10]  # at 0 the content is untouched, which has no logarithm
    assert set(curves["value"]["curve"]) == set(result.CURVES.values())

    past = made._replace(seconds=5.0)
    *_, end = paint(monkeypatch, map(step, (0, 10)), controls(OPTIMISE, pair), past)
    assert "20 steps in 5." in end[1]
    assert end[-1].done == 20 and max(row[0] for row in end[-1].curve) == 20


def test_what_was_painted_before_a_failure_is_kept(monkeypatch, pair, said):
    def failing():
        yield step(5)
        raise StudioError("The numbers grew out of range.")

    *_, end = paint(monkeypatch, failing(), controls(OPTIMISE, pair))
    assert Image.open(end[-1].path).getpixel((0, 0)) == (5, 0, 0)
    assert "stopped" in end[1]
    assert said == ["The numbers grew out of range."]


def test_a_picture_in_one_pass_has_no_curve_and_no_more_steps(monkeypatch, pair):
    made = Step(1, 1, Image.new("RGB", (64, 32)), {}, 0.1)
    [(pair_shown, line, _, again, curves, _)] = paint(monkeypatch, iter([made]), controls(ANY, pair))
    assert "1 picture in" in line and "seed" not in line
    assert again["visible"] is False and curves["visible"] is False
    assert [Image.open(path).size for path in pair_shown] == [(64, 32)] * 2


def test_an_optimisation_waits_for_its_button(monkeypatch, pair):
    monkeypatch.setattr(result.style, "stylize", lambda *_, **__: pytest.fail("nobody asked for it"))
    assert list(result.restyle_quickly(ANN, *values(controls(OPTIMISE, pair)))) == [gr.skip()]
    assert list(result.restyle_quickly(ANN, *values(controls(ANY, (None, None))))) == [gr.skip()]


def test_a_picture_larger_than_a_screen_is_shown_smaller_and_kept_whole(monkeypatch, pair):
    large = Step(1, 1, Image.new("RGB", (3200, 1600)), {}, 0.1)
    [(shown, _, download, *_)] = paint(monkeypatch, iter([large]), controls(ANY, pair))
    assert [Image.open(path).size for path in shown] == [(1600, 800)] * 2
    assert Image.open(download["value"]).size == (3200, 1600)


def test_every_model_has_a_method():
    assert sum(map(len, settings.kinds().values())) == len(imgstudio.models("stylize"))
    assert set(settings.kinds()) <= set(METHODS)
