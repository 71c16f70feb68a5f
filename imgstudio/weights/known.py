"""SHA-256 of files of the Hub whose hash the catalogue does not know, from their first download: a file that has changed since
under the same name is said and not used. Kept as JSON beside the Hub client's cache, and not cleared with a download."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

from ..catalog.records import Hub
from ..errors import StudioError
from . import hub

_lock = threading.Lock()

log = logging.getLogger(__name__)


def place() -> Path:
    """The file of hashes."""
    return Path(hub.client().constants.HF_HUB_CACHE).parent / "imgstudio-hashes.json"


def digest(source: Hub) -> str | None:
    """The hash of the first download; None for a file that was never downloaded here, or whose hash the catalogue has."""
    return None if source.sha256 else _read().get(_key(source))


def remember(source: Hub, found: str) -> None:
    """Notes the hash of a download. Raises StudioError if it is another one than the first time."""
    if source.sha256:
        return
    with _lock:
        hashes = _read()
        first = hashes.setdefault(_key(source), found)
        if first != found:
            raise StudioError(
                f"{source.filename} of {source.repo} has changed on the Hub since it was first downloaded here (SHA-256 "
                f"{first[:12]}..., now {found[:12]}...) and is not used: whoever runs this server can accept it with "
                "`models --accept`."
            )
        _write(hashes)


def forget(source: Hub) -> bool:
    """Lets the next download be the first. True if there was one."""
    with _lock:
        hashes = _read()
        had = hashes.pop(_key(source), None) is not None
        if had:
            _write(hashes)
        return had


def _key(source: Hub) -> str:
    return f"{hub.endpoint()}/{source.repo}/{source.filename}@{source.revision}"


def _read() -> dict[str, str]:
    try:
        hashes = json.loads(place().read_text(encoding="utf-8"))
        return {key: value for key, value in hashes.items() if isinstance(value, str)}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        log.warning("the hashes of earlier downloads cannot be read", exc_info=True)
        return {}


def _write(hashes: dict[str, str]) -> None:
    """Whole or not at all. A folder that cannot be written costs the memory, not the download."""
    path = place()
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(hashes, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(partial, path)
    except OSError:
        log.warning("the hash of a download cannot be remembered", exc_info=True)
