"""The part "Structure and texture" of the tab "Texture": a picture decomposed in two, and its texture scaled."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import pictures
from imgstudio.studio.texture import decomposition
from imgstudio.studio.texture.decomposition import Decomposition

from ...kit import demos, freshness, layout, prepared, restoring, sources
from ...kit.events import Stopwatch, connect, debounced
from ...kit.sources import Slot, Source

TITLE = "Structure and texture"
FIRST_PICTURE = "Two Carp"  # is shown before the first click
SIZE, MOST_TEXTURE = 512, 3
BOOST = 2.0  # how much texture is shown at first
METHODS = [("Relative total variation (2012)", "rtv"), ("Total variation (1992)", "rof")]
BEFORE_CLICK = '<p class="facts">Choose a picture, then press the button.</p>'
LANE = {"concurrency_id": "recompose", "concurrency_limit": 2}  # adding two pictures does not wait for the compute lane


class Split(NamedTuple):
    """What is parted, and how. The two pictures lie in a cache; what has been thrown out of it is computed again."""

    source: Source
    method: str
    strength: float
    size: int

    def settings(self, amount: float | None = None) -> dict[str, Any]:
        made = {"task": "decompose", **self.source.record("picture"), **self._asdict()}
        return {**{name: value for name, value in made.items() if name != "source"}, "amount": amount}


class ResultView(NamedTuple):
    """The components, in the order of what `show` returns."""

    comparison: gr.ImageSlider
    line: gr.HTML
    structure: gr.Image
    texture: gr.Image
    download: gr.DownloadButton
    split: gr.State
    mark: freshness.Mark


def build() -> None:
    """Contents of the part."""
    (source, start), changed = prepared.opening("structure", _opening), gr.State(0)
    with layout.two_columns():
        with layout.controls():
            slot, method, strength, button = _main_controls(source)
        with layout.advanced():
            size = gr.Slider(
                128, 1536, SIZE, step=64, label="Size", elem_id="structure-size",
                info="Longer side of what is worked on, in pixels. Twice the size takes four times as long.",
            )  # fmt: skip
            saved = restoring.restore_button("structure")
        with layout.results():
            result_view, amount = _outputs(start, slot, changed)
    sources.wire(slot, changed)
    inputs = [slot.held, method, strength, size, amount]
    at_work = {"show_progress": "minimal", "show_progress_on": result_view.line}
    again = [button.click, changed.change, method.change, strength.release, size.release]
    watched = {"picture": slot.held, "method": method, "strength": strength, "size": size}
    watch = freshness.watch(result_view.mark, watched, "The button makes it anew.", opened=start is not None)
    connect(again, decompose, inputs, list(result_view)[:-1], trigger_mode="always_last", renews=watch, **at_work)
    fields = {"method": method, "strength": strength, "size": size, "amount": amount}
    restoring.wire(saved, "decompose", fields, {"picture": slot}, changed)
    mixed = [result_view.comparison, result_view.download]
    debounced(amount.input, mix, [result_view.split, amount], mixed, **LANE)


def _offered() -> dict[str, Path]:
    """Photographs, and the artworks whose texture is the technique they are made in."""
    return {**demos.contents(), **demos.textured()}


def _opening() -> tuple[Source | None, tuple | None]:
    """A picture, and what is shown before the first click: values for `ResultView`; None where it can't be made."""
    source = sources.first_source(_offered(), FIRST_PICTURE)
    try:
        return source, show(Split(source, "rtv", 0.5, SIZE), BOOST) if source else None
    except StudioError:
        return source, None


def _main_controls(source: Source | None) -> tuple[Slot, gr.Radio, gr.Slider, gr.Button]:
    with gr.Row(elem_classes="slots"):
        slot = sources.build("Picture", source, _offered(), "Another", prefix="structure")
        with gr.Column(min_width=110, elem_classes="slot"):
            gr.HTML(
                '<p class="help">The structure keeps shapes, edges and shading. The texture is the small detail on them. '
                "Together they are the picture, exactly.</p>"
            )
    method = gr.Radio(METHODS, value="rtv", label="Method", elem_id="structure-method", elem_classes="stacked")
    strength = gr.Slider(
        0, 1, 0.5, step=0.05, label="Strength", info="How coarse a detail may be and still count as texture.",
        elem_id="structure-strength",
    )  # fmt: skip
    with gr.Row(elem_classes="buttons"):
        button = gr.Button("Decompose", variant="primary", elem_id="structure-button")
    return slot, method, strength, button


