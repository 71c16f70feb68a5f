"""What a record says of nets, versions and the machine."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Collection, Mapping
from typing import Any

import torch

from ... import catalog
from ... import device as devices
from ...catalog.records import Hub
from ...errors import StudioError
from ...weights.known import digest as first_download


def models(settings: Mapping[str, Any], nets: Collection[str]) -> dict[str, dict[str, Any]]:
    """Every net of a call, by name."""
    name = settings.get("model")
    names = [name] if isinstance(name, str) else []
    if names and settings.get("cycle") and (back := catalog.find(names[0]).inverse):
        names.append(back)
    return {each: model(each) for each in (*names, *nets)}


def model(name: str) -> dict[str, Any]:
    """What tells the weights of a model from others: their SHA-256, and repository and revision of one from the Hub."""
    source = catalog.find(name).source
    known: dict[str, Any] = {"sha256": getattr(source, "sha256", None)}
    if isinstance(source, Hub):
        known["sha256"] = source.sha256 or first_download(source)
        known |= {"repo": source.repo, "filename": source.filename, "revision": source.revision}
    return known


def here() -> dict[str, Any]:
    """Versions, device and time of a call."""
    try:
        device = devices.describe()
    except StudioError:  # a wrong setting, which an operation without a net leaves alone
        device = ""
    return {"versions": versions(), "device": device, "time": _now()}


def versions() -> dict[str, str]:
    """Of what decides the pixels."""
    studio = sys.modules[__name__.partition(".")[0]]  # its version alone, which the floor below may know
    return {"imgstudio": str(getattr(studio, "__version__", "")), "torch": torch.__version__}


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
