"""Inputs for a picture that a visitor uploads, or that a model samples: upload, camera, clipboard, dice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from ...errors import StudioError
from ...studio import interpolation, pictures
from ..server import files
from . import demos, layout
from .events import connect, report_error, unqueued


class PictureInput(gr.Image):
    """An image field that hands over the path of what was uploaded, unopened: whether it is a picture, the studio decides."""

    is_template = True  # drawn on the page as gr.Image is

    def preprocess(self, payload: Any) -> str | None:
        return None if payload is None else files.checked(payload.path)


class HeldPicture(NamedTuple):
    """The picture in a slot."""

    path: str | None
    seed: int | None  # what it was drawn from; None for an upload
    refused: str | None = None  # a file that was no picture; the field may report one upload twice


class Slot(NamedTuple):
    """A picture, and how to upload or sample another."""

    picture: gr.Image
    upload: gr.UploadButton  # the field's own upload works only when it is empty
    dice: gr.Button
    held: gr.State


def sampled_picture(model: str, seed: int) -> str:
    """Path of a picture that the model samples from this seed, at the size of the net."""
    [picture] = interpolation.prior(model, [seed])
    return layout.save_result(picture, layout.file_name(model, "seed", seed), {"task": "prior", "model": model, "seed": seed})


def build(letter: str, path: str | None, seed: int) -> Slot:
    """letter: its name on the page. path: the picture there at first, drawn from `seed`."""
    with gr.Column(min_width=110, elem_classes="slot"):
        picture = PictureInput(
            value=path,
            type="filepath",
            image_mode=None,
            format="png",
            sources=["upload", "webcam", "clipboard"],
            buttons=[],
            label=letter,
            alt_text=f"Picture {letter}",
            elem_id=f"slot-{letter}",
            elem_classes="slot-picture",
        )
        with gr.Row(elem_classes="slot-buttons"):
            upload = gr.UploadButton(
                f"Upload {letter}", file_types=["image"], size="sm", min_width=40, elem_id=f"slot-{letter}-upload"
            )
            dice = gr.Button(f"Draw {letter}", size="sm", min_width=40, elem_id=f"slot-{letter}-dice")
    return Slot(picture, upload, dice, gr.State(HeldPicture(path, seed)))


def wire(slot: Slot, model: gr.Dropdown, changed: gr.State) -> None:
    """Connects a slot's own events. `changed` counts up whenever there is a new picture."""
    outputs = [slot.picture, slot.held, changed]
    connect(slot.dice.click, _redraw, [model, changed], outputs)
    # Of the field's own events only `change` comes after every camera shot and every paste. It also comes after our own
    # answers, which _accept knows by their path, and twice for one upload: one at a time, so that it can know that too.
    lane = {"concurrency_id": "upload", "concurrency_limit": 1}
    for component, event in ((slot.picture, slot.picture.change), (slot.upload, slot.upload.upload)):
        unqueued(event, _accept, [component, slot.held, changed], outputs, trigger_mode="always_last", **lane)


def _redraw(model: str, changed: int) -> tuple:
    seed = layout.random_seed()
    path = sampled_picture(model, seed)
    return path, HeldPicture(path, seed), changed + 1


def _accept(path: str | None, held: HeldPicture, changed: int) -> tuple:
    """Takes an upload, shrunk so that it is quick to read again; what is no picture is put back, with a word."""
    if path is None or path == held.path:
        return (gr.skip(),) * 3
    if layout.is_result(path):  # an answer of ours that a later one has overtaken: a drop-down may report one choice twice
        return held.path, gr.skip(), gr.skip()
    if path == held.refused:
        return held.path, gr.skip(), gr.skip()
    try:
        small = pictures.shrink(path)
    except StudioError as error:
        report_error(error)
        return held.path, held._replace(refused=path), gr.skip()
    kept = layout.save_result(
        small, "picture", {"task": "upload", "name": layout.title_of(path), "sha256": pictures.digest(path)}
    )
    return kept, HeldPicture(kept, None), changed + 1


def provenance(**held: str | None) -> dict[str, dict[str, Any]]:
    """What the pictures of slots are, for the settings of what is made of them: seed and model, or name and hash."""
    return {letter: _provenance_of(path) for letter, path in held.items() if path}


def _provenance_of(path: str) -> dict[str, Any]:
    try:
        kept = pictures.read_settings(path)
    except StudioError:  # no picture of a slot
        return {}
    return {key: kept[key] for key in ("model", "seed", "name", "sha256") if key in kept}


def resampled(model: str, holding: Sequence[HeldPicture]) -> list[Any]:
    """For another model: sampled pictures are sampled anew by it, uploads stay. A model that can't
    sample gets photographs in place of sampled ones.

    Returns values for (picture, held) of each slot, one after the other.
    """
    result: list[Any] = []
    invents = interpolation.can_sample(model)
    ready = itertools.cycle((demos.contents() or demos.artworks()).values())
    for held, offered in zip(holding, ready):
        path = held.path
        if held.seed is not None or held.path is None:
            path = (
                sampled_picture(model, held.seed or 0) if invents else layout.save_result(pictures.shrink(offered), "picture", {})
            )
        result += [path, HeldPicture(path, held.seed)]
    return result
