"""Gradio's editor, as an input for what was painted: bounded in memory, and open to few kinds of pictures."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.components.base import server
from gradio.components.image_editor import EditorDataBlobs
from starlette.exceptions import HTTPException

from ...studio import pictures

MOST_LAYERS = 4
MOST_BYTES = 128_000_000  # of all drawings together that are on their way
UNREADABLE = "This drawing cannot be read: paint it again."
LONGEST_NAME = 100  # of a drawing, characters


class PaintInput(gr.ImageEditor):
    """An editor that hands over the layers alone: the picture beneath is known."""

    is_template = True  # drawn on the page as gr.ImageEditor is

    def preprocess(self, payload: Any) -> dict[str, Any] | None:
        if payload is None:
            return None
        drawing = payload if payload.id is None else self.blob_storage.pop(payload.id, None)
        layers = (drawing.layers if drawing else None) or []
        sources = [layer if isinstance(layer, bytes) else layer.path for layer in layers[:MOST_LAYERS] if layer]
        return {"background": None, "layers": [pictures.read_layer(each) for each in sources], "composite": None}

    @server
    def accept_blobs(self, data: Any) -> None:
        """A part of a drawing, before the event that means it. The oldest are given up where there are too many."""
        fields, sent = getattr(data, "data", None), getattr(data, "files", None)
        if not isinstance(fields, dict) or not sent:
            raise HTTPException(400, UNREADABLE)
        name, part, index, content = fields.get("id"), fields.get("type"), str(fields.get("index") or "0"), sent[0][1]
        if not isinstance(name, str) or len(name) > LONGEST_NAME or not isinstance(content, bytes):
            raise HTTPException(400, UNREADABLE)
        drawing = self.blob_storage.setdefault(name, EditorDataBlobs(background=None, layers=[], composite=None))
        if part == "layer" and index in map(str, range(MOST_LAYERS)):
            place = int(index)
            drawing.layers.extend([None] * (place + 1 - len(drawing.layers)))
            drawing.layers[place] = content
        while len(self.blob_storage) > 1 and self._held() > MOST_BYTES:
            self.blob_storage.pop(next(iter(self.blob_storage)))

    def _held(self) -> int:
        drawings = list(self.blob_storage.values())
        return sum(1000 + sum(len(layer) for layer in drawing.layers or [] if layer) for drawing in drawings)
