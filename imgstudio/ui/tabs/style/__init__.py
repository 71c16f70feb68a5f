"""The tab "Style transfer": a picture in the style of another, by three generations of nets."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError

from ... import texts
from ...kit import demos, downloads, freshness, layout, model_import, prepared, restoring, sources
from ...kit.events import connect, debounced, page_opened, request_stop, unqueued
from ...kit.sources import Slot
from . import region, result, settings
from .settings import ONE, OPTIMISE, Controls

TITLE = "Style transfer"
FIRST_PICTURE, FIRST_STYLE = "Cat", "Night over the Lake"  # are shown before the first click


def build() -> None:
    """Contents of the tab."""
    kinds = settings.kinds()
    if not kinds:
        layout.no_models()
        return
    start = prepared.opening("style", lambda: _opening(kinds), settings.opening(kinds)[1].name)
    changed = gr.State(0)
    with layout.two_columns():
        with layout.controls():
            main = _main_controls(start.controls, kinds)
        with layout.below():
            importer = model_import.build("stylize", "style")
            with layout.advanced():
                advanced = _advanced(start.controls, main.models[0].value)
                saved = restoring.restore_button("style")
        with layout.results():
            outputs = _outputs(start, main, changed)
    layout.explanation(*texts.columns("style"))
    model_import.wire(importer, choose_imported, [main.method, *main.models])
    _connect(main, advanced, outputs, importer, changed)
    _connect_restoring(saved, main, advanced, changed)


class Start(NamedTuple):
    """What the tab opens with: the values of the controls, and what is shown there; None where it can't be made."""

    controls: Controls
    shown: tuple | None


def _opening(kinds: dict[str, list]) -> Start:
    """A picture made by a quick method, for which nobody has to wait."""
    method, spec = settings.opening(kinds)
    contents, artworks = demos.contents(), demos.artworks()
    content, style = sources.first_source(contents, FIRST_PICTURE), sources.first_source(artworks, FIRST_STYLE)
    controls = Controls.first(method, spec.name, content, style)
    try:
        ready = controls.quick and content and (style or method == ONE)
        return Start(controls, result.opening(controls) if ready else None)
    except StudioError:
        return Start(controls, None)


class MainControls(NamedTuple):
    """The controls."""

    content: Slot
    style: Slot
    method: gr.Radio
    trade: gr.HTML
    models: list[gr.Dropdown]  # one a method, in the order of METHODS
    line: gr.HTML
    fetched: gr.State
    weights: settings.Weights
    button: gr.Button
    stop: gr.Button


def _main_controls(known: Controls, kinds: dict[str, list]) -> MainControls:
    with gr.Row(elem_classes="slots"):
        content = sources.build("Picture", known.content, demos.contents(), "Another")
        style = sources.build("Style", known.style, demos.artworks(), "Surprise me", visible=known.method != ONE)
    method = gr.Radio(
        [(settings.METHODS[method], method) for method in kinds],  # with their times as soon as somebody sees them
        value=known.method,
        label="Method",
        elem_id="style-method",
        elem_classes="stacked",
    )
    trade = gr.HTML(_trade(known.method))
    models = [_models(each, kinds.get(each, []), visible=each == known.method) for each in settings.METHODS]
    line = gr.HTML(layout.model_line(known.model), elem_classes="model-line")
    fetched = downloads.download_row("style", [method, *models], line, known.model, meant=settings.model_of)
    weights = settings.weights(known.method)
    with gr.Row(elem_classes="buttons"):
        verb = settings.VERBS[known.method]
        button = gr.Button(verb, variant="primary", elem_id="style-button", scale=3, min_width=120)
        stop = gr.Button("Stop", elem_id="style-stop", scale=1, min_width=70)
    return MainControls(content, style, method, trade, models, line, fetched, weights, button, stop)


def _trade(method: str) -> str:
    return f'<p class="help">{settings.TRADE[method]}</p>'


