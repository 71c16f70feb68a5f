"""A web server on the loopback that serves bytes with ranges and versions, and can break off, refuse or change them."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """files: path to bytes; breaks: how many answers end early; errors: codes of the next answers; asked: (path, Range)s."""

    def __init__(self, *, ranges: bool = True):
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.errors: list[int] = []
        self.breaks, self.ranges, self.version = 0, ranges, '"1"'
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def route(self, address: str) -> str:
        """Leads every address of the web here, its host as the first folder."""
        return f"http://127.0.0.1:{self.server.server_port}/{address.partition('://')[2]}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, wanted = handler.path.lstrip("/"), handler.headers.get("Range")
        self.asked.append((path, wanted))
        if self.errors or path not in self.files:
            handler.send_error(self.errors.pop(0) if self.errors else 404)
            return
        data, start = self.files[path], 0
        if wanted and self.ranges and handler.headers.get("If-Range") == self.version:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted).group(1))
        if start and start >= len(data):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.send_header("ETag", self.version)
        handler.send_header("Content-Length", str(len(data) - start))
        handler.end_headers()
        part = data[start:]
        if self.breaks:
            self.breaks -= 1
            part = part[: len(part) // 2]
        handler.wfile.write(part)
        handler.close_connection = True

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
