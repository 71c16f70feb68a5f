"""The part "Import your own model" of every tab: a repository of the Hub or a file, for this visitor alone."""

from __future__ import annotations

import html
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gradio as gr
from gradio.context import get_blocks_context

import imgstudio

from ...errors import StudioError
from ...studio import imported
from ..server.settings import settings
from .downloads import LANE
from .events import background, request_stop, unqueued, until_stopped

_WORK = "import"  # what its Stop stops
HELP = "Weights of others: they are recognised by the names and shapes of their tensors, and nothing in a file is executed."

Choices = list[tuple[str, str]]  # title and name
Arrived = tuple[int, str]


class ImportControls(NamedTuple):
    """The components, and what this visitor imported."""

    task: str
    repository: gr.Textbox
    button: gr.Button
    upload: gr.UploadButton
    stop: gr.Button
    line: gr.HTML
    own: gr.State  # Choices
    arrived: gr.State  # how many came, and the name of the last; see `by_name`


class Chooser(NamedTuple):
    """How a model is chosen on a page from outside its tab."""

    own: gr.State
    arrived: gr.State
    choose: Callable[[str, Choices], tuple]
    chosen: list[Any]


_choosers: weakref.WeakKeyDictionary[gr.Blocks, dict[str, Chooser]] = weakref.WeakKeyDictionary()


def chooser_of(task: str) -> Chooser | None:
    """That of the page that is being built, for the models of a task."""
    return _choosers.get(get_blocks_context(), {}).get(task)


def build(task: str, prefix: str) -> ImportControls:
    """The part, closed. task: of the models that are wanted; prefix: begins the ids on the page, `prefix`-bring-..."""
    with gr.Accordion("Import your own model", open=False, elem_classes="advanced bring", elem_id=f"{prefix}-bring"):
        repository = gr.Textbox(
            label="Repository on the Hub", info="Such as owner/repo, or owner/repo/file.", placeholder="owner/repo",
            max_lines=1, elem_id=f"{prefix}-bring-repository",
        )  # fmt: skip
        with gr.Row(elem_classes="buttons"):
            button = gr.Button("Import", size="sm", min_width=70, elem_id=f"{prefix}-bring-button")
            upload = gr.UploadButton(
                "Upload a file", file_count="multiple", size="sm", min_width=90, elem_id=f"{prefix}-bring-upload"
            )
            stop = gr.Button("Stop", size="sm", scale=0, min_width=60, elem_id=f"{prefix}-bring-stop")
        line = gr.HTML(_help_line(HELP), elem_classes="brought")
    return ImportControls(task, repository, button, upload, stop, line, gr.State([]), gr.State((0, "")))


def wire(part: ImportControls, choose: Callable[[str, Choices], tuple], chosen: list[Any]) -> None:
    """Connects the part.

    choose: from the name of the model that arrived, and all models that this visitor imported, to values for `chosen`, the
            components that say which model is meant.
    """
    if (page := get_blocks_context()) is not None:
        _choosers.setdefault(page, {})[part.task] = Chooser(part.own, part.arrived, choose, chosen)
    outputs = [part.line, part.own, part.arrived, *chosen]

    def import_steps(steps: Iterator, request: gr.Request, own: Choices, arrived: Arrived) -> Iterator[tuple]:
        nothing = (gr.skip(),) * (len(outputs) - 1)
        yield _help_line("Looking at it ..."), *nothing
        try:
            spec = None
            for spec in until_stopped(steps, request, _WORK):
                if not isinstance(spec, imgstudio.Spec):
                    yield _help_line(spec.text), *nothing
        except StudioError as error:
            yield _help_line(str(error)), *nothing
            return
        if not isinstance(spec, imgstudio.Spec):
            yield _help_line("Stopped. What has arrived is kept."), *nothing
            return
        own = [*(each for each in own if each[1] != spec.name), (spec.title, spec.name)]
        yield _help_line(spec.note or "The studio has it already."), own, (arrived[0] + 1, spec.name), *choose(spec.name, own)

    def from_hub(request: gr.Request, repository: str, own: Choices, arrived: Arrived) -> Iterator[tuple]:
        limits = settings()  # a stranger is not to fill the disk of a server with what others have put on the Hub
        limit = limits.upload_mb if limits.public else None
        yield from import_steps(_started(imported.from_hub, repository, part.task, limit=limit), request, own, arrived)

    def from_files(request: gr.Request, paths: list[str], own: Choices, arrived: Arrived) -> Iterator[tuple]:
        yield from import_steps(
            _started(imported.from_files, paths, part.task, limit=settings().upload_mb), request, own, arrived
        )

    kept = [part.own, part.arrived]
    background([part.button.click, part.repository.submit], from_hub, [part.repository, *kept], outputs, kind=_WORK, **LANE)
    background(part.upload.upload, from_files, [part.upload, *kept], outputs, kind=_WORK, **LANE)
    unqueued(part.stop.click, _stop)


def _started(function: Callable[..., Iterator], *arguments: Any, **options: Any) -> Iterator:
    """The steps of a function that may refuse before the first."""
    yield from function(*arguments, **options)


def _stop(request: gr.Request) -> None:
    request_stop(request, _WORK)


def _help_line(text: str) -> str:
    return f'<p class="help">{html.escape(text)}</p>'


def by_name(handler: Callable[..., Any]) -> Callable[..., Any]:
    """For the change event of `ImportControls.arrived`: the handler, whose first argument is the name of a model. The drop-down's
    own value may reach the page only after that event."""
    return lambda arrived, *values: handler(arrived[1], *values)


def model_choices(task: str, own: Choices) -> Choices:
    """The catalogue's models of a task, and behind them what a visitor imported."""
    listed = [(spec.title, spec.name) for spec in imgstudio.models(task)]
    known = {name for _, name in listed}
    return [*listed, *(each for each in own if each[1] not in known)]
