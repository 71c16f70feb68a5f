"""Files of weights: find them, check them, read and write them. The only part that talks to the Hugging Face Hub."""

from __future__ import annotations

from .cache import clear, stored
from .downloads import Progress, fetch, fetching, present
from .files import is_safetensors, read, read_config, sha256
from .hub import Absent, Unlisted, listing
from .kinds import printable
from .known import forget
from .places import downloads_refused, downloads_shown, effective, folder, locate, verify
from .publish import push
from .writing import stale, write

__all__ = [
    "Absent",
    "Progress",
    "Unlisted",
    "clear",
    "downloads_refused",
    "downloads_shown",
    "effective",
    "fetch",
    "fetching",
    "folder",
    "forget",
    "is_safetensors",
    "listing",
    "locate",
    "present",
    "printable",
    "push",
    "read",
    "read_config",
    "sha256",
    "stale",
    "stored",
    "verify",
    "write",
]
