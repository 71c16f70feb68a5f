"""The part "Feature maps" of "Steer": what the layers of the generator hold while they make the picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import pictures
from imgstudio.studio.sampling import editing

from ...kit import layout
from ...kit.events import Stopwatch
from .editing_point import Point

MAPS, COLUMNS, CELL, GAP = 16, 4, 160, 6


class FeatureMaps(NamedTuple):
    """The components."""

    tab: gr.Tab
    layer: gr.Dropdown
    sheet: gr.Image
    line: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """The components, in the order of what `show_layer` returns."""
        return [self.layer, self.sheet, self.line]


def build(model: str) -> FeatureMaps:
    """model: the one at first."""
    choices = layers(model)
    with gr.Tab("Feature maps", id="inside") as tab:
        layer = gr.Dropdown(
            choices,
            value=choices[len(choices) // 2][1] if choices else None,
            label="Layer",
            filterable=False,
            info="The first see the whole picture in a few points, the last see its details.",
            elem_id="steer-layer",
        )
        sheet = layout.result("Feature maps", elem_id="steer-maps", alt_text="Feature maps of the layer")
        line = layout.facts_line()
    return FeatureMaps(tab, layer, sheet, line)


def layers(model: str) -> list[tuple[str, int]]:
    """The layers by name; none where the model can't be loaded."""
    try:
        sides = editing.layers(model)
    except StudioError:
        return []
    return [(f"Layer {index + 1}: {side} × {side}", index) for index, side in enumerate(sides)]


def show_layer(layer: int | None, *values: Any) -> tuple:
    """Values for `FeatureMaps.outputs`: the maps of a layer for the point at hand."""
    watch, point = Stopwatch(), Point.of(*values)
    choices = layers(point.model)
    layer = min(layer or 0, len(choices) - 1)
    maps = editing.feature_maps(point.model, point.latent(), layer, count=MAPS, noise=point.noise())
    title = choices[layer][0]
    line = layout.facts(f"{len(maps)} maps", watch.seconds, title.lower(), "those that vary most over the picture")
    sheet = pictures.grid([pictures.enlarge(each, CELL, smooth=False) for each in maps], COLUMNS, gap=GAP)
    path = layout.save_result(sheet, point.name("layer", layer + 1), {**point.settings(), "task": "feature_maps", "layer": layer})
    return gr.update(choices=choices, value=layer), path, line
