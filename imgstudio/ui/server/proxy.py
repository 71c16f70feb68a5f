"""What a proxy in front of the server says of a request: believed of a trusted one, taken out of the request otherwise."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from ...errors import StudioError

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

SETTING = "IMGSTUDIO_PROXY"
PROXIED = "proxied"  # the address of a visitor of whom only the proxy knows one that can be believed

_TOLD = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"x-gradio-server")  # beginnings of headers that only a proxy may set


def trusted() -> Callable[[str], bool]:
    """Says of an address whether a proxy there is believed: everywhere with IMGSTUDIO_PROXY=1 and on a Space, otherwise at the
    addresses or networks that it lists, nowhere by default. Raises StudioError if it cannot be read."""
    text = os.environ.get(SETTING, "").strip() or ("1" if os.environ.get("SPACE_ID") else "0")
    if text in ("0", "1"):
        return lambda address: text == "1"  # noqa: ARG005
    try:
        networks = [ipaddress.ip_network(part.strip()) for part in text.split(",")]
    except ValueError:
        raise StudioError(f"{SETTING} is {text!r}: it has to be 1, or the address of the proxy, such as 10.0.0.2.") from None
    return lambda address: (known := _parsed(address)) is not None and any(known in network for network in networks)


def is_local(request: Any) -> bool:
    """Whether a request comes from the machine that the server runs on, and not through a proxy: from whoever runs it."""
    client = getattr(request, "client", None)
    address = _parsed(client.host) if client else None
    return address is not None and address.is_loopback


class Proxy:
    """ASGI middleware. Behind it, headers of proxies are those of a trusted one, and the client is the visitor.

    trust: says of the address of a connection whether a proxy there is believed.
    """

    def __init__(self, app: Any, trust: Callable[[str], bool]) -> None:
        self._app, self._trust = app, trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._as_seen(scope)
        await self._app(scope, receive, send)

    def _as_seen(self, scope: Scope) -> Scope:
        told = [(name, value) for name, value in scope["headers"] if name.lower().startswith(_TOLD)]
        if not told:
            return scope
        address, _port = scope.get("client") or ("", 0)
        believed = self._trust(address)
        chain = b",".join(value for name, value in told if name.lower() == b"x-forwarded-for").decode("latin-1").split(",")
        nearest = _parsed(chain[-1].strip())  # what the nearest proxy adds; all before it may be invented
        here = (known := _parsed(address)) is not None and known.is_loopback
        if believed or here:  # a proxy on this machine is one, trusted or not: never is its visitor the owner
            seen = PROXIED if nearest is None or nearest.is_loopback else str(nearest)
            scope = {**scope, "client": (seen, 0)}
        if believed:
            schemes = [value.split(b",")[0].strip() for name, value in told if name.lower() == b"x-forwarded-proto"]
            return {**scope, "scheme": "https"} if schemes[:1] == [b"https"] and scope["type"] == "http" else scope
        return {**scope, "headers": [pair for pair in scope["headers"] if pair not in told]}


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
