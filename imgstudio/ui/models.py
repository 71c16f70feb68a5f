"""The tab that lists every model of the catalogue."""

from __future__ import annotations

import functools
import html
import re
from typing import Any

import gradio as gr
from gradio.context import get_render_context

import imgstudio

from ..errors import StudioError
from ..studio import downloads
from . import fetching
from .common import megabytes, model_line
from .events import instant
from .server.proxy import is_local
from .server.settings import settings

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
    """Contents of the tab: one row a model, and what was downloaded of those from the Hub."""
    if not imgstudio.models():
        gr.HTML('<p class="nothing">The catalogue is empty.</p>')
        return
    table = gr.HTML(catalogue())
    away = [(f"{spec.title} ({spec.name})", spec.name) for spec in imgstudio.models() if isinstance(spec.source, imgstudio.Hub)]
    if away:
        _downloads(table, away)


def catalogue() -> str:
    """The table, and above it how much there is."""
    specs = imgstudio.models()
    total = sum(spec.size for spec in specs if spec.embedded)
    kept = sum(entry.size for entry in imgstudio.cached())
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    rows = "".join(_row(spec) for spec in specs)
    return f"""<div class="catalogue">
  <p>{len(specs)} models. Those that come with the studio weigh {megabytes(total)} together and need no network;
  a model from the Hub is downloaded once, when you ask for it. Downloads take {megabytes(kept) if kept else "no room"} on this
  server.</p>
  <table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>
</div>"""


def _row(spec: imgstudio.Spec) -> str:
    source = "in the studio" if spec.embedded else "a file of this server"
    if isinstance(spec.source, imgstudio.Hub):
        source = f"Hub: {spec.source.repo}, {_state(spec.name)}"
    cells = (
        f"<strong>{html.escape(spec.title)}</strong><code>{html.escape(spec.name)}</code>",
        html.escape(TASKS.get(spec.task, spec.task)),
        linked(f"{source}; {spec.origin}"),
        megabytes(spec.size),
        linked(spec.data),
        html.escape(spec.licence),
        linked(spec.paper),
    )
    return "<tr>" + "".join(f'<td data-column="{name}">{cell}</td>' for name, cell in zip(COLUMNS, cells)) + "</tr>"


def _state(name: str) -> str:
    size = downloads.on_disk(name)
    if not size:
        return "not downloaded yet"
    return f"{megabytes(size)} of it here" if downloads.unfinished(name) else f"downloaded, {megabytes(size)}"


def _downloads(table: gr.HTML, away: list[tuple[str, str]]) -> None:
    first, cleared, page = away[0][1], gr.State(0), get_render_context()
    with gr.Row(elem_classes="room"), gr.Column(scale=0, min_width=300, elem_classes="controls"):
        model = gr.Dropdown(
            away,
            value=first,
            label="From the Hub",
            info="To fetch, or to clear away.",
            filterable=False,
            elem_id="models-hub",
        )
        line = gr.HTML(model_line(first), elem_classes="model-line")
        fetched = fetching.offer("models", [model], line, first, again=[cleared.change, page.select])
        clear = None
        if not settings().public:  # where strangers come, nothing can be cleared: there is neither the button nor its event
            clear = gr.Button("Clear from this server", size="sm", visible=bool(downloads.on_disk(first)), elem_id="models-clear")
            instant(clear.click, _clear, [model, cleared], cleared)
    again = [model.change, cleared.change, fetched.change, page.select]
    shown = [table] if clear is None else [table, clear]
    instant(again, functools.partial(_shown, len(shown)), model, shown, trigger_mode="always_last")


def _clear(request: gr.Request, name: str, count: int) -> int:
    """The button; files that other models use as well go for those, too."""
    if settings().public or not is_local(request):
        raise StudioError("Only who runs this server can clear downloads, on the machine that it runs on.")
    freed = downloads.clear(name)
    gr.Info(f"{megabytes(freed)} freed." if freed else "Cleared. Its bytes stay: another repository on this machine shares them.")
    return count + 1


def _shown(count: int, name: str) -> Any:
    """Values for (table, button), or for the table alone."""
    values = catalogue(), gr.update(visible=bool(downloads.on_disk(name)))
    return values if count == len(values) else values[0]


def linked(text: str) -> str:
    """Escaped text in which addresses and arXiv numbers are links."""
    text = html.escape(text)
    text = re.sub(r"https?://[^\s<>]+[^\s<>.,;:)]", lambda m: _link(m[0], m[0].split("//")[1]), text)
    return re.sub(r"(?<![\w/])arXiv:(\d{4}\.\d{4,5})", lambda m: _link(f"https://arxiv.org/abs/{m[1]}", m[0]), text)


def _link(address: str, text: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{text}</a>'
