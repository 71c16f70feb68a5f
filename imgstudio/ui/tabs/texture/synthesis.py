"""The part "New texture" of the tab "Texture": texture synthesis from a sample, in any size, seamless if wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.studio import style
from imgstudio.studio.steps import Step
from imgstudio.studio.texture import synthesis

from ...kit import demos, downloads, freshness, layout, prepared, restoring, sources
from ...kit.events import Stopwatch, connect, page_opened, report_error, request_stop, unqueued, until_stopped
from ...kit.sources import Slot, Source
from ..style.settings import duration

TITLE = "New texture"
FIRST_SAMPLE = "Gravel"  # whose texture is shown before the first click
SIZE, GRID = 384, 32  # of the result, px
PREVIEW_EVERY = 0.5  # seconds
QUILTING, GATYS = "quilting", "gatys"
STARTS = [("Noise", "noise"), ("Image quilting", "quilting")]
TRADE = {
    QUILTING: "Image quilting: pieces of the sample, joined where they differ least. Sharp, but it only repeats what is there.",
    GATYS: "The statistics of a net's features are copied, pixel by pixel. Slow; no piece of it is in the sample.",
}
BEFORE_CLICK = '<p class="facts">Choose a sample, then press the button.</p>'


def methods(model: str | None, time: str = "minutes") -> list[tuple[str, str]]:
    """The methods in words, the slow one, which needs a net, with the time that it takes."""
    quick = [("Image quilting · seconds", QUILTING)]
    return [*quick, (f"Optimise a new picture · {time}", GATYS)] if model else quick


class Controls(NamedTuple):
    """Values of the controls."""

    source: Source | None
    method: str
    size: float
    seamless: bool
    scale: float
    model: str
    steps: float
    start: str
    seed: float | None

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `synthesize`: only what acts in this method."""
        shared = {"size": int(self.size), "seamless": self.seamless, "scale": self.scale, "seed": layout.whole(self.seed)}
        slow = {"model": self.model, "steps": int(self.steps), "start": self.start} if self.method == GATYS else {}
        return {"method": self.method, **shared, **slow}


class ResultView(NamedTuple):
    """The components, in the order of what `synthesize` yields."""

    picture: gr.Image
    line: gr.HTML
    download: gr.DownloadButton
    tiled: gr.Image
    caption: gr.HTML
    mark: freshness.Mark


class MainControls(NamedTuple):
    """The controls."""

    slot: Slot
    method: gr.Radio
    trade: gr.HTML
    size: gr.Slider
    seamless: gr.Checkbox
    button: gr.Button
    stop: gr.Button


class AdvancedControls(NamedTuple):
    """The controls under Advanced."""

    scale: gr.Slider
    model: gr.Dropdown
    steps: gr.Slider
    start: gr.Radio
    seed: gr.Number
    dice: gr.Button
    slow: gr.Column


def build() -> None:
    """Contents of the part."""
    model = next((spec.name for spec in _slow_models()), "")
    (controls, start), changed = prepared.opening("growth", lambda: _opening(model)), gr.State(0)
    with layout.two_columns():
        with layout.controls():
            main = _main_controls(controls)
        with layout.advanced():
            advanced = _advanced(controls)
            saved = restoring.restore_button("growth")
        with layout.results():
            result_view = _outputs(start, main.slot, changed)
    _connect(main, advanced, result_view, changed)
    fields = {"method": main.method, "size": main.size, "seamless": main.seamless, "scale": advanced.scale}
    fields |= {"model": advanced.model, "steps": advanced.steps, "start": advanced.start, "seed": advanced.seed}
    restoring.wire(saved, "synthesize", fields, {"sample": main.slot}, changed)


def _slow_models() -> list:
    return [spec for spec in imgstudio.models("stylize") if spec.name.startswith("gatys/")]


