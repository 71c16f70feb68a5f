"""Which requests reach the page at all: to routes that it needs, under names of this server, and not from foreign websites."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse, Response

from .proxy import SETTING, Receive, Scope, Send

HOSTS = "IMGSTUDIO_HOSTS"

# Routes of Gradio and FastAPI that neither the page nor its clients need.
_CLOSED = re.compile(
    r"/(monitoring(/.*)?|openapi\.json|docs|redoc|svelte/.*|pwa_icon|pwa_icon/(?!(192|512)$).*"
    r"|gradio_api/(token|dev/.*|deep_link|process_recording|proxy=.*|custom_component/.*|profiling/.*|run-history/.*|runs"
    r"|stream/.*|vibe-.*|undo-vibe-.*|monitoring(/.*)?|file/.*|file=\s*/*\s*[a-z][a-z0-9+.-]*:/.*))/?",
    re.IGNORECASE | re.DOTALL,
)
_COMPLAINT = "This server does not know itself under the name {host}: whoever runs it can name it in {setting}."
_FOREIGN = f"Another website asked for this: it is refused. Behind a proxy, set {SETTING} and let it send X-Forwarded-Host."


class Doors:
    """ASGI middleware.

    same_origin: refuses what foreign websites have a visitor's browser ask for; same_host: and requests to hosts that are not
    this server's; names: further ones of it.
    """

    def __init__(self, app: Any, same_origin: bool, same_host: bool, names: frozenset[str] = frozenset()) -> None:
        self._app, self._same_origin, self._same_host = app, same_origin, same_host
        self._names = names | own_names()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path, root = scope["path"], scope.get("root_path", "").rstrip("/")
        route = path[len(root) :] if root and path.startswith(f"{root}/") else path
        if _CLOSED.fullmatch(route) or _CLOSED.fullmatch(path):
            return PlainTextResponse("There is no such page.", 404)
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get(b"host", "").lower(), headers.get(b"origin")
        forwarded = headers.get(b"x-forwarded-host", "").split(",")[0].strip().lower()  # only there if it is believed: `Proxy`
        if self._same_host and not forwarded and not self._knows(_name(host)):
            return PlainTextResponse(_COMPLAINT.format(host=_name(host)[:100] or "(none)", setting=HOSTS), 421)
        if self._same_origin and origin is not None and not _same(origin.lower(), {host, forwarded} - {""}):
            return PlainTextResponse(_FOREIGN, 403)
        return None

    def _knows(self, host: str) -> bool:
        """Names that a foreign name server cannot have pointed here: addresses, names without a dot, and this server's own."""
        try:
            ipaddress.ip_address(host)
            return True
        except ValueError:
            plain = bool(host) and "." not in host
            return plain or host.endswith((".localhost", ".local")) or host in self._names


def own_names() -> frozenset[str]:
    """Names of this machine, and those that IMGSTUDIO_HOSTS and the addresses of the server's other settings have."""
    listed = os.environ.get(HOSTS, "").split(",")
    addresses = [os.environ.get("GRADIO_SERVER_NAME", ""), urlsplit(os.environ.get("GRADIO_ROOT_PATH", "")).hostname or ""]
    return frozenset(name.strip().lower() for name in (*listed, *addresses, socket.gethostname()) if name.strip())


def _name(host: str) -> str:
    """A host without its port and brackets."""
    found = re.fullmatch(r"\[(?P<six>[0-9A-Fa-f:.%]+)\](:\d+)?|(?P<name>[^:/@\s]+)(:\d+)?", host)
    return (found["six"] or found["name"]).lower() if found else ""


def _same(origin: str, hosts: set[str]) -> bool:
    """Whether a page of that origin is one of this server; the scheme is the proxy's business."""
    scheme, _, host = origin.partition("://")
    port = {"http": ":80", "https": ":443"}.get(scheme, "")
    return scheme in ("http", "https") and any(host == own or host == own.removesuffix(port) for own in hosts)
