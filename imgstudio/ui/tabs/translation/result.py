"""The result of the tab "Translation": before and after, the translation back, and the cycle error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from imgstudio.errors import StudioError
from imgstudio.studio import pictures, translation

from ...kit import freshness, layout
from ...kit.events import Stopwatch, until_stopped
from ...kit.sources import Source

PREVIEW_EVERY = 0.7  # seconds
SHOWN = 1600  # longer side of what is shown there, px; the file to download has the full size
LARGE = 512  # small results are enlarged to about this, px
TILE = 384
QUICK = 1024  # up to this size a change of a control is answered at once
BEFORE_CLICK = '<p class="facts">Choose a picture and a pair, then press the button.</p>'
FROM_HUB = (
    '<p class="facts">No translation comes with the studio yet: those on the list are from the Hugging Face Hub, and the first '
    "click downloads one, which takes a connection to the internet.</p>"
)


class Controls(NamedTuple):
    """Values of the controls."""

    model: str
    content: Source | None
    strength: float
    size: float
    back: bool


class Result(NamedTuple):
    """The result that is shown there."""

    title: str  # of the picture
    digest: str
    model: str
    size: int
    before: str  # path of the picture at the size of the result
    whole: str  # path of the translation at full strength


class ResultView(NamedTuple):
    """The components; `outputs` in the order of what `translate` yields."""

    comparison: gr.ImageSlider
    line: gr.HTML
    download: gr.DownloadButton
    strip: gr.Gallery
    made: gr.State
    mark: freshness.Mark

    @property
    def outputs(self) -> list[Any]:
        return list(self)[:-1]

    @property
    def blended(self) -> list[Any]:
        """What another strength changes, in the order of what `reblend` returns."""
        return [self.comparison, self.download]


def build(start: tuple | None, known: Controls) -> ResultView:
    """start: what `opening` made; without it the picture is shown as it is."""
    untouched = (known.content.shown, known.content.shown) if known.content else None
    waiting = BEFORE_CLICK if layout.find(known.model).embedded else FROM_HUB
    pair, line, path, tiles, made = start or (untouched, waiting, None, None, None)
    comparison = layout.comparison("Before and after", value=pair, elem_id="translation-result")
    line, mark = layout.facts_line(line), freshness.mark()
    with gr.Row(elem_classes="downloads"):
        download = gr.DownloadButton(
            "Download PNG",
            value=path,
            size="sm",
            min_width=130,
            scale=0,
            interactive=path is not None,
            elem_id="translation-download",
        )
    strip = layout.strip("There and back", 4, value=tiles, elem_id="translation-strip", elem_classes=["round-trip"])
    return ResultView(comparison, line, download, strip, gr.State(made), mark)


def opening(controls: Controls) -> tuple:
    """The picture that is shown before the first click: values for `build`. Raises StudioError."""
    watch = Stopwatch()
    *_, step = _translating(controls)
    pair, line, download, tiles, made = _finished(controls, step, watch.seconds)
    return pair, line, download["value"], tiles, made


def _translating(controls: Controls) -> Iterator[translation.TranslationStep]:
    """At full strength: what the slider does with it is no matter for a net."""
    if controls.content is None:
        raise StudioError("There is no picture yet: choose one first.")
    return translation.translation_steps(controls.model, controls.content.path, cycle=controls.back, size=int(controls.size))


# --- at work


def translate(request: gr.Request, *values: Any) -> Iterator[tuple]:
    """The button: values for `ResultView.outputs`, tile by tile and then all of it."""
    yield from _translate(request, Controls(*values))


def translate_quickly(request: gr.Request, *values: Any) -> Iterator[Any]:
    """After another picture, direction or size: at once, unless it takes long, or a download that nobody has asked for."""
    controls = Controls(*values)
    if controls.content and controls.size <= QUICK and layout.find(controls.model).embedded:
        yield from _translate(request, controls)
    else:
        yield gr.skip()


def _translate(request: gr.Request, controls: Controls) -> Iterator[tuple]:
    watch, step, before = Stopwatch(), None, None
    for step in until_stopped(_translating(controls), request):
        if step.result is None and watch.due(PREVIEW_EVERY):
            before = before or _kept(controls.content.path, step.image.size)
            place = layout.preview(pictures.shrink(step.image, SHOWN), "translation")
            line = layout.facts(f"tile {step.done} of {step.total}", step.seconds)
            yield (before, place), line, gr.skip(), gr.skip(), gr.skip()
    if step is not None:
        yield _finished(controls, step, watch.seconds)


def _finished(controls: Controls, step: translation.TranslationStep, seconds: float) -> tuple:
    size = step.image.size
    made = Result(
        controls.content.title,
        controls.content.digest,
        controls.model,
        int(controls.size),
        _kept(controls.content.path, size),
        layout.save_result(step.image, "whole", {}),
    )
    pair, path = _blended(made, controls.strength)
    result = step.result
    error = [] if result is None or result.cycle is None else [f"cycle error {result.cycle_error:.1f} of 255"]
    stopped = ["stopped"] if result is None else []
    line = layout.facts("1 picture", seconds, *stopped, f"{size[0]} × {size[1]} px", *error, layout.find(controls.model).title)
    tiles = _tiles(made, result) if result else gr.skip()
    return pair, line, gr.update(value=path, interactive=True), tiles, made


def _tiles(made: Result, result: translation.Translation) -> list[tuple[str, str]]:
    """Input, translation, and, where something leads back, the way back and its error."""
    before = pictures.read(made.before)
    items = [(before, "Picture"), (result.image, "Translated")]
    if result.cycle is not None:
        errors = translation.error_map(before, result.cycle)
        items += [(result.cycle, "Translated back"), (errors, f"Cycle error {result.cycle_error:.1f} of 255")]
    settings = _settings(made)
    small = [(pictures.shrink(picture, TILE), caption, {**settings, "shows": caption}) for picture, caption in items]
    return layout.show_strip(small, made.model, "smooth", TILE)


def _settings(made: Result) -> dict[str, Any]:
    named = {"picture": made.title, "picture_sha256": made.digest}
    return {"task": "translate", "model": made.model, "size": made.size, **named}


def _kept(path: str, size: tuple[int, int]) -> str:
    """The picture at the size of the result."""
    picture = pictures.read(path)
    fitted = picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return layout.save_result(fitted, "before", {})


# --- strength


def reblend(made: Result | None, strength: float) -> tuple:
    """Another strength of the same translation, without the net: values for `ResultView.blended`."""
    if made is None:
        return gr.skip(), gr.skip()
    pair, path = _blended(made, strength)
    return pair, gr.update(value=path)


def _blended(made: Result, strength: float) -> tuple[tuple[str, str], str]:
    """The pictures left and right of the line, and the file to download."""
    settings = _settings(made) | {"strength": strength}
    picture = translation.blend(made.before, made.whole, strength)
    path = layout.save_result(picture, layout.file_name(made.title, made.model.partition("/")[2]), settings)
    return (_fit(pictures.read(made.before), made.before), _fit(picture, path)), path


def _fit(picture: Image.Image, path: str) -> str:
    """The picture's file, or a copy where it is smaller or larger than what a screen shows well."""
    if LARGE <= max(picture.size) <= SHOWN:
        return path
    return layout.save_result(pictures.enlarge(pictures.shrink(picture, SHOWN), LARGE, smooth=True), "shown", {})