def _main_controls(controls: Controls) -> MainControls:
    with gr.Row(elem_classes="slots"):
        slot = sources.build("Sample", controls.source, demos.textures(), "Another", prefix="growth")
        with gr.Column(min_width=110, elem_classes="slot"):
            gr.HTML('<p class="help">A sample shows a little of a texture: stones, bricks, strokes. It may be small.</p>')
    method = gr.Radio(
        methods(controls.model),
        value=controls.method,
        label="Method",
        elem_id="growth-method",
        elem_classes="stacked",
    )
    trade = gr.HTML(_trade(controls.method))
    size = gr.Slider(
        128, 1024, controls.size, step=GRID, label="Size", info="Of the new square picture, in pixels.", elem_id="growth-size"
    )
    seamless = gr.Checkbox(
        controls.seamless, label="Seamless", info="Copies of it can be laid side by side, as tiles.", elem_id="growth-seamless"
    )
    with gr.Row(elem_classes="buttons"):
        button = gr.Button("Synthesize", variant="primary", elem_id="growth-button", scale=3, min_width=120)
        stop = gr.Button("Stop", elem_id="growth-stop", scale=1, min_width=70)
    return MainControls(slot, method, trade, size, seamless, button, stop)


def _trade(method: str) -> str:
    return f'<p class="help">{TRADE[method]}</p>'


def _advanced(controls: Controls) -> AdvancedControls:
    scale = gr.Slider(
        0.25, 2, controls.scale, step=0.05, label="Pattern size", info="1 is as in the sample.", elem_id="growth-scale"
    )
    with gr.Column(visible=controls.method == GATYS, elem_classes="slow") as slow:
        choices = [(spec.title, spec.name) for spec in _slow_models()]
        model = gr.Dropdown(
            choices, value=controls.model or None, label="Model", info="The net whose features are compared.", filterable=False,
            elem_id="growth-model",
        )  # fmt: skip
        line = gr.HTML(layout.model_line(controls.model) if controls.model else "", elem_classes="model-line")
        downloads.download_row("growth", [model], line, controls.model or None)
        steps = gr.Slider(
            20, 500, controls.steps, step=10, label="Steps", info="Corrections of the picture.", elem_id="growth-steps"
        )
        start = gr.Radio(
            STARTS,
            value=controls.start,
            label="Start from",
            info="Image quilting keeps patterns straight.",
            elem_id="growth-start",
        )
    seed, dice = layout.seed_row(0, "growth", info="Each number is another piece of the same texture.")
    return AdvancedControls(scale, model, steps, start, seed, dice, slow)


def _outputs(start: tuple | None, slot: Slot, changed: gr.State) -> ResultView:
    path, line, tiled, caption = start or (None, BEFORE_CLICK, None, "")
    with gr.Row(elem_classes="hanging"):
        with gr.Column(scale=5, min_width=300, elem_classes="dated"):
            picture = layout.result("New texture", value=path, elem_id="growth-result", alt_text="The new texture")
            line, mark = layout.facts_line(line), freshness.mark()
            with gr.Row(elem_classes="downloads"):
                download = gr.DownloadButton(
                    "Download PNG", path, size="sm", min_width=130, scale=0, interactive=path is not None,
                    elem_id="growth-download",
                )  # fmt: skip
        with gr.Column(scale=4, min_width=260, elem_classes="palettes"):
            with gr.Column(elem_classes="captioned"):
                tiles = layout.result("Four copies", value=tiled, elem_id="growth-tiled", alt_text="Two by two copies")
                caption = gr.HTML(caption)
            with gr.Column():
                gr.HTML("<p><strong>Samples</strong>, and artworks of the studio.</p>", elem_classes="strip-title")
                sources.gallery("Samples", slot, changed, 6, "growth-gallery", small=True)
    return ResultView(picture, line, download, tiles, caption, mark)


def _opening(model: str) -> tuple[Controls, tuple | None]:
    """The values of the controls, and what is shown before the first click: values for `ResultView` but for the download."""
    source, watch = sources.first_source(demos.textures(), FIRST_SAMPLE), Stopwatch()
    controls = Controls(source, QUILTING, SIZE, True, 1.0, model, synthesis.STEPS, synthesis.STARTS[0], 0)
    if source is None:
        return controls, None
    try:
        *_, step = synthesis.synthesize(source.path, **controls.options())
    except StudioError:
        return controls, None
    path, line, _, *tiles = _finished(controls, step, watch.seconds)
    return controls, (path, line, *tiles)


# --- what the controls do


