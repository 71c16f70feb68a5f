"""Every picture of the page says what it was made of, and gives its settings back; a result knows when it is out of date."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import StudioError
from imgstudio.image import read_settings, save_png
from imgstudio.studio import interpolation as studio
from imgstudio.studio import likeness
from imgstudio.studio.sampling import directions
from imgstudio.studio.steps import Step
from imgstudio.ui.kit import freshness, restoring, slots, sources
from imgstudio.ui.tabs import interpolation, style, texture, translation
from imgstudio.ui.tabs.interpolation import morph, views
from imgstudio.ui.tabs.style import settings as style_settings
from imgstudio.ui.tabs.texture import exports, fill, regions, structure, synthesis
from imgstudio.ui.tabs.texture import scene as texture_scene
from imgstudio.ui.tabs.texture.scene import Scene
from imgstudio.ui.tabs.translation import result


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


@pytest.fixture
def upload(tmp_path):
    """Call it with a name: a file as a visitor sends it."""

    def make(name: str, colour: str = "teal") -> str:
        path = tmp_path / name
        image = Image.new("RGB", (96, 64), colour)
        image.paste("white", (0, 0, 48, 64))
        image.save(path)
        return str(path)

    return make


# --- names and hashes


def test_an_upload_is_called_after_its_file_and_known_by_its_hash(upload):
    _, first, _ = sources.accept(upload("my <b>cat.png"), None, 0)
    _, second, _ = sources.accept(upload("dog.png", "red"), None, 0)
    assert (first.title, second.title) == ("my b cat", "dog")
    assert first.uploaded and len(first.digest) == 32 and first.digest != second.digest
    assert first.record("content") == {"content": first.title, "content_sha256": first.digest}


@each_row(
    ("name", "title"), [("holiday_2024 (1).png", "holiday_2024 (1)"), ("<>.png", "Your picture"), ("x" * 90 + ".png", "x" * 60)]
)
def test_names_of_files_become_short_titles(upload, name, title):
    assert sources.source(upload(name)).title == title


def test_a_style_picture_names_its_content(upload):
    content, style = (sources.source(upload(f"{name}.png"), uploaded=True) for name in ("cat", "swirl"))
    controls = style_settings.Controls.first(style_settings.ANY, "wct/vgg-small", content, style)
    settings = controls.settings()
    assert (settings["content"], settings["content_sha256"]) == ("cat", content.digest)
    assert (settings["style"], settings["style_sha256"]) == ("swirl", style.digest)


def test_an_overlay_holds_regions_size_merges_and_its_picture(upload):
    held = sources.source(upload("stripes.png"), uploaded=True)
    scene = Scene(held, "gabor/texture", 64, 2)._replace(merged=((1, 2),))
    saved = read_settings(exports.write("overlay", scene, 0.5, False))
    assert (saved["regions"], saved["size"], saved["merged"]) == (2, 64, [[1, 2]])
    assert (saved["picture"], saved["picture_sha256"]) == ("stripes", held.digest)
    other = sources.source(upload("dots.png"), uploaded=True)
    names = {exports.write("csv", scene._replace(source=each), 0.5, False).rpartition("/")[2] for each in (held, other)}
    assert len(names) == 2
    texture_scene._regions.cache_clear()


def test_a_file_of_the_page_is_made_again_with_its_input(upload):
    held = sources.source(upload("stripes.png"), uploaded=True)
    path = exports.write("overlay", Scene(held, "gabor/texture", 64, 2)._replace(merged=((1, 2),)), 0.5, False)
    assert imgstudio.record(path)["inputs"]["image"]["name"] == Path(held.path).name
    assert imgstudio.replay(path, image=held.path).tobytes() == imgstudio.image.read(path).tobytes()
    texture_scene._regions.cache_clear()


def test_an_uploaded_picture_of_a_vae_says_what_it_was(upload):
    path, _, _ = slots._accept(upload("aunt.png"), slots.HeldPicture(None, 3), 0)
    assert slots.provenance(a=path)["a"]["name"] == "aunt"


# --- an answer of the page is no upload


def test_an_answer_that_was_overtaken_is_not_taken_for_an_upload(upload):
    drawn, _, _ = slots._accept(upload("first.png"), slots.HeldPicture(None, 3), 0)
    held = slots.HeldPicture("newer.png", 7)
    assert slots._accept(drawn, held, 4) == ("newer.png", gr.skip(), gr.skip())
    source = sources.source(upload("second.png"))
    other = sources.source(upload("third.png"))
    assert sources.accept(source.shown, other, 2) == (other.shown, gr.skip(), gr.skip())


# --- settings from a picture


def component(kind, **options):
    with gr.Blocks():
        return kind(**options)


@each_row(
    ("control", "value", "wanted"),
    [
        ((gr.Slider, {"minimum": 0, "maximum": 1}), 7, 1),
        ((gr.Slider, {"minimum": 0, "maximum": 1}), float("nan"), gr.skip()),
        ((gr.Slider, {"minimum": 0, "maximum": 1}), "0.5", gr.skip()),
        ((gr.Radio, {"choices": [("A", "a")]}), "a", "a"),
        ((gr.Radio, {"choices": [("A", "a")]}), "b", gr.skip()),
        ((gr.Checkbox, {}), 1, gr.skip()),
        ((gr.Checkbox, {}), False, False),
    ],
)
def test_what_a_picture_asks_for_stays_within_the_controls(control, value, wanted):
    kind, options = control
    assert restoring._value(component(kind, **options), value) == wanted


def test_merged_regions_come_back_with_the_number_that_there_was_before(upload):
    held = sources.source(upload("stripes.png"), uploaded=True)
    scene = Scene(held, "gabor/texture", 64, 2)._replace(merged=((1, 2),))
    found = regions.settings_of(read_settings(exports.write("overlay", scene, 0.5, False)))
    assert (found["regions"], found["edits"], found["auto"]) == (2, regions.RegionEdits(((1, 2),)), False)
    again = Scene(held, found["model"]["value"], found["size"], found["regions"], None, found["edits"].merged)
    assert (texture_scene.segmentation(again).labels == texture_scene.segmentation(scene).labels).all()
    texture_scene._regions.cache_clear()


def test_merges_that_nobody_made_are_refused(tmp_path):
    for merged in (7, [1], [[1, 2, 3]], [[1, True]], [[1, 0]], [["1", 2]], [[1, 2]] * 99, None):
        settings = {"task": "segment", "model": "gabor/texture", "merged": merged}
        save_png(Image.new("RGB", (8, 8)), tmp_path / "odd.png", settings)
        with pytest.raises(StudioError, match="not made in this part"):
            restoring.read(str(tmp_path / "odd.png"), "segment", regions.settings_of)


def test_settings_of_another_part_are_refused(tmp_path):
    save_png(Image.new("RGB", (8, 8)), tmp_path / "other.png", {"task": "sample"})
    with pytest.raises(StudioError, match="not made in this part"):
        restoring.read(str(tmp_path / "other.png"), "stylize", dict)
    save_png(Image.new("RGB", (8, 8)), tmp_path / "odd.png", {"task": "stylize", "model": ["x"]})
    with pytest.raises(StudioError, match="not made in this part"):
        restoring.read(str(tmp_path / "odd.png"), "stylize", style_settings.restored)


def test_settings_of_a_style_picture_come_back(upload):
    content, style = (sources.source(upload(f"{name}.png"), uploaded=True) for name in ("cat", "swirl"))
    known = style_settings.Controls.first(style_settings.OPTIMISE, "gatys/vgg-small", content, style)
    found = style_settings.restored(known._replace(style_weight=3.0, steps=60, colours="match").settings())
    assert found["method"] == style_settings.OPTIMISE and found["style_weight"] == 3.0
    assert (found["steps"], found["colours"], found["relu3_1"]) == (60, "match", 1.0)


# --- every key of a record is read back

NO_CONTROL = {"task", "styles", "shows", "value"}  # names once more, and which picture of several this one is


@pytest.fixture(scope="module")
def wired():
    """What each part connects to "Open settings from a picture", by task: keys of controls and pictures, and what derives."""
    found = {}

    def wire(_, task, fields, slots, changed, *, derive=dict):
        pictures = {*slots, *(f"{key}_sha256" for key in slots)}
        for each in [task] if isinstance(task, str) else task:
            found[each] = ({*fields, *pictures}, derive)

    def restorer(_, fields):
        found.update({task: ({*fields, *"abcd"}, interpolation.settings_of) for task in interpolation.VIEWS})
        return lambda *_: None

    with pytest.MonkeyPatch.context() as patch, gr.Blocks():
        patch.setattr(restoring, "wire", wire)
        patch.setattr(interpolation, "_restorer", restorer)
        for tab in (texture, style, translation, interpolation):
            tab.build()
    return found


class Watched(dict):
    """Settings that remember which of their keys were asked for."""

    def __init__(self, saved):
        super().__init__(saved)
        self.read = set()

    def __getitem__(self, key):
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.read.add(key)
        return super().get(key, default)


def of_styles(a, b):
    for way, model in ((style_settings.OPTIMISE, "gatys/vgg-small"), (style_settings.ANY, "wct/vgg-small")):
        yield style_settings.Controls.first(way, model, a, b)._replace(second=b, mask="m.png").settings()


def of_textures(a, b):
    scene = Scene(a, "gabor/texture", 64, 2, chosen=(1,))
    yield read_settings(exports.write("overlay", scene, 0.5, False))
    for origin in (fill.SAMPLE, 2):
        yield read_settings(fill.fill_region(scene, None, b, origin, 1.0, 1.0, 0)[2]["value"])
    yield structure.Split(a, "rtv", 0.5, 64).settings(2.0)
    for way in (synthesis.QUILTING, synthesis.GATYS):
        wish = synthesis.Controls(a, way, 64, True, 1.0, "gatys/vgg-small", 2, "noise", 0)
        yield read_settings(synthesis._finished(wish, Step(2, 2, Image.new("RGB", (64, 64))), 0.1)[0])


def of_a_translation(a, b):
    made = result.Result(**{field: getattr(a, field, "") for field in result.Result._fields})
    yield {**result._settings(made._replace(model="cyclegan/apple2tomato")), "strength": 1.0}


def of_a_vae(a, b):
    model = "vae/fruits"
    shared = model, a.shown, b.shown, "auto"
    yield read_settings(morph.blend(*shared, 0.5, "slerp")[0])
    yield read_settings(views.manifold(*shared, a.shown, b.shown, 3)[0])
    amounts = ["apple to tomato"], 1.0
    for tiles, _ in (
        views.traverse(*shared, 1, 3.0),
        views.reconstruct(*shared),
        views.change(*shared, *amounts),
        views.denoise(*shared, 0.2, 0),
    ):
        yield read_settings(tiles[-1][0])


@pytest.mark.parametrize("records", [of_styles, of_textures, of_a_translation, of_a_vae])
def test_a_record_has_no_key_that_is_not_read_back(records, wired, upload):
    a, b = (sources.source(upload(f"{name}.png", colour), uploaded=True) for name, colour in (("a", "teal"), ("b", "red")))
    for record in records(a, b):
        handled, derive = wired[record["task"]]
        saved = Watched(record)
        derive(saved)
        assert set(record) - handled - saved.read - NO_CONTROL == set(), record["task"]


def test_settings_of_a_vae_come_back_within_its_controls():
    dimension = studio.dimensions("vae/fruits")[3]
    saved = {"task": "traverse", "model": "vae/fruits", "dimension": dimension, "span": 2.0}
    assert interpolation.settings_of(saved)["rank"] == 4
    names = directions.offered(studio.attributes("vae/fruits"))
    amounts = {names[1]: 1.5, "nowhere": 1, names[0]: 99, names[2]: "1"}
    found = interpolation.settings_of({"task": "attribute", "model": "vae/fruits", "amounts": amounts})
    _, chooser, first, second, third, _ = views.offer_model("vae/fruits", found["amounts"])
    assert chooser["value"] == [names[1], names[0]]
    assert (first["value"], second["value"], third["visible"]) == (1.5, 2.0, False)


# --- out of date


def watch(**values):
    with gr.Blocks():
        parts = {name: gr.State(value) for name, value in values.items()}
        return freshness.watch(freshness.mark(), parts, "The button makes it anew.")


def test_a_result_is_marked_under_another_model_and_input():
    seen = watch(model="vae/avatars", picture="a.png")
    made = seen.shown.made.value
    assert seen.compare(made, "vae/avatars", "a.png") == ""
    assert "made by Drawn heads" in seen.compare(made, "vae/fruits", "a.png")
    assert "another picture" in seen.compare(made, "vae/avatars", "b.png")
    assert seen.compare(None, "vae/fruits", "b.png") == ""


def test_what_makes_a_result_leaves_a_record_unless_it_made_none():
    seen = watch(model="vae/avatars")

    def handler(request: gr.Request, wanted: bool):
        yield ("picture", "line") if wanted else gr.skip()

    wrapped, inputs, outputs = seen.renewing(handler, [gr.State(True)], [gr.State(), gr.State()])
    assert len(inputs) == 2 and len(outputs) == 3
    request = gr.Request()
    assert list(wrapped(request, "vae/hands", True)) == [((("model", "vae/hands"),), "picture", "line")]
    assert list(wrapped(request, "vae/hands", False)) == [(gr.skip(),) * 3]


def test_one_and_one_point_nought_are_the_same():
    seen = watch(model="vae/avatars", size=1.0)
    assert seen.compare(seen.shown.made.value, "vae/avatars", 1) == ""


# --- pictures that a net does not know


def test_a_photograph_is_foreign_to_a_net_of_drawn_heads_and_its_own_samples_are_not():
    from imgstudio.studio import interpolation

    [own] = interpolation.prior("vae/avatars", [40])
    assert likeness.vae_domain_warning("vae/avatars", interpolation.reconstruct("vae/avatars", own).psnr) is None
    stripes = Image.new("RGB", (64, 64), "navy")
    for x in range(0, 64, 8):
        stripes.paste("orange", (x, 0, x + 4, 64))
    told = likeness.vae_domain_warning("vae/avatars", interpolation.reconstruct("vae/avatars", stripes).psnr)
    assert told is not None and "knows only drawn heads" in told


def test_a_search_that_ended_far_off_is_told():
    assert "knows only drawn heads" in (likeness.gan_domain_warning("stylegan2/avatars", 7.0) or "")
    assert likeness.gan_domain_warning("stylegan2/avatars", 25.0) is None


def test_no_direction_on_the_page_is_named_for_skin():
    assert directions.offered(["lighter", "skin darker than hair", "dark skin to brown skin"]) == ("lighter",)
