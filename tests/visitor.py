"""A visitor who speaks plain HTTP to a running page, as the page's own script does, or a stranger's."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import secrets
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
from PIL import Image

PATIENCE = 120  # seconds on a busy machine


class Visitor:
    """One session. `listening` opens its stream of messages."""

    def __init__(self, url: str) -> None:
        self.url, self.api, self.session = url, f"{url}/gradio_api", secrets.token_hex(6)
        self.messages: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._known = threading.Event()  # there is no stream before the first job

    # --- plain calls of endpoints

    def call(self, endpoint: str, *data: Any) -> httpx.Response:
        """The first of the two steps: the answer has an event id, or a sentence."""
        return self._post(f"call/{endpoint}", {"data": data})

    def _post(self, way: str, body: dict[str, Any]) -> httpx.Response:
        """With NaN where there is one, as hostile callers write it."""
        headers = {"content-type": "application/json"}
        return httpx.post(f"{self.api}/{way}", content=json.dumps(body), headers=headers, timeout=PATIENCE)

    def result(self, endpoint: str, event: str, timeout: float = PATIENCE) -> tuple[str, Any]:
        """The second: the last event's name, and its data."""
        name, last = "", ("", None)
        with httpx.stream("GET", f"{self.api}/call/{endpoint}/{event}", timeout=timeout) as stream:
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: ") and name != "heartbeat":
                    last = name, json.loads(line[6:])
        return last

    def ask(self, endpoint: str, *data: Any) -> tuple[str, Any]:
        answer = self.call(endpoint, *data)
        assert answer.status_code == 200, answer.text
        return self.result(endpoint, answer.json()["event_id"])

    def cancel(self, session: str, function: int, event: str) -> None:
        body = {"session_hash": session, "fn_index": function, "event_id": event}
        assert httpx.post(f"{self.api}/cancel", json=body, timeout=PATIENCE).status_code == 200

    def upload(self, width: int = 64, height: int = 64, content: bytes | None = None) -> dict[str, Any]:
        """A picture of its own, as a value for a picture's parameter. content: of its file, by default noise of that size."""
        written = io.BytesIO()
        Image.effect_noise((width, height), 80).convert("RGB").save(written, "PNG")
        files = {"files": ("holiday-in-private.png", content or written.getvalue(), "image/png")}
        [path] = httpx.post(f"{self.api}/upload", files=files, timeout=PATIENCE).json()
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    def bytes_of(self, file: dict[str, Any]) -> bytes:
        """The content of a file of the server."""
        answer = httpx.get(f"{self.api}/file={file['path']}", timeout=PATIENCE)
        assert answer.status_code == 200, file
        return answer.content

    # --- as the page does it

    def config(self) -> dict[str, Any]:
        return httpx.get(f"{self.url}/config", timeout=PATIENCE).json()

    def join(self, function: int, data: list[Any]) -> httpx.Response:
        answer = self._post("queue/join", {"data": data, "fn_index": function, "session_hash": self.session})
        self._known.set()
        return answer

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """The stream is open inside, once there was a first job, and is closed without a word at the end."""
        leaving = threading.Event()
        open_now: list[http.client.HTTPConnection] = []

        def listen() -> None:
            while not leaving.wait(0.05):
                if self._known.is_set():
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        self._read(open_now)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield
        finally:
            leaving.set()
            for connection in open_now:
                with contextlib.suppress(OSError):  # the server may have ended it in this moment
                    if connection.sock:
                        connection.sock.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)

    def _read(self, open_now: list[http.client.HTTPConnection]) -> None:
        """Messages until the server ends the stream, as it does when the last job is over, or until it is shut down here."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=PATIENCE)
        open_now[:] = [connection]
        with contextlib.closing(connection):
            connection.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")
            stream = connection.getresponse()
            connection.sock = connection.sock or stream.fp.raw._sock  # which http.client lets go of
            while line := stream.readline():
                if line.startswith(b"data: "):
                    with self._news:
                        self.messages.append(json.loads(line[6:]))
                        self._news.notify_all()

    def completed(self, event: str) -> dict[str, Any]:
        """Waits for the end of a job, and returns its last message."""
        return self.wait(lambda each: each.get("event_id") == event and each["msg"] == "process_completed")

    def wait(self, wanted: Any) -> dict[str, Any]:
        with self._news:
            found = self._news.wait_for(lambda: [each for each in self.messages if wanted(each)], PATIENCE)
        assert found, self.messages
        return found[0]
