"""The explanations at the foot of each tab, in Markdown files of the tabs' names: for somebody who has never heard of the net."""

from __future__ import annotations

from importlib import resources

_NEXT = "\n---\n"  # between the columns of an explanation


def columns(tab: str) -> list[str]:
    """The explanation of a tab, the Markdown text of each of its columns."""
    text = resources.files(__name__).joinpath(f"{tab}.md").read_text(encoding="utf-8")
    return [column.strip() for column in text.split(_NEXT)]
