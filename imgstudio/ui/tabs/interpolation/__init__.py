"""The tab "VAE interpolation": two pictures, and what lies between and around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import interpolation, likeness

from ... import texts
from ...kit import downloads, freshness, layout, model_import, player, prepared, restoring, slots
from ...kit.events import connect, debounced, request_stop, unqueued
from . import morph, views

TITLE = "VAE interpolation"
VIEWS = {  # of pictures that can be opened here: what they have as "task" -> the view that made them
    "interpolate": "morph",
    "manifold": "corners",
    "traverse": "dimension",
    "reconstruct": "reconstruction",
    "attribute": "attributes",
    "denoise": "denoising",
}
SEEDS = {"A": 32, "B": 14, "C": 8, "D": 55}  # of the pictures that are shown at first


def build() -> None:
    """Contents of the tab."""
    first = layout.default_model("reconstruct")
    if first is None:
        layout.no_models()
        return
    start = prepared.opening("morph", lambda: _opening(first.name), first.name)
    revision, active = gr.State(0), gr.State("morph")
    with layout.two_columns():
        with layout.controls():
            main = _main_controls(start)
        with layout.below():
            importer = model_import.build("reconstruct", "vae")
            with layout.advanced():
                settings = _settings()
                saved = restoring.restore_button("vae")
        with layout.results(), gr.Tabs(elem_classes="views") as tabs:
            between = morph.build(start.shown, start.film)
            again = views.reconstruction()
            sheet, lower = views.corners({letter: (start.paths[letter], SEEDS[letter]) for letter in "CD"})
            arithmetic = views.arithmetic(first.name if start.shown else None)
            along = views.dimension()
            others = [again, sheet, arithmetic, along, views.denoising()]
    layout.explanation(*texts.columns("interpolation"))

    shared = [main.model, main.slots["A"].picture, main.slots["B"].picture, settings.look]
    first_view = views.View("morph", between.tab, morph.whole, [between.t, between.curve], [], between.outputs, between.mark)
    all_slots = [*main.slots.values(), *lower.values()]
    pair = {"model": main.model, **{f"picture {letter}": slot.held for letter, slot in main.slots.items()}}
    four = pair | {f"picture {letter}": slot.held for letter, slot in lower.items()}
    watches = {view.name: _watch(view, four if view is sheet else pair, start) for view in (first_view, *others)}
    _connect_views([first_view, *others], watches, shared, revision, active)
    film = freshness.watch(between.film_mark, pair, "Animate makes it anew.", opened=bool(start.film))
    _connect_morph(main, settings, between, shared, tabs, film)
    for slot in all_slots:
        slots.wire(slot, main.model, revision)
    debounced(revision.change, warn, [main.model, *(slot.held for slot in main.slots.values())], main.foreign)
    model_import.wire(
        importer,
        lambda name, imported: (gr.update(choices=model_import.model_choices("reconstruct", imported), value=name),),
        [main.model],
    )
    change, inputs, outputs = _connect_model(main, importer, all_slots, (arithmetic, along), tabs, revision, active)
    fields = {"model": main.model, "t": between.t, "curve": between.curve}
    fields |= {key: control for view in others for key, control in view.kept.items()}
    connect(saved.upload, _restorer(change, fields), [saved, *inputs], [*fields.values(), *outputs])


class Opening(NamedTuple):
    """What is shown before the first click; nothing where it can't be made, such as without weights."""

    paths: dict[str, str | None]
    shown: tuple | None
    film: player.Film | None


def _opening(model: str) -> Opening:
    try:
        paths = {letter: slots.sampled_picture(model, seed) for letter, seed in SEEDS.items()}
        a, b = paths["A"], paths["B"]
        return Opening(paths, morph.whole(model, a, b, "auto", 0.5, "slerp"), morph.opening_film(model, a, b))
    except StudioError:
        return Opening(dict.fromkeys(SEEDS), None, None)


