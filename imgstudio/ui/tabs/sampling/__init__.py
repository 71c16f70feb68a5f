"""The tab "Latent sampling": a sheet of pictures from seeds, one of them large, and walks between them; and latent editing."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.studio import downloads, pictures
from imgstudio.studio.sampling.latents import TRUNCATION

from ... import texts
from ...kit import freshness, layout, model_import, prepared
from ...kit.downloads import download_row, if_present
from ...kit.events import connect, debounced, previewed, unqueued
from . import editing, walk
from .sheet import ANY, LARGE, Controls, Gallery, caption, large, show

TITLE = "Latent sampling"
COUNT = 24
MOST, FEW = 36, 4  # pictures on the sheet, and of models whose pictures are large
LARGE_AT_FIRST = 4  # seed of the picture that is shown large before the first click: a clean one
EXAMPLES = {"All alike": 0.1, "Typical": 0.5, "Wild": 1.4}  # truncations


def build() -> None:
    """Contents of the tab: two parts, and one explanation for both."""
    first = layout.default_model("sample")
    if first is None:
        layout.no_models()
        return
    with gr.Tabs(elem_classes="views parts", elem_id="sampling-parts"):
        with gr.Tab("Samples", id="samples"):
            _samples(first)
        with gr.Tab(editing.TITLE, id="steer"):
            editing.build()
    layout.explanation(*texts.columns("sampling"))


def _samples(first: imgstudio.Spec) -> None:
    """Contents of the first part: the sheet, the large picture, the walk."""
    opening = prepared.opening("samples", lambda: _opening(first), first.name)
    film = prepared.opening("walk", lambda: walk.opening(first, TRUNCATION), first.name)
    with layout.two_columns():
        with layout.controls():
            main = _main_controls(first)
        with layout.below():
            importer = model_import.build("sample", "sampling")
            with layout.advanced():
                look = layout.enlarging_control()
                upload = gr.UploadButton(
                    "Open settings from a picture", file_types=["image"], size="sm", elem_id="sampling-restore"
                )
                gr.HTML('<p class="help">Every picture that you download here carries its seed and settings.</p>')
        with layout.results():
            shown = _outputs(opening)
            walk_controls = walk.build(film)
    state = [main.model, main.label, main.seed, main.count, main.truncation, look, shown.gallery]
    model_import.wire(
        importer,
        lambda name, imported: (gr.update(choices=model_import.model_choices("sample", imported), value=name),),
        [main.model],
    )
    _connect(main, look, upload, shown, walk_controls, importer, state)
    watched = {"model": main.model, "class": main.label, "truncation": main.truncation}
    walk.wire(
        walk_controls,
        state,
        freshness.watch(walk_controls.mark, watched, "Walk makes it anew.", opened=bool(film), relevant=made_of),
    )


def _opening(first: imgstudio.Spec) -> tuple | None:
    """What is shown before the first click; None where it can't be made, such as without weights."""
    try:
        controls = Controls(first.name, None, 0, COUNT, TRUNCATION, "auto", Gallery((), LARGE_AT_FIRST))
        return show(controls, controls.page()._replace(chosen=LARGE_AT_FIRST))
    except StudioError:
        return None


class MainControls(NamedTuple):
    """The controls."""

    model: gr.Dropdown
    line: gr.HTML
    fetched: gr.State
    label: gr.Radio
    seed: gr.Number
    dice: gr.Button
    fresh: gr.Checkbox
    count: gr.Slider
    truncation: gr.Slider
    button: gr.Button


def _main_controls(first: imgstudio.Spec) -> MainControls:
    model, line = layout.model_chooser("sample", "sampling-model")
    fetched = download_row("sampling", [model], line, first.name)
    label = gr.Radio(
        _classes(first.labels),
        value=ANY,
        label="Class",
        info="What the pictures are to show.",
        visible=bool(first.labels),
        elem_id="sampling-class",
    )
    seed, dice_button = layout.seed_row(0, "sampling", info="Each number is another picture, always the same one.")
    fresh = gr.Checkbox(True, label="A new seed at every click", elem_id="sampling-fresh", elem_classes="tick")
    count = gr.Slider(1, MOST, COUNT, step=1, label="How many", info="Pictures on the sheet.", elem_id="sampling-count")
    truncation = gr.Slider(
        0,
        1.5,
        TRUNCATION,
        step=0.05,
        label="Truncation",
        info="Low: typical and alike. High: varied and sometimes odd.",
        elem_id="sampling-truncation",
    )
    button = gr.Button("Sample", variant="primary", elem_id="sampling-button")
    return MainControls(model, line, fetched, label, seed, dice_button, fresh, count, truncation, button)


