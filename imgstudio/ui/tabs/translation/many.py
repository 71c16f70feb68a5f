"""Several pictures at once in the tab "Translation": in as files, out as a zip."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio.translation.batch import BatchStep, translate_many

from ...kit import freshness, layout
from ...kit.events import connect, request_stop, unqueued, until_stopped


class Many(NamedTuple):
    """The components."""

    files: gr.UploadButton
    stop: gr.Button
    line: gr.HTML
    zip: gr.DownloadButton
    mark: freshness.Mark


def build() -> Many:
    with gr.Column():
        gr.HTML(
            "<p><strong>Several at once</strong> under the settings on the left; they come back as a zip.</p>",
            elem_classes="strip-title",
        )
        with gr.Row(elem_classes="downloads"):
            files = gr.UploadButton(
                "Choose pictures",
                file_count="multiple",
                file_types=["image"],
                size="sm",
                min_width=130,
                scale=0,
                elem_id="translation-many",
            )
            stop = gr.Button("Stop", size="sm", min_width=60, scale=0, elem_id="translation-many-stop")
            archive = gr.DownloadButton(
                "Download ZIP", size="sm", min_width=130, scale=0, interactive=False, elem_id="translation-zip"
            )
        line, mark = layout.facts_line(), freshness.mark()
    return Many(files, stop, line, archive, mark)


def wire(many: Many, settings: list[Any]) -> None:
    """settings: the components (model, strength, size)."""
    watched = dict(zip(("model", "strength", "size"), settings))
    watch = freshness.watch(many.mark, watched, "Choose pictures for a new zip.", opened=False)
    connect(
        many.files.upload, translate_all, [many.files, *settings], [many.line, many.zip], show_progress="hidden", renews=watch
    )
    unqueued(many.stop.click, request_stop)


def translate_all(request: gr.Request, paths: list[str], model: str, strength: float, size: float) -> Iterator[tuple]:
    """Values for (line, zip), after each picture."""
    path = layout.folder() / f"{layout.file_name(model)}.zip"
    paths = [str(each) for each in paths or []]
    if not paths:
        raise StudioError("There are no pictures yet: choose one or several.")
    step = None
    yield f'<p class="facts">0 of {len(paths)}</p>', gr.update(interactive=False)
    steps = translate_many(model, paths, path, size=int(size), strength=strength)
    for step in until_stopped(steps, request):
        yield progress_line(step), gr.skip()
    steps.close()  # stopped or not: the zip is whole from here on
    if step is not None:
        yield progress_line(step, finished=True), gr.update(value=str(Path(path)), interactive=True)


def progress_line(step: BatchStep, *, finished: bool = False) -> str:
    """How far it is; in the end also what could not be translated, and why."""
    if not finished:
        return layout.facts(f"{step.done} of {step.total}", step.seconds)
    stopped = ["stopped"] if step.done < step.total else []
    line = layout.facts(f"{len(step.names)} pictures", step.seconds, *stopped)
    return line + "".join(f'<p class="facts">{html.escape(problem)}</p>' for problem in step.problems.values())
