"""The part "Regions" of the tab "Texture": a picture taken apart into its textures, with all that can be done to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import texture

from ...kit import demos, downloads, freshness, layout, model_import, prepared, restoring, sources
from ...kit.events import connect, debounced
from ...kit.sources import Slot, Source
from . import exports, fill, result
from . import scene as texture_scene
from .result import Display, ResultView
from .scene import Scene, Truth

TITLE = "Regions"
FIRST_PICTURE = "Night over the Lake"  # is shown before the first click
SEEN = 512  # longer side of what the net sees, px
MOST_REGIONS = 16  # on the slider
LANE = {"concurrency_id": "regions", "concurrency_limit": 2}  # live work without a net, which does not wait for the compute lane


def build() -> None:
    """Contents of the part."""
    if not (spec := layout.default_model("segment")):
        layout.no_models()
        return
    (picture, shown, original), changed = prepared.opening("regions", lambda: _opening(spec.name), spec.name), gr.State(0)
    found = len(shown[1]["names"]) if shown else 0
    with layout.two_columns():
        with layout.controls():
            main = _main_controls(picture, found or 4)
        with layout.below():
            importer = model_import.build("segment", "regions")
            with layout.advanced():
                advanced = _advanced()
                saved = restoring.restore_button("regions")
        with layout.results():
            result_view = result.build(shown)
            with result_view.column, gr.Column():
                gr.HTML("<p><strong>Pictures</strong> to try it on.</p>", elem_classes="strip-title")
                sources.gallery("Pictures to take apart", main.slot, changed, 4, "regions-pictures")
            fill_view = fill.build(found, original)
    model_import.wire(
        importer,
        lambda name, imported: (gr.update(choices=model_import.model_choices("segment", imported), value=name),),
        [main.model],
    )
    opened = gr.State(NO_EDITS)
    _connect(main, advanced, result_view, fill_view, changed, opened)
    fields = {"model": main.model, "size": advanced.size, "regions": main.regions, "auto": main.auto, "edits": opened}
    fields |= {"shading": fill_view.shading, "scale": fill_view.scale, "seed": fill_view.seed, "origin": fill_view.origin}
    slots = {"picture": main.slot, "texture": fill_view.slot}
    restoring.wire(saved, ("segment", "retexture"), fields, slots, changed, derive=settings_of)


def _offered() -> dict[str, Path]:
    return {**demos.contents(), **demos.scenes()}


def _opening(model: str) -> tuple[Source | None, tuple | None, str | None]:
    """A picture; what is shown before the first click, values for the result view, None where it can't be made; and the picture
    at the same size, as a file."""
    picture = sources.first_source(_offered(), FIRST_PICTURE)
    if picture is None:
        return None, None, None
    scene = Scene(picture, model, SEEN, None)
    try:
        return picture, result.show(scene, Display()), texture_scene.shown(scene)
    except StudioError:
        return picture, None, None


class RegionEdits(NamedTuple):
    """What a visitor did to the regions of a picture: those merged, and those chosen."""

    merged: tuple[tuple[int, int], ...] = ()
    chosen: tuple[int, ...] = ()


NO_EDITS = RegionEdits()


class MainControls(NamedTuple):
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


def _main_controls(picture: Source | None, found: int) -> MainControls:
    """found: the number of regions."""
    with gr.Row(elem_classes="slots"):
        slot = sources.build("Picture", picture, _offered(), "Another", prefix="regions")
        with gr.Column(min_width=110, elem_classes="slot"):
            gr.HTML('<p class="help">Nobody knows the true regions of a photograph. Those of a mosaic are known exactly.</p>')
            mosaic = gr.Button("Create a test mosaic", size="sm", min_width=40, elem_id="regions-mosaic")
            grey = gr.Checkbox(False, label="In grey", info="Then only texture tells.", elem_id="regions-grey")
    model, line = layout.model_chooser("segment", "regions-model", info="What tells one texture from another.")
    fetched = downloads.download_row("regions", [model], line, model.value)
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
    return MainControls(slot, mosaic, grey, gr.State(None), model, line, fetched, auto, regions, button)


class AdvancedControls(NamedTuple):
    """The controls under Advanced."""

    size: gr.Slider
    pieces: gr.Slider


def _advanced() -> AdvancedControls:
    size = gr.Slider(
        256, texture.LARGEST, SEEN, step=64, label="Size", elem_id="regions-size",
        info="Longer side of what the net sees, in pixels. More shows finer textures, and takes longer.",
    )  # fmt: skip
    pieces = gr.Slider(2, 8, 5, step=1, label="Textures in a mosaic", info="Of the next one.", elem_id="regions-pieces")
    return AdvancedControls(size, pieces)


# --- what the controls do


def _connect(
    main: MainControls,
    advanced: AdvancedControls,
    result_view: ResultView,
    fill_view: fill.Fill,
    changed: gr.State,
    opened: gr.State,
) -> None:
    """opened: what was merged and chosen in a picture whose settings were opened, until it is so again."""
    sources.wire(main.slot, changed)
    asked = [main.slot.held, main.model, main.auto, main.regions, advanced.size, main.truth, opened]
    at_work = {"show_progress": "minimal", "show_progress_on": result_view.line}
    imported = [main.button.click, changed.change, main.model.change, main.fetched.change, advanced.size.release]
    watched = {"model": main.model, "picture": main.slot.held, "size": advanced.size}
    again = "Find regions finds them anew."
    at_work["renews"] = freshness.watch(result_view.mark, watched, again, opened=result_view.scene.value is not None)
    connect(
        imported,
        find,
        [*asked, *result_view.display],
        [*result_view.outputs, main.regions, opened],
        trigger_mode="always_last",
        **at_work,
    )
    again = [result_view.scene, main.regions, *result_view.display]
    debounced(main.regions.input, regroup, again, [*result_view.outputs, main.auto], **LANE)
    debounced(main.auto.input, regroup_freely, [main.auto, *again], [*result_view.outputs, main.regions], **LANE)
    mosaic = [advanced.pieces, main.grey, changed]
    connect(main.mosaic.click, make_mosaic, mosaic, [main.slot.picture, main.slot.held, changed, main.truth])
    result.wire(result_view, LANE)
    exports.wire(result_view.exports, result_view.scene, *result_view.display[1:])
    fill.wire(fill_view, result_view)


def settings_of(saved: dict[str, Any]) -> dict[str, Any]:
    """Settings of a segmentation; the number of its regions is no longer to be found out."""
    model, edits = gr.update(value=restoring.model(saved, "segment")), _edits_of(saved)
    found = {**saved, "model": model, "auto": False, "edits": edits}
    if saved["task"] == "retexture":
        found["origin"] = fill.SAMPLE
        if "texture_sha256" not in saved:  # that of a region, which is to be chosen again
            found.pop("texture", None)
    return found


def _edits_of(saved: dict[str, Any]) -> RegionEdits:
    """What was merged, in that order, and the region that was filled. Raises TypeError or ValueError for anything else."""
    merged = tuple((a, b) for a, b in saved.get("merged", []))
    chosen = (saved["region"],) if saved["task"] == "retexture" else ()
    numbers = [*chosen, *(each for pair in merged for each in pair)]
    if len(merged) > texture.MOST or not all(type(each) is int and 1 <= each <= texture.MOST for each in numbers):
        raise ValueError(saved)
    return RegionEdits(merged, chosen)


def find(
    held: Any, model: str, auto: bool, regions: float, size: float, truth: Truth | None, opened: RegionEdits, *display: Any
) -> tuple:
    """The button, another picture or another net: values for the result view, the slider, and what is still to be pointed at."""
    if held is None:
        raise StudioError("There is no picture yet: choose one first.")
    scene = Scene(held, model, int(size), None if auto else int(regions), truth)
    if opened != NO_EDITS and not auto:
        scene = scene._replace(merged=opened.merged)
        there = texture_scene.segmentation(scene).regions
        scene = scene._replace(chosen=tuple(region for region in opened.chosen if region <= there))
    return *result.show(scene, Display(*display)), texture_scene.segmentation(scene).regions if auto else gr.skip(), NO_EDITS


def regroup(scene: Scene | None, regions: float, *display: Any) -> tuple:
    """The slider was moved: values for the result view, and for the tick, since the visitor now says the number."""
    if scene is None:
        return gr.skip()
    return *result.show(scene.again(int(regions)), Display(*display)), False


def regroup_freely(auto: bool, scene: Scene | None, regions: float, *display: Any) -> tuple:
    """The tick was set or taken away: values for the result view, and for the slider."""
    if scene is None:
        return gr.skip()
    scene = scene.again(None if auto else int(regions))
    return *result.show(scene, Display(*display)), texture_scene.segmentation(scene).regions


def make_mosaic(pieces: float, grey: bool, changed: int) -> tuple:
    """A new mosaic: values for (picture, held, changed, truth)."""
    seed = layout.random_seed()
    made = texture_scene.mosaic(seed, int(pieces), grey)
    settings = {"task": "mosaic", "seed": seed, "regions": int(pieces), "grey": grey}
    path = layout.save_result(made.image, layout.file_name("mosaic", seed), settings)
    source = sources.source(path, f"Mosaic {seed}")
    return source.shown, source, changed + 1, Truth(path, seed, int(pieces), grey)