def _classes(labels: tuple[str, ...] | None) -> list[str]:
    return [ANY, *(labels or ())]


class Outputs(NamedTuple):
    """The pictures, in the order of what `show` returns; then the examples under them."""

    sheet: gr.Gallery
    large: gr.Image
    caption: gr.HTML
    line: gr.HTML
    gallery: gr.State
    examples: list[gr.Button]
    mark: freshness.Mark


def _outputs(opening: tuple | None) -> Outputs:
    sheet, picture, caption, line, gallery = opening or ({}, None, "", "", Gallery((0,), 0))
    tiles, marked = sheet.get("value"), sheet.get("selected_index")
    with gr.Row(elem_classes="hanging dated"):
        with gr.Column(scale=5, min_width=300):
            strip = layout.strip(
                "Sheet of samples", 6, value=tiles, selected_index=marked, elem_id="sampling-sheet", elem_classes=["sheet"]
            )
            line = layout.facts_line(line)
            mark = freshness.mark()
            examples = layout.examples(EXAMPLES, "sampling-example")
        with gr.Column(scale=4, min_width=280):
            picture = layout.result("The chosen picture", value=picture, elem_id="sampling-large", alt_text="The chosen picture")
            caption = gr.HTML(caption, elem_id="sampling-caption")
    return Outputs(strip, picture, caption, line, gr.State(gallery), examples, mark)


def _connect(
    main: MainControls,
    look: gr.Radio,
    upload: gr.UploadButton,
    shown: Outputs,
    walk_controls: walk.WalkControls,
    importer: model_import.ImportControls,
    state: list,
) -> None:
    *outputs, examples, mark = shown
    watched = {"model": main.model, "class": main.label, "truncation": main.truncation}
    again = "Sample draws new pictures."
    renews = {"renews": freshness.watch(mark, watched, again, opened=shown.sheet.value is not None, relevant=made_of)}
    connect(main.button.click, press, [main.fresh, *state], [main.seed, *outputs], **renews)
    connect(main.dice.click, dice, state, [main.seed, *outputs], **renews)
    debounced(main.seed.input, draw, state, outputs, **renews)
    unqueued(main.seed.input, lambda: False, None, main.fresh)
    debounced(main.count.input, resize, state, outputs, **renews)
    moved = [main.truncation.input, main.label.input, look.input]
    previewed(moved, (preview, [shown.large, shown.caption]), (adjust, outputs), state, **renews)
    for button, truncation in zip(examples, EXAMPLES.values()):
        connect(button.click, attempt, [gr.State(truncation), *state], [main.truncation, *outputs], **renews)
    changed = [main.label, main.line, main.count, *outputs]
    unqueued(main.model.input, offer_unloaded, [main.model, main.count], [main.label, main.count])
    connect([main.model.input, main.fetched.change], if_present(change_model), state, changed, **renews)
    unqueued(
        importer.arrived.change, model_import.by_name(offer_unloaded), [importer.arrived, main.count], [main.label, main.count]
    )
    connect(
        importer.arrived.change,
        model_import.by_name(if_present(change_model)),
        [importer.arrived, *state[1:]],
        changed,
        **renews,
    )
    clicked = [walk_controls.seeds, shown.large, shown.caption, shown.gallery]
    debounced(shown.sheet.select, pick, [walk_controls.seeds, *state], clicked)
    restored = [main.model, main.seed, main.fresh, main.truncation, main.label, main.line, main.count, *outputs]
    connect(upload.upload, restore, [upload, *state], restored, **renews)


# --- what the controls do


def draw(*values: Any) -> tuple:
    """The pictures from the seed in the box on."""
    controls = Controls(*values)
    return show(controls, controls.page())


