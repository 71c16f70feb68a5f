"""The region that a style is limited to, painted with a brush over the content."""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import ImageChops

from ...kit import layout
from ...kit.events import unqueued
from ...kit.sources import Slot, Source
from ...server.painting import PaintInput

BRUSH = "rgba(216, 57, 27, 0.6)"  # vermilion that lets the picture through


def build(content: Slot) -> gr.State:
    """The editor, closed at first. Returns the path of the mask, or None where nothing was painted."""
    start = content.held.value
    mask = gr.State(None)
    with gr.Accordion("Limit the style to a region", open=False, elem_classes="advanced", elem_id="style-region-door"):
        gr.HTML('<p class="help">Paint over what is to be restyled. Unpainted, the whole picture is.</p>')
        editor = PaintInput(
            value=canvas(start) if start else None,
            type="pil",
            format="png",
            show_label=False,
            label="Region",
            sources=(),
            transforms=(),
            layers=False,
            buttons=[],
            brush=gr.Brush(default_size=40, colors=[BRUSH], color_mode="fixed"),
            eraser=gr.Eraser(default_size=40),
            elem_id="style-region",
        )
    unqueued([editor.change, editor.input, editor.apply], painted, editor, mask, trigger_mode="always_last")
    unqueued(content.held.change, canvas, content.held, editor)
    return mask


def canvas(content: Source | None) -> dict[str, Any] | None:
    """The content with nothing painted on it, as the editor's value."""
    return {"background": content.shown, "layers": [], "composite": None} if content else None


def painted(value: dict[str, Any] | None) -> str | None:
    """White where the brush was, as a file."""
    layers = [layer.getchannel("A") for layer in (value or {}).get("layers") or [] if layer]
    whole = layers[0] if layers else None
    for layer in layers[1:]:
        whole = ImageChops.lighter(whole, layer)
    if whole is None or not whole.getbbox():
        return None
    return layout.save_result(whole.point(lambda alpha: 255 if alpha > 64 else 0).convert("RGB"), "region", {})
