"""Seeds, and ranges of layers, as people write them."""

from __future__ import annotations

import re

from ..checks import check_seeds, shown
from ..errors import StudioError

MOST = 1024  # seeds in one text


def parse(text: str) -> list[int]:
    """ "3, 17 20-22" -> [3, 17, 20, 21, 22]. An empty text has no seeds."""
    seeds: list[int] = []
    for part in re.split(r"[,;\s]+", text.strip()):
        match = re.fullmatch(r"(\d{1,15})(?:-(\d{1,15}))?", part)
        if part and (not match or int(match[2] or match[1]) < int(match[1])):
            raise StudioError(f"{shown(part)} is not a seed: write whole numbers such as 3, 17, 42 or a range such as 0-7.")
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            if last - first >= MOST:
                raise StudioError(f"{part} is more than {MOST} seeds: use a shorter range.")
            seeds += range(first, last + 1)
    return check_seeds(seeds, most=MOST) if seeds else []


def layers(text: str) -> tuple[int, int]:
    """ "0-3" -> (0, 3), and "7" -> (7, 7): the first and the last layer."""
    match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", text)
    if match is None:
        raise StudioError(f"{shown(text)} is no range of layers: write it like 0-3.")
    return int(match[1]), int(match[2] or match[1])