def _models(method: str, specs: list, visible: bool) -> gr.Dropdown:
    """The models of one method. A net of one style is that style."""
    return gr.Dropdown(
        [(spec.title, spec.name) for spec in specs],
        value=layout.first_ready(specs).name if specs else None,
        label="Style" if method == ONE else "Model",
        filterable=False,
        visible=visible,
        elem_id=f"style-model-{method.replace(' ', '-')}",
    )


class AdvancedControls(NamedTuple):
    """The controls under Advanced."""

    size: gr.Slider
    memory: gr.HTML
    colours: gr.Radio
    second: Slot
    mix: gr.Slider
    mixing: gr.Column
    slow: settings.OptimisationControls


def _advanced(known: Controls, slow_model: str | None) -> AdvancedControls:
    size, memory = settings.size_control(known.model)
    colours = settings.colours()
    with gr.Column(visible=known.method != ONE) as mixing:
        second = sources.build("Second style", None, demos.artworks(), "Pick one")
        mix = settings.mix()
    return AdvancedControls(size, memory, colours, second, mix, mixing, settings.optimisation_controls(known.method, slow_model))


class Outputs(NamedTuple):
    """The result, and the galleries beside it."""

    result_view: result.ResultView
    styles: gr.Column
    mask: gr.State


def _outputs(start: Start, main: MainControls, changed: gr.State) -> Outputs:
    with gr.Row(elem_classes="hanging"):
        with gr.Column(scale=5, min_width=300, elem_classes="dated"):
            result_view = result.build(start.shown, start.controls.content)
            mask = region.build(main.content)
        with gr.Column(scale=3, min_width=260, elem_classes="palettes"):
            with gr.Column(visible=start.controls.method != ONE) as styles:
                gr.HTML(
                    "<p><strong>Styles</strong> drawn by the studio itself. Click one, or upload your own.</p>",
                    elem_classes="strip-title",
                )
                sources.gallery("Styles", main.style, changed, 4, "style-gallery")
            with gr.Column():
                gr.HTML("<p><strong>Pictures</strong> to try it on.</p>", elem_classes="strip-title")
                sources.gallery("Pictures", main.content, changed, 4, "style-pictures")
    return Outputs(result_view, styles, mask)


def _inputs(main: MainControls, advanced: AdvancedControls, mask: gr.State) -> list[Any]:
    """The components whose values make up `Controls`, in its order."""
    return [
        main.method, *main.models, main.content.held, main.style.held, *main.weights,
        advanced.size, advanced.colours, advanced.second.held, advanced.mix, mask, *advanced.slow.controls, *advanced.slow.layers,
    ]  # fmt: skip


# --- what the controls do


def _connect(
    main: MainControls, advanced: AdvancedControls, outputs: Outputs, importer: model_import.ImportControls, changed: gr.State
) -> None:
    inputs, result_view, slow = _inputs(main, advanced, outputs.mask), outputs.result_view, advanced.slow
    for slot in (main.content, main.style, advanced.second):
        sources.wire(slot, changed)
    at_work = {"show_progress": "minimal", "show_progress_on": result_view.line}
    names = ["method", *settings.METHODS, "picture", "style", "second style"]
    parts = [main.method, *main.models, main.content.held, main.style.held, advanced.second.held]
    again, opened = "The button makes it anew.", result_view.made.value is not None
    watch = freshness.watch(result_view.mark, dict(zip(names, parts)), again, opened=opened, relevant=settings.made_of)
    at_work["renews"] = watch
    connect(main.button.click, result.restyle, inputs, result_view.outputs, **at_work)
    connect(result_view.again.click, result.resume, [result_view.made, *inputs], result_view.outputs, **at_work)
    quick = [main.weights.strength.input, advanced.colours.input, advanced.mix.input, advanced.size.release]
    changed_by = [changed.change, outputs.mask.change, main.fetched.change, *quick]
    debounced(changed_by, result.restyle_quickly, inputs, result_view.outputs, renews=watch)
    unqueued(main.stop.click, request_stop)
    unqueued(slow.dice.click, layout.random_seed, None, slow.seed)
    chosen = [main.method, *main.models]
    cost_triggers = [
        advanced.size.change,
        slow.steps.change,
        main.method.change,
        *(model.change for model in main.models),
        page_opened(),
    ]
    costs = [*chosen, advanced.size, slow.steps]
    unqueued(cost_triggers, tell_costs, costs, [main.method, main.line, advanced.memory], trigger_mode="always_last")
    shown = [
        *main.models, main.trade, main.button, *main.weights, main.style.column, outputs.styles, advanced.mixing, slow.column
    ]  # fmt: skip
    unqueued(main.method.change, show_method, main.method, shown)
    unqueued(main.models[0].change, settings.shown_layers, main.models[0], slow.layers)
    arrived = [importer.arrived, advanced.size, changed]
    unqueued(importer.arrived.change, model_import.by_name(show_imported), arrived, [*shown, advanced.size, changed])
    picked = [main.method.input, *(model.input for model in main.models)]
    unqueued(picked, choose_model, [*chosen, advanced.size, changed], [advanced.size, changed])


