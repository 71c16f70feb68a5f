"""Headers by which browsers keep a page to itself, on every answer."""

from __future__ import annotations

import os
import re
from typing import Any

from ...errors import StudioError
from .proxy import Message, Receive, Scope, Send

FRAMES = "IMGSTUDIO_FRAMES"

# The frontend evaluates the scripts of its events and makes workers and pictures of blobs; nothing comes from other hosts.
_PAGE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob: mediastream:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors {frames}"
)
# Files of visitors: whatever they are, they run nothing and belong to no origin.
_FILE = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; frame-ancestors {frames}"
_OTHERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"permissions-policy": b"camera=(self), clipboard-read=(self), clipboard-write=(self), fullscreen=(self), microphone=(), "
    b"geolocation=(), payment=(), usb=()",
}
NEAR = "'self' http://localhost:* http://127.0.0.1:* https://*.hf.space https://huggingface.co"


def frames(*, open_: bool) -> str:
    """Which pages may show this one in a frame, as `frame-ancestors` has it: those that IMGSTUDIO_FRAMES lists (* for all);
    otherwise all, if the server is open to everybody, or those of this machine and of Spaces. Raises StudioError."""
    text = os.environ.get(FRAMES, "").strip()
    if not text:
        return "*" if open_ else NEAR
    parts = re.split(r"[\s,]+", text)
    if not all(re.fullmatch(r"\*|'?self'?|'?none'?|https?://[\w*.-]+(:[\d*]+)?", part) for part in parts):
        raise StudioError(f"{FRAMES} is {text!r}: it has to be *, or addresses such as https://course.example.org.")
    return " ".join(f"'{part}'" if part in ("self", "none") else part for part in parts)


class Headers:
    """ASGI middleware. frames: as of `frames`."""

    def __init__(self, app: Any, frames: str) -> None:
        self._app = app
        self._page, self._file = (text.format(frames=frames).encode() for text in (_PAGE, _FILE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = self._file if "/gradio_api/file" in scope["path"] else self._page

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = {**_OTHERS, b"content-security-policy": policy}
                kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in more]
                message = {**message, "headers": [*kept, *more.items()]}
            await send(message)

        await self._app(scope, receive, answer)
