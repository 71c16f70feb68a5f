"""The regions to take away: label map, overlay, cut-outs, table and outlines. Each file is made when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import pictures, texture
from imgstudio.studio.texture import export

from ...kit import layout
from ...kit.events import unqueued
from . import scene as texture_scene
from .scene import Scene

FORMATS = {
    "labels": "Label map PNG",
    "overlay": "Overlay PNG",
    "cutouts": "Cut-outs ZIP",
    "csv": "Table CSV",
    "coco": "COCO JSON",
}
# A file that does not exist before the click cannot stand behind a link: the link is made when the file has come.
SAVE = """(file) => {
  if (!file) return;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}"""


class Exports(NamedTuple):
    """The buttons, and where their file passes through."""

    buttons: dict[str, gr.Button]
    file: gr.DownloadButton


def build() -> Exports:
    with gr.Row(elem_classes="downloads exports"):
        buttons = {
            name: gr.Button(title, size="sm", min_width=60, scale=0, elem_id=f"regions-export-{name}")
            for name, title in FORMATS.items()
        }
    return Exports(buttons, gr.DownloadButton(visible="hidden", elem_id="regions-export"))


def wire(exports: Exports, scene: gr.State, opacity: gr.Slider, numbers: gr.Checkbox) -> None:
    for name, button in exports.buttons.items():
        made = unqueued(button.click, _maker(name), [scene, opacity, numbers], exports.file)
        made.success(None, exports.file, None, js=SAVE, api_visibility="private")


def _maker(name: str) -> Callable[..., str]:
    def make(scene: Scene | None, opacity: float, numbers: bool) -> str:
        if scene is None:
            raise StudioError("There are no regions yet: press the button first.")
        return write(name, scene, opacity, numbers)

    return make


def write(name: str, scene: Scene, opacity: float, numbers: bool) -> str:
    """Writes one of FORMATS, in the size of the picture itself; returns the path."""
    image, found = texture_scene.picture(scene.source), texture_scene.segmentation(scene)
    stem, place = layout.file_name(scene.source.title, name), layout.folder()
    if name == "labels":
        path = pictures.save_png(export.label_map(found), place / f"{stem}.png", texture_scene.settings(scene))
    elif name == "overlay":
        shown = texture.overlay(image, found, opacity=opacity, numbers=numbers)
        path = pictures.save_png(shown, place / f"{stem}.png", texture_scene.settings(scene))
    elif name == "cutouts":
        path = export.cutouts(image, found, place / f"{stem}.zip")
    elif name == "csv":
        path = place / f"{stem}.csv"
        path.write_text(export.csv(found, image), encoding="utf-8")
    else:
        path = place / f"{stem}.json"
        path.write_text(json.dumps(export.coco(found, name=f"{scene.source.title}.png")), encoding="utf-8")
    return str(path)