def _connect_restoring(saved: gr.UploadButton, main: MainControls, advanced: AdvancedControls, changed: gr.State) -> None:
    slow = dict(zip(("steps", "optimizer", "start", "tv_weight", "seed"), advanced.slow.controls))
    layers = dict(zip(settings.LAYERS, advanced.slow.layers))
    weights = dict(zip(("content_weight", "style_weight", "strength"), main.weights))
    fields = {"method": main.method, **dict(zip(settings.METHODS, main.models)), **weights, "size": advanced.size}
    fields |= {"colours": advanced.colours, "mix": advanced.mix, **slow, **layers}
    slots = {"content": main.content, "style": main.style, "second_style": advanced.second}
    restoring.wire(saved, "stylize", fields, slots, changed, derive=settings.restored)


def choose_imported(name: str, imported: model_import.Choices) -> tuple:
    """A model was imported: values for (method, models)."""
    method = settings.kind(name)
    models = []
    for each in settings.METHODS:
        offered = [(spec.title, spec.name) for spec in settings.kinds().get(each, [])]
        offered += [choice for choice in imported if settings.kind(choice[1]) == each and choice not in offered]
        models.append(gr.update(choices=offered, **({"value": name} if each == method else {})))
    return method, *models


def tell_costs(*values: Any) -> tuple:
    """The methods, with the time that each takes; source and licence of the model; the memory."""
    method, *models, size, steps = values
    known = {each: model for each, model in zip(settings.METHODS, models) if model}
    times = settings.method_choices(known, size, steps)
    return gr.update(choices=times), layout.model_line(known[method]), settings.memory(known[method], size)


def show_method(method: str) -> list[Any]:
    """Only the controls that act in this method are shown."""
    slow, style = method == OPTIMISE, method != ONE
    models = [gr.update(visible=method == each) for each in settings.METHODS]
    sliders = [gr.update(visible=visible) for visible in (slow, slow, not slow)]
    columns = [gr.update(visible=visible) for visible in (style, style, style, slow)]
    return [*models, _trade(method), settings.VERBS[method], *sliders, *columns]


def choose_model(*values: Any) -> tuple:
    """Another net: values for (size control, changed)."""
    method, *models, size, changed = values
    return _limited(settings.model_of(method, *models), size), changed + 1


def show_imported(model: str, size: float, changed: int) -> list[Any]:
    """An imported model: values as of `show_method`, and for (size control, changed)."""
    return [*show_method(settings.kind(model)), _limited(model, size), changed + 1]


def _limited(model: str, size: float) -> Any:
    """The size control for this model. Its value is left alone if it may stay: somebody may be typing another one."""
    most = settings.most(model)
    return gr.update(maximum=most, value=most) if size > most else gr.update(maximum=most)
