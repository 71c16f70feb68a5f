"""Names of what tests are called with."""

from __future__ import annotations

import re


def label(value: object) -> str:
    """The value in words, the same in every process that collects the tests: a picture's own words tell where in memory it is."""
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", str(value))
