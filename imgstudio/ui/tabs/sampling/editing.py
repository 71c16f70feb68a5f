"""The part "Steer" of the tab "Latent sampling": a StyleGAN2, and all the ways to move through its latent space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.studio import downloads
from imgstudio.studio.sampling import editing
from imgstudio.studio.sampling.latents import TRUNCATION

from ...kit import downloads as fetching
from ...kit import freshness, layout, prepared
from ...kit.events import connect, instant, live
from . import editing_features, editing_inversion, editing_mix, editing_pad, editing_point, editing_walk
from . import editing_moves as moves
from .editing_point import MIDDLE, Base, Point
from .sheet import ANY

TITLE = "Steer"
SEED = 5
NONE_YET = '<p class="nothing">There is no StyleGAN2 in the catalogue yet, and only such a model can be steered.</p>'


class Desk(NamedTuple):
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
    def hung(self) -> list[Any]:
        """The components, in the order of what `hang` returns."""
        return [self.picture, self.caption, self.facts, self.key]

    @property
    def all(self) -> list[Any]:
        """The components, in the order of what `travel` returns."""
        return [*self.state, self.line, *self.hung]


def build() -> None:
    """Contents of the part."""
    first = next(iter(sorted(editing.models(), key=lambda spec: not spec.embedded)), None)
    if first is None:
        gr.HTML(NONE_YET)
        return
    start = Point(first.name, ANY, SEED, TRUNCATION, True, 0, "auto", Base(), MIDDLE, True, 1, editing_point.depth(first.name))
    with layout.room():
        with layout.controls():
            left = _left(first)
        with layout.below(), layout.advanced():
            noise_seed = gr.Number(
                0, label="Noise seed", info="Another grain of the same strength.", precision=0, elem_id="steer-noise-seed"
            )
            look = layout.look_control()
            upload = gr.UploadButton("Open settings from a picture", file_types=["image"], size="sm", elem_id="steer-restore")
        with layout.stage():
            desk, parts = _stage(left, [noise_seed, look], start)
    _connect(desk, left, parts, upload)
    _connect_parts(desk, parts, start.key(pad=False))


class Left(NamedTuple):
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


def _left(first: imgstudio.Spec) -> Left:
    model, line = layout.model_chooser(
        "sample", "steer-model", info="Those whose pictures can be steered.", among=editing.models()
    )
    fetched = fetching.offer("steer", [model], line, first.name)
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
    return Left(model, line, fetched, label, seed, dice, truncation, noisy, button)


def _opening(start: Point) -> tuple:
    """(picture, caption, fact line, sheet behind the pad) before the first click; empty where they can't be made."""
    try:
        if downloads.missing(start.model):
            return None, "", "", None
        return *editing_point.hang(start), editing_pad.montage(start)
    except StudioError:
        return None, "", "", None


class Parts(NamedTuple):
    """The parts beside and below the picture, and the buttons under it."""

    pad: editing_pad.Pad
    mixing: editing_mix.Mixing
    own: editing_inversion.Own
    inside: editing_features.Inside
    walk: editing_walk.Walk
    save: gr.Button
    reset: gr.Button


def _stage(left: Left, more: list[Any], start: Point) -> tuple[Desk, Parts]:
    """more: the components of the state that stand under Advanced."""
    *hung, montage = prepared.opening("steering", lambda: _opening(start), start.model)
    ready, names = hung[0] is not None, editing_point.directions(start.model)
    with gr.Row(elem_classes="hanging"):
        picture, save, reset, mark = _picture(hung)
        with gr.Column(scale=6, min_width=300), gr.Tabs(elem_classes="views wrapping", selected="pad") as tabs:
            pad = editing_pad.build(montage, names, int(start.last))
            mixing = editing_mix.build(int(start.last))
            own = editing_inversion.build(start if ready else None)
            inside = editing_features.build(start.model)
    walk = editing_walk.build()
    fixed = [left.model, left.label, left.seed, left.truncation, left.noisy, *more]
    state = [*fixed, gr.State(start.base), pad.field, pad.named, pad.first, pad.last, *pad.sliders]
    hung = [*picture, gr.State(start.key())]
    desk = Desk(state, left.line, *hung, gr.State(start.key()), tabs, gr.State("pad"), mark)
    return desk, Parts(pad, mixing, own, inside, walk, save, reset)


