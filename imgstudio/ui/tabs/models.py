"""The tab that lists every model of the catalogue."""

from __future__ import annotations

import functools
import html
import re
from typing import Any

import gradio as gr
from gradio.context import get_blocks_context, get_render_context

import imgstudio

from ...errors import StudioError
from ...studio import downloads
from ..kit import layout, model_import
from ..kit.downloads import download_row
from ..kit.events import unqueued
from ..kit.layout import megabytes, model_line
from ..kit.theme import ASSETS
from ..server.proxy import is_local
from ..server.settings import settings
from . import chosen

TITLE = "Models"
FILTER = (ASSETS / "catalogue-filter.js").read_text(encoding="utf-8").partition("\n")[2]

TASKS = {
    "sample": "Sampling",
    "reconstruct": "Interpolation",
    "translate": "Translation",
    "stylize": "Style",
    "segment": "Segmentation",
    "features": "Features",
}
COLUMNS = ("Model", "Task", "Weights", "Size", "Licence", "Details", "Try")
ALL = ""  # choice of a filter: no restriction

# Task -> the tab where such a model is used, and the tabs in it with the part that is meant
PLACES = {
    "sample": ("sampling", "sampling-parts", "samples"),
    "reconstruct": ("interpolation", None, None),
    "translate": ("translation", None, None),
    "stylize": ("style", None, None),
    "segment": ("texture", "texture-parts", "regions"),
}


def build() -> None:
    """Contents of the tab: one row a model with a search over them, and what was downloaded of those from the Hub."""
    if not imgstudio.models():
        gr.HTML('<p class="nothing">The catalogue is empty.</p>')
        return
    filters = _filters()
    table = gr.HTML(
        catalogue(),
        js_on_load=(ASSETS / "catalogue.js").read_text(encoding="utf-8"),
        elem_id="models-table",
        elem_classes="models-table",
    )
    for component in filters:
        component.input(None, filters, None, js=FILTER, api_visibility="private")
    _wire_trying(table)
    away = [(f"{spec.title} ({spec.name})", spec.name) for spec in imgstudio.models() if isinstance(spec.source, imgstudio.Hub)]
    if away:
        _downloads(table, away, filters)


def _filters() -> list[Any]:
    specs = imgstudio.models()
    tasks = [(TASKS.get(task, task), task) for task in dict.fromkeys(spec.task for spec in specs)]
    licences = sorted({spec.licence for spec in specs})
    with gr.Row(elem_classes="filters"):
        return [
            gr.Textbox(label="Search", placeholder="heads, CycleGAN ...", scale=3, min_width=200, elem_id="models-search"),
            gr.Dropdown(
                [("All tasks", ALL), *tasks], value=ALL, label="Task", filterable=False, min_width=150, elem_id="models-task"
            ),
            gr.Dropdown(
                [("All licences", ALL), *((each, each) for each in licences)], value=ALL, label="Licence", filterable=False,
                min_width=150, elem_id="models-licence",
            ),
        ]  # fmt: skip


# --- "Try it"


def _wire_trying(table: gr.HTML) -> None:
    """A click on "Try it" opens the tab of the model's task with that model chosen, as if the visitor had imported it."""
    here = get_render_context()
    rooms = here.parent if isinstance(here, gr.Tab) else None
    parts = {task: model_import.chooser_of(task) for task in PLACES if model_import.chooser_of(task)}
    inner = {place[1]: block for place in PLACES.values() if place[1] and (block := _by_id(place[1])) is not None}
    if rooms is None or not parts:
        return
    components = [component for part in parts.values() for component in (part.arrived, *part.chosen)]
    states = [state for part in parts.values() for state in (part.own, part.arrived)]

    def attempt(event: gr.SelectData, *values: Any) -> tuple:
        """Values for (tabs, inner tabs, what each task's chooser listens to)."""
        spec = layout.find(str(event.value))
        place = PLACES[spec.task]
        selected = [gr.Tabs(selected=place[2]) if name == place[1] else gr.skip() for name in inner]
        updates: list[Any] = []
        for (task, part), own, (count, _) in zip(parts.items(), values[::2], values[1::2]):
            mine = task == spec.task
            updates += [(count + 1, spec.name), *part.choose(spec.name, own)] if mine else [gr.skip()] * (1 + len(part.chosen))
        return gr.Tabs(selected=place[0]), *selected, *updates

    unqueued(table.select, attempt, states, [rooms, *inner.values(), *components])


