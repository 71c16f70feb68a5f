"""Where a request comes from, as far as a server can know."""

from __future__ import annotations

import ipaddress
import os
from typing import Any


def address(request: Any) -> str:
    """The network address of whoever sent a request of Starlette's; of IPv6 the network, since a home has many addresses.

    What a request says of itself is believed on a Space alone, and there the last entry, which the Space's own proxy adds. For
    a proxy on this machine the web server has already put its word in place.
    """
    client = request.client.host if request is not None and request.client else ""
    if os.environ.get("SPACE_ID"):
        told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        client = told or client
    try:
        parsed = ipaddress.ip_address(client)
    except ValueError:
        return client[:64]
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False).network_address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