def _outputs(start: tuple | None, slot: Slot, changed: gr.State) -> tuple[ResultView, gr.Slider]:
    pair, line, structure, texture, _, split = start or (None, BEFORE_CLICK, None, None, None, None)
    path = pair[1] if pair else None
    with gr.Row(elem_classes="hanging"):
        with gr.Column(scale=5, min_width=300, elem_classes="dated"):
            comparison = layout.comparison("Before and after", value=pair, elem_id="structure-result")
            line, mark = layout.facts_line(line), freshness.mark()
            amount = gr.Slider(
                0, MOST_TEXTURE, BOOST, step=0.05, label="Texture", elem_id="structure-amount",
                info="0 removes it, 1 is the picture as it was, more brings it out.",
            )  # fmt: skip
            with gr.Row(elem_classes="downloads"):
                download = gr.DownloadButton(
                    "Download PNG", path, size="sm", min_width=130, scale=0, interactive=path is not None,
                    elem_id="structure-download",
                )  # fmt: skip
        with gr.Column(scale=3, min_width=260, elem_classes="palettes parts-of"):
            structure = _part("Structure", structure, "shapes, edges, shading")
            texture = _part("Texture", texture, "what is left, around mid-grey")
            with gr.Column():
                gr.HTML("<p><strong>Pictures</strong> to try it on.</p>", elem_classes="strip-title")
                sources.gallery("Pictures to split", slot, changed, 6, "structure-pictures")
    return ResultView(comparison, line, structure, texture, download, gr.State(split), mark), amount


def _part(title: str, path: str | None, description: str) -> gr.Image:
    with gr.Column(elem_classes="captioned"):
        image = layout.result(title, value=path, elem_id=f"structure-{title.lower()}", alt_text=title)
        gr.HTML(f'<p class="caption"><strong>{title}</strong>{description}</p>')
    return image


# --- what the controls do


def decompose(held: Source | None, method: str, strength: float, size: float, amount: float) -> tuple:
    """The button, another picture or other settings: values for `ResultView`."""
    if held is None:
        raise StudioError("There is no picture yet: choose one first.")
    return show(Split(held, method, strength, int(size)), amount)


def mix(split: Split | None, amount: float) -> tuple:
    """The slider is moved: values for (comparison, download)."""
    if split is None:
        return gr.skip()
    pair, path = _mixed(split, amount)
    return pair, gr.update(value=path, interactive=True)


def show(split: Split, amount: float) -> tuple:
    """Values for `ResultView`. Raises StudioError."""
    watch = Stopwatch()
    decomposed = _decomposition(split)
    seconds = watch.seconds
    titles = {name: title for title, name in METHODS}
    size = "{} × {} px".format(*decomposed.structure.size)
    line = layout.facts("decomposed", seconds, size, titles[split.method], f"strength {split.strength:.2f}")
    stem, settings = split.source.title, split.settings()
    structure, texture = (
        layout.save_result(getattr(decomposed, name), layout.file_name(stem, name), settings) for name in ("structure", "texture")
    )
    pair, path = _mixed(split, amount)
    return pair, line, structure, texture, gr.update(value=path, interactive=True), split


def _mixed(split: Split, amount: float) -> tuple[tuple[str, str], str]:
    """The picture beside itself with another amount of texture, and the file of the latter."""
    decomposed, stem = _decomposition(split), split.source.title
    before, after = (decomposition.recompose(decomposed, each) for each in (1, amount))
    path = layout.save_result(after, layout.file_name(stem, "texture", f"{amount:.2f}"), split.settings(amount))
    return (layout.save_result(before, layout.file_name(stem), {}), path), path


def _decomposition(split: Split) -> Decomposition:
    return _cached(split.source.path, split.method, split.strength, split.size)


@functools.lru_cache(maxsize=12)
def _cached(path: str, method: str, strength: float, size: int) -> Decomposition:
    return decomposition.decompose(pictures.read(path), strength=strength, method=method, size=size)
