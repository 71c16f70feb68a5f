"""Under a model's name: the offer to download it, with its size and licence, where it is not on this machine yet."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from ...studio import downloads
from . import layout
from .events import background, request_stop, unqueued, until_stopped

_WORK = "download"  # what its Stop stops

# Downloads wait for the network, not for the processor: they take turns with nobody's pictures.
LANE = {"concurrency_id": "download", "concurrency_limit": 8}


def download_row(
    elem_id: str,
    chosen: list[Any],
    line: gr.HTML,
    first: str | None,
    *,
    meant: Callable[..., str | None] = lambda name: name,
    again: Sequence[Any] = (),
) -> gr.State:
    """A row that appears when a chosen model has to be downloaded; `elem_id`-fetch and `elem_id`-fetch-stop on the page.

    chosen: the components that say which model is meant; `meant` turns their values into its name. line: shows size, source and
    licence. first: the model to begin with. again: further events after which to look anew. The returned state changes when a
    download is complete.
    """
    needed = bool(first and downloads.missing(first))
    with gr.Row(visible=needed, elem_classes="fetching") as row:
        button = gr.Button(_label(first) if needed else "Download", size="sm", elem_id=f"{elem_id}-fetch")
        halt = gr.Button("Stop", size="sm", elem_id=f"{elem_id}-fetch-stop", scale=0, min_width=60)
    progress, done = gr.HTML("", elem_classes="fetching-line"), gr.State(0)

    def show(*values: Any) -> tuple:
        name = meant(*values)
        return (layout.model_line(name) if name else gr.skip(), *_row(name), "")

    def download(request: gr.Request, count: int, *values: Any) -> Iterator[tuple]:
        name, state = meant(*values), None
        for state in until_stopped(downloads.download(name), request, _WORK):
            yield gr.skip(), gr.skip(), gr.skip(), f'<p class="facts">{html.escape(state.text)}</p>', gr.skip()
        if downloads.missing(name):
            kept = "What has arrived is kept: Download goes on from there." if state and state.done else "Stopped."
            yield *[gr.skip()] * 3, f'<p class="facts">{kept}</p>', gr.skip()
        else:
            yield layout.model_line(name), *_row(name), "", count + 1

    unqueued(
        [*(component.change for component in chosen), *again],
        show,
        chosen,
        [line, row, button, progress],
        trigger_mode="always_last",
    )
    background(button.click, download, [done, *chosen], [line, row, button, progress, done], kind=_WORK, **LANE)
    unqueued(halt.click, _stop)
    return done


def if_present(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler of a drop-down whose value, the name of a model, comes first: for one that is not here yet, the row that
    offers it is answer enough. The handler may ask for the request, which then comes before the name."""

    @functools.wraps(handler)  # by whose signature Gradio tells whether to give it the request
    def answer(*values: Any) -> Any:
        name = next(value for value in values if not isinstance(value, gr.Request))
        return gr.skip() if downloads.missing(name) else handler(*values)

    return answer


def _stop(request: gr.Request) -> None:
    request_stop(request, _WORK)


def _row(name: str | None) -> tuple:
    """Values for (row, button)."""
    needed = bool(name and downloads.missing(name))
    return gr.update(visible=needed), _label(name) if needed else gr.skip()


def _label(name: str) -> str:
    """Size and licence of what would be downloaded: "Download 45.5 MB · MIT"; for a pair the sum, as in its line."""
    wanted = downloads.missing(name)
    licences = " and ".join(dict.fromkeys(layout.licence(spec) for spec in wanted))
    return f"Download {layout.megabytes(sum(spec.size for spec in wanted))} · {licences}"
