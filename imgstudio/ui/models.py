"""The tab that lists every model of the catalogue."""

from __future__ import annotations

import html
import re

import gradio as gr

import imgstudio

from .common import megabytes

TITLE = "Models"

TASKS = {
    "sample": "Sampling",
    "reconstruct": "Interpolation",
    "translate": "Translation",
    "stylize": "Style",
    "segment": "Segmentation",
    "features": "Features",
}
COLUMNS = ("Model", "Task", "Weights", "Size", "Data", "Licence", "Paper")


def build() -> None:
    """Contents of the tab: one row a model."""
    specs = imgstudio.models()
    if not specs:
        gr.HTML('<p class="nothing">The catalogue is empty.</p>')
        return
    total = sum(spec.size for spec in specs if spec.embedded)
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    rows = "".join(_row(spec) for spec in specs)
    gr.HTML(
        f"""<div class="catalogue">
  <p>{len(specs)} models. Those that come with the studio weigh {megabytes(total)} together and need no network;
  a model from the Hub is downloaded when it is first used.</p>
  <table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>
</div>"""
    )


def _row(spec: imgstudio.Spec) -> str:
    source = "in the studio" if spec.embedded else f"Hub: {spec.source.repo}"
    cells = (
        f"<strong>{html.escape(spec.title)}</strong><code>{html.escape(spec.name)}</code>",
        html.escape(TASKS.get(spec.task, spec.task)),
        html.escape(f"{source}; {spec.origin}"),
        megabytes(spec.size),
        linked(spec.data),
        html.escape(spec.licence),
        linked(spec.paper),
    )
    return "<tr>" + "".join(f'<td data-column="{name}">{cell}</td>' for name, cell in zip(COLUMNS, cells)) + "</tr>"


def linked(text: str) -> str:
    """Escaped text in which addresses and arXiv numbers are links."""
    text = html.escape(text)
    text = re.sub(r"https?://[^\s<>]+[^\s<>.,;:)]", lambda m: _link(m[0], m[0].split("//")[1]), text)
    return re.sub(r"(?<![\w/])arXiv:(\d{4}\.\d{4,5})", lambda m: _link(f"https://arxiv.org/abs/{m[1]}", m[0]), text)


def _link(address: str, text: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{text}</a>'
