"""The part "New texture" of the tab "Texture": a sample goes on and on, in any size, without a seam if wanted."""

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
from ...kit.events import Stopwatch, connect, explain, instant, page_opened, request_stop, until_stopped
from ...kit.sources import Slot, Source
from ..style.settings import duration

TITLE = "New texture"
FIRST_SAMPLE = "Gravel"  # hangs there, grown, before the first click
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


class Wish(NamedTuple):
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


class Hung(NamedTuple):
    """The components, in the order of what `grow` yields."""

    picture: gr.Image
    line: gr.HTML
    download: gr.DownloadButton
    tiled: gr.Image
    caption: gr.HTML
    mark: freshness.Mark


class Left(NamedTuple):
    """The controls."""

    slot: Slot
    method: gr.Radio
    trade: gr.HTML
    size: gr.Slider
    seamless: gr.Checkbox
    button: gr.Button
    stop: gr.Button


class Rare(NamedTuple):
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
    (wish, start), changed = prepared.opening("growth", lambda: _opening(model)), gr.State(0)
    with layout.room():
        with layout.controls():
            left = _left(wish)
        with layout.advanced():
            rare = _advanced(wish)
            saved = restoring.offer("growth")
        with layout.stage():
            hung = _stage(start, left.slot, changed)
    _connect(left, rare, hung, changed)
    fields = {"method": left.method, "size": left.size, "seamless": left.seamless, "scale": rare.scale, "model": rare.model}
    fields |= {"steps": rare.steps, "start": rare.start, "seed": rare.seed}
    restoring.wire(saved, "synthesize", fields, {"sample": left.slot}, changed)


def _slow_models() -> list:
    return [spec for spec in imgstudio.models("stylize") if spec.name.startswith("gatys/")]


def _left(wish: Wish) -> Left:
    with gr.Row(elem_classes="slots"):
        slot = sources.build("Sample", wish.source, demos.textures(), "Another", room="growth")
        with gr.Column(min_width=110, elem_classes="slot"):
            gr.HTML('<p class="help">A sample shows a little of a texture: stones, bricks, strokes. It may be small.</p>')
    method = gr.Radio(
        methods(wish.model),
        value=wish.method,
        label="Method",
        elem_id="growth-method",
        elem_classes="stacked",
    )
    trade = gr.HTML(_trade(wish.method))
    size = gr.Slider(
        128, 1024, wish.size, step=GRID, label="Size", info="Of the new square picture, in pixels.", elem_id="growth-size"
    )
    seamless = gr.Checkbox(
        wish.seamless, label="Seamless", info="Copies of it can be laid side by side, as tiles.", elem_id="growth-seamless"
    )
    with gr.Row(elem_classes="buttons"):
        button = gr.Button("Synthesize", variant="primary", elem_id="growth-button", scale=3, min_width=120)
        stop = gr.Button("Stop", elem_id="growth-stop", scale=1, min_width=70)
    return Left(slot, method, trade, size, seamless, button, stop)


def _trade(method: str) -> str:
    return f'<p class="help">{TRADE[method]}</p>'


def _advanced(wish: Wish) -> Rare:
    scale = gr.Slider(0.25, 2, wish.scale, step=0.05, label="Pattern size", info="1 is as in the sample.", elem_id="growth-scale")
    with gr.Column(visible=wish.method == GATYS, elem_classes="slow") as slow:
        choices = [(spec.title, spec.name) for spec in _slow_models()]
        model = gr.Dropdown(
            choices, value=wish.model or None, label="Model", info="The net whose features are compared.", filterable=False,
            elem_id="growth-model",
        )  # fmt: skip
        line = gr.HTML(layout.model_line(wish.model) if wish.model else "", elem_classes="model-line")
        downloads.offer("growth", [model], line, wish.model or None)
        steps = gr.Slider(20, 500, wish.steps, step=10, label="Steps", info="Corrections of the picture.", elem_id="growth-steps")
        start = gr.Radio(
            STARTS,
            value=wish.start,
            label="Start from",
            info="Image quilting keeps patterns straight.",
            elem_id="growth-start",
        )
    seed, dice = layout.seed_row(0, "growth", info="Each number is another piece of the same texture.")
    return Rare(scale, model, steps, start, seed, dice, slow)


def _stage(start: tuple | None, slot: Slot, changed: gr.State) -> Hung:
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
    return Hung(picture, line, download, tiles, caption, mark)


