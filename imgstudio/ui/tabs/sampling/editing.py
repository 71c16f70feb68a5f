"""The part "Steer" of the tab "Latent sampling": editing in the latent space of a StyleGAN2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.studio import downloads
from imgstudio.studio.sampling import editing
from imgstudio.studio.sampling.latents import TRUNCATION

from ...kit import freshness, layout, prepared
from ...kit.downloads import download_row, if_present
from ...kit.events import connect, debounced, unqueued
from . import editing_features, editing_inversion, editing_mix, editing_moves, editing_pad, editing_point, editing_walk
from .editing_point import MIDDLE, Base, Point
from .sheet import ANY

TITLE = "Steer"
SEED = 5
NONE_YET = '<p class="nothing">There is no StyleGAN2 in the catalogue yet, and only such a model can be steered.</p>'


class Outputs(NamedTuple):
    """What all parts share: the controls that make up a `Point`, and the picture of it."""

    state: list[Any]  # components in the order of `Point`
    line: gr.HTML  # about the model
    picture: gr.Image
    caption: gr.HTML
    facts: gr.HTML
    key: gr.State  # of the picture that is shown there
    settled: gr.State  # the same, as soon as nothing moves any more
    tabs: gr.Tabs
    opened: gr.State  # name of the open part
    mark: freshness.Mark

    @property
    def result(self) -> list[Any]:
        """The components, in the order of what `editing_moves.show` returns."""
        return [self.picture, self.caption, self.facts, self.key]

    @property
    def all(self) -> list[Any]:
        """The components, in the order of what `editing_moves.go_to` returns."""
        return [*self.state, self.line, *self.result]


def build() -> None:
    """Contents of the part."""
    first = next(iter(sorted(editing.models(), key=lambda spec: not spec.embedded)), None)
    if first is None:
        gr.HTML(NONE_YET)
        return
    start = Point(first.name, ANY, SEED, TRUNCATION, True, 0, "auto", Base(), MIDDLE, True, 1, editing_point.depth(first.name))
    with layout.two_columns():
        with layout.controls():
            main = _main_controls(first)
        with layout.below(), layout.advanced():
            noise_seed = gr.Number(
                0, label="Noise seed", info="Another grain of the same strength.", precision=0, elem_id="steer-noise-seed"
            )
            look = layout.enlarging_control()
            upload = gr.UploadButton("Open settings from a picture", file_types=["image"], size="sm", elem_id="steer-restore")
        with layout.results():
            shared, parts = _outputs(main, [noise_seed, look], start)
    _connect(shared, main, parts, upload)
    _connect_parts(shared, parts, start.key(pad=False))


class MainControls(NamedTuple):
    """The controls."""

    model: gr.Dropdown
    line: gr.HTML
    fetched: gr.State
    label: gr.Radio
    seed: gr.Number
    dice: gr.Button
    truncation: gr.Slider
    noisy: gr.Checkbox
    button: gr.Button


def _main_controls(first: imgstudio.Spec) -> MainControls:
    model, line = layout.model_chooser(
        "sample", "steer-model", info="Those whose pictures can be steered.", among=editing.models()
    )
    fetched = download_row("steer", [model], line, first.name)
    classes = editing_point.classes(first.name)
    label = gr.Radio(
        classes, value=ANY, label="Class", info="What the picture is to show.", visible=len(classes) > 1, elem_id="steer-class"
    )
    seed, dice = layout.seed_row(SEED, "steer", info="Where to set out from.")
    truncation = gr.Slider(
        0,
        1.5,
        TRUNCATION,
        step=0.05,
        label="Truncation",
        info="Low: typical. High: varied and sometimes odd.",
        elem_id="steer-truncation",
    )
    noisy = gr.Checkbox(True, label="Noise", info="Fine grain that no style decides.", elem_id="steer-noise", elem_classes="tick")
    button = gr.Button("Another picture", variant="primary", elem_id="steer-button")
    return MainControls(model, line, fetched, label, seed, dice, truncation, noisy, button)


def _opening(start: Point) -> tuple:
    """(picture, caption, fact line, sheet behind the pad) before the first click; empty where they can't be made."""
    try:
        if downloads.missing(start.model):
            return None, "", "", None
        return *editing_point.show(start), editing_pad.montage(start)
    except StudioError:
        return None, "", "", None


class Parts(NamedTuple):
    """The parts beside and below the picture, and the buttons under it."""

    pad: editing_pad.Pad
    mixing: editing_mix.Mixing
    own: editing_inversion.OwnPicture
    inside: editing_features.FeatureMaps
    walk: editing_walk.Walk
    save: gr.Button
    reset: gr.Button


def _outputs(main: MainControls, more: list[Any], start: Point) -> tuple[Outputs, Parts]:
    """more: the components of the state that stand under Advanced."""
    *result, montage = prepared.opening("editing", lambda: _opening(start), start.model)
    ready, names = result[0] is not None, editing_point.directions(start.model)
    with gr.Row(elem_classes="hanging"):
        picture, save, reset, mark = _picture(result)
        with gr.Column(scale=6, min_width=300), gr.Tabs(elem_classes="views wrapping", selected="pad") as tabs:
            pad = editing_pad.build(montage, names, int(start.last))
            mixing = editing_mix.build(int(start.last))
            own = editing_inversion.build(start if ready else None)
            inside = editing_features.build(start.model)
    walk = editing_walk.build()
    fixed = [main.model, main.label, main.seed, main.truncation, main.noisy, *more]
    state = [*fixed, gr.State(start.base), pad.field, pad.named, pad.first, pad.last, *pad.sliders]
    result = [*picture, gr.State(start.key())]
    shared = Outputs(state, main.line, *result, gr.State(start.key()), tabs, gr.State("pad"), mark)
    return shared, Parts(pad, mixing, own, inside, walk, save, reset)


