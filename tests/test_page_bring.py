"""The part "Import your own model" of the page, without a browser: what a visitor imports is for this session alone."""

from __future__ import annotations

from types import SimpleNamespace

import foreign
import gradio as gr
import pytest
import torch

import imgstudio
from imgstudio import StudioError, catalog
from imgstudio.studio import imported as studio
from imgstudio.studio import interpolation
from imgstudio.ui.kit import layout, model_import, slots
from imgstudio.ui.tabs import style, translation
from imgstudio.ui.tabs.style import settings

DCGAN = ((6, 8, 4, 3), (7, 4, 4), (1, 2, 2), (0, 1, 1))


@pytest.fixture(autouse=True)
def forget(monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "_registered", {})
    monkeypatch.setattr("imgstudio.loading._nets", {})
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    torch.manual_seed(0)


@pytest.fixture
def file(tmp_path):
    def make(net, name="mine.pth") -> str:
        torch.save(net.state_dict(), tmp_path / name)
        return str(tmp_path / name)

    return make


@pytest.fixture
def handlers():
    """Call it with a task and `choose` for the handlers of both ways to bring a model: from the Hub, from files."""

    def make(task, choose):
        with gr.Blocks() as page:
            part = model_import.build(task, "room")
            chosen = gr.Dropdown([])
            model_import.wire(part, choose, [chosen])
        named = {
            each.fn.__wrapped__.__name__: each.fn.__wrapped__ for each in page.fns.values() if hasattr(each.fn, "__wrapped__")
        }
        return named["from_hub"], named["from_files"]

    return make


ANN = SimpleNamespace(session_hash="ann")


def test_a_file_is_chosen_and_told_and_offered_to_this_visitor_alone(file, handlers):
    _, from_files = handlers(
        "sample", lambda name, own: (gr.update(choices=model_import.model_choices("sample", own), value=name),)
    )
    first, *_, last = list(from_files(ANN, [file(foreign.dcgan(*DCGAN))], [], (0, "")))
    assert "Looking" in first[0] and first[1] == gr.skip()
    told, own, (count, name), dropdown = last
    assert "A DCGAN: 6 numbers become 28 × 28 px" in told and count == 1
    assert own == [("mine: DCGAN, 28 px", name)]
    assert dropdown["value"] == name and own[0] in dropdown["choices"]
    assert own[0] not in model_import.model_choices("sample", []), "another visitor's drop-down"
    assert "a file of yours" in layout.model_line(name) and "licence not stated" in layout.model_line(name)
    assert imgstudio.sample(name, [1])[0].size == (28, 28)


def test_what_is_not_recognised_is_told_in_its_place(file, handlers):
    from_hub, from_files = handlers("sample", lambda name, own: (name,))
    *_, (told, *rest) = from_files(ANN, [file(torch.nn.Linear(3, 4))], [], (0, ""))
    assert "weight [4, 3]" in told and rest == [gr.skip()] * 3
    *_, (told, *_) = from_files(ANN, [file(foreign.ExamplesTransformer())], [], (0, ""))
    assert "belongs in the tab &quot;Style transfer&quot;" in told
    for text in ("", file(foreign.dcgan(*DCGAN)), "/etc/passwd"):
        *_, (told, *_) = from_hub(ANN, text, [], (0, ""))
        assert "owner/repo" in told, "a path of the server is no repository"


def brought(path: str, task: str) -> imgstudio.Spec:
    return list(studio.from_files([path], task))[-1]


def test_tabs_place_what_was_brought(file):
    painter = brought(file(foreign.ExamplesTransformer()), "stylize")
    method, *models = style.choose_imported(painter.name, [(painter.title, painter.name)])
    assert method == settings.ONE
    values = dict(zip(settings.METHODS, models))
    assert values[method]["value"] == painter.name and "value" not in values[settings.ANY]
    assert (painter.title, painter.name) in values[method]["choices"]
    assert translation.pair_of("own/anything") == ("own/anything",)
    assert model_import.by_name(lambda name, other: (name, other))((3, "own/x"), 5) == ("own/x", 5)


def test_a_model_that_invents_nothing_gets_photographs(file):
    encoder, decoder = foreign.taesd_state()
    named = {f"encoder.{key}": value for key, value in encoder.items()} | {f"decoder.{k}": v for k, v in decoder.items()}
    spec = brought(file(SimpleNamespace(state_dict=lambda: named)), "reconstruct")
    assert not interpolation.can_sample(spec.name) and interpolation.can_sample("vae/avatars")
    a_path, a, b_path, b = slots.resampled(spec.name, [slots.HeldPicture("drawn.png", 3), slots.HeldPicture("mine.png", None)])
    assert a_path != "drawn.png" and a.seed == 3
    assert (b_path, b) == ("mine.png", slots.HeldPicture("mine.png", None))
    with pytest.raises(StudioError, match="keep pictures"):
        slots.sampled_picture(spec.name, 1)
