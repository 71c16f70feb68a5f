"""The regions as a visitor touches them: a layer over the picture and a table beside it, which point at each other."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from imgstudio.studio.texture import export

from ...kit.theme import ASSETS
from . import scene as texture_scene
from .scene import Scene

COLUMNS = ("Region", "Share", "Pixels", "Mean colour")


def lens(start: dict[str, Any] | None) -> gr.HTML:
    """The layer. start: what `layer` returned. Its event `select` has the number of the region that was clicked as its index."""
    return gr.HTML(
        start,
        html_template='<canvas role="img" aria-label="Regions of the picture"></canvas><output hidden></output>',
        js_on_load=(ASSETS / "lens.js").read_text(encoding="utf-8"),
        elem_id="regions-lens",
        elem_classes="lens",
    )


def layer(scene: Scene, view: str) -> dict[str, Any]:
    """What the layer has to know."""
    _, found = texture_scene.small(scene)
    stream = io.BytesIO()
    Image.fromarray(found.labels.astype(np.uint8)).save(stream, "PNG", compress_level=6)
    return {
        "labels": "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode(),
        "copies": 2 if view == "side by side" else 1,
        "chosen": list(scene.chosen),
        "names": {str(region): f"Region {region} · {percent(area)}" for region, area in enumerate(found.areas, start=1)},
    }


def table(start: str) -> gr.HTML:
    """The table, with the same event `select`. start: what `rows` returned."""
    return gr.HTML(
        start,
        js_on_load=(ASSETS / "region-table.js").read_text(encoding="utf-8"),
        elem_id="regions-table",
        elem_classes="region-table",
    )


def rows(scene: Scene) -> str:
    """The table's HTML. Its numbers are those of the whole picture, not of the copy that is shown there."""
    found = texture_scene.segmentation(scene)
    lines = export.table(found, texture_scene.picture(scene.source))
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    body = "".join(_row(line, line["region"] in scene.chosen) for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _row(line: dict[str, Any], chosen: bool) -> str:
    region, mark = line["region"], ' class="chosen"' if chosen else ""
    mean = html.escape(str(line["mean colour"]))
    cells = (
        f'<button type="button" aria-pressed="{str(chosen).lower()}">{_chip(line["colour on the map"])}{region}</button>',
        percent(line["share"]),
        f"{line['pixels']:,}".replace(",", " "),
        f"{_chip(mean)}<code>{mean}</code>",
    )
    return f'<tr data-region="{region}"{mark}>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _chip(colour: str) -> str:
    return f'<i class="chip" style="background:{colour}"></i>'


def percent(share: float) -> str:
    """A share of a picture for people."""
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
