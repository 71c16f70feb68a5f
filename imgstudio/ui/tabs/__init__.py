"""The tabs of the page: one folder or file a tab, with TITLE and build(). A new one is its folder and a word in TABS."""

from __future__ import annotations

import difflib
import os

from ...errors import StudioError

TABS = ("sampling", "interpolation", "translation", "style", "texture", "models")


def chosen() -> tuple[str, ...]:
    """The tabs of this page, in the page's order: those that IMGSTUDIO_TABS names, with commas in between, or all.

    A page of a few tabs opens much faster in the browser. Raises StudioError for a name that is none.
    """
    names = [name.strip().lower() for name in os.environ.get("IMGSTUDIO_TABS", "").split(",") if name.strip()]
    for name in names:
        if name not in TABS:
            close = difflib.get_close_matches(name, TABS, 1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise StudioError(f"IMGSTUDIO_TABS names no tab with {name[:60]!r}. {hint}There are {', '.join(TABS)}.")
    return tuple(name for name in TABS if not names or name in names)
