"""Compression of what Gradio sends as it is: it looks at the ending of a path, and those of the page and its description have
none."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

from .proxy import Message, Receive, Scope, Send

LEAST = 1000  # bytes of an answer that is worth it
_TEXTS = (b"text/html", b"text/css", b"text/plain", b"text/javascript", b"application/javascript", b"application/json")


class Compression:
    """ASGI middleware. Answers that come in parts, such as streams of events, pass as they are."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or b"gzip" not in _accepted(scope):
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def answer(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _worth(message):
                start = message
                return
            if start is not None:
                first, start = start, None
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    first, message = await asyncio.to_thread(_compressed, first, message)
                await send(first)
            await send(message)

        await self._app(scope, receive, answer)


def _accepted(scope: Scope) -> set[bytes]:
    """Encodings that the client takes."""
    values = b",".join(value for name, value in scope["headers"] if name.lower() == b"accept-encoding")
    parts = (part.strip().lower().partition(b";") for part in values.split(b","))
    return {name.strip() for name, _, weight in parts if weight.replace(b" ", b"") not in (b"q=0", b"q=0.0")}


def _worth(start: Message) -> bool:
    headers = {name.lower(): value for name, value in start.get("headers", [])}
    text = headers.get(b"content-type", b"").partition(b";")[0].strip() in _TEXTS
    return text and start["status"] == 200 and b"content-encoding" not in headers


def _compressed(start: Message, message: Message) -> tuple[Message, Message]:
    body = message.get("body", b"")
    if len(body) < LEAST:
        return start, message
    body = gzip.compress(body, 6, mtime=0)
    kept = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
    more = [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"), (b"content-length", str(len(body)).encode())]
    return {**start, "headers": [*kept, *more]}, {**message, "body": body}
