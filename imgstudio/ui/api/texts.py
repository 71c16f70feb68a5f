"""What an endpoint's docstring says of its parameters and results: the one place where that is written.

The form is `Args:` and `Returns:`, each with lines "name: text". A line stands for itself, because Gradio reads single lines
as well, for the descriptions of tools.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

_LINE = re.compile(r"([\w ]+): (.+)")


def arguments(function: Callable[..., Any]) -> dict[str, str]:
    """What each parameter is, by name."""
    return _section(function, "Args:")


def results(function: Callable[..., Any]) -> dict[str, str]:
    """What each result is, by name, in their order."""
    return _section(function, "Returns:")


def _section(function: Callable[..., Any], title: str) -> dict[str, str]:
    _, _, text = (inspect.getdoc(function) or "").partition(f"\n{title}\n")
    lines = text.partition("\n\n")[0].splitlines()
    found = [_LINE.fullmatch(line.strip()) for line in lines]
    if not all(found):
        raise ValueError(f"{function.__name__}: each line under {title} is 'name: text', got {lines}")
    return {each[1]: each[2] for each in found if each}
