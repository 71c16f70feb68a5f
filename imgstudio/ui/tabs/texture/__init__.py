"""The tab "Texture": segmentation by texture, decomposition into structure and texture, texture synthesis."""

from __future__ import annotations

import gradio as gr

from ... import texts
from ...kit import layout
from . import regions, structure, synthesis

TITLE = "Texture"


def build() -> None:
    """Contents of the tab: three parts, and one explanation for all."""
    with gr.Tabs(elem_classes="views parts", elem_id="texture-parts"):
        for part in (regions, structure, synthesis):
            with gr.Tab(part.TITLE, id=part.__name__.rpartition(".")[2]):
                part.build()
    layout.explanation(*texts.columns("texture"))
