"""What stands before everything else of a server, put together from its settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from starlette.middleware import Middleware

from .auth import Logins, accounts
from .compression import Compression
from .doors import Doors
from .headers import Headers, frames
from .proxy import Proxy, trusted
from .settings import settings


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of Gradio's launch(), with those that the caller gives. Raises StudioError for a setting that cannot be read."""
    limits, names = settings(), accounts()
    # What a tunnel of Gradio's or a notebook's own proxy says has to be believed, or the page is not found.
    tunnel = bool(given.get("share") or os.environ.get("GRADIO_SHARE", "").lower() == "true" or "google.colab" in sys.modules)
    trust = (lambda address: True) if tunnel else trusted()  # noqa: ARG005
    known = not tunnel and not os.environ.get("SPACE_ID")  # whether this server can tell under which name it is asked
    private = known and not limits.public
    name = given.get("server_name") or ""
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # or the web server believes what comes from this machine; `Proxy` decides
    outer = [
        Middleware(Proxy, trust=trust),
        Middleware(Headers, frames=frames(open_=limits.public and names is None)),
        Middleware(
            Doors,
            same_origin=private or (known and names is not None),
            same_host=private,
            names=frozenset({name.lower()} if name else ()),
        ),
        Middleware(Compression),
        *([Middleware(Logins)] if names is not None else []),
    ]
    app = dict(given.get("app_kwargs") or {})
    return {
        "enable_monitoring": False,
        "strict_cors": True,
        "max_file_size": int(limits.upload_mb * 1e6),
        **({"auth": names} if names is not None else {}),
        **given,
        "app_kwargs": {**app, "middleware": [*outer, *app.get("middleware", [])]},
    }
