"""Where a request comes from, as far as a server can know."""

from __future__ import annotations

import ipaddress
from typing import Any


def address(request: Any) -> str:
    """The network address of whoever sent a request of Starlette's; of IPv6 the network, since a home has many addresses.

    Of a visitor behind a proxy it is what the proxy says; whether that is believed, `proxy.Proxy` has decided before.
    """
    client = request.client.host if request is not None and request.client else ""
    try:
        parsed = ipaddress.ip_address(client)
    except ValueError:
        return client[:64]
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False).network_address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