def _picture(hung: list[Any]) -> tuple[list[Any], gr.Button, gr.Button, freshness.Mark]:
    """hung: what is shown at first."""
    with gr.Column(scale=4, min_width=280, elem_classes="steered dated"):
        picture, caption, line = hung
        picture = layout.result("The steered picture", value=picture, elem_id="steer-picture", alt_text="The steered picture")
        caption = gr.HTML(caption, elem_id="steer-caption")
        line, mark = layout.facts_line(line), freshness.mark()
        with gr.Row(elem_classes="buttons"):
            save = gr.Button("Save this one", size="sm", min_width=110, scale=0, elem_id="steer-save")
            reset = gr.Button("Reset", size="sm", min_width=70, scale=0, elem_id="steer-reset")
    return [picture, caption, line], save, reset, mark


# --- events


def _connect(desk: Desk, left: Left, parts: Parts, upload: gr.UploadButton) -> None:
    pad, base = parts.pad, desk.state[7]
    watched, again = {"model": desk.state[0]}, "Another picture draws one."
    renews = {"renews": freshness.watch(desk.mark, watched, again, opened=desk.picture.value is not None)}
    live(pad.field.input, moves.drag, desk.state, desk.hung[:3], **renews)
    moved = [left.truncation, left.label, *desk.state[4:7], *pad.sliders, pad.named]
    live([component.input for component in moved], moves.redraw, desk.state, desk.hung, **renews)
    live([pad.first.input, pad.last.input], moves.choose_layers, desk.state, [pad.named, *desk.hung], **renews)
    live(left.seed.input, moves.set_out, desk.state, [base, pad.field, *desk.hung], **renews)
    at_work = {"show_progress_on": desk.picture, **renews}
    connect([left.button.click, left.dice.click], moves.roll, desk.state, desk.all, **at_work)
    connect(parts.reset.click, moves.back, desk.state, desk.all, **at_work)
    changed = [left.model.input, left.fetched.change]
    connect(changed, fetching.once_here(moves.change_model), desk.state, desk.all, **at_work)
    connect(upload.upload, moves.restore, [upload, *desk.state], desk.all, **at_work)
    instant(desk.key.change, moves.settle, desk.key, desk.settled, trigger_mode="always_last")


def _connect_parts(desk: Desk, parts: Parts, plane: str) -> None:
    """plane: the one that the pad shows at first."""
    pad, mixing, own, inside, walk = parts[:5]
    shown = gr.State(plane)
    _follow(desk, pad.tab, "pad", editing_pad.refresh, [shown, *desk.state], [pad.field, shown])
    controls = [*mixing.controls, *desk.state]
    _follow(desk, mixing.tab, "mix", editing_mix.mix, controls, mixing.outputs)
    live([mixing.crossover.input, mixing.rows.submit, mixing.columns.submit], editing_mix.mix, controls, mixing.outputs)
    live([mixing.rows.blur, mixing.columns.blur], editing_mix.mix, controls, mixing.outputs)
    live(mixing.layer.select, moves.pick_mixture, [mixing.grid, *desk.state], desk.all)
    _follow(desk, inside.tab, "inside", editing_features.look, [inside.layer, *desk.state], inside.outputs)
    live(inside.layer.input, editing_features.look, [inside.layer, *desk.state], inside.outputs)
    instant(own.tab.select, lambda: "own", None, desk.opened)
    editing_inversion.wire(own, desk.state)
    led = [desk.tabs, desk.opened, mixing.rows, *desk.all]
    connect(own.steer.click, moves.steer_from, [own.place, mixing.rows, *desk.state], led, show_progress_on=desk.picture)
    live(own.strip.select, moves.pick_completion, [own.completions, *desk.state], desk.all)
    watched, again = {"model": desk.state[0]}, "Walk makes it anew."
    editing_walk.wire(walk, parts.save, desk.state, freshness.watch(walk.mark, watched, again, opened=False))
    live(walk.strip.select, moves.pick_saved, [walk.shelf, desk.state[6]], [walk.shelf, *desk.all])


def _follow(desk: Desk, tab: gr.Tab, name: str, handler: Callable[..., Any], inputs: list[Any], outputs: list[Any]) -> None:
    """A part is drawn when it is opened, and anew when the picture has changed while it is open."""

    def if_open(opened: str, *values: Any) -> Any:
        return handler(*values) if opened == name else gr.skip()

    instant(tab.select, lambda: name, None, desk.opened)
    live(tab.select, handler, inputs, outputs)
    live(desk.settled.change, if_open, [desk.opened, *inputs], outputs)
