"""Results that the page opens with. They were made beforehand and lie in assets/opening: nobody waits for them at the start.

`python -m imgstudio art --opening` makes them from the weights. One that does not fit any more (other weights, other pictures, no
file) is made when the page is built.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from ...studio import downloads, imported
from ...studio.pictures import digest
from ..server.visitors import OPENING, home
from . import demos
from .theme import ASSETS

T = TypeVar("T")

FOLDER = ASSETS / "opening"
_UI = __package__.rpartition(".")[0]  # classes of values are looked for in this package alone

log = logging.getLogger(__name__)
_writing: ContextVar[Path | None] = ContextVar("writing", default=None)
_making: ContextVar[bool] = ContextVar("making", default=False)


class Stale(Exception):
    """What was stored is not what would be made now."""


def opening(name: str, make: Callable[[], T], *models: str) -> T:
    """What `make()` returns, without making it where it is stored under this name.

    models: names of those that it is made with. Values may hold numbers, text, paths of results, lists, tuples, dicts, and named
    tuples of this package.
    """
    place = _writing.get()
    if place is None and all(map(downloads.is_present, models)):
        try:
            return _read(FOLDER, name, models)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, Stale) as error:
            log.info("the opening of %s is made anew: %s", name, error)
    token = _making.set(True)
    try:
        value = make()
    finally:
        _making.reset(token)
    if place is not None:
        _write(place, name, value, models)
    return value


def making() -> bool:
    """True while an opening is made: how long it took then says nothing about this machine."""
    return _making.get()


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Every opening that is made meanwhile is stored in this folder."""
    token = _writing.set(place)
    try:
        yield
    finally:
        _writing.reset(token)


# --- files


def _read(place: Path, name: str, models: tuple[str, ...]) -> Any:
    stored = json.loads((place / f"{name}.json").read_text(encoding="utf-8"))
    if stored["models"] != _hashes(models):
        raise Stale("it was made with other weights")
    return _Decoder(place).value(stored["value"])


def _write(place: Path, name: str, value: Any, models: tuple[str, ...]) -> None:
    place.mkdir(parents=True, exist_ok=True)
    stored = {"models": _hashes(models), "value": _encoded(value, place)}
    (place / f"{name}.json").write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _hashes(models: tuple[str, ...]) -> dict[str, str | None]:
    return {name: getattr(imported.find(name).source, "sha256", None) for name in models}


# --- values


def _encoded(value: Any, place: Path) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _encoded_text(value, place)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        kind = type(value)
        fields = {name: _encoded(each, place) for name, each in value._asdict().items()}
        return {"kind": f"{kind.__module__.removeprefix(_UI)}:{kind.__qualname__}", "fields": fields}
    if isinstance(value, tuple):
        return {"tuple": [_encoded(each, place) for each in value]}
    if isinstance(value, list):
        return [_encoded(each, place) for each in value]
    if isinstance(value, dict):
        return {"dict": {name: _encoded(each, place) for name, each in value.items()}}
    raise TypeError(f"{type(value)} can't be stored")


def _encoded_text(text: str, place: Path) -> Any:
    path = Path(text)
    if len(text) > 1000 or not path.is_absolute() or not path.is_file():
        return text
    if path.is_relative_to(home() / OPENING):
        name = digest(path)[:16] + path.suffix  # the same picture is stored once
        shutil.copyfile(path, place / name)
        return {"file": name, "title": path.name}
    if path.is_relative_to(ASSETS):
        return {"asset": path.relative_to(ASSETS).as_posix(), "digest": digest(path)}
    for package in demos.PACKAGES:
        if (folder := demos.package_folder(package)) and path.is_relative_to(folder):
            return {"asset": path.relative_to(folder).as_posix(), "package": package, "digest": digest(path)}
    raise TypeError(f"{path.name} lies in no folder that others have")


class _Decoder:
    """The opposite of `_encoded`; one file becomes one file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def value(self, stored: Any) -> Any:
        if isinstance(stored, list):
            return [self.value(each) for each in stored]
        if not isinstance(stored, dict):
            return stored
        if "tuple" in stored:
            return tuple(self.value(each) for each in stored["tuple"])
        if "dict" in stored:
            return {name: self.value(each) for name, each in stored["dict"].items()}
        if "kind" in stored:
            module, _, name = stored["kind"].partition(":")
            kind = getattr(importlib.import_module(_UI + module), name)
            return kind(**{field: self.value(each) for field, each in stored["fields"].items()})
        return self._file(stored["file"], stored["title"]) if "file" in stored else self._asset(stored)

    def _file(self, name: str, title: str) -> str:
        """A result of this process, with the name that it had."""
        path = home() / OPENING / Path(name).stem / title
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.place / name, path)
        return str(path)

    def _asset(self, stored: dict[str, str]) -> str:
        """A picture to begin with, if it is still the one that was there."""
        folder = demos.package_folder(stored["package"]) if "package" in stored else ASSETS
        if folder is None or digest(folder / stored["asset"]) != stored["digest"]:
            raise Stale(f"{stored['asset']} is another picture, or none")
        return str(folder / stored["asset"])
