"""The tab "Style transfer": a picture in the style of another, by three generations of nets."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError

from ...kit import demos, downloads, freshness, layout, model_import, prepared, restoring, sources
from ...kit.events import connect, instant, live, page_opened, request_stop
from ...kit.sources import Slot
from ...texts import lessons
from . import region, result, settings
from .settings import ONE, OPTIMISE, Controls

TITLE = "Style transfer"
FIRST_PICTURE, FIRST_STYLE = "Cat", "Night over the Lake"  # are shown before the first click


def build() -> None:
    """Contents of the tab."""
    kinds = settings.kinds()
    if not kinds:
        layout.nothing_here()
        return
    start = prepared.opening("style", lambda: _opening(kinds), settings.opening(kinds)[1].name)
    changed = gr.State(0)
    with layout.room():
        with layout.controls():
            left = _left(start.controls, kinds)
        with layout.below():
            own = model_import.build("stylize", "style")
            with layout.advanced():
                rare = _advanced(start.controls)
                saved = restoring.offer("style")
        with layout.stage():
            stage = _stage(start, left, changed)
    lessons.style()
    model_import.wire(own, take_own, [left.method, *left.models])
    _connect(left, rare, stage, own, changed)
    _connect_restoring(saved, left, rare, changed)


class Start(NamedTuple):
    """What the tab opens with: the values of the controls, and what is shown there; None where it can't be made."""

    controls: Controls
    hung: tuple | None


def _opening(kinds: dict[str, list]) -> Start:
    """A picture made by a quick method, for which nobody has to wait."""
    method, spec = settings.opening(kinds)
    contents, artworks = demos.contents(), demos.artworks()
    content, manner = sources.first(contents, FIRST_PICTURE), sources.first(artworks, FIRST_STYLE)
    controls = Controls.first(method, spec.name, content, manner)
    try:
        ready = controls.quick and content and (manner or method == ONE)
        return Start(controls, result.opening(controls) if ready else None)
    except StudioError:
        return Start(controls, None)


class Left(NamedTuple):
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


def _left(known: Controls, kinds: dict[str, list]) -> Left:
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
    fetched = downloads.offer("style", [method, *models], line, known.model, meant=settings.meant)
    weights = settings.weights(known.method)
    with gr.Row(elem_classes="buttons"):
        verb = settings.VERBS[known.method]
        button = gr.Button(verb, variant="primary", elem_id="style-button", scale=3, min_width=120)
        stop = gr.Button("Stop", elem_id="style-stop", scale=1, min_width=70)
    return Left(content, style, method, trade, models, line, fetched, weights, button, stop)


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


class Rare(NamedTuple):
    """The controls under Advanced."""

    size: gr.Slider
    memory: gr.HTML
    colours: gr.Radio
    second: Slot
    mix: gr.Slider
    mixing: gr.Column
    slow: settings.Slow


def _advanced(known: Controls) -> Rare:
    size, memory = settings.size_control(known.model)
    colours = settings.colours()
    with gr.Column(visible=known.method != ONE) as mixing:
        second = sources.build("Second style", None, demos.artworks(), "Pick one")
        mix = settings.mix()
    return Rare(size, memory, colours, second, mix, mixing, settings.slow(known.method))


class Stage(NamedTuple):
    """What hangs on the wall, and the palettes beside it."""

    easel: result.Easel
    styles: gr.Column
    mask: gr.State


def _stage(start: Start, left: Left, changed: gr.State) -> Stage:
    with gr.Row(elem_classes="hanging"):
        with gr.Column(scale=5, min_width=300, elem_classes="dated"):
            easel = result.build(start.hung, start.controls.content)
            mask = region.build(left.content)
        with gr.Column(scale=3, min_width=260, elem_classes="palettes"):
            with gr.Column(visible=start.controls.method != ONE) as styles:
                gr.HTML(
                    "<p><strong>Styles</strong> drawn by the studio itself. Click one, or bring your own.</p>",
                    elem_classes="strip-title",
                )
                sources.gallery("Styles", left.style, changed, 4, "style-gallery")
            with gr.Column():
                gr.HTML("<p><strong>Pictures</strong> to try it on.</p>", elem_classes="strip-title")
                sources.gallery("Pictures", left.content, changed, 4, "style-pictures")
    return Stage(easel, styles, mask)


def _inputs(left: Left, rare: Rare, mask: gr.State) -> list[Any]:
    """The components whose values make up `Controls`, in its order."""
    return [
        left.method, *left.models, left.content.held, left.style.held, *left.weights,
        rare.size, rare.colours, rare.second.held, rare.mix, mask, *rare.slow.controls, *rare.slow.layers,
    ]  # fmt: skip


