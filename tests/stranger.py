"""A visitor without any rights, by raw HTTP: what the page's own client would never send."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

API = "/gradio_api"
FILES = ("image", "uploadbutton", "imageeditor", "imageslider", "gallery", "file", "downloadbutton", "video", "audio")


class Stranger:
    """One session."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = secrets.token_hex(6)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def post(self, path: str, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
        """Status and body."""
        request = urllib.request.Request(self.address + path, body, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    @cached_property
    def config(self) -> dict[str, Any]:
        return json.loads(self.get("/config")[1])

    @cached_property
    def components(self) -> dict[int, dict[str, Any]]:
        return {each["id"]: each for each in self.config["components"]}

    def call(self, name: str, values: list[Any]) -> bytes:
        """The whole answer of an endpoint."""
        body = json.dumps({"data": values}).encode()
        event = json.loads(self.post(f"{API}/call/{name}", body)[1])["event_id"]
        return self.get(f"{API}/call/{name}/{event}")[1]

    def event(self, dependency: dict[str, Any], values: list[Any]) -> dict[str, Any]:
        """What the page would be told at the end of one of its own events."""
        body = {"fn_index": dependency["id"], "data": values, "session_hash": self.session, "event_data": None}
        status, answer = self.post(f"{API}/queue/join", json.dumps(body).encode())
        assert status == 200, answer
        with urllib.request.urlopen(f"{self.address}{API}/queue/data?session_hash={self.session}", timeout=120) as stream:
            for line in stream:
                message = json.loads(line[len("data: ") :]) if line.startswith(b"data: ") else {}
                if message.get("msg") == "process_completed":
                    return message["output"]
        raise AssertionError("the event has no end")

    def defaults(self, dependency: dict[str, Any]) -> list[Any]:
        """What the page would send if nobody had touched it."""
        return [self.components[each]["props"].get("value") for each in dependency["inputs"]]

    def places(self, *, of_files: bool) -> Iterator[tuple[dict[str, Any], int]]:
        """Every input of every function of the page and of its API, as (function, place of the input): those that take files,
        or those that take anything else but kept values."""
        for dependency in self.config["dependencies"]:
            for place, each in enumerate(dependency["inputs"] if dependency["backend_fn"] else []):
                kind = self.components[each]["type"]
                if kind != "state" and (kind in FILES) == of_files:
                    yield dependency, place

    def upload(self, name: str, data: bytes) -> str:
        """The name of an uploaded file on the server."""
        mark = secrets.token_hex(8)
        head = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        body = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + data + f"\r\n--{mark}--\r\n".encode()
        status, answer = self.post(f"{API}/upload", body, f"multipart/form-data; boundary={mark}")
        assert status == 200, (status, answer)
        [path] = json.loads(answer)
        return path

    def file(self, name: str) -> tuple[int, bytes]:
        """A file by its name."""
        return self.get(f"{API}/file={quote(name)}")

    def open_page(self) -> closing[HTTPConnection]:
        """The connection that a page holds as long as it is open."""
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        connection.request("GET", f"{API}/heartbeat/{self.session}")
        connection.getresponse().readline()
        return closing(connection)


def result(answer: bytes) -> Any:
    """The values of an endpoint's answer that is no error."""
    *_, last = (block for block in answer.decode().split("\n\n") if block)
    event, _, data = last.partition("\ndata: ")
    assert event == "event: complete", last
    return json.loads(data)


def refusal(answer: bytes) -> str:
    """The sentence of an endpoint's answer that is an error."""
    *_, last = (block for block in answer.decode().split("\n\n") if block)
    event, _, data = last.partition("\ndata: ")
    assert event == "event: error", last
    return json.loads(data)["error"]
