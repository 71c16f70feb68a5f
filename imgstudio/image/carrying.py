"""What a picture carries in its `info`: the record of how it was made, on its way from the operation to a file."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from PIL import Image

KEY = "imgstudio"  # of `info`
LONGEST = 1_000_000  # characters of a record that are written or read


class Carried:
    """A record in `info`. Any two are equal, so that Pillow compares pictures by their pixels as before."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Carried)

    def __hash__(self) -> int:
        return hash(KEY)


def carry(image: Image.Image, record: dict[str, Any]) -> None:
    """Gives a picture its record, in place of an older one."""
    image.info[KEY] = Carried({**record, "picture": {"size": list(image.size), "sha256": fingerprint(image)}})


def carried(image: Image.Image) -> dict[str, Any] | None:
    """The record of a picture in memory, None without one; "changed" in it is True where the pixels are others by now."""
    found = image.info.get(KEY)
    if not isinstance(found, Carried):
        return None
    if found.record["picture"]["sha256"] == fingerprint(image):
        return dict(found.record)
    return {**found.record, "changed": True}


def fingerprint(image: Image.Image) -> str:
    """SHA-256 of the pixels, with their mode and size: the same for a picture in memory and in any lossless file."""
    head = f"{image.mode} {image.width}x{image.height}\n".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def text(record: dict[str, Any] | None) -> str | None:
    """A record as it stands in a file: JSON in plain characters; None for none."""
    return None if record is None else json.dumps(record, separators=(",", ":"), allow_nan=False)
