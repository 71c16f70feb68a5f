"""Limits of a running page, read once from the environment. What each is for stands in `.github/SECURITY.md`."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import StudioError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What visitors may ask of this server. The command line and Python have limits of their own, which are wider."""

    public: bool  # strangers may reach it: no Clear, no repository without a size limit, no paths of the server
    upload_mb: float  # of one uploaded file
    visitor_mb: float  # of files that one visitor keeps: uploads and results together
    pixels: int  # longer side of a result over HTTP
    steps: int  # of an optimisation over HTTP
    seconds: float  # for which one job may compute
    waiting: int  # jobs of one visitor that may wait
    waiting_address: int  # jobs of one network address that may wait: a class may sit behind one
    visitors: int  # sessions that are kept at once
    forget_seconds: float  # after a visitor has left, until what was kept for them is freed


PRIVATE = {"upload_mb": 200, "visitor_mb": 1000, "pixels": 2048, "steps": 1000, "seconds": 900, "waiting_address": 12}
PUBLIC = {"upload_mb": 50, "visitor_mb": 300, "pixels": 1024, "steps": 500, "seconds": 180, "waiting_address": 12}
SHARED = {"waiting": 4, "visitors": 500, "forget_seconds": 60}

_TRUE = ("1", "true", "yes", "on")


@functools.cache
def settings() -> Settings:
    """Those of this process: IMGSTUDIO_PUBLIC (a Space is public anyway) chooses the defaults, and IMGSTUDIO_UPLOAD_MB,
    IMGSTUDIO_PIXELS, IMGSTUDIO_STEPS, ... replace single ones. Raises StudioError for a value that is no number."""
    public = os.environ.get("IMGSTUDIO_PUBLIC", "1" if os.environ.get("SPACE_ID") else "").strip().lower() in _TRUE
    defaults = {**SHARED, **(PUBLIC if public else PRIVATE)}
    return Settings(public=public, **{name: _read(name, default) for name, default in defaults.items()})


def _read(name: str, default: float) -> float:
    variable = f"IMGSTUDIO_{name.upper()}"
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    whole = name in ("pixels", "steps", "waiting", "waiting_address", "visitors")
    kind: Callable[[str], float] = int if whole else float
    if not re.fullmatch(r"\d{1,9}" if whole else r"\d{1,9}(\.\d{1,6})?", text, re.ASCII) or not kind(text) > 0:
        raise StudioError(f"{variable} is {text!r}: it has to be a {'whole ' if whole else ''}number above 0.")
    return kind(text)
