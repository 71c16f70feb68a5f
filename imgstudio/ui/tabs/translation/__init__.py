"""The tab "Translation": a picture in another domain, back again, and where the cycle loses it."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr
from gradio.context import get_blocks_context

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.studio import pictures

from ... import texts
from ...kit import downloads, freshness, layout, model_import, prepared, restoring, sources
from ...kit.events import connect, debounced, request_stop, unqueued
from ...kit.sources import Slot, Source
from . import many, result, suited
from .result import Controls

TITLE = "Translation"
SIZE = 512  # where the catalogue does not say at which one a model works best
SAMPLED = "sampling-large"  # the large picture of the tab "Latent sampling"


def build() -> None:
    """Contents of the tab."""
    pairs = find_pairs()
    if not pairs:
        layout.no_models()
        return
    first = layout.default_model("translate").name
    known, start = prepared.opening("translation", lambda: _opening(first), *pair_of(first))
    changed = gr.State(0)
    with layout.two_columns():
        with layout.controls():
            main = _main_controls(known)
        with layout.below():
            importer = model_import.build("translate", "translation")
            with layout.advanced():
                advanced = _advanced(known)
                saved = restoring.restore_button("translation")
        with layout.results(), gr.Row(elem_classes="hanging"):
            with gr.Column(scale=5, min_width=300, elem_classes="dated"):
                result_view = result.build(start, known)
            with gr.Column(scale=3, min_width=260, elem_classes="palettes"):
                with gr.Column():
                    gr.HTML("<p><strong>Pictures</strong> to try it on.</p>", elem_classes="strip-title")
                    sources.gallery("Pictures", main.slot, changed, 4, "translation-pictures")
                batch = many.build()
    layout.explanation(*texts.columns("translation"))
    model_import.wire(
        importer, lambda name, imported: (gr.update(choices=_pairs(imported), value=pair_of(name)[0]),), [main.pair]
    )
    _connect(main, advanced, result_view, batch, importer, changed)
    fields = {"pair": main.pair, "model": main.direction, "swap": main.swap, "size": advanced.size, "strength": main.strength}
    restoring.wire(saved, "translate", fields, {"picture": main.slot}, changed, derive=settings_of)


def _opening(model: str) -> tuple[Controls, tuple | None]:
    """The values of the controls, and what is shown before the first click; None where that would take a download, or can't
    be made."""
    content = sources.first_source(suited.examples(), suited.fitting(model))
    known = Controls(model, content, 1.0, best_size(model), True)
    if content is None or not layout.find(model).embedded:
        return known, None
    try:
        return known, result.opening(known)
    except StudioError:
        return known, None


# --- pairs


def find_pairs() -> dict[str, tuple[str, ...]]:
    """The models in pairs that lead there and back, by their common title, in the order of the catalogue. A model without a way
    back is alone."""
    specs = {spec.name: spec for spec in imgstudio.models("translate")}
    pairs: dict[str, tuple[str, ...]] = {}
    for spec in specs.values():
        if any(spec.name in names for names in pairs.values()):
            continue
        names = (spec.name, spec.inverse) if spec.inverse in specs else (spec.name,)
        title = spec.title.replace(" to ", " ↔ ", 1) if len(names) == 2 else spec.title
        pairs[title if title not in pairs else f"{title} ({spec.name})"] = names
    return pairs


def pair_of(model: str) -> tuple[str, ...]:
    """The model's name and that of the way back, in the order of the catalogue. An imported one is alone."""
    return next((names for names in find_pairs().values() if model in names), (model,))


def _pairs(imported: model_import.Choices = ()) -> model_import.Choices:
    """The choices of pairs, each by the name of its first model, and what a visitor imported."""
    pairs = [(title, names[0]) for title, names in find_pairs().items()]
    return [*pairs, *(each for each in imported if each[1] not in dict(pairs).values())]


def best_size(model: str) -> int:
    return layout.find(model).side or SIZE


# --- controls


class MainControls(NamedTuple):
    """The controls."""

    slot: Slot
    sampled: gr.Button | None  # None where there is no such tab
    pair: gr.Dropdown
    direction: gr.Radio
    swap: gr.Button
    line: gr.HTML
    fetched: gr.State
    strength: gr.Slider
    button: gr.Button
    stop: gr.Button


def _main_controls(known: Controls) -> MainControls:
    with gr.Row(elem_classes="slots"):
        slot = sources.build("Picture", known.content, suited.examples(), "Another", prefix="translation")
    sampled = None
    if _component(SAMPLED) is not None:
        sampled = gr.Button("Take the one from Latent sampling", size="sm", elem_id="translation-sampled")
    names = pair_of(known.model)
    pair = gr.Dropdown(
        _pairs(),
        value=names[0],
        label="Pair",
        info="Two kinds of pictures, and a net for each direction.",
        filterable=False,
        elem_id="translation-pair",
    )
    direction = gr.Radio(
        _ways(names), value=known.model, label="Direction", elem_id="translation-direction", elem_classes="stacked"
    )
    swap = gr.Button("Swap direction", size="sm", interactive=len(names) == 2, elem_id="translation-swap")
    line = gr.HTML(layout.model_line(known.model), elem_classes="model-line")
    fetched = downloads.download_row("translation", [direction], line, known.model)
    strength = gr.Slider(
        0,
        1,
        known.strength,
        step=0.05,
        label="Strength",
        info="0 leaves the picture as it is.",
        elem_id="translation-strength",
    )
    with gr.Row(elem_classes="buttons"):
        button = gr.Button("Translate", variant="primary", elem_id="translation-button", scale=3, min_width=120)
        stop = gr.Button("Stop", elem_id="translation-stop", scale=1, min_width=70)
    return MainControls(slot, sampled, pair, direction, swap, line, fetched, strength, button, stop)


