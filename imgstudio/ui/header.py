"""The head of the page."""

from __future__ import annotations

import html

import gradio as gr

from ..studio import system
from .kit.theme import ICON


def build() -> None:
    """Name, promise, the machine it runs on, and where pictures go: nowhere."""
    gr.HTML(
        f"""<header class="masthead">
  <div class="name">{ICON.read_text(encoding="utf-8")}<h1>imgstudio</h1></div>
  <p class="promise">The classical deep models of image making, to play with and to look inside.</p>
  <ul class="plate" aria-label="About this server">
    <li>Runs on {html.escape(system.describe())}</li>
    <li>Pictures never leave this server</li>
  </ul>
</header>"""
    )
