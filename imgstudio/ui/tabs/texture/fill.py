"""Below the regions: one of them filled with another texture, under the light that falls on it."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from imgstudio.errors import StudioError
from imgstudio.studio import pictures
from imgstudio.studio.texture import retexture

from ...kit import demos, layout, prepared, sources
from ...kit.events import Stopwatch, connect, unqueued
from ...kit.sources import Slot, Source
from . import scene as texture_scene
from .result import ResultView
from .scene import Scene

FIRST_TEXTURE = "Brick"
SAMPLE = 0  # in the list of where the texture comes from; the others are region numbers
NOT_YET = '<p class="facts">Click on a region above, choose a texture, then fill it.</p>'


class Filled(NamedTuple):
    """The picture with the regions that were filled so far."""

    source: Source
    path: str


class Fill(NamedTuple):
    """The components."""

    comparison: gr.ImageSlider
    line: gr.HTML
    download: gr.DownloadButton
    again: gr.Button
    slot: Slot
    origin: gr.Dropdown
    shading: gr.Slider
    scale: gr.Slider
    seed: gr.Number
    dice: gr.Button
    button: gr.Button
    filled: gr.State
    changed: gr.State

    @property
    def outputs(self) -> list[Any]:
        return [self.comparison, self.line, self.download, self.again, self.filled]


def build(regions: int, shown: str | None) -> Fill:
    """The band. regions: how many there are at first; shown: path of the picture."""
    changed = gr.State(0)
    with gr.Column(elem_classes="band"):
        gr.HTML("<h2>Fill a region with another texture</h2>")
        with gr.Row(elem_classes="hanging"):
            with gr.Column(scale=5, min_width=300):
                comparison = layout.comparison("Before and after", value=(shown, shown) if shown else None, elem_id="fill-result")
                line = layout.facts_line(NOT_YET)
                with gr.Row(elem_classes="downloads"):
                    download = gr.DownloadButton(
                        "Download PNG", size="sm", min_width=130, scale=0, interactive=False, elem_id="fill-download"
                    )
                    again = gr.Button("Start over", size="sm", min_width=90, scale=0, interactive=False, elem_id="fill-again")
            with gr.Column(scale=3, min_width=260, elem_classes="palettes"):
                controls = _controls(regions, changed)
    return Fill(comparison, line, download, again, *controls, gr.State(None), changed)


def _controls(regions: int, changed: gr.State) -> tuple:
    with gr.Row(elem_classes="slots"):
        start = prepared.opening("fill", lambda: sources.first_source(demos.textures(), FIRST_TEXTURE))
        slot = sources.build("Texture", start, demos.textures(), "Another", prefix="fill")
        with gr.Column(min_width=110, elem_classes="slot"):
            origin = gr.Dropdown(
                _origins(regions), value=SAMPLE, label="Taken from", info="Or from a region of the picture.", filterable=False,
                elem_id="fill-origin",
            )  # fmt: skip
            button = gr.Button("Fill", interactive=False, min_width=90, elem_id="fill-button")
    sources.gallery("Textures to fill with", slot, changed, 6, "fill-gallery", small=True)
    shading = gr.Slider(
        0,
        2,
        1,
        step=0.05,
        label="Shading",
        info="1 keeps the region's light and shadow, 0 removes it, more deepens it.",
        elem_id="fill-shading",
    )
    scale = gr.Slider(0.2, 2, 1, step=0.05, label="Pattern size", info="1 is as in the sample.", elem_id="fill-scale")
    seed, dice = layout.seed_row(0, "fill", info="Another number sews the texture together in another way.")
    return slot, origin, shading, scale, seed, dice, button


def _origins(regions: int) -> list[tuple[str, int]]:
    return [("The texture", SAMPLE), *((f"Region {region}", region) for region in range(1, regions + 1))]


# --- what the controls do


def wire(fill: Fill, result_view: ResultView) -> None:
    """Connects the band. What was filled stays until another picture comes."""
    sources.wire(fill.slot, fill.changed)
    settings = [fill.slot.held, fill.origin, fill.shading, fill.scale, fill.seed]
    at_work = {"show_progress": "minimal", "show_progress_on": fill.line}
    connect(fill.button.click, fill_region, [result_view.scene, fill.filled, *settings], fill.outputs, **at_work)
    unqueued(fill.again.click, start_over, result_view.scene, fill.outputs)
    unqueued(fill.dice.click, layout.random_seed, None, fill.seed)
    follow = [fill.button, fill.origin, *fill.outputs]
    unqueued(result_view.scene.change, offer, [result_view.scene, fill.filled, fill.origin], follow, trigger_mode="always_last")
    unqueued(fill.changed.change, lambda: SAMPLE, None, fill.origin)


def offer(scene: Scene | None, filled: Filled | None, origin: int) -> tuple:
    """Regions were found, merged or clicked: values for (button, list of origins) and `Fill.outputs`."""
    if scene is None:
        return gr.skip()
    chosen = scene.chosen[-1] if scene.chosen else None
    button = gr.update(value=f"Fill region {chosen}" if chosen else "Fill", interactive=chosen is not None)
    origins = _origins(texture_scene.segmentation(scene).regions)
    kept = origin if origin < len(origins) else SAMPLE
    same = filled is not None and filled.source == scene.source
    shown = (gr.skip(),) * 5 if same else start_over(scene)
    return button, gr.update(choices=origins, value=kept), *shown


def start_over(scene: Scene | None) -> tuple:
    """The picture as it was: values for `Fill.outputs`."""
    if scene is None:
        return gr.skip()
    shown = texture_scene.shown(scene)
    return (shown, shown), NOT_YET, gr.update(value=None, interactive=False), gr.update(interactive=False), None


def fill_region(
    scene: Scene | None,
    filled: Filled | None,
    held: Source | None,
    origin: int,
    shading: float,
    scale: float,
    seed: float | None,
) -> tuple:
    """The button: values for `Fill.outputs`."""
    if scene is None or not scene.chosen:
        raise StudioError("No region is chosen: click on one in the picture above.")
    region, found = scene.chosen[-1], texture_scene.segmentation(scene)
    if origin == SAMPLE and held is None:
        raise StudioError("There is no texture yet: choose one first, or take that of a region.")
    texture = held.path if origin == SAMPLE else origin
    taken = held.record("texture") if origin == SAMPLE else {"texture": f"region {origin}"}
    origin_name = held.title if origin == SAMPLE else f"region {origin}"
    watch, plain = Stopwatch(), texture_scene.picture(scene.source)
    before = _without(region, plain, found, filled) if filled and filled.source == scene.source else plain
    options = {"shading": shading, "scale": scale, "seed": layout.whole(seed)}
    made = retexture.retexture(before, found, region, texture, **options)
    settings = {
        **texture_scene.settings(scene),
        "task": "retexture",
        "region": region,
        **taken,
        **options,
    }
    path = layout.save_result(made, layout.file_name(scene.source.title, "filled"), settings)
    line = layout.facts(f"region {region}", watch.seconds, origin_name, f"{made.width} × {made.height} px")
    ready = gr.update(value=path, interactive=True), gr.update(interactive=True)
    return (texture_scene.shown(scene), texture_scene.screen(path)), line, *ready, Filled(scene.source, path)


def _without(region: int, plain: Image.Image, found: Any, filled: Filled) -> Image.Image:
    """What was filled so far, with the picture itself in this region: its own light counts, not that of an earlier texture."""
    return Image.composite(plain, pictures.read(filled.path), Image.fromarray(found.mask(region)))
