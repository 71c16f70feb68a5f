"""The page: components and events. It knows Gradio and the studio; nets and files are the studio's business."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when Blocks are made: nothing is reported anywhere
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import gradio as gr

from ..errors import StudioError
from ..studio import system
from . import api, header, tabs
from .kit import prepared
from .kit.theme import ICON, head, theme
from .server import access, auth, outer, queue, tools
from .server.page import Page
from .tabs.translation import suited

_DAY = 86_400  # seconds


@contextlib.contextmanager
def exit_with_sentence() -> Iterator[None]:
    """Ends the program with the sentence of a StudioError, such as one on a setting, and no traceback."""
    try:
        yield
    except StudioError as error:
        raise SystemExit(f"imgstudio: {error}") from None


def build(shown: Sequence[str] | None = None) -> gr.Blocks:
    """The page with these tabs, or those of IMGSTUDIO_TABS, or all.

    What it opens with is stored (see `prepared`), so that no net has to be loaded for it.
    """
    system.prepare()
    with Page(title="imgstudio", delete_cache=(_DAY // 24, _DAY)) as demo:
        header.build()
        with gr.Tabs(elem_classes="rooms"):
            for name in tabs.chosen() if shown is None else shown:
                tab = importlib.import_module(f"{__name__}.tabs.{name}")
                with gr.Tab(tab.TITLE, id=name):
                    tab.build()
        api.build()
    return demo


def write_opening(folder: Path | None = None) -> list[Path]:
    """Makes the results that the page opens with, in `folder` or in place of those that are there. Returns the files."""
    place = folder or prepared.FOLDER
    with tempfile.TemporaryDirectory() as temporary, prepared.writing(Path(temporary)), _computing_as_everywhere():
        suited.imagined.cache_clear()  # of an earlier page
        build(tabs.TABS)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(temporary, place)
    return sorted(place.iterdir())


@contextlib.contextmanager
def _computing_as_everywhere() -> Iterator[None]:
    """What is computed meanwhile is computed as on any machine, so that all of them store the same up to rounding."""
    common = {"IMGSTUDIO_DEVICE": "cpu", "IMGSTUDIO_DTYPE": "float32"}
    before = {name: os.environ.get(name) for name in common}
    os.environ.update(common)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _port(text: str) -> int:
    if not (text.strip().isascii() and text.strip().isdecimal() and 0 < int(text[:9]) < 65_536):
        raise StudioError(f"PORT is {text[:60]!r}: it has to be a whole number from 1 to 65535.")
    return int(text)


def check(mcp_server: bool | None = None) -> None:
    """What `launch` would refuse, before the page is built. mcp_server: its option. Raises StudioError."""
    if tools.wanted(mcp_server):
        tools.check(passwords=auth.accounts() is not None)


def launch(demo: gr.Blocks, **options: Any) -> Any:
    """Serves the page and prints its address. The port is that of the variable PORT, or else GRADIO_SERVER_PORT.

    options: those of Gradio's launch(). Raises StudioError for a setting that cannot be read.
    """
    settings = {
        "theme": theme(),
        "head": head(),
        "favicon_path": str(ICON.with_suffix(".png")),
        "footer_links": ["api", "settings"],
        "ssr_mode": False,
        "run_history": False,
        "show_error": False,
    }
    if "_frontend" in inspect.signature(demo.launch).parameters:
        settings["_frontend"] = False  # or else Gradio gives up if its own first answer takes 3 s, as on a busy machine
    if "PORT" in os.environ:
        settings |= {"server_port": _port(os.environ["PORT"])}
    check(options.get("mcp_server"))
    access.configure()
    queue.install(demo)
    return demo.launch(**outer.options({**settings, **options}))
