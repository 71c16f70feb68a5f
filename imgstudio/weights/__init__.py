"""Files of weights: find them, check them, read and write them. The only part that talks to the Hugging Face Hub."""

from __future__ import annotations

from .cache import clear, stored
from .downloads import Progress, fetch, fetching, present
from .files import read, read_config, sha256, write
from .hub import listing
from .places import downloads_refused, downloads_shown, effective, folder, locate, verify
from .publish import push

__all__ = [
    "Progress",
    "clear",
    "downloads_refused",
    "downloads_shown",
    "effective",
    "fetch",
    "fetching",
    "folder",
    "listing",
    "locate",
    "present",
    "push",
    "read",
    "read_config",
    "sha256",
    "stored",
    "verify",
    "write",
]
