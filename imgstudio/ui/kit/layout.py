"""What every tab is made of: the two columns, model choosers, seed rows, pictures, fact lines, explanations."""

from __future__ import annotations

import html
import os
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

import imgstudio

from ...studio import downloads, imported, pictures
from ..server import visitors
from . import prepared

SEEDS = 1_000_000  # dice seeds stay short enough to read out in a classroom
PIXEL_ART = frozenset({"nouns"})  # data sets whose pictures are drawn in visible pixels
LONGEST = 60  # letters of the title of an upload
TILE = 192  # side of a picture in a strip, px
PREVIEW = 2  # times its side on the page, a picture in a strip is at most
TALLEST = 680  # of a comparison on the page, px
LOOKS = [("As suits the model", "auto"), ("Smooth", "smooth"), ("Pixels visible", "pixels")]


# --- layout


def two_columns() -> gr.Row:
    """The row that holds the two columns of a tab."""
    return gr.Row(elem_classes="room", equal_height=False)


def controls() -> gr.Column:
    """Left, narrow: input, the controls that matter, the one button, Stop."""
    return gr.Column(scale=0, min_width=300, elem_classes="controls")


def below() -> gr.Column:
    """Below the controls; on a phone, after the picture: what most visitors never open."""
    return gr.Column(min_width=0, elem_classes="below")


def advanced() -> gr.Accordion:
    """What is rarely needed, closed. It goes `below` the controls, or stands there alone."""
    return gr.Accordion("Advanced", open=False, elem_classes="advanced")


def results() -> gr.Column:
    """Right, wide: the pictures."""
    return gr.Column(scale=1, min_width=320, elem_classes="stage")


def explanation(*paragraphs: str) -> None:
    """At the foot: what is happening here, columns of Markdown, side by side where there is room."""
    latex = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]
    with gr.Column(elem_classes="lesson"):
        gr.HTML("<h2>What is happening here</h2>")
        with gr.Row():
            for paragraph in paragraphs:
                gr.Markdown(paragraph, latex_delimiters=latex, container=False, min_height=0)


def no_models() -> None:
    """For a tab whose task has no model in the catalogue."""
    gr.HTML('<p class="nothing">There is no model for this in the catalogue yet.</p>')


# --- models


def default_model(task: str) -> imgstudio.Spec | None:
    """The model to open with: the first that needs no download, or else the first."""
    return first_ready(imgstudio.models(task))


def first_ready(specs: Sequence[imgstudio.Spec]) -> imgstudio.Spec | None:
    """The first that needs no download, or else the first."""
    return next((spec for spec in specs if spec.embedded), specs[0] if specs else None)


def find(name: str) -> imgstudio.Spec:
    """The record of the model of that name."""
    return imported.find(name)


def model_chooser(
    task: str,
    elem_id: str,
    *,
    info: str = "The trained net that makes the pictures.",
    among: Sequence[imgstudio.Spec] | None = None,
) -> tuple[gr.Dropdown, gr.HTML]:
    """The drop-down of a task's models, or of those `among` them, and the line under it with size, source and licence."""
    specs = imgstudio.models(task) if among is None else among
    choices = [(spec.title, spec.name) for spec in specs]
    first = first_ready(specs)
    name = first.name if first else None
    chooser = gr.Dropdown(choices, value=name, label="Model", info=info, filterable=False, elem_id=elem_id)
    return chooser, gr.HTML(model_line(name) if name else "", elem_classes="model-line")


def model_line(name: str) -> str:
    """Size, source and licence of a model, in one line; of a translation, the size of both directions, which are used at once."""
    spec = find(name)
    if spec.embedded:
        source = "comes with the studio"
    elif isinstance(spec.source, imgstudio.Hub):
        source = f"from the Hub: {spec.source.repo}"
    else:
        source = "a file of yours"
    used = downloads.with_inverse(name)
    size = megabytes(sum(each.size for each in used)) + (" for both directions" if len(used) > 1 else "")
    parts = [size, source, licence(spec)]
    if isinstance(spec.source, imgstudio.Hub):
        parts.append("not downloaded yet" if downloads.missing(name) else "downloaded")
    return " · ".join(f"<span>{html.escape(part)}</span>" for part in parts)


def licence(spec: imgstudio.Spec) -> str:
    """Of a model's weights, in words that stand alone: "MIT", "licence not stated"."""
    return f"licence {spec.licence}" if spec.licence.startswith("not ") else spec.licence


def megabytes(size: int) -> str:
    """The size of a file of weights for people; a net that follows from a formula has none."""
    if size == 0:
        return "no weights"
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"


# --- examples


def examples(names: Iterable[str], elem_id: str) -> list[gr.Button]:
    """A row of small buttons, each for settings worth a try; `elem_id`-0, -1, ... on the page."""
    with gr.Row(elem_classes="examples"):
        gr.HTML('<p class="help">Try</p>')
        return [gr.Button(name, size="sm", min_width=40, elem_id=f"{elem_id}-{index}") for index, name in enumerate(names)]


# --- seeds


def seed_row(value: int, elem_id: str, *, info: str) -> tuple[gr.Number, gr.Button]:
    """A seed and the dice beside it; `elem_id`-seed and `elem_id`-dice on the page."""
    with gr.Row(elem_classes="seed-row"):
        seed = gr.Number(value, label="Seed", info=info, precision=0, min_width=80, elem_id=f"{elem_id}-seed")
        dice = gr.Button("Roll the dice", elem_classes="dice", scale=0, min_width=42, size="sm", elem_id=f"{elem_id}-dice")
    return seed, dice


