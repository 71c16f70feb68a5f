"""Inputs for one picture that a visitor chooses or uploads: a photograph, a style, a texture."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import gradio as gr

from ...errors import StudioError
from ...studio import pictures
from . import layout
from .events import report_error, unqueued
from .slots import PictureInput

T = TypeVar("T")

SHOWN = 512  # longer side of what the field shows, px; the work itself takes the uploaded file
THUMB = 176


class Source(NamedTuple):
    """A picture that was chosen or uploaded."""

    title: str
    path: str
    shown: str  # path of the small copy in the field
    refused: str | None = None  # a file that was no picture; the field may report one upload twice
    digest: str = ""  # the first half of the file's SHA-256
    uploaded: bool = False  # by the visitor: its title is the name of a file, and may be that of an offered picture

    def record(self, key: str) -> dict[str, str]:
        """Name and hash, for the settings of what is made of it."""
        return {key: self.title, f"{key}_sha256": self.digest}


def source(path: str | os.PathLike[str], title: str | None = None, *, uploaded: bool = False) -> Source:
    """Reads a picture and makes its small copy. Raises StudioError for what is no picture.

    title: what it is called; by default after its file.
    """
    small, title = pictures.shrink(path, SHOWN), title or layout.title_of(path)
    shown = layout.save_result(small, layout.file_name(title), {})
    return Source(title, str(path), shown, digest=pictures.digest(path), uploaded=uploaded)


class Slot(NamedTuple):
    """A picture, and how to choose another."""

    column: gr.Column
    picture: gr.Image
    upload: gr.UploadButton  # the field's own upload works only when it is empty
    other: gr.Button  # one of those that are here already
    held: gr.State
    offered: dict[str, Path]


def picture_input(label: str, start: Source | None, elem_id: str) -> gr.Image:
    """The picture of a slot: by file, webcam or clipboard, as it was uploaded."""
    return PictureInput(
        value=start.shown if start else None,
        type="filepath",
        image_mode=None,
        format="png",
        sources=["upload", "webcam", "clipboard"],
        buttons=[],
        label=label,
        alt_text=label,
        elem_id=elem_id,
        elem_classes="slot-picture",
    )


def build(
    label: str, start: Source | None, offered: dict[str, Path], other: str, *, prefix: str = "style", visible: bool = True
) -> Slot:
    """label: its name on the page. offered: pictures that are here already, which the button `other` picks from."""
    name = f"{prefix}-{label.lower().replace(' ', '-')}"
    with gr.Column(min_width=110, visible=visible, elem_classes="slot named") as column:
        picture = picture_input(label, start, name)
        with gr.Row(elem_classes="slot-buttons"):
            upload = gr.UploadButton("Upload", file_types=["image"], size="sm", min_width=40, elem_id=f"{name}-upload")
            button = gr.Button(other, size="sm", min_width=40, visible=bool(offered), elem_id=f"{name}-other")
    return Slot(column, picture, upload, button, gr.State(start), offered)


def wire(slot: Slot, changed: gr.State) -> None:
    """Connects a slot's own events. `changed` counts up whenever there is a new picture."""
    outputs = [slot.picture, slot.held, changed]
    # As in slots.py: the field's `change` also follows our own answers, and may report one upload twice.
    lane = {"concurrency_id": "upload", "concurrency_limit": 1}
    for component, event in ((slot.picture, slot.picture.change), (slot.upload, slot.upload.upload)):
        unqueued(event, accept, [component, slot.held, changed], outputs, trigger_mode="always_last", **lane)
    unqueued(slot.other.click, random_choice(slot.offered), [slot.held, changed], outputs)


def accept(path: str | None, held: Source | None, changed: int) -> tuple:
    """Takes an upload; what is no picture is put back, with a word. Values for (picture, held, changed)."""
    if path is None or (held and path == held.shown):
        return (gr.skip(),) * 3
    if held and layout.is_result(path):  # an answer of ours that a later one has overtaken
        return held.shown, gr.skip(), gr.skip()
    if held and path == held.refused:
        return held.shown, gr.skip(), gr.skip()
    try:
        new = source(path, uploaded=True)
    except StudioError as error:
        report_error(error)
        return (held.shown, held._replace(refused=path), gr.skip()) if held else (None, gr.skip(), gr.skip())
    return new.shown, new, changed + 1


def random_choice(offered: dict[str, Path]) -> Callable[..., tuple]:
    """The handler that picks one of these, other than the one that is shown there."""

    def pick(held: Source | None, changed: int) -> tuple:
        titles = [title for title in offered if not held or title != held.title]
        title = random.choice(titles or list(offered))
        return select(offered, title, changed)

    return pick


def first_source(offered: dict[str, Path], wanted: str) -> Source | None:
    """The wanted picture, or else the first of those that are there."""
    title = wanted if wanted in offered else next(iter(offered), None)
    return source(offered[title], title) if title else None


def select(offered: dict[str, Path], title: str, changed: int) -> tuple:
    """One of the offered pictures: values for (picture, held, changed)."""
    chosen = _copy(offered[title], title)
    return chosen.shown, chosen, changed + 1


_made: dict[tuple[str, ...], Any] = {}
_making = threading.Lock()


def _cached(make: Callable[[Path, str], T], file: Callable[[T], str], path: Path, title: str) -> T:
    """What `make` makes of an offered picture, always the same, as long as its file is there."""
    key = (make.__name__, str(path), title, os.environ.get("GRADIO_TEMP_DIR", ""))
    with _making:
        if key not in _made or not Path(file(_made[key])).is_file():
            _made[key] = make(path, title)
        return _made[key]


def _copy(path: Path, title: str) -> Source:
    """An offered picture, always the same small copy of it.

    A click on a list of Gradio may come twice. With a copy each time, the field would show one and the state hold the other,
    and `accept` would take what is shown for an upload of the visitor.
    """
    return _cached(source, lambda made: made.shown, path, title)


def _thumbnail(path: Path, title: str) -> str:
    """Path of a small square of an offered picture; all galleries of a page show the same one."""
    return _cached(_square, str, path, title)


def _square(path: Path, title: str) -> str:
    place = layout.folder() / f"{layout.file_name(title)}.jpg"
    pictures.square(path, THUMB).save(place, quality=92)
    return str(place)


def gallery(label: str, slot: Slot, changed: gr.State, columns: int, elem_id: str, *, small: bool = False) -> gr.Gallery:
    """The offered pictures of a slot; a click chooses one, and the one that is in the slot is marked.

    small: swatches without their titles in sight.
    """
    titles = list(slot.offered)
    tiles = [(_thumbnail(path, title), title) for title, path in slot.offered.items()]
    shown = layout.strip(
        label,
        columns,
        value=tiles or None,
        selected_index=_place(titles, slot.held.value),
        elem_id=elem_id,
        elem_classes=["sheet", *(["swatches"] if small else [])],
    )

    def choose(event: gr.SelectData, changed: int) -> tuple:
        return select(slot.offered, titles[event.index], changed)

    unqueued(shown.select, choose, changed, [slot.picture, slot.held, changed], trigger_mode="always_last")
    unqueued(slot.held.change, lambda held: gr.update(selected_index=_place(titles, held)), slot.held, shown)
    return shown


def _place(titles: list[str], held: Source | None) -> int:
    """Where in the gallery a slot's picture is; -1 for nowhere, since Gradio leaves the mark where it is for None."""
    return titles.index(held.title) if held and not held.uploaded and held.title in titles else -1
