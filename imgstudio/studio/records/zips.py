"""The records of the files in a zip, as one file of JSON beside them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from typing import Any

NAME = "records.json"


def add(archive: zipfile.ZipFile, records: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Writes the records by the names of their files, where there are any; the last thing that goes into a zip."""
    known = {name: record for name, record in records.items() if record is not None}
    if known:
        archive.writestr(zipfile.ZipInfo(NAME), json.dumps(known, indent=1))  # without today's date, as all entries