def _connect(main: MainControls, advanced: AdvancedControls, result_view: ResultView, changed: gr.State) -> None:
    sources.wire(main.slot, changed)
    controls = [main.slot.held, main.method, main.size, main.seamless]
    controls += [advanced.scale, advanced.model, advanced.steps, advanced.start, advanced.seed]
    at_work = {"show_progress": "minimal", "show_progress_on": result_view.line}
    watched = {"sample": main.slot.held, "method": main.method, "model": advanced.model}
    opened = result_view.picture.value is not None
    at_work["renews"] = freshness.watch(result_view.mark, watched, "The button makes it anew.", opened=opened, relevant=made_of)
    outputs = list(result_view)[:-1]
    connect(main.button.click, synthesize, controls, outputs, **at_work)
    quick = [changed.change, main.seamless.input, main.size.release, advanced.scale.release]
    connect(quick, synthesize_quickly, controls, outputs, trigger_mode="always_last", **at_work)
    unqueued(main.stop.click, request_stop)
    unqueued(advanced.dice.click, layout.random_seed, None, advanced.seed)
    cost_triggers = [main.size.change, advanced.steps.change, advanced.model.change, page_opened()]
    unqueued(cost_triggers, tell_cost, [main.size, advanced.model, advanced.steps], main.method)
    shown = [main.trade, advanced.slow]
    unqueued(main.method.change, lambda method: (_trade(method), gr.update(visible=method == GATYS)), main.method, shown)


def made_of(chosen: dict[str, Any]) -> dict[str, Any]:
    """What decides a result: the net only where one is asked."""
    return chosen if chosen["method"] == GATYS else {name: value for name, value in chosen.items() if name != "model"}


def tell_cost(size: float, model: str | None, steps: float) -> Any:
    time = duration(style.expected_seconds(model, int(size), int(steps))) if model else ""
    return gr.update(choices=methods(model, time))


def synthesize_quickly(request: gr.Request, *values: Any) -> Iterator[Any]:
    """After a change of the sample or a slider: quilting answers at once, an optimisation waits for its button."""
    controls = Controls(*values)
    if controls.method == QUILTING and controls.source:
        yield from synthesize(request, *values)
    else:
        yield gr.skip()


def synthesize(request: gr.Request, *values: Any) -> Iterator[tuple]:
    """The button: values for `ResultView`, from the first row or step to the file."""
    controls, watch, step = Controls(*values), Stopwatch(), None
    if controls.source is None:
        raise StudioError("There is no sample yet: choose one first.")
    try:
        for step in until_stopped(synthesis.synthesize(controls.source.path, **controls.options()), request):
            if step.done < step.total and watch.due(PREVIEW_EVERY):
                yield _preview(controls, step)
    except StudioError as error:
        if step is None:
            raise
        report_error(error)  # the picture so far is kept
    if step is not None:
        yield _finished(controls, step, watch.seconds)


def _preview(controls: Controls, step: Step) -> tuple:
    shown = layout.preview(step.image, "growth")
    unit = "step" if controls.method == GATYS else "piece"
    seconds_left = (step.total - step.done) * step.seconds / step.done if step.done else 0
    remaining = [f"about {max(1, round(seconds_left))} s left"] if seconds_left else []
    return shown, layout.facts(f"{unit} {step.done} of {step.total}", step.seconds, *remaining), *[gr.skip()] * 3


def _finished(controls: Controls, step: Step, seconds: float) -> tuple:
    """Values for `ResultView`."""
    image, options = step.image, controls.options()
    settings = {
        "task": "synthesize",
        **controls.source.record("sample"),
        **options,
        **({"steps": step.done} if "steps" in options else {}),
    }
    path = layout.save_result(image, layout.file_name(controls.source.title, controls.method, options["seed"]), settings)
    stopped = ["stopped"] if step.done < step.total else []
    what = f"{step.done} steps" if controls.method == GATYS else "1 picture"
    size = f"{image.width} × {image.height} px"
    line = layout.facts(what, seconds, *stopped, size, f"seed {options['seed']}", controls.source.title)
    tiled = layout.save_result(synthesis.repeat(image, 2), layout.file_name(controls.source.title, "tiled"), {})
    seams = "no seam is to be seen" if controls.seamless and not stopped else "the seams show where it ends"
    caption = f'<p class="caption"><strong>2 × 2</strong>four copies side by side: {seams}</p>'
    return path, line, gr.update(value=path, interactive=True), tiled, caption