def _ways(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(layout.find(name).title, name) for name in names]


class AdvancedControls(NamedTuple):
    """The controls under Advanced."""

    size: gr.Slider
    back: gr.Checkbox


def _advanced(known: Controls) -> AdvancedControls:
    size = gr.Slider(
        64,
        4096,
        known.size,
        step=8,
        label="Size",
        info="Longer side of the result in pixels. Strokes of a painting are equally wide in all: the smaller it is, the bolder "
        "they look.",
        elem_id="translation-size",
    )
    back = gr.Checkbox(True, label="Also translate back", elem_id="translation-back", elem_classes="tick")
    return AdvancedControls(size, back)


def _component(elem_id: str) -> Any:
    """A component of another tab of this page; None where it is not there."""
    page = get_blocks_context()
    return next((block for block in page.blocks.values() if getattr(block, "elem_id", None) == elem_id), None)


# --- what the controls do


def _connect(
    main: MainControls,
    advanced: AdvancedControls,
    result_view: result.ResultView,
    batch: many.Many,
    importer: model_import.ImportControls,
    changed: gr.State,
) -> None:
    inputs = [main.direction, main.slot.held, main.strength, advanced.size, advanced.back]
    sources.wire(main.slot, changed)
    if main.sampled is not None:
        taken = [main.slot.picture, main.slot.held, changed]
        unqueued(main.sampled.click, take_sampled, [_component(SAMPLED), changed], taken)
    at_work = {"show_progress": "minimal", "show_progress_on": result_view.line}
    watched = {"model": main.direction, "picture": main.slot.held, "size": advanced.size}
    watch = freshness.watch(result_view.mark, watched, "Translate makes it anew.", opened=result_view.made.value is not None)
    connect(main.button.click, result.translate, inputs, result_view.outputs, renews=watch, **at_work)
    quick = [changed.change, main.fetched.change, advanced.size.release, advanced.back.input]
    debounced(quick, result.translate_quickly, inputs, result_view.outputs, renews=watch)
    unqueued(
        main.strength.input, result.reblend, [result_view.made, main.strength], result_view.blended, trigger_mode="always_last"
    )
    unqueued(main.stop.click, request_stop)
    known = [main.slot.held, changed]
    shown = [main.direction, main.swap, main.line, advanced.size, main.slot.picture, main.slot.held, changed]
    unqueued(main.pair.input, choose_pair, [main.pair, *known], shown)
    unqueued(importer.arrived.change, model_import.by_name(choose_pair), [importer.arrived, *known], shown)
    unqueued(main.direction.input, choose_direction, [main.direction, *known], shown)
    unqueued(main.swap.click, swapped, [main.direction, *known], shown)
    many.wire(batch, [main.direction, main.strength, advanced.size])


def settings_of(saved: dict[str, Any]) -> dict[str, Any]:
    """Settings of a translation, with the pair that its model belongs to."""
    name = restoring.model(saved, "translate")
    names = pair_of(name)
    ways = gr.update(choices=_ways(names), value=name)
    return {**saved, "pair": gr.update(value=names[0]), "model": ways, "swap": gr.update(interactive=len(names) == 2)}


def choose_pair(first: str, held: Source | None, changed: int) -> tuple:
    """Another pair: values for (direction, swap, model line, size, picture, held, changed)."""
    names = pair_of(first)
    return gr.update(choices=_ways(names), value=first), *_rest(first, names, held, changed)


def choose_direction(model: str, held: Source | None, changed: int) -> tuple:
    """The other way round, on the list: values as of `choose_pair`."""
    return gr.skip(), *_rest(model, pair_of(model), held, changed)


def swapped(model: str, held: Source | None, changed: int) -> tuple:
    """The other way round, by the button: values as of `choose_pair`."""
    names = pair_of(model)
    other = names[1 - names.index(model)] if len(names) == 2 else model
    return other, *_rest(other, names, held, changed)


def _rest(model: str, names: tuple[str, ...], held: Source | None, changed: int) -> tuple:
    return gr.update(interactive=len(names) == 2), layout.model_line(model), best_size(model), *_suited(model, held, changed)


def _suited(model: str, held: Source | None, changed: int) -> tuple:
    """Another example where the one that is shown there is not for this model; a visitor's own picture stays. Values for
    (picture, held, changed)."""
    offered = suited.examples()
    if held is None or held.uploaded or held.title not in offered:
        return gr.skip(), gr.skip(), changed + 1
    title = suited.fitting(model, held.title)
    return sources.select(offered, title, changed) if title != held.title else (gr.skip(), gr.skip(), changed + 1)


def take_sampled(picture: Any, changed: int) -> tuple:
    """The large picture of the tab "Latent sampling": values for (picture, held, changed)."""
    if picture is None:
        raise StudioError("There is no picture in the tab Latent sampling yet: sample one first.")
    path = layout.save_result(pictures.read(picture), "sampled", {})
    imported: Source = sources.source(path, "Sampled")
    return imported.shown, imported, changed + 1