def _opening(model: str) -> tuple[Wish, tuple | None]:
    """The values of the controls, and what is shown before the first click: values for `Hung` but for the download."""
    source, watch = sources.first(demos.textures(), FIRST_SAMPLE), Stopwatch()
    wish = Wish(source, QUILTING, SIZE, True, 1.0, model, synthesis.STEPS, synthesis.STARTS[0], 0)
    if source is None:
        return wish, None
    try:
        *_, step = synthesis.synthesize(source.path, **wish.options())
    except StudioError:
        return wish, None
    path, line, _, *tiles = _finished(wish, step, watch.seconds)
    return wish, (path, line, *tiles)


# --- what the controls do


def _connect(left: Left, rare: Rare, hung: Hung, changed: gr.State) -> None:
    sources.wire(left.slot, changed)
    wish = [left.slot.held, left.method, left.size, left.seamless, rare.scale, rare.model, rare.steps, rare.start, rare.seed]
    at_work = {"show_progress": "minimal", "show_progress_on": hung.line}
    watched = {"sample": left.slot.held, "method": left.method, "model": rare.model}
    opened = hung.picture.value is not None
    at_work["renews"] = freshness.watch(hung.mark, watched, "The button makes it anew.", opened=opened, relevant=made_of)
    outputs = list(hung)[:-1]
    connect(left.button.click, grow, wish, outputs, **at_work)
    quick = [changed.change, left.seamless.input, left.size.release, rare.scale.release]
    connect(quick, grow_quickly, wish, outputs, trigger_mode="always_last", **at_work)
    instant(left.stop.click, request_stop)
    instant(rare.dice.click, layout.roll, None, rare.seed)
    dear = [left.size.change, rare.steps.change, rare.model.change, page_opened()]
    instant(dear, tell_cost, [left.size, rare.model, rare.steps], left.method)
    shown = [left.trade, rare.slow]
    instant(left.method.change, lambda method: (_trade(method), gr.update(visible=method == GATYS)), left.method, shown)


def made_of(chosen: dict[str, Any]) -> dict[str, Any]:
    """What decides a result: the net only where one is asked."""
    return chosen if chosen["method"] == GATYS else {name: value for name, value in chosen.items() if name != "model"}


def tell_cost(size: float, model: str | None, steps: float) -> Any:
    time = duration(style.expected_seconds(model, int(size), int(steps))) if model else ""
    return gr.update(choices=methods(model, time))


def grow_quickly(request: gr.Request, *values: Any) -> Iterator[Any]:
    """After a change of the sample or a slider: quilting answers at once, an optimisation waits for its button."""
    wish = Wish(*values)
    if wish.method == QUILTING and wish.source:
        yield from grow(request, *values)
    else:
        yield gr.skip()


def grow(request: gr.Request, *values: Any) -> Iterator[tuple]:
    """The button: values for `Hung`, from the first row or step to the file."""
    wish, watch, step = Wish(*values), Stopwatch(), None
    if wish.source is None:
        raise StudioError("There is no sample yet: choose one first.")
    try:
        for step in until_stopped(synthesis.synthesize(wish.source.path, **wish.options()), request):
            if step.done < step.total and watch.due(PREVIEW_EVERY):
                yield _preview(wish, step)
    except StudioError as error:
        if step is None:
            raise
        explain(error)  # what was grown until then is kept
    if step is not None:
        yield _finished(wish, step, watch.seconds)


def _preview(wish: Wish, step: Step) -> tuple:
    shown = layout.preview(step.image, "growth")
    unit = "step" if wish.method == GATYS else "piece"
    left = (step.total - step.done) * step.seconds / step.done if step.done else 0
    remaining = [f"about {max(1, round(left))} s left"] if left else []
    return shown, layout.facts(f"{unit} {step.done} of {step.total}", step.seconds, *remaining), *[gr.skip()] * 3


def _finished(wish: Wish, step: Step, seconds: float) -> tuple:
    """Values for `Hung`."""
    image, options = step.image, wish.options()
    settings = {
        "task": "synthesize",
        **wish.source.record("sample"),
        **options,
        **({"steps": step.done} if "steps" in options else {}),
    }
    path = layout.keep(image, layout.file_name(wish.source.title, wish.method, options["seed"]), settings)
    stopped = ["stopped"] if step.done < step.total else []
    what = f"{step.done} steps" if wish.method == GATYS else "1 picture"
    size = f"{image.width} × {image.height} px"
    line = layout.facts(what, seconds, *stopped, size, f"seed {options['seed']}", wish.source.title)
    tiled = layout.keep(synthesis.repeat(image, 2), layout.file_name(wish.source.title, "tiled"), {})
    seams = "no seam is to be seen" if wish.seamless and not stopped else "the seams show where it ends"
    caption = f'<p class="caption"><strong>2 × 2</strong>four copies side by side: {seams}</p>'
    return path, line, gr.update(value=path, interactive=True), tiled, caption
