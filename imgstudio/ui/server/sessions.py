"""What the server keeps for each open page: little, for a bounded number of them, and no longer than a visitor stays."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from copy import copy
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

from .uploads import uploads
from .visitors import visitors

SWEEP_EVERY = 60  # seconds between two looks at the folders


class Session(SessionState):
    """Gradio's, without the copy of the page's description that only its links to a state are made from."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values = {}
        self.state_data = {}
        self._state_ttl = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, gr.State):
            self._state_ttl[key] = (block.time_to_live, datetime.datetime.now())
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Nothing is kept of it."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing is kept of it."""


class Sessions(StateHolder):
    """Those of all visitors. The number is bounded: those without an open page go first."""

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            if session_id not in self.session_data:
                self.session_data[session_id] = Session(self.blocks)
            self.time_last_used[session_id] = datetime.datetime.now()
            session = self.session_data[session_id]
        visitors.of(session_id).touch()
        self.update(session_id)
        return session

    def update(self, session_id: str) -> None:
        """Counts it as the last used, and gives up others where there are too many."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            too_many = len(self.session_data) - self.capacity
            others = [each for each in self.session_data if each != session_id] if too_many > 0 else []
            gone = sorted(others, key=_stays)[: max(0, too_many)]
            for each in gone:
                self._drop(each)
        for each in gone:
            visitors.forget(each)

    def delete_all_expired_state(self) -> None:
        """Called by Gradio every second: forgets visitors who left."""
        super().delete_all_expired_state()
        for session in visitors.forget_those_who_left():
            with self.lock:
                self._drop(session)

    def _drop(self, session_id: str) -> None:
        self.session_data.pop(session_id, None)
        self.time_last_used.pop(session_id, None)


def _stays(session_id: str) -> tuple[bool, bool]:
    visitor = visitors.find(session_id)
    return (visitor is not None and visitor.working > 0, visitor is not None and visitor.connections > 0)


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """While the server runs: sessions of the kind above, and old files removed."""
    app.state_holder = Sessions()
    app.state_holder.set_blocks(app.get_blocks())
    sweeping = asyncio.create_task(_sweep())
    try:
        yield
    finally:
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping


async def _sweep() -> None:
    while True:
        await asyncio.to_thread(uploads.sweep)
        await asyncio.sleep(SWEEP_EVERY)
