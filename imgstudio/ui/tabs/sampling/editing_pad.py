"""The part "Pad and directions" of "Steer": a plane of pictures to drag through, and a slider for each direction."""

from __future__ import annotations

import base64
import io
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.studio import pictures
from imgstudio.studio.sampling import editing

from ...kit import layout
from ...kit.theme import ASSETS
from .editing_point import FARTHEST, Point, padded

CELLS, CELL = 7, 64  # pictures a side behind the pad, and the side of each, px
FIELD = (
    '<div class="pad-field bare" role="slider" tabindex="0" aria-label="Latent pad" aria-valuemin="-100" aria-valuemax="100" '
    'aria-valuenow="0" aria-roledescription="two-dimensional slider"><i class="pad-handle"></i></div>'
)


class Pad(NamedTuple):
    """The components."""

    tab: gr.Tab
    field: gr.HTML
    sliders: list[gr.Slider]
    named: gr.Checkbox
    first: gr.Slider
    last: gr.Slider


def build(montage: str | None, names: tuple[str, ...], count: int) -> Pad:
    """montage: what `montage` made. names: of the directions. count: of layers."""
    with gr.Tab("Pad and directions", id="pad") as tab, gr.Row(elem_classes="hanging"):
        with gr.Column(scale=4, min_width=240):
            field = gr.HTML(
                [0.0, 0.0],
                html_template=FIELD,
                js_on_load=(ASSETS / "pad.js").read_text(encoding="utf-8"),
                montage=montage,
                elem_id="steer-pad",
                elem_classes="pad",
            )
            gr.HTML(
                '<p class="help">Drag, or use the arrow keys: with Shift for larger steps, Home for the middle. The two ways are '
                "those in which this model's pictures vary most.</p>"
            )
        with gr.Column(scale=3, min_width=200, elem_classes="tight"):
            sliders = [_slider(index, name) for index, name in enumerate(padded(names))]
            layers = _layers(count)
    return Pad(tab, field, sliders, *layers)


def _slider(index: int, name: str) -> gr.Slider:
    return gr.Slider(
        -FARTHEST, FARTHEST, 0, step=0.1, label=name or "Direction", visible=bool(name), elem_id=f"steer-direction-{index}"
    )


def _layers(count: int) -> tuple[gr.Checkbox, gr.Slider, gr.Slider]:
    with gr.Accordion("Which layers they move", open=False, elem_classes="advanced", elem_id="steer-layers"):
        named = gr.Checkbox(True, label="As each direction was named for", elem_classes="tick", elem_id="steer-named")
        first = gr.Slider(
            1, count, 1, step=1, label="First layer", info="1 is the coarsest: pose and shape.", elem_id="steer-first"
        )
        last = gr.Slider(
            1, count, count, step=1, label="Last layer", info="The last one is the finest: colours.", elem_id="steer-last"
        )
    return named, first, last


def montage(point: Point) -> str | None:
    """Address of a sheet of pictures from all over the plane; None for a model of large pictures, which would take too long."""
    if layout.find(point.model).side:
        return None
    middle, steps = point.plane(), [2 * (i + 0.5) / CELLS - 1 for i in range(CELLS)]
    places = [editing.pad_latent(point.model, middle, x, -y) for y in steps for x in steps]
    cells = [point.enlarged(pictures.shrink(picture, CELL), CELL) for picture in point.draw(places)]
    stream = io.BytesIO()
    pictures.grid(cells, CELLS, gap=0).save(stream, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def refresh(shown: str, *values: Any) -> tuple:
    """Values for (pad, the plane that it shows): another sheet behind the pad, if it shows another plane."""
    point = Point.of(*values)
    plane = point.key(pad=False)
    if plane == shown:
        return gr.skip(), gr.skip()
    return gr.update(montage=montage(point)), plane
