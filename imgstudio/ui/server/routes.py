"""What stands before Gradio's routes: files by name, and bounded bodies."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import anyio
from gradio.route_utils import API_PREFIX
from starlette._utils import get_route_path
from starlette.responses import JSONResponse, Response

from . import files
from .settings import settings
from .uploads import uploads
from .visitors import visitors

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MARGIN = 1_000_000  # bytes of a body beside its files
_DRAINED, _PATIENCE = 64_000_000, 5.0  # bytes that are read of what is refused, and seconds to wait for each part of them


class TooLarge(Exception):
    """A body had more bytes than it may have."""


class Routes:
    """ASGI middleware."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = get_route_path(scope) if scope["type"] == "http" else ""
        route = path.removeprefix(API_PREFIX + "/") if path.startswith(API_PREFIX + "/") else ""
        if route.startswith("file="):
            await self._file(route[len("file=") :], scope, receive, send)
        elif route.startswith("heartbeat/"):
            with visitors.connected(route[len("heartbeat/") :]):
                await self.app(scope, receive, send)
        elif route.rstrip("/") == "upload":
            await self._bounded(scope, receive, _Renamed(send), settings().visitor_mb * 1e6)
        elif scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            await self._bounded(scope, receive, send, settings().upload_mb * 1e6 * 4 / 3)
        else:
            await self.app(scope, receive, send)

    async def _file(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The file of that name, by Gradio's route; one answer for everything else."""
        path = await anyio.to_thread.run_sync(files.readable, name)  # one of the opening may have to be written first
        if path is None:
            await JSONResponse({"detail": "There is no such file."}, 404)(scope, receive, send)
            return
        visitors.fetched(path)
        start = scope["path"].index(API_PREFIX)
        scope = {**scope, "path": f"{scope['path'][:start]}{API_PREFIX}/file={path}"}
        await self.app(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, most: float) -> None:
        most, got, begun, whole = int(most) + _MARGIN, 0, False, False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal got, whole
            message = await receive()
            got, whole = got + len(message.get("body", b"")), not message.get("more_body")
            if got > most:
                raise TooLarge
            return message

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            length = dict(scope["headers"]).get(b"content-length", b"0")
            if not length.isdigit() or int(length) > most:
                raise TooLarge
            await self.app(scope, counted, noted)
        except Exception as error:
            if begun or not (answer := _answer(error, most)):
                raise
            if not whole:
                await _drained(receive)
            await answer(scope, receive, send)


async def _drained(receive: Receive) -> None:
    """Reads on for a while what nobody wants: whose connection is cut while they send never sees the answer."""
    got = 0
    with contextlib.suppress(asyncio.TimeoutError):
        while got < _DRAINED:
            message = await asyncio.wait_for(receive(), _PATIENCE)
            got += len(message.get("body", b""))
            if not message.get("more_body"):
                return


def _answer(error: Exception, most: int) -> Response | None:
    if isinstance(error, TooLarge):
        return JSONResponse({"detail": f"This is too large: at most {most // 1_000_000} MB are taken at once."}, 413)
    return JSONResponse({"detail": files.NO_ROOM}, 507) if files.no_room(error) else None


class _Renamed:
    """Answers of the upload route, a list of paths, with names in their place."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: MutableMapping[str, Any] | None = None
        self._body = b""

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body") or self._start is None:
            return
        body = self._body if self._start["status"] != 200 else _renamed(self._body)
        headers = [pair for pair in self._start["headers"] if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({**message, "body": body})


def _renamed(body: bytes) -> bytes:
    paths = json.loads(body)
    uploads.arrived(Path(path) for path in paths)
    return json.dumps([files.file_name(path) for path in paths]).encode()
