"""Who may use the page: names and passwords of a setting, and how often somebody may guess."""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict, deque
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse

from ...errors import StudioError
from .proxy import Message, Receive, Scope, Send

SETTING = "IMGSTUDIO_AUTH"
GUESSES, PERIOD = 30, 600.0  # wrong passwords from one address in so many seconds: a class may sit behind one
DELAY = 0.5  # seconds before a wrong password is answered
_ADDRESSES = 10_000  # that are remembered

_FORM = "it has to be name:password pairs with commas between them, or the path of a file that has one pair a line"


def accounts() -> list[tuple[str, str]] | None:
    """Names and passwords of IMGSTUDIO_AUTH, or of the file that it names; None if it is not set. Empty lines and those that
    begin with # are skipped. Raises StudioError, which tells no password."""
    text = os.environ.get(SETTING, "").strip()
    if not text:
        return None
    parts = text.split(",")
    if ":" not in text or Path(text).is_file():
        try:
            parts = Path(text).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            raise StudioError(f"{SETTING} cannot be read: {_FORM}.") from None
    pairs = [_pair(part.strip(), number) for number, part in enumerate(parts, 1) if part.strip() and part.strip()[0] != "#"]
    if not pairs or len(dict(pairs)) < len(pairs):
        raise StudioError(f"{SETTING} {'names somebody twice' if pairs else 'is empty'}: {_FORM}.")
    return pairs


def _pair(text: str, number: int) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not (colon and name.strip() and password):
        raise StudioError(f"{SETTING} is wrong at entry {number}: {_FORM}.")
    return name.strip(), password


class Logins:
    """ASGI middleware that bounds wrong passwords."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()  # address -> when its last wrong passwords came

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].rstrip("/").endswith("/login"):
            await self._app(scope, receive, send)
            return
        wrong = self._of((scope.get("client") or ("",))[0])
        while wrong and wrong[0] < time.monotonic() - PERIOD:
            wrong.popleft()
        if len(wrong) >= GUESSES:
            answer = JSONResponse({"detail": "There were too many wrong passwords: try again in ten minutes."}, 429)
            await answer(scope, receive, send)
            return
        wrong.append(guess := time.monotonic())  # counts before it is answered, so that many at once are no way around

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 200 and guess in wrong:
                    wrong.remove(guess)
                elif message["status"] != 200:
                    await asyncio.sleep(DELAY)
            await send(message)

        await self._app(scope, receive, counted)

    def _of(self, address: str) -> deque[float]:
        found = self._wrong.setdefault(address, deque())
        self._wrong.move_to_end(address)
        if len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)
        return found
