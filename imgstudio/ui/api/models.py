"""The API of the tab "Models"."""

from __future__ import annotations

from typing import Any

from ...studio import description


def models(task: str = "") -> list[dict[str, Any]]:
    """Every model, with all that is known of it: the names that the other endpoints take, and what each model offers.

    Args:
        task: sample, reconstruct, translate, stylize, segment or features; empty for every model.

    Returns:
        models: One entry a model, the same as `python -m imgstudio models --json` prints.
    """
    return description.list_models(task or None)