def _picture(result: list[Any]) -> tuple[list[Any], gr.Button, gr.Button, freshness.Mark]:
    """result: what is shown at first."""
    with gr.Column(scale=4, min_width=280, elem_classes="steered dated"):
        picture, caption, line = result
        picture = layout.result("The edited picture", value=picture, elem_id="steer-picture", alt_text="The edited picture")
        caption = gr.HTML(caption, elem_id="steer-caption")
        line, mark = layout.facts_line(line), freshness.mark()
        with gr.Row(elem_classes="buttons"):
            save = gr.Button("Save this one", size="sm", min_width=110, scale=0, elem_id="steer-save")
            reset = gr.Button("Reset", size="sm", min_width=70, scale=0, elem_id="steer-reset")
    return [picture, caption, line], save, reset, mark


# --- events


def _connect(shared: Outputs, main: MainControls, parts: Parts, upload: gr.UploadButton) -> None:
    pad, base = parts.pad, shared.state[7]
    watched, again = {"model": shared.state[0]}, "Another picture draws one."
    renews = {"renews": freshness.watch(shared.mark, watched, again, opened=shared.picture.value is not None)}
    debounced(pad.field.input, editing_moves.drag, shared.state, shared.result[:3], **renews)
    moved = [main.truncation, main.label, *shared.state[4:7], *pad.sliders, pad.named]
    debounced([component.input for component in moved], editing_moves.redraw, shared.state, shared.result, **renews)
    debounced([pad.first.input, pad.last.input], editing_moves.choose_layers, shared.state, [pad.named, *shared.result], **renews)
    debounced(main.seed.input, editing_moves.change_seed, shared.state, [base, pad.field, *shared.result], **renews)
    at_work = {"show_progress_on": shared.picture, **renews}
    connect([main.button.click, main.dice.click], editing_moves.random_seed, shared.state, shared.all, **at_work)
    connect(parts.reset.click, editing_moves.reset, shared.state, shared.all, **at_work)
    changed = [main.model.input, main.fetched.change]
    connect(changed, if_present(editing_moves.change_model), shared.state, shared.all, **at_work)
    connect(upload.upload, editing_moves.restore, [upload, *shared.state], shared.all, **at_work)
    unqueued(shared.key.change, editing_moves.settle, shared.key, shared.settled, trigger_mode="always_last")


def _connect_parts(shared: Outputs, parts: Parts, plane: str) -> None:
    """plane: the one that the pad shows at first."""
    pad, mixing, own, inside, walk = parts[:5]
    shown = gr.State(plane)
    _follow(shared, pad.tab, "pad", editing_pad.refresh, [shown, *shared.state], [pad.field, shown])
    controls = [*mixing.controls, *shared.state]
    _follow(shared, mixing.tab, "mix", editing_mix.mix, controls, mixing.outputs)
    debounced([mixing.crossover.input, mixing.rows.submit, mixing.columns.submit], editing_mix.mix, controls, mixing.outputs)
    debounced([mixing.rows.blur, mixing.columns.blur], editing_mix.mix, controls, mixing.outputs)
    debounced(mixing.layer.select, editing_moves.pick_mixture, [mixing.grid, *shared.state], shared.all)
    _follow(shared, inside.tab, "inside", editing_features.show_layer, [inside.layer, *shared.state], inside.outputs)
    debounced(inside.layer.input, editing_features.show_layer, [inside.layer, *shared.state], inside.outputs)
    unqueued(own.tab.select, lambda: "own", None, shared.opened)
    editing_inversion.wire(own, shared.state)
    edited = [shared.tabs, shared.opened, mixing.rows, *shared.all]
    connect(
        own.edit.click, editing_moves.edit_found, [own.place, mixing.rows, *shared.state], edited, show_progress_on=shared.picture
    )
    debounced(own.strip.select, editing_moves.pick_completion, [own.completions, *shared.state], shared.all)
    watched, again = {"model": shared.state[0]}, "Walk makes it anew."
    editing_walk.wire(walk, parts.save, shared.state, freshness.watch(walk.mark, watched, again, opened=False))
    debounced(walk.strip.select, editing_moves.pick_saved, [walk.saved_points, shared.state[6]], [walk.saved_points, *shared.all])


def _follow(shared: Outputs, tab: gr.Tab, name: str, handler: Callable[..., Any], inputs: list[Any], outputs: list[Any]) -> None:
    """A part is drawn when it is opened, and anew when the picture has changed while it is open."""

    def if_open(opened: str, *values: Any) -> Any:
        return handler(*values) if opened == name else gr.skip()

    unqueued(tab.select, lambda: name, None, shared.opened)
    debounced(tab.select, handler, inputs, outputs)
    debounced(shared.settled.change, if_open, [shared.opened, *inputs], outputs)