class MainControls(NamedTuple):
    model: gr.Dropdown
    line: gr.HTML
    fetched: gr.State
    slots: dict[str, slots.Slot]
    foreign: gr.HTML
    button: gr.Button
    stop: gr.Button


def _main_controls(start: Opening) -> MainControls:
    model, line = layout.model_chooser("reconstruct", "vae-model")
    fetched = downloads.download_row("vae", [model], line, model.value)
    with gr.Row(elem_classes="slots"):
        pair = {letter: slots.build(letter, start.paths[letter], SEEDS[letter]) for letter in "AB"}
    foreign = gr.HTML("", elem_id="vae-foreign", elem_classes="foreign")
    views.hint("Upload a picture, take one with the camera or paste it, or let the model draw one.")
    with gr.Row(elem_classes="buttons"):
        button = gr.Button("Animate", variant="primary", elem_id="morph-button", scale=3, min_width=120)
        stop = gr.Button("Stop", elem_id="morph-stop", scale=1, min_width=70)
    return MainControls(model, line, fetched, pair, foreign, button, stop)


class Settings(NamedTuple):
    look: gr.Radio
    frames: gr.Slider
    fps: gr.Slider
    back: gr.Checkbox


def _settings() -> Settings:
    return Settings(
        layout.enlarging_control(),
        gr.Slider(
            4, 240, morph.FRAMES, step=1, label="Frames", info="Pictures from A to B in the animation.", elem_id="morph-frames"
        ),
        gr.Slider(4, 30, morph.FPS, step=1, label="Frames per second", info="How fast the animation plays."),
        gr.Checkbox(True, label="There and back", elem_classes="tick"),
    )


# --- events


def warn(model: str, *held: slots.HeldPicture) -> str:
    """A line for each uploaded picture that is not of the kind that the net knows."""
    uploaded = {letter: each.path for letter, each in zip("AB", held) if each.path and each.seed is None}
    found = {
        letter: likeness.vae_domain_warning(model, interpolation.reconstruct(model, path).psnr)
        for letter, path in uploaded.items()
    }
    return "".join(layout.warning(f"{letter}: {text}") for letter, text in found.items() if text)


def _watch(view: views.View, watched: dict[str, Any], start: Opening) -> freshness.Watch:
    """Of the pictures of a view; the morph is there from the start."""
    opened = view.name == "morph" and start.shown is not None
    return freshness.watch(view.mark, watched, "Change a control to draw it anew.", opened=opened)


def _connect_views(
    all_views: list[views.View], watches: dict[str, freshness.Watch], shared: list, revision: gr.State, active: gr.State
) -> None:
    """A view is drawn when it is opened, when its controls move, and when the pictures change while it is open."""
    for view in all_views:
        inputs = [*shared, *view.controls]
        unqueued(view.tab.select, lambda name=view.name: name, None, active)
        connect(view.tab.select, view.run, inputs, view.outputs, show_progress="hidden", renews=watches[view.name])
        if view.live:
            debounced([control.input for control in view.live], view.run, inputs, view.outputs, renews=watches[view.name])

        def redraw(opened: str, *values: Any, view: views.View = view) -> Any:
            """The view anew while it is open; otherwise it is drawn when it is opened."""
            return view.run(*values) if view.name == opened else gr.skip()

        debounced([revision.change, shared[-1].input], redraw, [active, *inputs], view.outputs, renews=watches[view.name])


def _connect_morph(
    main: MainControls,
    settings: Settings,
    between: morph.Morph,
    shared: list,
    tabs: gr.Tabs,
    film_watch: freshness.Watch,
) -> None:
    large = [between.picture, between.line]
    debounced([between.t.input, between.curve.input], morph.blend, [*shared, between.t, between.curve], large)
    for (_, curve), row in zip(morph.CURVES, between.strips):
        debounced(row.select, morph.jump, [*shared, gr.State(curve)], [between.t, *large])
    film = [*shared, between.curve, settings.frames, settings.fps, settings.back]
    connect(main.button.click, morph.animate, film, [tabs, *between.player.outputs], show_progress="hidden", renews=film_watch)
    unqueued(main.stop.click, request_stop)


