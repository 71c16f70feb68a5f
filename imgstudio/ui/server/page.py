"""The page as Gradio runs it: every value that comes in is checked here, and every file that goes out gets a name."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import gradio as gr
from gradio.exceptions import Error
from starlette.middleware import Middleware

from ... import interrupt
from . import files, opening, tools, values
from .routes import Routes
from .sessions import lifespan
from .settings import settings
from .visitors import visitors

log = logging.getLogger(__name__)


class Page(gr.Blocks):
    """gr.Blocks, for visitors who may send anything."""

    @functools.wraps(gr.Blocks.launch)
    def launch(self, **options: Any) -> Any:
        """Serves the page; its opening pictures are kept from then on. options: those of gr.Blocks."""
        opening.keep(self._opening_files())
        own = options.pop("app_kwargs", None) or {}
        own["middleware"] = [*own.get("middleware", []), Middleware(Routes)]
        own.setdefault("lifespan", lifespan)
        limits = {"state_session_capacity": settings().visitors, "max_file_size": int(settings().upload_mb * 1e6)}
        return super().launch(**{**limits, **options, "app_kwargs": own})

    @property
    def mcp_server_obj(self) -> Any:
        """The tools for MCP, where they are served. Gradio sets it to a server of its own."""
        return self._tools

    @mcp_server_obj.setter
    def mcp_server_obj(self, server: Any) -> None:
        self._tools = tools.Tools(self) if server else None

    def _opening_files(self) -> Iterator[Path]:
        for block in self.blocks.values():
            for path in _paths(getattr(block, "value", None)):
                yield Path(path)

    def get_config_file(self) -> Any:
        """What the page is built from in the browser."""
        return files.outgoing(super().get_config_file())

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Too few values are the caller's mistake."""
        if len(inputs) < len(block_fn.inputs):
            raise _refusal(f"This function takes {len(block_fn.inputs)} values, and {len(inputs)} were sent: send all of them.")

    async def process_api(self, *args: Any, **options: Any) -> Any:
        """One event, or one step of it, for the visitor who asked."""
        if (event := options.get("event_data")) is not None:
            event._data = _without_files(event._data)
        with visitors.at_work(options.get("session_hash")):
            try:
                return await super().process_api(*args, **options)
            except Exception as error:
                if files.no_room(error):
                    raise _refusal(files.NO_ROOM) from error
                raise

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> list[Any]:
        """Values of components, from what was sent."""
        try:
            self.validate_inputs(block_fn, inputs)
            if not values.finite(inputs):  # a slider takes NaN for a number between its ends
                raise _refusal(values.UNFIT)
            checked = await anyio.to_thread.run_sync(_checked, block_fn.inputs, inputs)
            return await super().preprocess_data(block_fn, checked, state, explicit_call)
        except Exception as error:  # whatever a component says to what is not its kind of value
            if files.no_room(error):
                raise
            if work := interrupt.current():
                work.tell(interrupt.REFUSED, "value")
            log.info("a value was refused", exc_info=error)
            raise _refusal(values.sentence(error)) from error

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """What is sent for the results."""
        return files.outgoing(await super().postprocess_data(block_fn, predictions, state))


def _checked(components: list[Any], inputs: list[Any]) -> list[Any]:
    with contextlib.suppress(OSError):  # a full disk concerns only those who need one of these files
        opening.restore()
    return [value if component.stateful else files.incoming(component, value) for component, value in zip(components, inputs)]


def _without_files(data: Any) -> Any:
    """What a click tells, its files left out: they go by names that Gradio does not know, and no handler reads them."""
    if isinstance(data, dict):
        return None if "path" in data and "meta" in data else {key: _without_files(value) for key, value in data.items()}
    return [_without_files(value) for value in data] if isinstance(data, list) else data


def _refusal(text: str) -> Error:
    return Error(text, print_exception=False)


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        for each in value.values():
            yield from _paths(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _paths(each)