def random_seed() -> int:
    return random.randrange(SEEDS)


def whole(value: Any, default: int = 0) -> int:
    """What a number field holds: empty counts as `default`."""
    return default if value is None else int(value)


# --- pictures


def result(label: str, **options: Any) -> gr.Image:
    """A result picture: lossless, not editable, with download and full screen."""
    defaults: dict[str, Any] = {"format": "png", "interactive": False, "buttons": ["download", "fullscreen"]}
    classes = ["result", *options.pop("elem_classes", [])]
    return gr.Image(label=label, show_label=False, elem_classes=classes, **{**defaults, **options})


def comparison(label: str, **options: Any) -> gr.ImageSlider:
    """A result over the picture that it was made from, with a line between them to drag; as lossless as `result`."""
    defaults: dict[str, Any] = {"format": "png", "type": "filepath", "interactive": False, "buttons": ["fullscreen"]}
    classes = ["result", "comparison"]
    return gr.ImageSlider(label=label, show_label=False, max_height=TALLEST, elem_classes=classes, **{**defaults, **options})


def strip(label: str, columns: int, **options: Any) -> gr.Gallery:
    """A row, or sheet, of captioned result pictures. It does not open pictures on a click; a click can mean something."""
    defaults: dict[str, Any] = {"format": "png", "interactive": False, "allow_preview": False, "object_fit": "contain"}
    classes = ["strip", *options.pop("elem_classes", [])]
    fixed = {"columns": columns, "fit_columns": False, "height": "auto", "buttons": [], "show_label": False}
    return gr.Gallery(label=label, elem_classes=classes, **{**defaults, **fixed, **options})


def enlarging_control() -> gr.Radio:
    return gr.Radio(LOOKS, value="auto", label="Enlarging", info="How small pictures are enlarged to the size of the screen.")


def enlarged(picture: Image.Image, model: str, look: str, side: int) -> Image.Image:
    """The picture at `side` px, smooth or with its pixels visible."""
    art = model.partition("/")[2] in PIXEL_ART
    return pictures.enlarge(picture, side, smooth=look == "smooth" or (look == "auto" and not art))


def folder() -> Path:
    """A new folder for results of the visitor whose event is handled; it goes when the visitor has left."""
    return visitors.folder()


def is_result(path: str | None) -> bool:
    """Whether a file lies in a folder of `folder`: the page made it, and nobody uploaded it."""
    return path is not None and visitors.is_result(Path(path))


def title_of(path: str | os.PathLike[str]) -> str:
    """The name of a visitor's file as a title: letters, digits and a few signs, not too many."""
    words = re.sub(r"[^\w .()-]+", " ", Path(path).stem)
    return " ".join(words.split())[:LONGEST].strip(" .") or "Your picture"


def file_name(*parts: Any) -> str:
    """(`dcgan/avatars`, `seed`, 7) -> `dcgan-avatars-seed-7`."""
    return re.sub(r"[^\w.-]+", "-", "-".join(str(part) for part in parts))


def save_result(picture: Image.Image, name: str, settings: Mapping[str, Any], place: Path | None = None) -> str:
    """Saves a result with its settings inside, so that the picture can be made again. Returns the path."""
    path = (place or folder()) / f"{name}.png"
    pictures.save_png(picture, path, dict(settings))
    return str(path)


def preview(picture: Image.Image, control: str) -> str:
    """Saves a picture in the making in place of older ones of that control, small and quick. Returns the path."""
    path = visitors.preview_file(control, "jpg")
    picture.save(path, quality=90)
    return str(path)


def facts(what: str, seconds: float, *parts: str) -> str:
    """The line under a result: "24 pictures in 44 ms", then what else is worth knowing."""
    took = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    first = what if prepared.making() else f"{what} in {took}"
    return '<p class="facts">' + " · ".join(html.escape(part) for part in (first, *parts)) + "</p>"


def warning(text: str | None) -> str:
    """A line of its own under a result; nothing for None."""
    return f'<p class="warning" role="status">{html.escape(text)}</p>' if text else ""


def facts_line(value: str = "") -> gr.HTML:
    return gr.HTML(value, elem_classes="facts-line")


def show_strip(items: Iterable[tuple[Image.Image, str, Mapping[str, Any]]], model: str, look: str, side: int = TILE) -> list:
    """Pictures, captions and settings as the value of a strip: enlarged, and saved with their settings inside."""
    place, items = folder(), list(items)
    captions = [caption for _, caption, _ in items]
    # Two pictures may share a caption, but never a file.
    repeats = [captions[:i].count(caption) for i, caption in enumerate(captions)]

    def save(item: tuple[Image.Image, str, Mapping[str, Any]], repeat: int) -> tuple[str, str]:
        picture, caption, settings = item
        picture = pictures.shrink(picture, PREVIEW * side)
        name = file_name(model, caption, *([repeat + 1] if repeat else []))
        return save_result(enlarged(picture, model, look, side), name, settings, place), caption

    with ThreadPoolExecutor() as pool:  # resizing and compressing let other threads run
        return list(pool.map(save, items, repeats))
