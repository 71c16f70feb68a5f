"""Seeds as people write them."""

from __future__ import annotations

import re

from ..checks import check_seeds
from ..errors import StudioError

MOST = 1024  # seeds in one text


def parse(text: str) -> list[int]:
    """ "3, 17 20-22" -> [3, 17, 20, 21, 22]. An empty text has no seeds."""
    seeds: list[int] = []
    for part in re.split(r"[,;\s]+", text.strip()):
        match = re.fullmatch(r"(\d{1,15})(?:-(\d{1,15}))?", part)
        if part and (not match or int(match[2] or match[1]) < int(match[1])):
            raise StudioError(f"{part!r} is not a seed: write whole numbers such as 3, 17, 42 or a range such as 0-7.")
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            if last - first >= MOST:
                raise StudioError(f"{part} is more than {MOST} seeds: use a shorter range.")
            seeds += range(first, last + 1)
    return check_seeds(seeds, most=MOST) if seeds else []