def press(fresh: bool, *values: Any) -> tuple:
    """The button: new pictures, or those of the seed in the box where it is to be kept. Says why where nothing would change."""
    controls = Controls(*values)
    if not fresh and controls.gallery.seeds == controls.page().seeds:
        seed = layout.whole(controls.seed)
        gr.Info(f'These are the pictures of seed {seed} already: for others, tick "A new seed at every click".')
        return gr.skip()
    if fresh:
        controls = controls._replace(seed=layout.random_seed())
    return layout.whole(controls.seed), *show(controls, controls.page())


def dice(*values: Any) -> tuple:
    """A random seed, and its pictures."""
    return press(True, *values)


def adjust(*values: Any) -> tuple:
    """The same pictures under other settings."""
    controls = Controls(*values)
    return show(controls, controls.gallery)


def preview(*values: Any) -> tuple:
    """The large picture alone under other settings: values for (large picture, its caption)."""
    controls = Controls(*values)
    chosen = controls.gallery.chosen
    [picture] = controls.sample([chosen])
    return layout.preview(controls.enlarged(picture, LARGE), "samples"), caption(controls, chosen)


def attempt(truncation: float, *values: Any) -> tuple:
    """One of the examples: the same pictures under another truncation."""
    controls = Controls(*values)._replace(truncation=truncation)
    return truncation, *show(controls, controls.gallery)


def resize(*values: Any) -> tuple:
    """More or fewer pictures, from the same first one."""
    controls = Controls(*values)
    first = controls.gallery.seeds[0]
    return show(controls, controls.gallery._replace(seeds=tuple(range(first, first + int(controls.count)))))


def change_model(*values: Any) -> tuple:
    """The same seeds from another model; its class chooser appears where it has classes, and of large pictures there are few."""
    controls = Controls(*values)
    spec = layout.find(controls.model)
    chooser = gr.update(choices=_classes(spec.labels), value=controls.class_name() or ANY, visible=bool(spec.labels))
    most = FEW if spec.side else MOST
    gallery = controls.gallery._replace(seeds=controls.gallery.seeds[:most])
    count = gr.update(maximum=most, value=min(int(controls.count), most))
    return chooser, layout.model_line(controls.model), count, *show(controls, gallery)


def offer_unloaded(model: str, count: float) -> tuple:
    """For a model that is still to be downloaded, its classes and limits, which its record tells: values for (class, count)."""
    if not downloads.missing(model):
        return gr.skip(), gr.skip()
    spec = layout.find(model)
    most = FEW if spec.side else MOST
    chooser = gr.update(choices=_classes(spec.labels), value=ANY, visible=bool(spec.labels))
    return chooser, gr.update(maximum=most, value=min(int(count), most))


def pick(event: gr.SelectData, walk_seeds: str, *values: Any) -> tuple:
    """A click on the sheet: the picture becomes the large one, and its seed goes onto the list of the walk."""
    controls = Controls(*values)
    seed = controls.gallery.seeds[event.index]
    [picture] = controls.sample([seed])
    gallery = controls.gallery._replace(chosen=seed)
    return walk.added(walk_seeds, seed), *large(controls, seed, picture), gallery


def made_of(chosen: dict[str, Any]) -> dict[str, Any]:
    """What decides a picture of a seed: a class only where the model has it."""
    known = layout.find(chosen["model"]).labels or ()
    return {**chosen, "class": chosen["class"] if chosen["class"] in known else ANY}


def restore(path: str, *values: Any) -> tuple:
    """Controls, and the pictures, as they were when a downloaded picture was made."""
    saved = pictures.read_settings(path)
    model, seed, truncation = saved.get("model"), saved.get("seed"), saved.get("truncation", TRUNCATION)
    known = isinstance(model, str) and layout.find(model).task == "sample"
    if saved.get("task") != "sample" or not known or not isinstance(seed, int) or not isinstance(truncation, int | float):
        raise StudioError("This picture was not made on this tab by a model of this studio: choose one that you saved here.")
    controls = Controls(*values)._replace(model=model, label=saved.get("label"), seed=seed, truncation=truncation)
    return model, seed, False, truncation, *change_model(*controls._replace(gallery=controls.page()))
