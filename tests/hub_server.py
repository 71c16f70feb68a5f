"""A Hugging Face Hub on the loopback, as the real client expects it.

Downloads: HEAD and GET of /{repo}/resolve/{revision}/{file}, and what is there at /api/models/{repo}/revision/{revision}.
Uploads: POST to /api/repos/create, .../preupload/... (where every file is said to be a plain one) and .../commit/... (lines of
JSON).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

_RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_UPLOAD = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)/(?P<what>preupload|commit)/(?P<revision>[^/]+)")
_INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)/revision/(?P<revision>[^/]+)")


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
    stuck:    number of bodies that stop in the middle for as long as somebody waits for the rest.
    halted:   while set, each body stops in the middle.
    tokens:   of repositories that only open to one.
    readers:  tokens that may not write.
    announced: hashes that are told in place of those of the files, by file name.
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
        self.stuck = 0
        self.silent, self.halted = threading.Event(), threading.Event()
        self.tokens: dict[str, str] = {}
        self.readers: set[str] = set()
        self.announced: dict[str, str] = {}
        self.ranges: list[str] = []  # the Range of each GET of a file that had one
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
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in self.files[repo][revision].items()}
        return hashlib.sha1(repr(sorted(digests.items())).encode()).hexdigest()

    def count(self, method: str) -> int:
        return sum(1 for asked, _ in self.requests if asked == method)

    def wait_while_silent(self) -> None:
        if self.silent.is_set():
            self._awake.wait(30)

    def wait_while_halted(self) -> None:
        for _ in range(3000):
            if not self.halted.is_set() or self._awake.wait(0.01):
                return

    def close(self) -> None:
        self._awake.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # whoever asked may have gone
            super().handle()

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_POST(self) -> None:
        path = unquote(self.path).partition("?")[0]
        self.hub.requests.append((self.command, path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.hub.status is not None:
            return self._refuse(self.hub.status)
        if path == "/api/validate-yaml":
            return self._tell({"errors": [], "warnings": []})
        if not token or token in self.hub.readers:
            return self._refuse(403 if token else 401)
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
            self.hub.files.setdefault(repo, {}).setdefault("main", {})
            return self._tell({"url": f"{self.hub.url}/{repo}", "name": repo, "id": repo})
        match = _UPLOAD.fullmatch(path)
        if match is None or match["repo"] not in self.hub.files:
            return self._refuse(404, "RepoNotFound")
        if match["what"] == "preupload":
            files = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]]
            return self._tell({"files": files})
        return self._commit(match["repo"], match["revision"], body)

    def _commit(self, repo: str, revision: str, body: bytes) -> None:
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.hub.put(repo, line["value"]["path"], base64.b64decode(line["value"]["content"]), revision)
        commit = self.hub.commit(repo, revision)
        address = f"{self.hub.url}/{repo}/commit/{commit}"
        self._tell({"success": True, "commitOid": commit, "commitUrl": address, "hookOutput": ""})

    def _tell(self, answer: dict) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
        if path == "/api/whoami-v2":
            return self._tell({"type": "user", "name": "me", "auth": {}})
        linked = path.removeprefix("/storage")
        match = _RESOLVE.fullmatch(linked) or _INFO.fullmatch(path)
        if match is None:
            return self._refuse(404)
        repo, revision = match["repo"], match["revision"]
        if repo not in self.hub.files:
            return self._refuse(401, "RepoNotFound")
        if repo in self.hub.closed or self.headers.get("Authorization") != self._wanted(repo):
            return self._refuse(403, "GatedRepo")
        if revision not in self.hub.files[repo]:
            return self._refuse(404, "RevisionNotFound")
        if match.re is _INFO:
            return self._describe(repo, revision)
        file = match["file"]
        if file not in self.hub.files[repo][revision]:
            return self._refuse(404, "EntryNotFound", repo, revision)
        data = self.hub.files[repo][revision][file]
        tag = self.hub.announced.get(file) or hashlib.sha256(data).hexdigest()
        if self.hub.linked and linked == path:
            return self._redirect(repo, revision, data, tag)
        self._send(repo, revision, data, tag, body=body)

    def _wanted(self, repo: str) -> str | None:
        """What the header Authorization has to be; anything will do for a repository that is open."""
        return f"Bearer {self.hub.tokens[repo]}" if repo in self.hub.tokens else self.headers.get("Authorization")

    def _refuse(self, status: int, code: str = "", repo: str = "", revision: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if code:
            self.send_header("X-Error-Code", code)
        if revision:
            self.send_header("X-Repo-Commit", self.hub.commit(repo, revision))
        self.end_headers()

    def _describe(self, repo: str, revision: str) -> None:
        siblings = [{"rfilename": name} for name in sorted(self.hub.files[repo][revision])]
        about = {"_id": "0", "id": repo, "modelId": repo, "sha": self.hub.commit(repo, revision), "siblings": siblings}
        self._tell({**about, "private": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0})

    def _redirect(self, repo: str, revision: str, data: bytes, tag: str) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.hub.url}/storage{self.path}")
        self.send_header("X-Repo-Commit", self.hub.commit(repo, revision))
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("X-Linked-Etag", f'"{tag}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, repo: str, revision: str, data: bytes, tag: str, *, body: bool) -> None:
        start = int(match[1]) if (match := re.fullmatch(r"bytes=(\d+)-.*", self.headers.get("Range", ""))) else 0
        if start and body:
            self.hub.ranges.append(self.headers["Range"])
        part = data[start : len(data) - self.hub.short] if body else data
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(part)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", f'"{tag}"')
        self.send_header("X-Repo-Commit", self.hub.commit(repo, revision))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if not body:
            return
        if self.hub.breaks:
            self.hub.breaks -= 1
            part = part[: len(part) // 2]
            self.close_connection = True
        if self.hub.stuck:
            self.hub.stuck -= 1
            self.wfile.write(part[: len(part) // 2])
            self.connection.recv(1)  # nothing more is said until the other side hangs up
            return
        if self.hub.halted.is_set():
            half = len(part) // 2
            self.wfile.write(part[:half])
            self.hub.wait_while_halted()
            part = part[half:]
        self.wfile.write(part)
