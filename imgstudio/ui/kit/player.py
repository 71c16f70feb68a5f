"""Animations: drawn frame by frame with previews, stopped without loss, played on the page, downloaded in three formats."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from ...errors import StudioError
from ...studio import animation
from ..server import opening
from .events import Stopwatch, until_stopped
from .layout import facts, facts_line, folder, preview, result

SIDE = 384  # of a frame, in pixels
FORMATS = ("gif", "webp", "mp4")
PREVIEW_EVERY = 0.15  # seconds
MOST_FRAMES = 720  # a minute of film
NO_FILES = (gr.skip(),) * len(FORMATS)


def check_length(frames: int) -> None:
    """Refuses animations that would keep everybody else waiting."""
    if frames > MOST_FRAMES:
        raise StudioError(f"That would be {frames} frames, and {MOST_FRAMES} are the most: choose fewer seeds or frames per leg.")


class Player(NamedTuple):
    """The components of one animation."""

    picture: gr.Image
    line: gr.HTML
    downloads: tuple[gr.DownloadButton, ...]

    @property
    def outputs(self) -> list[Any]:
        return [self.picture, self.line, *self.downloads]


class Film(NamedTuple):
    """A finished animation: path by format, and its fact line."""

    files: dict[str, str]
    line: str


def film(frames: list[Image.Image], name: str, fps: int, title: str) -> Film:
    """Encodes an animation that was made beforehand, to be played. title: what the fact line says it shows."""
    watch = Stopwatch()
    files = next(_encode(frames, name, fps))
    return Film(files, facts(f"{len(frames)} frames", watch.seconds, _length(frames, fps), title))


def build(label: str, elem_id: str, start: Film | None = None) -> Player:
    """start: what plays before anybody asked."""
    files, line = start or Film({}, "")
    picture = result(label, value=files.get("webp"), elem_id=elem_id, buttons=["fullscreen"], alt_text=label)
    fact_line = facts_line(line)
    with gr.Row(elem_classes="downloads"):
        downloads = tuple(_download(kind, _offered(files, kind), f"{elem_id}-{kind}") for kind in FORMATS)
    return Player(picture, fact_line, downloads)


def _offered(files: dict[str, str], kind: str) -> str | None:
    """The file in that format; one that is not there yet is written when somebody downloads it."""
    playing = files.get("webp")
    if kind in files or playing is None:
        return files.get(kind)
    path = Path(playing).with_suffix(f".{kind}")
    opening.write_later(path, functools.partial(animation.convert, playing, path))
    return str(path)


def _download(kind: str, path: str | None, elem_id: str) -> gr.DownloadButton:
    title = {"gif": "GIF", "webp": "WebP", "mp4": "MP4"}[kind]
    return gr.DownloadButton(title, value=path, size="sm", min_width=60, interactive=path is not None, elem_id=elem_id)


def _encode(frames: list[Image.Image], name: str, fps: int) -> Iterator[dict[str, str]]:
    """Writes one format after another, first the one that plays; yields the files so far."""
    place, files = folder(), {}
    for kind in ("webp", "gif", "mp4"):
        files[kind] = str(animation.save(frames, place / f"{name}.{kind}", fps=fps))
        yield dict(files)


def _length(frames: list[Image.Image], fps: int) -> str:
    return f"{len(frames) / fps:.1f} s of film"


def play(
    frames: Iterable[Image.Image],
    enlarge: Callable[[Image.Image], Image.Image],
    request: gr.Request,
    *,
    name: str,
    fps: int,
    total: int,
    title: str,
    closing: Callable[[list[Image.Image]], list[Image.Image]] = lambda kept: kept,
) -> Iterator[tuple]:
    """Values for `Player.outputs` while an animation is drawn and encoded.

    title: what the fact line says it shows.
    closing: what is done to the complete list of frames before it is encoded, such as adding the way back.
    """
    watch, kept = Stopwatch(), []
    for frame in until_stopped(frames, request):
        kept.append(enlarge(frame))
        if watch.due(PREVIEW_EVERY):
            yield preview(kept[-1], name), facts(f"frame {len(kept)} of {total}", watch.seconds), *NO_FILES
    if not kept:
        return
    stopped = len(kept) < total
    drawn, kept = watch.seconds, closing(kept)
    for files in _encode(kept, name, fps):
        line = facts(f"{len(kept)} frames", drawn, _length(kept, fps), *(["stopped"] if stopped else []), title)
        ready = (gr.update(value=files[kind], interactive=True) if kind in files else gr.skip() for kind in FORMATS)
        yield files["webp"], line, *ready
