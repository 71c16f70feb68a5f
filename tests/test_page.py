"""The page's HTTP API through its own client, and the parts of the page that need no browser."""

from __future__ import annotations

import json
from types import SimpleNamespace

import gradio as gr
import page_server
import pytest
from gradio_client import Client, handle_file, snippet
from gradio_client.exceptions import AppError
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import catalog, ui
from imgstudio.errors import StudioError
from imgstudio.image import read_settings
from imgstudio.studio import description
from imgstudio.ui import api
from imgstudio.ui.api import texts
from imgstudio.ui.kit import events, layout, player, slots
from imgstudio.ui.tabs import models
from imgstudio.ui.tabs.interpolation import morph
from imgstudio.ui.tabs.sampling import walk
from imgstudio.ui.tabs.sampling.sheet import Controls, Gallery

ENDPOINTS = {
    "/models": ["task"],
    "/sample": ["model", "seeds", "truncation", "label"],
    "/walk": ["model", "seeds", "frames", "truncation", "loop", "label", "fps", "format"],
    "/directions": ["model"],
    "/mix": ["model", "coarse", "fine", "crossover", "truncation", "label", "noise"],
    "/edit": ["model", "seed", "amounts", "layers", "truncation", "label", "noise"],
    "/pad": ["model", "seed", "x", "y", "truncation", "label", "noise"],
    "/feature_maps": ["model", "seed", "layer", "count", "truncation", "label", "noise"],
    "/invert": ["model", "image", "steps", "seed"],
    "/complete": ["model", "image", "mask", "steps", "seed"],
    "/reconstruct": ["model", "image"],
    "/interpolate": ["model", "a", "b", "steps", "curve"],
    "/blend": ["model", "a", "b", "t", "curve"],
    "/manifold": ["model", "a", "b", "c", "d", "size"],
    "/traverse": ["model", "image", "dimension", "span", "steps"],
    "/prior": ["model", "seeds"],
    "/attribute": ["model", "image", "amounts"],
    "/denoise": ["model", "image", "noise", "seed"],
    "/translate": ["model", "image", "strength", "size", "cycle"],
    "/stylize": [
        "model", "content", "style", "strength", "content_weight", "style_weight", "size", "steps", "keep_colors", "mask", "seed"
    ],
    "/segment": ["model", "image", "regions", "opacity"],
    "/decompose": ["image", "strength", "method", "size"],
    "/synthesize": ["image", "size", "steps", "seed", "method", "model", "seamless", "scale", "start"],
    "/retexture": ["model", "image", "texture", "region", "regions", "shading", "scale", "seed"],
}  # fmt: skip
GAN = layout.default_model("sample").name
VAE = layout.default_model("reconstruct").name


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Client:
    return Client(page_server.address(), verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


@pytest.fixture(scope="module")
def picture(client) -> str:
    """Path of a picture that the VAE knows."""
    [drawn] = client.predict(VAE, "1", api_name="/prior")
    return drawn["image"]


# --- the API


def test_the_endpoints_are_those_of_the_studio_and_documented(client):
    info = client.view_api(return_format="dict", print_info=False)
    named = info["named_endpoints"]
    assert {name: [p["parameter_name"] for p in each["parameters"]] for name, each in named.items()} == ENDPOINTS
    assert not info["unnamed_endpoints"]
    assert all(each["description"] for each in named.values())
    for function in api.ENDPOINTS:
        each, labels = named[f"/{function.__name__}"], texts.arguments(function)
        assert {p["parameter_name"]: p["label"] for p in each["parameters"]} == labels
        assert [result["label"] for result in each["returns"]] == list(texts.results(function))
        chosen = [p for p in each["parameters"] if p["component"] == "Dropdown"]
        assert all(p["parameter_default"] in p["type"]["enum"] for p in chosen), each


QUICK = {"steps": 1, "size": 64, "frames": 2, "count": 2}  # in place of what a snippet says
QUICK_PICTURES = {"steps": 2, "size": 2}  # of /interpolate, /traverse and /manifold, where they are pictures


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_the_page_says_about_an_endpoint_can_be_run_as_it_stands(client, tmp_path, endpoint):
    """The snippet that stands on the API page, with less to do. A style is needed by a model that takes any."""
    photo = Image.effect_noise((64, 64), 80).convert("RGB")
    photo.paste("black", (0, 0, 64, 32))  # so that it is a mask, too
    photo.save(tmp_path / "photo.png")
    info = client.view_api(return_format="dict", print_info=False)["named_endpoints"][endpoint]
    less = QUICK_PICTURES if endpoint in ("/interpolate", "/traverse", "/manifold") else QUICK
    for parameter in info["parameters"]:
        parameter["parameter_default"] = less.get(parameter["parameter_name"], parameter["parameter_default"])
        parameter["parameter_has_default"] &= parameter["parameter_name"] != "style"
    _, _, program = snippet.generate_python_snippet(endpoint, info["parameters"], client.src).partition("\n")
    names = {"Client": lambda _: client, "handle_file": lambda _: handle_file(tmp_path / "photo.png")}
    exec(program, names)
    kinds = [each["component"] for each in info["returns"]]
    results = [names["result"]] if len(kinds) == 1 else names["result"]
    assert len(results) == len(kinds)
    for kind, result in zip(kinds, results):
        if kind in ("Image", "File", "Gallery"):
            for path in [each["image"] for each in result] if kind == "Gallery" else [result]:
                Image.open(path).load()
        assert result if kind == "Textbox" else result is not None


def test_models_over_http_are_those_of_the_command_line(client):
    assert client.predict(api_name="/models") == json.loads(json.dumps(description.list_models()))
    vaes = client.predict("reconstruct", api_name="/models")
    assert {entry["task"] for entry in vaes} == {"reconstruct"}
    known = {entry["name"]: entry for entry in client.predict(api_name="/models")}
    assert known["stylegan2/fruits"]["labels"] == ["apple", "cherry", "tomato"]
    assert known["stylegan2/fruits"]["layers"] == [4, 4, 8, 8, 16, 16, 32, 32]
    assert known[VAE]["curves"] == ["lerp", "slerp"] and known["vae/fruits"]["attributes"]
    assert known["fast/udnie"]["method"] == "one pass" and "relu1_1" in known["gatys/vgg-small"]["layers"]
    assert known[VAE]["present"] is True


def test_the_same_seed_gives_the_same_picture_alone_and_among_others(client):
    several = client.predict(GAN, "3, 17 20-21", api_name="/sample")
    again = client.predict(GAN, "17", api_name="/sample")
    assert [each["caption"] for each in several] == ["3", "17", "20", "21"]
    images = [Image.open(each["image"]) for each in (*several, *again)]
    assert images[1].tobytes() == images[4].tobytes()
    assert len({image.tobytes() for image in images}) == 4
    assert read_settings(again[0]["image"]) == {"task": "sample", "model": GAN, "seed": 17, "truncation": 0.7, "label": None}


def test_a_walk_comes_as_one_file(client):
    path = client.predict(GAN, "1, 2", 3, 0.7, True, "", 12, "gif", api_name="/walk")
    assert path.endswith(".gif")
    assert Image.open(path).n_frames == 6


def test_pictures_go_in_and_come_out(client, picture):
    path, figures = client.predict(VAE, handle_file(picture), api_name="/reconstruct")
    assert Image.open(path).size == Image.open(picture).size
    assert figures["psnr"] > 10 and figures["kl"] > 0
    strip = client.predict(VAE, handle_file(picture), handle_file(picture), 3, api_name="/interpolate")
    assert [each["caption"] for each in strip] == ["0.000", "0.500", "1.000"]
    noisy, cleaned, figures = client.predict(VAE, handle_file(picture), 0.4, api_name="/denoise")
    assert Image.open(noisy).tobytes() != Image.open(cleaned).tobytes()
    assert figures["psnr"] > figures["psnr_noisy"]


@each_row(
    ("values", "endpoint", "sentence"),
    [
        (("nobody/knows", "0"), "/sample", "There is no model 'nobody/knows': choose one of"),
        ((GAN, "many"), "/sample", "'many' is not a seed"),
        ((GAN, "0", 9.0), "/sample", "Truncation goes from 0 to 1.5"),
        ((GAN, "0-1000", 24), "/walk", "goes up to 64 here"),
        ((GAN, "0-1", 2, 0.7, True, "", 12, "/../film.gif"), "/walk", "There is no format '/../film.gif': choose one of gif"),
        (("paint",), "/models", "There is no task 'paint': choose one of sample"),
    ],
)
def test_a_mistake_gets_one_sentence(client, values, endpoint, sentence):
    with pytest.raises(AppError, match=sentence) as failure:
        client.predict(*values, api_name=endpoint)
    assert "Traceback" not in str(failure.value)


def test_a_file_that_is_no_picture_gets_one_sentence(client, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    with pytest.raises(AppError, match=r"bad\.png is not a picture that can be read"):
        client.predict(VAE, handle_file(bad), api_name="/reconstruct")


# --- parts of the page


def test_a_task_without_models_has_a_quiet_sentence(monkeypatch):
    monkeypatch.setattr(catalog, "models", lambda task=None: ())
    demo = ui.build()
    texts = [block.value for block in demo.blocks.values() if isinstance(block, gr.HTML)]
    assert sum("There is no model for this" in text for text in texts) == 5  # one a tab


def test_the_page_stands_without_weights_and_keeps_its_plumbing_private(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setattr("imgstudio.loading._nets", {})
    demo = ui.build()
    sheet = next(block for block in demo.blocks.values() if block.elem_id == "sampling-sheet")
    assert not sheet.value
    named = [block.elem_id for block in demo.blocks.values() if block.elem_id]
    assert len(named) == len(set(named)), "an id on the page is one component's"
    public = [each for each in demo.fns.values() if each.api_visibility == "public"]
    assert {f"/{each.api_name}" for each in public} == set(ENDPOINTS)
    assert {each.api_name for each in public if each.concurrency_id != "compute"} == {"models"}


def test_errors_become_messages_and_leave_everything_as_it_was(monkeypatch, caplog):
    said = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: said.append(message))

    def clumsy(error):
        raise error

    def clumsy_steps(error):
        yield 1
        raise error

    assert events.with_errors(clumsy)(StudioError("Do this.")) == gr.skip()
    assert events.with_errors(clumsy)(KeyError("secret")) == gr.skip()
    assert list(events.with_errors(clumsy_steps)(StudioError("Do that."))) == [1, gr.skip()]
    assert said == ["Do this.", events.UNEXPECTED, "Do that."]
    assert "secret" in caplog.text


def test_stop_ends_the_work_of_one_visitor_after_the_step_at_hand():
    ann, bob = SimpleNamespace(session_hash="ann"), SimpleNamespace(session_hash="bob")
    seen = {"ann": [], "bob": []}
    for step in events.until_stopped(range(5), ann):
        seen["ann"].append(step)
        if step == 1:
            events.request_stop(ann)
    events.request_stop(bob)  # who is not at work yet
    seen["bob"] = list(events.until_stopped(range(5), bob))
    assert seen == {"ann": [0, 1], "bob": [0, 1, 2, 3, 4]}


def test_a_walk_without_a_list_goes_from_the_chosen_picture_to_its_neighbours():
    gallery = Gallery(tuple(range(10, 16)), 14)
    assert walk.route(gallery, []) == [14, 15, 10, 11]
    assert walk.route(gallery, [3]) == [3, 10, 11, 12]
    assert walk.route(Gallery((7,), 7), []) == [7, 8, 9]
    assert walk.added("", 3) == "3"
    assert walk.added("3, 5,", 3) == "3, 5, 3"
    assert walk.added("3, 5", 5) == "3, 5"


def test_settings_of_a_picture_tell_all_that_is_needed_to_make_it_again():
    gallery = Gallery((0,), 0)
    controls = Controls(GAN, "any", None, 3.0, 0.5, "auto", gallery)
    assert controls.page() == Gallery((0, 1, 2), 0)
    assert controls.settings(2) == {"task": "sample", "model": GAN, "seed": 2, "truncation": 0.5}
    classes = [spec for spec in imgstudio.models("sample") if spec.labels]
    for spec in classes:
        chosen = controls._replace(model=spec.name, label=spec.labels[-1])
        assert chosen.settings(2)["label"] == spec.labels[-1]
        assert spec.labels[-1] in chosen.name("seed", 2)


def test_a_film_that_goes_there_and_back_repeats_no_frame_at_its_turns():
    assert morph.there_and_back(list("abcd")) == list("abcdcb")
    with pytest.raises(StudioError, match="720 are the most"):
        player.check_length(721)


def test_an_upload_is_shrunk_kept_or_put_back(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(gr, "Warning", said.append)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.new("RGB", (2000, 1000), "teal").save(good)
    bad.write_text("no picture")
    held = slots.HeldPicture("before.png", 3)

    path, now, changed = slots._accept(str(good), held, 0)
    assert Image.open(path).size == (512, 256)
    assert (now, changed) == (slots.HeldPicture(path, None), 1)
    assert slots._accept(path, now, 1) == (gr.skip(),) * 3

    back, now, _ = slots._accept(str(bad), held, 0)
    assert back == "before.png" and now.path == "before.png"
    assert slots._accept(str(bad), now, 0)[0] == "before.png"
    assert len(said) == 1


def test_texts_of_the_catalogue_are_escaped_and_linked():
    html = models.linked("<b>A & B 2014, arXiv:1511.06434; see https://example.org/x.")
    assert "<b>" not in html and "A &amp; B" in html
    assert 'href="https://arxiv.org/abs/1511.06434"' in html
    assert 'href="https://example.org/x"' in html


def test_numbers_for_people():
    assert "24 pictures in 44 ms" in layout.facts("24 pictures", 0.044)
    assert "1 picture in 2.5 s · a &lt; b" in layout.facts("1 picture", 2.5, "a < b")
    assert (layout.megabytes(7_300_000), layout.megabytes(12_000)) == ("7.3 MB", "12 kB")
    assert (layout.whole(None), layout.whole(7.0)) == (0, 7)


def test_pictures_with_the_same_caption_are_files_of_their_own():
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    hung = layout.show_strip([(red, "A", {}), (blue, "A", {}), (red, "A", {})], "vae/avatars", "auto", 64)
    assert [Image.open(path).getpixel((0, 0)) for path, _ in hung] == [(255, 0, 0), (0, 0, 255), (255, 0, 0)]
    assert [caption for _, caption in hung] == ["A"] * 3