def _by_id(elem_id: str) -> Any:
    """A component of this page; None where it is not there."""
    page = get_blocks_context()
    return next((block for block in page.blocks.values() if getattr(block, "elem_id", None) == elem_id), None) if page else None


# --- the table


def catalogue() -> str:
    """The table, and above it how much there is."""
    specs = imgstudio.models()
    total = sum(spec.size for spec in specs if spec.embedded)
    kept = sum(entry.size for entry in imgstudio.cached())
    head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
    rows = "".join(_row(spec) for spec in specs)
    return f"""<div class="catalogue">
  <p><span id="models-count" role="status">{len(specs)} models</span>. Those that come with the studio weigh {megabytes(total)}
  together and need no network; a model from the Hub is downloaded once, when you ask for it. Downloads take
  {megabytes(kept) if kept else "no room"} on this server.</p>
  <div class="rows" tabindex="0" role="region" aria-label="Table of models">
  <table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>
</div>"""


def _row(spec: imgstudio.Spec) -> str:
    source = "in the studio" if spec.embedded else "a file of this server"
    if isinstance(spec.source, imgstudio.Hub):
        source = f"Hub: {spec.source.repo}, {_state(spec.name)}"
    title = html.escape(spec.title)
    details = f"<p>{linked(spec.origin)}</p><p>Data: {linked(spec.data)}</p><p>{linked(spec.paper)}</p>"
    attempt = f'<button type="button" class="sm" data-try="{html.escape(spec.name)}" aria-label="Try it: {title}">Try it</button>'
    cells = (
        f"<strong>{title}</strong><code>{html.escape(spec.name)}</code>",
        html.escape(TASKS.get(spec.task, spec.task)),
        linked(source),
        megabytes(spec.size),
        html.escape(spec.licence),
        f'<details><summary aria-label="Details of {title}">Details</summary>{details}</details>',
        attempt if PLACES.get(spec.task, ("",))[0] in chosen() else "",
    )
    data = (
        f'data-model="{html.escape(spec.name)}" data-task="{html.escape(spec.task)}" data-licence="{html.escape(spec.licence)}"'
    )
    columns = "".join(f'<td data-column="{name}">{cell}</td>' for name, cell in zip(COLUMNS, cells))
    return f"<tr {data}>{columns}</tr>"


def _state(name: str) -> str:
    size = downloads.stored_bytes(name)
    if not size:
        return "not downloaded yet"
    return f"{megabytes(size)} of it here" if downloads.unfinished(name) else f"downloaded, {megabytes(size)}"


def _downloads(table: gr.HTML, away: list[tuple[str, str]], filters: list[Any]) -> None:
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
        fetched = download_row("models", [model], line, first, again=[cleared.change, page.select])
        clear = None
        if not settings().public:  # where strangers come, nothing can be cleared: there is neither the button nor its event
            clear = gr.Button(
                "Clear from this server", size="sm", visible=bool(downloads.stored_bytes(first)), elem_id="models-clear"
            )
            unqueued(clear.click, _clear, [model, cleared], cleared)
    again = [model.change, cleared.change, fetched.change, page.select]
    outputs = [table] if clear is None else [table, clear]
    shown = unqueued(again, functools.partial(_shown, len(outputs)), model, outputs, trigger_mode="always_last")
    shown.then(None, filters, None, js=FILTER, api_visibility="private")


def _clear(request: gr.Request, name: str, count: int) -> int:
    """The button; files that other models use as well go for those, too."""
    if settings().public or not is_local(request):
        raise StudioError("Only who runs this server can clear downloads, on the machine that it runs on.")
    freed = downloads.clear(name)
    gr.Info(f"{megabytes(freed)} freed." if freed else "Cleared. Its bytes stay: another repository on this machine shares them.")
    return count + 1


def _shown(count: int, name: str) -> Any:
    """Values for (table, button), or for the table alone."""
    values = catalogue(), gr.update(visible=bool(downloads.stored_bytes(name)))
    return values if count == len(values) else values[0]


def linked(text: str) -> str:
    """Escaped text in which addresses and arXiv numbers are links."""
    text = html.escape(text)
    text = re.sub(r"https?://[^\s<>]+[^\s<>.,;:)]", lambda m: _link(m[0], m[0].split("//")[1]), text)
    return re.sub(r"(?<![\w/])arXiv:(\d{4}\.\d{4,5})", lambda m: _link(f"https://arxiv.org/abs/{m[1]}", m[0]), text)


def _link(address: str, text: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{text}</a>'
