"""A small page behind everything that stands before the studio's own: run as a program."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from imgstudio import StudioError, ui


def slowly(text: str) -> Iterator[str]:
    """Three answers, with a pause between them."""
    for number in range(3):
        yield f"{text} {number}"
        time.sleep(0.7)


def build() -> gr.Blocks:
    with gr.Blocks(title="doors") as demo:
        gr.HTML("<p>" + "plain text " * 2000 + "</p>")
        text, answer = gr.Textbox(label="Text"), gr.Textbox(label="Answer", elem_id="answer")
        gr.Button("Go", elem_id="go").click(slowly, text, answer, api_name="slowly")
        gr.File(label="File")
        gr.Image(label="Picture", type="filepath", sources=["upload", "webcam", "clipboard"])
    return demo


if __name__ == "__main__":
    try:
        ui.launch(build(), server_name=os.environ.get("HOST"), allowed_paths=[str(Path(__file__).parent)])
    except StudioError as error:
        sys.exit(str(error))
