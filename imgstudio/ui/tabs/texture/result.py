"""The picture with its regions laid over it, and what stands beside it: table, score, merging."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from imgstudio.studio import texture

from ...kit import freshness, layout
from ...kit.events import Stopwatch, debounced, unqueued
from . import exports, lens
from . import scene as texture_scene
from .exports import Exports
from .lens import percent
from .scene import Scene

TITLES = {"overlay": "Overlay", "borders": "Borders", "labels": "Labels", "side by side": "Side by side", "original": "Original"}
BEFORE_CLICK = '<p class="facts">Choose a picture, then press the button.</p>'
POINT = "Click on regions in the picture or in the table: one to fill it, two to merge them."


class Display(NamedTuple):
    """How the regions are shown."""

    view: str = "overlay"
    opacity: float = 0.5
    numbers: bool = True


class ResultView(NamedTuple):
    """All that follows from a scene."""

    picture: gr.Image
    lens: gr.HTML
    line: gr.HTML
    score: gr.HTML
    table: gr.HTML
    hint: gr.HTML
    merge: gr.Button
    undo: gr.Button
    scene: gr.State
    display: tuple[gr.Radio, gr.Slider, gr.Checkbox]
    exports: Exports
    column: gr.Column  # beside the picture; more can be put there
    mark: freshness.Mark

    @property
    def outputs(self) -> list[Any]:
        """The components, in the order of what `show` returns."""
        return [self.picture, self.lens, self.line, self.score, *self.pointing]

    @property
    def pointing(self) -> list[Any]:
        """Those that change when a region is clicked, in the order of what `_chosen_regions` returns."""
        return [self.table, self.hint, self.merge, self.undo, self.scene]


def build(start: tuple | None) -> ResultView:
    """The picture with what is under it, and the column beside it. start: what `show` returned."""
    display, scene = Display(), start[-1] if start else None
    shown, layer, line, score, rows, *_ = start or (None, None, BEFORE_CLICK, "", "")
    with gr.Row(elem_classes="hanging"):
        with gr.Column(scale=5, min_width=300, elem_classes="dated"):
            with gr.Column(elem_classes="stack"):
                picture = layout.result("Regions", value=shown, elem_id="regions-result", alt_text="The picture with its regions")
                lens_layer = lens.lens(layer)
            line, score = layout.facts_line(line), gr.HTML(score, elem_id="regions-score")
            mark = freshness.mark()
            controls = _display(display)
            export_buttons = exports.build()
        with gr.Column(scale=3, min_width=260, elem_classes="palettes") as column, gr.Column(elem_classes="pointing"):
            table = lens.table(rows)
            hint = gr.HTML(_hint(scene), elem_id="regions-hint")
            with gr.Row(elem_classes="buttons"):
                merge = gr.Button("Merge", size="sm", min_width=90, scale=0, interactive=False, elem_id="regions-merge")
                undo = gr.Button("Undo", size="sm", min_width=70, scale=0, interactive=False, elem_id="regions-undo")
    return ResultView(
        picture, lens_layer, line, score, table, hint, merge, undo, gr.State(scene), controls, export_buttons, column, mark
    )


def _display(start: Display) -> tuple[gr.Radio, gr.Slider, gr.Checkbox]:
    with gr.Row(elem_classes="display"):
        views = [(TITLES[view], view) for view in texture.VIEWS]
        view = gr.Radio(views, value=start.view, label="View", scale=3, min_width=280, elem_id="regions-view")
        with gr.Column(scale=2, min_width=160):
            opacity = gr.Slider(0, 1, start.opacity, step=0.05, label="Opacity", elem_id="regions-opacity")
            numbers = gr.Checkbox(start.numbers, label="Numbers", elem_id="regions-numbers")
    return view, opacity, numbers


# --- values


def show(scene: Scene, display: Display) -> tuple:
    """Finds the regions, if that is still to be done, and shows them: values for `ResultView.outputs`. Raises StudioError."""
    watch, ran = Stopwatch(), texture_scene.runs()
    found = texture_scene.segmentation(scene)
    seconds, ran = watch.seconds, texture_scene.runs() > ran
    size = "{} × {} px".format(*found.size)
    parts = [size, layout.find(scene.model).title] if ran else [size, "without running the net again"]
    count = f"{found.regions} regions" if found.regions > 1 else "1 region"
    line = layout.facts(count, seconds, *parts)
    return draw(scene, display), lens.layer(scene, display.view), line, _score(scene), *_chosen_regions(scene)


def draw(scene: Scene, display: Display) -> str:
    """The picture that is shown there, as a file."""
    image, found = texture_scene.small(scene)
    shown = texture.overlay(image, found, opacity=display.opacity, view=display.view, numbers=display.numbers)
    return layout.save_result(shown, layout.file_name(scene.source.title, display.view), texture_scene.settings(scene))


def _score(scene: Scene) -> str:
    if not (score := texture_scene.score(scene)):
        return ""
    summary = " · ".join(f"{name} <strong>{value:.3f}</strong>" for name, value in score.items())
    return f'<p class="score">{summary}</p><p class="help">Against the exact regions of the mosaic; 1 is perfect.</p>'


def _chosen_regions(scene: Scene) -> tuple:
    merge = sorted(scene.chosen) if len(scene.chosen) == 2 else None
    label = "Merge {} and {}".format(*merge) if merge else "Merge"
    buttons = gr.update(value=label, interactive=merge is not None), gr.update(interactive=bool(scene.merged))
    return lens.rows(scene), _hint(scene), *buttons, scene


def _hint(scene: Scene | None) -> str:
    if not scene or not scene.chosen:
        return f'<p class="help">{POINT}</p>'
    found = texture_scene.segmentation(scene)
    summary = " and ".join(f"region {region} ({percent(found.area(region))})" for region in sorted(scene.chosen))
    return f'<p class="help">You chose {summary}.</p>'


# --- events


def wire(result_view: ResultView, lane: dict[str, Any]) -> None:
    """Connects what a visitor does to the picture itself."""
    shown = [result_view.scene, *result_view.display]
    view, opacity, numbers = result_view.display
    debounced([view.input, opacity.input, numbers.input], redraw, shown, [result_view.picture, result_view.lens], **lane)
    for place in (result_view.lens, result_view.table):
        unqueued(
            place.select, pick, [result_view.scene, view], [result_view.lens, *result_view.pointing], trigger_mode="multiple"
        )
    unqueued(result_view.merge.click, merge, shown, result_view.outputs, **lane)
    unqueued(result_view.undo.click, undo, shown, result_view.outputs, **lane)


def redraw(scene: Scene | None, *display: Any) -> tuple:
    """Another view: values for (picture, lens)."""
    if scene is None:
        return gr.skip()
    chosen = Display(*display)
    return draw(scene, chosen), lens.layer(scene, chosen.view)


def pick(scene: Scene | None, view: str, event: gr.SelectData) -> tuple:
    """A click on a region: values for the lens and `ResultView.pointing`."""
    if scene is None:
        return gr.skip()
    scene = scene.pick(int(event.index))
    return lens.layer(scene, view), *_chosen_regions(scene)


def merge(scene: Scene, *display: Any) -> tuple:
    return show(scene.merge(), Display(*display))


def undo(scene: Scene, *display: Any) -> tuple:
    return show(scene.undo(), Display(*display))
