"""Values that come in: whatever doesn't suit its field ends in one sentence for the caller, and no traceback in the log."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import gradio as gr

from ... import interrupt
from ...errors import StudioError

UNFIT = (
    "The values don't suit the fields of this function, by their number, their kind or their range: "
    "/gradio_api/info tells what goes where."
)
LONGEST = 300  # characters of a sentence that may repeat what the caller has sent


def explain_refusals(demo: gr.Blocks) -> None:
    """From now on, the page's fields refuse values in a sentence."""
    preprocess = demo.preprocess_data

    @functools.wraps(preprocess)
    async def preprocess_data(block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        try:
            if not finite(inputs):  # a slider takes NaN for a number between its ends
                raise ValueError("a number is not finite")
            return await preprocess(block_fn, inputs, *args, **kwargs)
        except Exception as error:
            if work := interrupt.current():
                work.tell(interrupt.REFUSED, "value")
            raise gr.Error(sentence(error), print_exception=False) from error

    demo.preprocess_data = preprocess_data


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
            return str(cause)
        if isinstance(cause, gr.Error):
            told = str(cause.message).rstrip(".")
            return f"{told}." if len(told) <= LONGEST else UNFIT
    return UNFIT