# --- what the controls do


def _connect(left: Left, rare: Rare, stage: Stage, own: model_import.Bring, changed: gr.State) -> None:
    inputs, easel, slow = _inputs(left, rare, stage.mask), stage.easel, rare.slow
    for slot in (left.content, left.style, rare.second):
        sources.wire(slot, changed)
    at_work = {"show_progress": "minimal", "show_progress_on": easel.line}
    names = ["method", *settings.METHODS, "picture", "style", "second style"]
    parts = [left.method, *left.models, left.content.held, left.style.held, rare.second.held]
    again, opened = "The button makes it anew.", easel.made.value is not None
    watch = freshness.watch(easel.mark, dict(zip(names, parts)), again, opened=opened, relevant=settings.made_of)
    at_work["renews"] = watch
    connect(left.button.click, result.paint, inputs, easel.outputs, **at_work)
    connect(easel.again.click, result.resume, [easel.made, *inputs], easel.outputs, **at_work)
    quick = [left.weights.strength.input, rare.colours.input, rare.mix.input, rare.size.release]
    changed_by = [changed.change, stage.mask.change, left.fetched.change, *quick]
    live(changed_by, result.repaint, inputs, easel.outputs, renews=watch)
    instant(left.stop.click, request_stop)
    instant(slow.dice.click, layout.roll, None, slow.seed)
    chosen = [left.method, *left.models]
    dear = [rare.size.change, slow.steps.change, left.method.change, *(model.change for model in left.models), page_opened()]
    costs = [*chosen, rare.size, slow.steps]
    instant(dear, tell_costs, costs, [left.method, left.line, rare.memory], trigger_mode="always_last")
    shown = [
        *left.models, left.trade, left.button, *left.weights, left.style.column, stage.styles, rare.mixing, slow.column
    ]  # fmt: skip
    instant(left.method.change, show_method, left.method, shown)
    arrived = [own.arrived, rare.size, changed]
    instant(own.arrived.change, model_import.by_name(show_own), arrived, [*shown, rare.size, changed])
    picked = [left.method.input, *(model.input for model in left.models)]
    instant(picked, choose_model, [*chosen, rare.size, changed], [rare.size, changed])


def _connect_restoring(saved: gr.UploadButton, left: Left, rare: Rare, changed: gr.State) -> None:
    slow = dict(zip(("steps", "optimizer", "start", "tv_weight", "seed"), rare.slow.controls))
    layers = dict(zip(settings.LAYERS, rare.slow.layers))
    weights = dict(zip(("content_weight", "style_weight", "strength"), left.weights))
    fields = {"method": left.method, **dict(zip(settings.METHODS, left.models)), **weights, "size": rare.size}
    fields |= {"colours": rare.colours, "mix": rare.mix, **slow, **layers}
    slots = {"content": left.content, "style": left.style, "second_style": rare.second}
    restoring.wire(saved, "stylize", fields, slots, changed, derive=settings.restored)


def take_own(name: str, brought: model_import.Choices) -> tuple:
    """A model that the visitor brought is there: values for (method, models)."""
    method = settings.kind(name)
    models = []
    for each in settings.METHODS:
        offered = [(spec.title, spec.name) for spec in settings.kinds().get(each, [])]
        offered += [choice for choice in brought if settings.kind(choice[1]) == each and choice not in offered]
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
    slow, manner = method == OPTIMISE, method != ONE
    models = [gr.update(visible=method == each) for each in settings.METHODS]
    sliders = [gr.update(visible=visible) for visible in (slow, slow, not slow)]
    columns = [gr.update(visible=visible) for visible in (manner, manner, manner, slow)]
    return [*models, _trade(method), settings.VERBS[method], *sliders, *columns]


def choose_model(*values: Any) -> tuple:
    """Another net: values for (size control, changed)."""
    method, *models, size, changed = values
    return _limited(settings.meant(method, *models), size), changed + 1


def show_own(model: str, size: float, changed: int) -> list[Any]:
    """A model that the visitor brought: values as of `show_method`, and for (size control, changed)."""
    return [*show_method(settings.kind(model)), _limited(model, size), changed + 1]


def _limited(model: str, size: float) -> Any:
    """The size control for this model. Its value is left alone if it may stay: somebody may be typing another one."""
    most = settings.most(model)
    return gr.update(maximum=most, value=most) if size > most else gr.update(maximum=most)
