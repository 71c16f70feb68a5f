"""Values that come in: whatever doesn't suit its field ends in one sentence for the caller, and no traceback in the log."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import gradio as gr

from ...errors import StudioError
from . import files

UNFIT = "One of the values sent is not of the kind, or not in the range, that belongs there: look up what is taken."
LONGEST = 300  # characters of a sentence that may repeat what the caller has sent


def finite(value: Any) -> bool:
    """Whether all numbers in a value of JSON are."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        value = value.values()
    return not isinstance(value, Iterable) or isinstance(value, str) or all(map(finite, value))


def sentence(error: BaseException) -> str:
    """What a field's error says to the caller; nothing of what only programmers understand."""
    for cause in (error, error.__cause__):
        if isinstance(cause, StudioError):
            return files.sentence(cause)
        if isinstance(cause, gr.Error):
            told = str(cause.message).rstrip(".")
            return f"{told}." if len(told) <= LONGEST else UNFIT
    return UNFIT
