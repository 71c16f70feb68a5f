"""A visitor without rights who writes his requests by hand, and a look from outside at what the server does with them."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import page_server

API = "/gradio_api"
PATIENCE = 120.0  # seconds for one answer of a busy machine


@dataclass
class Server:
    """A page of its own, in a process that can be looked at."""

    url: str
    process: subprocess.Popen
    temp: Path
    log: Path

    @property
    def memory(self) -> int:
        """Resident bytes."""
        return 1024 * int(self._status("VmRSS"))

    @property
    def threads(self) -> int:
        return int(self._status("Threads"))

    def _status(self, name: str) -> str:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))

    @property
    def computed(self) -> float:
        """Seconds of processor time so far."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def busy(self, seconds: float = 1.0) -> float:
        """Processors in use over the next seconds."""
        before, started = self.computed, time.monotonic()
        time.sleep(seconds)
        return (self.computed - before) / (time.monotonic() - started)

    def figures(self, when: str) -> str:
        return f"{when}: {self.memory / 1e6:.0f} MB, {self.threads} threads"

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()


def start(temp: Path, **settings: str) -> Server:
    """Starts `app.py` with its files in `temp`. settings: environment variables."""
    log = Path(tempfile.mkdtemp(prefix="imgstudio-test-")) / "log.txt"
    env = {**os.environ, "PORT": str(page_server._free_port()), "GRADIO_TEMP_DIR": str(temp), "PYTHONUNBUFFERED": "1"}
    env |= {
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(page_server.ROOT),
        **settings,
    }
    with log.open("w") as output:
        command = [sys.executable, "app.py"]
        process = subprocess.Popen(command, cwd=page_server.ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        return Server(page_server._printed_address(process, log), process, temp, log)
    except BaseException:
        process.kill()
        raise


@dataclass
class Answer:
    """Of one job. events: what was sent, by name and content, the last one at the end."""

    status: int
    events: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.events[-1][0] if self.events else f"HTTP {self.status}"

    @property
    def value(self) -> Any:
        return self.events[-1][1] if self.events else None

    @property
    def text(self) -> str:
        """All of it, to look for what must not be there."""
        return json.dumps([self.status, self.events], ensure_ascii=False)


class Visitor:
    """A session of its own."""

    def __init__(self, server: Server):
        self.server, self.session = server, secrets.token_hex(6)

    def request(self, path: str, body: Any = None, headers: dict | None = None, timeout: float = PATIENCE) -> tuple[int, bytes]:
        """Status and content; a body is sent as JSON, or as it is if it is bytes."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.server.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def json(self, path: str) -> Any:
        return json.loads(self.request(path)[1])

    def upload(self, name: str, content: bytes) -> str:
        """Path of the file on the server. Raises ValueError with the answer if it is not taken."""
        border = secrets.token_hex(8)
        head = f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{border}--\r\n".encode()
        status, answer = self.request(f"{API}/upload", body, {"Content-Type": f"multipart/form-data; boundary={border}"})
        if status != 200:
            raise ValueError(f"{status}: {answer.decode(errors='replace')}")
        return json.loads(answer)[0]

    def post(self, endpoint: str, data: list) -> tuple[int, Any]:
        """Asks for a job of an endpoint without waiting for it: status, and the event's id or the refusal."""
        status, answer = self.request(f"{API}/call/{endpoint}", {"data": data, "session_hash": self.session})
        found = json.loads(answer)
        return status, found.get("event_id", found)

    def call(self, endpoint: str, data: list, timeout: float = PATIENCE) -> Answer:
        """A job of an endpoint, to its end."""
        status, event = self.post(endpoint, data)
        if status != 200:
            return Answer(status, [("refused", event)])
        return Answer(status, list(self._named(f"{API}/call/{endpoint}/{event}", timeout)))

    def _named(self, path: str, timeout: float) -> Iterator[tuple[str, Any]]:
        name = ""
        with urllib.request.urlopen(self.server.url + path, timeout=timeout) as stream:
            for line in map(bytes.decode, stream):
                kind, _, rest = line.strip().partition(": ")
                if kind == "event":
                    name = rest
                elif kind == "data" and name != "heartbeat":
                    yield name, json.loads(rest)

    def join(self, function: int, data: list, trigger: int | None = None) -> tuple[int, Any]:
        """Asks for a job of any handler of the page: status, and the event's id or the refusal."""
        body = {"data": data, "fn_index": function, "session_hash": self.session, "trigger_id": trigger, "event_data": None}
        status, answer = self.request(f"{API}/queue/join", body)
        found = json.loads(answer)
        return status, found.get("event_id", found)

    def handle(self, function: int, data: list, trigger: int | None = None, timeout: float = PATIENCE) -> Answer:
        """A job of any handler of the page, to its end."""
        status, event = self.join(function, data, trigger)
        if status != 200:
            return Answer(status, [("refused", event)])
        answer = Answer(status)
        with urllib.request.urlopen(f"{self.server.url}{API}/queue/data?session_hash={self.session}", timeout=timeout) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    message = json.loads(line[5:])
                    if message["msg"] not in ("heartbeat", "estimation"):
                        answer.events.append((message["msg"], message))
                    if message["msg"] in ("process_completed", "close_stream", "unexpected_error"):
                        break
        return answer

    def cancel(self, event: str, function: int, session: str | None = None) -> int:
        body = {"session_hash": session or self.session, "fn_index": function, "event_id": event}
        return self.request(f"{API}/cancel", body)[0]
