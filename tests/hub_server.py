"""A Hugging Face Hub on the loopback: HEAD and GET of /{repo}/resolve/{revision}/{file}, as the real client expects them."""

from __future__ import annotations

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

_RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")


class HubServer:
    """Files in memory, faults on request.

    requests: (method, path) of everything asked, in order.
    status:   when set, every answer has this HTTP status.
    foreign:  answer to everything with a page, as a network does that wants a login first.
    closed:   repositories that are gated.
    linked:   answer as for large files: a redirect to another address, with X-Linked-Size and X-Linked-Etag.
    short:    bytes that each body lacks at its end, though the header promised them.
    breaks:   number of bodies that break off in the middle before one arrives whole.
    silent:   while set, requests get no answer.
    """

    def __init__(self) -> None:
        self.files: dict[str, dict[str, dict[str, bytes]]] = {}
        self.requests: list[tuple[str, str]] = []
        self.status: int | None = None
        self.foreign = False
        self.closed: set[str] = set()
        self.linked = False
        self.short = 0
        self.breaks = 0
        self.silent = threading.Event()
        self._awake = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, repo: str, filename: str, data: bytes, revision: str = "main") -> None:
        self.files.setdefault(repo, {}).setdefault(revision, {})[filename] = data

    def commit(self, repo: str, revision: str) -> str:
        """A revision that looks like a commit names itself; the commit of a branch follows from its files."""
        if re.fullmatch(r"[0-9a-f]{40}", revision):
            return revision
        return hashlib.sha1(repr(sorted(self.files[repo][revision].items())).encode()).hexdigest()

    def count(self, method: str) -> int:
        return sum(1 for asked, _ in self.requests if asked == method)

    def wait_while_silent(self) -> None:
        if self.silent.is_set():
            self._awake.wait(30)

    def close(self) -> None:
        self._awake.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, *, body: bool) -> None:
        path = unquote(self.path)
        self.hub.requests.append((self.command, path))
        self.hub.wait_while_silent()
        if self.hub.status is not None:
            return self._refuse(self.hub.status)
        if self.hub.foreign:
            return self._refuse(200)
        linked = path.removeprefix("/storage")
        match = _RESOLVE.fullmatch(linked)
        if match is None:
            return self._refuse(404)
        repo, revision, file = match["repo"], match["revision"], match["file"]
        if repo not in self.hub.files:
            return self._refuse(401, "RepoNotFound")
        if repo in self.hub.closed:
            return self._refuse(403, "GatedRepo")
        if revision not in self.hub.files[repo]:
            return self._refuse(404, "RevisionNotFound")
        if file not in self.hub.files[repo][revision]:
            return self._refuse(404, "EntryNotFound", repo, revision)
        data = self.hub.files[repo][revision][file]
        if self.hub.linked and linked == path:
            return self._redirect(repo, revision, data)
        self._send(repo, revision, data, body=body)

    def _refuse(self, status: int, code: str = "", repo: str = "", revision: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if code:
            self.send_header("X-Error-Code", code)
        if revision:
            self.send_header("X-Repo-Commit", self.hub.commit(repo, revision))
        self.end_headers()

    def _redirect(self, repo: str, revision: str, data: bytes) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.hub.url}/storage{self.path}")
        self.send_header("X-Repo-Commit", self.hub.commit(repo, revision))
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, repo: str, revision: str, data: bytes, *, body: bool) -> None:
        start = int(match[1]) if (match := re.fullmatch(r"bytes=(\d+)-.*", self.headers.get("Range", ""))) else 0
        part = data[start : len(data) - self.hub.short] if body else data
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(part)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.hub.commit(repo, revision))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if not body:
            return
        if self.hub.breaks:
            self.hub.breaks -= 1
            part = part[: len(part) // 2]
            self.close_connection = True
        self.wfile.write(part)