def _connect_model(
    main: MainControls,
    importer: model_import.ImportControls,
    all_slots: list[slots.Slot],
    partial: tuple[views.View, views.View],
    tabs: gr.Tabs,
    revision: gr.State,
    active: gr.State,
) -> tuple:
    """Returns the handler of another model, its inputs but for the model, and its outputs.

    partial: the views of latent arithmetic and of one dimension, which not every model has."""
    arithmetic, along = partial
    chosen, *sliders = arithmetic.controls
    unqueued(chosen.input, views.offer_directions, chosen, sliders)
    places = [part for slot in all_slots for part in (slot.picture, slot.held)]
    dice = [slot.dice for slot in all_slots]

    def change(
        model: str, count: int, opened: str, *held: slots.HeldPicture, view: str | None = None, amounts: dict | None = None
    ) -> tuple:
        """view, amounts: of a picture that is opened, the view that it is to be seen in and its directions."""
        offer, can_sample = views.offer_model(model, amounts), interpolation.can_sample(model)
        hidden = [each.name for each, shown in ((arithmetic, offer[0]["visible"]), (along, can_sample)) if not shown]
        opened = "morph" if (lost := (view or opened) in hidden) else view or opened
        tab = gr.Tabs(selected=opened) if lost or view else gr.skip()
        buttons = [gr.update(visible=can_sample)] * len(dice)
        shown = (layout.model_line(model), count + 1, opened, tab, gr.update(visible=can_sample), *buttons)
        return *shown, *offer, *slots.resampled(model, held)

    outputs = [main.line, revision, active, tabs, along.tab, *dice, arithmetic.tab, chosen, *sliders, *places]
    inputs = [revision, active, *(slot.held for slot in all_slots)]
    connect([main.model.input, main.fetched.change], downloads.if_present(change), [main.model, *inputs], outputs)
    connect(importer.arrived.change, model_import.by_name(downloads.if_present(change)), [importer.arrived, *inputs], outputs)
    return change, inputs, outputs


def _restorer(change: Callable[..., tuple], fields: dict[str, Any]) -> Callable[..., tuple]:
    """The handler that takes over the settings of a picture: values for (the fields, the outputs of `change`)."""

    def restore(path: str, count: int, opened: str, *held: slots.HeldPicture) -> tuple:
        found = restoring.read(path, VIEWS, settings_of)
        kept = [_of_seed(each, found.get(letter)) for letter, each in zip("abcd", held)]
        made = change(found["model"]["value"], count, opened, *kept, view=VIEWS[found["task"]], amounts=found["amounts"])
        return *restoring.values(fields, found), *made

    return restore


def settings_of(saved: dict[str, Any]) -> dict[str, Any]:
    """Settings of a picture, with the rank of its dimension, and the amounts of directions that a slider can show."""
    model = restoring.model(saved, "reconstruct")
    order = interpolation.dimensions(model)
    rank = {"rank": order.index(saved["dimension"]) + 1} if saved.get("dimension") in order else {}
    given = [*saved.get("amounts", {}).items()]
    amounts = {name: max(-2.0, min(2.0, amount)) for name, amount in given if isinstance(amount, int | float)}
    return {**saved, **rank, "model": gr.update(value=model), "amounts": amounts}


def _of_seed(here: slots.HeldPicture, origin: Any) -> slots.HeldPicture:
    """What a slot is to hold: the picture of the recorded seed, or else what it holds, with a word about what is missing."""
    if not isinstance(origin, dict):
        return here
    if isinstance(seed := origin.get("seed"), int) and not isinstance(seed, bool):
        return slots.HeldPicture(here.path, seed)
    if here.path is None or slots.provenance(here=here.path)["here"].get("sha256") != origin.get("sha256"):
        gr.Info(f'It was made of "{str(origin.get("name"))[:60]}", which is not here: upload that picture as well.')
    return here
