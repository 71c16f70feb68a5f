"""The picture of the tab "Style transfer" while it is made and afterwards: previews, curves, the time left, the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import pandas as pd
from PIL import Image

from imgstudio.errors import StudioError
from imgstudio.studio import pictures, style
from imgstudio.studio.steps import Step

from ...kit import freshness, layout
from ...kit.events import Stopwatch, report_error, until_stopped
from ...kit.sources import Source
from .settings import Controls, duration

PREVIEW_EVERY = 0.5  # seconds
SHOWN = 1600  # longer side of what is shown there, px; the file to download has the full size
MOST_POINTS = 120  # of a curve
CURVES = {"style": "Style loss", "content": "Content loss"}
LEAST = 1e-4  # smaller losses, such as that of an untouched content, are no points of a curve
COLOURS = {"Style loss": "#b9842f", "Content loss": "#4d8a97"}  # seen on white and on bottle green
BEFORE_CLICK = '<p class="facts">Choose a picture and a style, then press the button.</p>'


class Result(NamedTuple):
    """The result that is shown there."""

    path: str
    done: int  # optimisation steps in it; 0 for a picture made in one pass
    seconds: float
    curve: tuple[tuple[int, str, float], ...]  # step, name, power of ten of the loss


class ResultView(NamedTuple):
    """The components; `outputs` in the order of what `restyle` yields."""

    comparison: gr.ImageSlider
    line: gr.HTML
    download: gr.DownloadButton
    again: gr.Button
    curves: gr.LinePlot
    made: gr.State
    mark: freshness.Mark

    @property
    def outputs(self) -> list[Any]:
        return list(self)[:-1]


def build(start: tuple | None, content: Source | None) -> ResultView:
    """start: what `opening` made; without it the content is shown as it is."""
    untouched = (content.shown, content.shown) if content else None
    pair, line, path, made = start or (untouched, BEFORE_CLICK, None, None)
    comparison = layout.comparison("Before and after", value=pair, elem_id="style-result")
    line, mark = layout.facts_line(line), freshness.mark()
    with gr.Row(elem_classes="downloads"):
        download = gr.DownloadButton(
            "Download PNG", value=path, size="sm", min_width=130, scale=0, interactive=path is not None, elem_id="style-download"
        )
        again = gr.Button("Continue from here", size="sm", min_width=150, scale=0, visible=False, elem_id="style-again")
    curves = gr.LinePlot(
        None,
        x="step",
        y="loss",
        color="curve",
        color_map=COLOURS,
        x_title="Step",
        y_title="Loss, log₁₀",
        color_title="",
        height=210,
        show_label=False,
        label="Losses",
        visible=False,
        buttons=[],
        elem_id="style-curves",
    )
    return ResultView(comparison, line, download, again, curves, gr.State(made), mark)


def opening(controls: Controls) -> tuple:
    """The picture that is shown before the first click: values for `build`. Raises StudioError."""
    *_, step = style.stylize(controls.model, controls.content.path, _paths(controls), **controls.options())
    path = _save(controls, step.image, 0)
    pair = (_before(controls, step.image.size), path)
    return pair, _finished_line(controls, step, 0.0), path, Result(path, 0, 0.0, ())


def _paths(controls: Controls) -> list[str] | None:
    return [each.path for each in controls.styles()] or None


# --- at work


def restyle(request: gr.Request, *values: Any) -> Iterator[tuple]:
    """The button: values for `ResultView.outputs`, from the first preview to the file."""
    yield from _work(request, Controls.of(*values), None)


def restyle_quickly(request: gr.Request, *values: Any) -> Iterator[Any]:
    """After a change of a picture or a slider: the quick methods answer at once, an optimisation waits for its button."""
    controls = Controls.of(*values)
    if controls.quick and controls.content and (controls.style or not controls.styles()):
        yield from _work(request, controls, None)
    else:
        yield gr.skip()


def resume(request: gr.Request, made: Result, *values: Any) -> Iterator[tuple]:
    """Continue from here: as many steps again, under the settings of now."""
    yield from _work(request, Controls.of(*values), made)


def _work(request: gr.Request, controls: Controls, past: Result | None) -> Iterator[tuple]:
    if controls.content is None:
        raise StudioError("There is no picture yet: choose one first.")
    options = controls.options() | ({"start": past.path} if past else {})
    before, watch, step, rows = None, Stopwatch(), None, list(past.curve if past else ())
    eta = ETA(controls, again=past is not None)
    steps = style.stylize(controls.model, controls.content.path, _paths(controls), mask=controls.mask, **options)
    try:
        for step in until_stopped(steps, request):
            first, before = before is None, before or _before(controls, step.image.size)
            rows += _points(step, past)
            if step.done < step.total and (first or watch.due(PREVIEW_EVERY)):
                yield _preview(step, before, eta.line(step), rows)
    except StudioError as error:
        if step is None:
            raise
        report_error(error)  # the picture so far is kept
    if step is not None:
        yield _finished(controls, step, before, past, watch.seconds, rows)


class ETA:
    """How fast it goes, and how long it will go on."""

    def __init__(self, controls: Controls, again: bool):
        self.quick = controls.quick
        self._last = (0, 0.0)
        square = style.expected_seconds(controls.model, int(controls.size), int(controls.steps))
        self._expected = 0.0 if again else square / int(controls.size) ** 2  # seconds for each pixel of the result

    def line(self, step: Step) -> str:
        """The fact line of a picture in the making."""
        done, seconds = step.done - self._last[0], step.seconds - self._last[1]
        self._last = (step.done, step.seconds)
        # The first steps are small and fast, so that their pace promises too much; and the machine may be busy.
        expected = self._expected * step.image.width * step.image.height - step.seconds
        left = max((step.total - step.done) * seconds / done if done else 0, expected)
        rate = [f"{done / seconds:.1f} steps/s"] if seconds and not self.quick else []
        unit = "tile" if self.quick else "step"
        return layout.facts(f"{unit} {step.done} of {step.total}", step.seconds, *rate, f"about {duration(left)} left")


def _preview(step: Step, before: str, line: str, rows: list) -> tuple:
    return (before, layout.preview(step.image, "style")), line, gr.skip(), gr.skip(), _drawn(rows), gr.skip()


def _finished(controls: Controls, step: Step, before: str, past: Result | None, seconds: float, rows: list) -> tuple:
    done = 0 if controls.quick else step.done + (past.done if past else 0)
    seconds += past.seconds if past else 0
    path = _save(controls, step.image, done)
    made = Result(path, done, seconds, tuple(rows))
    line = _finished_line(controls, step, seconds, done)
    ready = gr.update(value=path, interactive=True)
    return (before, _shown(step.image, path)), line, ready, gr.update(visible=not controls.quick), _drawn(rows), made


def _finished_line(controls: Controls, step: Step, seconds: float, done: int = 0) -> str:
    """The fact line of a finished picture."""
    image, titles = step.image, " + ".join(each.title for each in controls.styles())
    seed = [] if controls.quick else [f"seed {layout.whole(controls.seed)}"]
    stopped = ["stopped"] if step.done < step.total else []
    size, title = f"{image.width} × {image.height} px", titles or layout.find(controls.model).title
    return layout.facts(f"{done} steps" if done else "1 picture", seconds, *stopped, size, *seed, title)


# --- pictures and curves


def _before(controls: Controls, size: tuple[int, int]) -> str:
    """The content at the size of the result, for the left half of the comparison."""
    scale = min(1, SHOWN / max(size))
    content = pictures.read(controls.content.path).resize([round(side * scale) for side in size], Image.Resampling.LANCZOS)
    return layout.save_result(content, layout.file_name(controls.content.title), {})


def _shown(image: Image.Image, path: str) -> str:
    """The file itself, or a smaller copy of a picture that is larger than any screen."""
    if max(image.size) <= SHOWN:
        return path
    return layout.save_result(pictures.shrink(image, SHOWN), "shown", {})


def _save(controls: Controls, image: Image.Image, done: int) -> str:
    settings = controls.settings() | ({"steps": done} if done else {})
    titles = [each.title for each in controls.styles()] or [controls.model]
    return layout.save_result(image, layout.file_name(controls.content.title, *titles), settings)


def _points(step: Step, past: Result | None) -> list[tuple[int, str, float]]:
    """A point for each curve; none where one has no logarithm: the plot keeps to the curves that its first points have."""
    at = step.done + (past.done if past else 0)
    losses = {CURVES[name]: loss for name, loss in step.losses.items() if name in CURVES}
    return [(at, name, math.log10(loss)) for name, loss in losses.items()] if min(losses.values(), default=0) > LEAST else []


def _drawn(rows: list) -> Any:
    """The curves; hidden where nothing was optimised."""
    if not rows:
        return gr.update(visible=False)
    places = sorted({row[0] for row in rows})
    kept = {*places[:: -(-len(places) // MOST_POINTS)], places[-1]}
    table = pd.DataFrame([row for row in rows if row[0] in kept], columns=["step", "curve", "loss"])
    return gr.update(value=table, visible=True)
