"""The part "Regions" of the tab "Texture": a picture taken apart into its textures, with all that can be done to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import texture

from ...kit import demos, downloads, freshness, layout, model_import, prepared, restoring, sources
from ...kit.events import connect, live
from ...kit.sources import Slot, Source
from . import exports, result
from . import fill as texture_fill
from . import scene as texture_scene
from .result import Display, Wall
from .scene import Scene, Truth

TITLE = "Regions"
FIRST_PICTURE = "Night over the Lake"  # is shown before the first click
SEEN = 512  # longer side of what the net sees, px
MOST_REGIONS = 16  # on the slider
LANE = {"concurrency_id": "regions", "concurrency_limit": 2}  # live work without a net, which waits for nobody's painting


def build() -> None:
    """Contents of the part."""
    if not (spec := layout.default_model("segment")):
        layout.nothing_here()
        return
    (picture, hung, untouched), changed = prepared.opening("regions", lambda: _opening(spec.name), spec.name), gr.State(0)
    found = len(hung[1]["names"]) if hung else 0
    with layout.room():
        with layout.controls():
            left = _left(picture, found or 4)
        with layout.below():
            own = model_import.build("segment", "regions")
            with layout.advanced():
                rare = _advanced()
                saved = restoring.offer("regions")
        with layout.stage():
            wall = result.build(hung)
            with wall.column, gr.Column():
                gr.HTML("<p><strong>Pictures</strong> to try it on.</p>", elem_classes="strip-title")
                sources.gallery("Pictures to take apart", left.slot, changed, 4, "regions-pictures")
            fill = texture_fill.build(found, untouched)
    model_import.wire(
        own, lambda name, brought: (gr.update(choices=model_import.offered("segment", brought), value=name),), [left.model]
    )
    opened = gr.State(NOTHING)
    _connect(left, rare, wall, fill, changed, opened)
    fields = {"model": left.model, "size": rare.size, "regions": left.regions, "auto": left.auto, "pointed": opened}
    fields |= {"shading": fill.shading, "scale": fill.scale, "seed": fill.seed, "origin": fill.origin}
    slots = {"picture": left.slot, "texture": fill.slot}
    restoring.wire(saved, ("segment", "retexture"), fields, slots, changed, derive=settings_of)


def _offered() -> dict[str, Path]:
    return {**demos.contents(), **demos.scenes()}


def _opening(model: str) -> tuple[Source | None, tuple | None, str | None]:
    """A picture; what is shown before the first click, values for the wall, None where it can't be made; and the picture at
    the same size, as a file."""
    picture = sources.first(_offered(), FIRST_PICTURE)
    if picture is None:
        return None, None, None
    scene = Scene(picture, model, SEEN, None)
    try:
        return picture, result.hang(scene, Display()), texture_scene.shown(scene)
    except StudioError:
        return picture, None, None


class Pointed(NamedTuple):
    """What a visitor did to the regions of a picture: those merged, and those chosen."""

    merged: tuple[tuple[int, int], ...] = ()
    chosen: tuple[int, ...] = ()


NOTHING = Pointed()


class Left(NamedTuple):
    """The controls."""

    slot: Slot
    mosaic: gr.Button
    grey: gr.Checkbox
    truth: gr.State
    model: gr.Dropdown
    line: gr.HTML
    fetched: gr.State
    auto: gr.Checkbox
    regions: gr.Slider
    button: gr.Button


def _left(picture: Source | None, found: int) -> Left:
    """found: the number of regions."""
    with gr.Row(elem_classes="slots"):
        slot = sources.build("Picture", picture, _offered(), "Another", room="regions")
        with gr.Column(min_width=110, elem_classes="slot"):
            gr.HTML('<p class="help">Nobody knows the true regions of a photograph. Those of a mosaic are known exactly.</p>')
            mosaic = gr.Button("Create a test mosaic", size="sm", min_width=40, elem_id="regions-mosaic")
            grey = gr.Checkbox(False, label="In grey", info="Then only texture tells.", elem_id="regions-grey")
    model, line = layout.model_chooser("segment", "regions-model", info="What tells one texture from another.")
    fetched = downloads.offer("regions", [model], line, model.value)
    auto = gr.Checkbox(
        True,
        label="Find out the number of regions",
        info="The number whose groups are tight and lie far apart.",
        elem_id="regions-auto",
    )
    regions = gr.Slider(
        1, MOST_REGIONS, found, step=1, label="Regions", info="Grouped anew; the net does not run again.", elem_id="regions-count"
    )
    with gr.Row(elem_classes="buttons"):
        button = gr.Button("Find regions", variant="primary", elem_id="regions-button")
    return Left(slot, mosaic, grey, gr.State(None), model, line, fetched, auto, regions, button)


class Rare(NamedTuple):
    """The controls under Advanced."""

    size: gr.Slider
    pieces: gr.Slider


def _advanced() -> Rare:
    size = gr.Slider(
        256, texture.LARGEST, SEEN, step=64, label="Size", elem_id="regions-size",
        info="Longer side of what the net sees, in pixels. More shows finer textures, and takes longer.",
    )  # fmt: skip
    pieces = gr.Slider(2, 8, 5, step=1, label="Textures in a mosaic", info="Of the next one.", elem_id="regions-pieces")
    return Rare(size, pieces)


# --- what the controls do


def _connect(left: Left, rare: Rare, wall: Wall, fill: texture_fill.Fill, changed: gr.State, opened: gr.State) -> None:
    """opened: what was merged and chosen in a picture whose settings were opened, until it is so again."""
    sources.wire(left.slot, changed)
    asked = [left.slot.held, left.model, left.auto, left.regions, rare.size, left.truth, opened]
    at_work = {"show_progress": "minimal", "show_progress_on": wall.line}
    brought = [left.button.click, changed.change, left.model.change, left.fetched.change, rare.size.release]
    watched = {"model": left.model, "picture": left.slot.held, "size": rare.size}
    again = "Find regions finds them anew."
    at_work["renews"] = freshness.watch(wall.mark, watched, again, opened=wall.scene.value is not None)
    connect(brought, find, [*asked, *wall.display], [*wall.outputs, left.regions, opened], trigger_mode="always_last", **at_work)
    again = [wall.scene, left.regions, *wall.display]
    live(left.regions.input, regroup, again, [*wall.outputs, left.auto], **LANE)
    live(left.auto.input, regroup_freely, [left.auto, *again], [*wall.outputs, left.regions], **LANE)
    mosaic = [rare.pieces, left.grey, changed]
    connect(left.mosaic.click, make_mosaic, mosaic, [left.slot.picture, left.slot.held, changed, left.truth])
    result.wire(wall, LANE)
    exports.wire(wall.exports, wall.scene, *wall.display[1:])
    texture_fill.wire(fill, wall)


def settings_of(saved: dict[str, Any]) -> dict[str, Any]:
    """Settings of a segmentation; the number of its regions is no longer to be found out."""
    model, pointed = gr.update(value=restoring.model(saved, "segment")), _pointed(saved)
    found = {**saved, "model": model, "auto": False, "pointed": pointed}
    if saved["task"] == "retexture":
        found["origin"] = texture_fill.SAMPLE
        if "texture_sha256" not in saved:  # that of a region, which is to be chosen again
            found.pop("texture", None)
    return found


def _pointed(saved: dict[str, Any]) -> Pointed:
    """What was merged, in that order, and the region that was filled. Raises TypeError or ValueError for anything else."""
    merged = tuple((a, b) for a, b in saved.get("merged", []))
    chosen = (saved["region"],) if saved["task"] == "retexture" else ()
    numbers = [*chosen, *(each for pair in merged for each in pair)]
    if len(merged) > texture.MOST or not all(type(each) is int and 1 <= each <= texture.MOST for each in numbers):
        raise ValueError(saved)
    return Pointed(merged, chosen)


def find(
    held: Any, model: str, auto: bool, regions: float, size: float, truth: Truth | None, opened: Pointed, *display: Any
) -> tuple:
    """The button, another picture or another net: values for the wall, the slider, and what is still to be pointed at."""
    if held is None:
        raise StudioError("There is no picture yet: choose one first.")
    scene = Scene(held, model, int(size), None if auto else int(regions), truth)
    if opened != NOTHING and not auto:
        scene = scene._replace(merged=opened.merged)
        there = texture_scene.segmentation(scene).regions
        scene = scene._replace(chosen=tuple(region for region in opened.chosen if region <= there))
    return *result.hang(scene, Display(*display)), texture_scene.segmentation(scene).regions if auto else gr.skip(), NOTHING


def regroup(scene: Scene | None, regions: float, *display: Any) -> tuple:
    """The slider was moved: values for the wall, and for the tick, since the visitor now says the number."""
    if scene is None:
        return gr.skip()
    return *result.hang(scene.again(int(regions)), Display(*display)), False


def regroup_freely(auto: bool, scene: Scene | None, regions: float, *display: Any) -> tuple:
    """The tick was set or taken away: values for the wall, and for the slider."""
    if scene is None:
        return gr.skip()
    scene = scene.again(None if auto else int(regions))
    return *result.hang(scene, Display(*display)), texture_scene.segmentation(scene).regions


def make_mosaic(pieces: float, grey: bool, changed: int) -> tuple:
    """A new mosaic: values for (picture, held, changed, truth)."""
    seed = layout.roll()
    made = texture_scene.mosaic(seed, int(pieces), grey)
    settings = {"task": "mosaic", "seed": seed, "regions": int(pieces), "grey": grey}
    path = layout.keep(made.image, layout.file_name("mosaic", seed), settings)
    source = sources.source(path, f"Mosaic {seed}")
    return source.shown, source, changed + 1, Truth(path, seed, int(pieces), grey)
