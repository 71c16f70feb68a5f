""" "Open settings from a picture": the controls of a part as they were when a downloaded picture was made.

The settings come from a file that anybody may have written, so every value is checked against its control.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from typing import Any

import gradio as gr

from ...errors import StudioError
from ...studio import pictures
from . import layout, sources
from .events import unqueued
from .sources import Slot

NOT_OURS = "This picture was not made in this part of the studio: choose one that you saved here."


def restore_button(elem_id: str) -> gr.UploadButton:
    """The button, for "Advanced"; `elem_id`-restore on the page."""
    button = gr.UploadButton("Open settings from a picture", file_types=["image"], size="sm", elem_id=f"{elem_id}-restore")
    gr.HTML('<p class="help">Every picture that you download here carries its settings, and the names of its inputs.</p>')
    return button


def wire(
    button: gr.UploadButton,
    task: str | Container[str],
    fields: Mapping[str, Any],
    slots: Mapping[str, Slot],
    changed: gr.State,
    *,
    derive: Callable[[dict[str, Any]], dict[str, Any]] = lambda saved: saved,
) -> None:
    """Connects the button of a part.

    task: what its pictures have as "task", or several. fields: key of the settings -> component. slots: key of an input's
    name -> its slot.
    changed: counts up in the end, after which the part draws anew what is quick to draw.
    derive: from settings to further ones that no picture holds; it may return updates, and raise StudioError.
    """
    held = [slot.held for slot in slots.values()]

    def restore(path: str, count: int, *now: Any) -> tuple:
        saved = read(path, task, derive)
        inputs: list[Any] = []
        for (key, slot), here in zip(slots.items(), now):
            inputs += _input(key, slot, here, saved)
        return *values(fields, saved), *inputs, count + 1

    outputs = [*fields.values(), *(part for slot in slots.values() for part in (slot.picture, slot.held)), changed]
    unqueued(button.upload, restore, [button, changed, *held], outputs)


def values(fields: Mapping[str, Any], saved: Mapping[str, Any]) -> list[Any]:
    """The values for the controls; a control that nothing was saved of stays as it is."""
    return [_value(component, saved[key]) if key in saved else gr.skip() for key, component in fields.items()]


def read(path: str, task: str | Container[str], derive: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The settings in a picture. Raises StudioError where they are not of this task, or no settings at all."""
    saved = pictures.read_settings(path)
    given, known = saved.get("task"), (task,) if isinstance(task, str) else task
    if not isinstance(given, str) or given not in known:
        raise StudioError(NOT_OURS)
    try:
        return derive(saved)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise StudioError(NOT_OURS) from error


def model(saved: Mapping[str, Any], task: str) -> str:
    """The model's name in settings. Raises StudioError for one that is unknown here, or for another task."""
    name = saved["model"]
    if not isinstance(name, str) or layout.find(name).task != task:
        raise StudioError(NOT_OURS)
    return name


def _value(component: Any, value: Any) -> Any:
    """The value for a control: within its bounds, one of its choices; anything else leaves it as it is."""
    if isinstance(value, dict) and value.get("__type__") == "update":
        return value
    if isinstance(component, gr.State):
        return value  # checked by `derive`
    if isinstance(component, gr.Checkbox):
        return value if isinstance(value, bool) else gr.skip()
    if isinstance(component, gr.Slider | gr.Number):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return gr.skip()
        low, high = component.minimum, component.maximum
        value = value if low is None else max(low, value)
        return value if high is None else min(high, value)
    known = [choice[1] for choice in getattr(component, "choices", None) or []]
    return value if value in known else gr.skip()


def _input(key: str, slot: Slot, here: Any, saved: Mapping[str, Any]) -> list[Any]:
    """Values for (picture, held): one of the offered pictures, or what is there already; or else a word about what is missing."""
    title, digest = saved.get(key), saved.get(f"{key}_sha256")
    if not isinstance(title, str) or (here is not None and here.digest == digest):
        return [gr.skip(), gr.skip()]
    if title in slot.offered:
        shown, held, _ = sources.select(slot.offered, title, 0)
        if digest in (None, held.digest):
            return [shown, held]
    gr.Info(f'It was made of "{title[:60]}" (SHA-256 {str(digest)[:16]} ...), which is not here: upload that picture as well.')
    return [gr.skip(), gr.skip()]
