"""The tab "Texture": see the textures of a picture, part them from its structure, and grow new ones."""

from __future__ import annotations

import gradio as gr

from ...texts import lessons
from . import regions, structure, synthesis

TITLE = "Texture"


def build() -> None:
    """Contents of the tab: three parts, and one wall text for all."""
    with gr.Tabs(elem_classes="views parts", elem_id="texture-parts"):
        for part in (regions, structure, synthesis):
            with gr.Tab(part.TITLE, id=part.__name__.rpartition("_")[2]):
                part.build()
    lessons.texture()
