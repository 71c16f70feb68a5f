"""The pictures that somebody gives for a record to be replayed, found by name or by their pixels, and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from ... import image as images
from ...checks import shown
from ...errors import StudioError
from .values import MADE, fingerprint_of

_MOST = 200  # pictures


def wanted(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every input of a record and of the records within it, by name, such as "content" and "segmentation.image"."""
    inputs, settings = record.get("inputs"), record.get("settings")
    for name, entry in inputs.items() if isinstance(inputs, Mapping) else ():
        if isinstance(entry, Mapping):
            yield f"{prefix}{name}", entry
            if isinstance(entry.get("record"), Mapping):
                yield from wanted(entry["record"], f"{prefix}{name}.")
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        if isinstance(value, Mapping) and isinstance(value.get(MADE), Mapping):
            yield from wanted(value[MADE], f"{prefix}{name}.")


class Given:
    """What was given, by the names of the record. Raises StudioError for names that it does not know."""

    def __init__(self, record: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        self._wanted = [name for name, _ in islice(wanted(record), _MOST)]
        self._given: dict[str, Any] = {}
        for name, value in inputs.items():
            several = isinstance(value, list | tuple)
            self._given |= {f"{name}_{n}": each for n, each in enumerate(value, start=1)} if several else {name: value}
        known = {part for name in self._wanted for part in (name, name.rpartition(".")[2])}
        if unknown := next((name for name in self._given if name not in known), None):
            raise StudioError(f"This picture has no input {shown(unknown)}: its inputs are {_names(self._wanted)}.")
        self._read: dict[str, Image.Image] = {}

    def picture(self, name: str, entry: Mapping[str, Any], again: Callable[[], Image.Image | None]) -> Image.Image:
        """An input: the one given under its name, another given one of the same pixels, or made again from its own record."""
        digest = entry.get("sha256")
        if name in self._given:
            return self._same(name, _as_used(self._opened(name), entry), digest)
        for other in self._given:
            if not hasattr(self._given[other], "labels"):
                picture = _as_used(self._opened(other), entry)
                if images.fingerprint(picture) == digest:
                    return picture
        if (made := again()) is not None:
            return self._same(name, made, digest)
        raise StudioError(f"The input {name} is missing: give the picture{_known_as(entry)}.")

    def regions(self, name: str, entry: Mapping[str, Any]) -> Any:
        """Regions that no record made."""
        last = name.rpartition(".")[2]
        found = self._given.get(name, self._given.get(last))
        if found is None:
            raise StudioError(f"The input {name} is missing: give the regions that were used.")
        if not hasattr(found, "labels"):
            raise StudioError(f"The input {name} can't be {shown(found)}: give the regions that were used.")
        if fingerprint_of(found) != entry.get("sha256"):
            raise StudioError(f"The input {name} are other regions than the recorded ones: give those.")
        return found

    def _opened(self, name: str) -> Image.Image:
        if name not in self._read:
            self._read[name] = images.read(self._given[name])
        return self._read[name]

    def _same(self, name: str, picture: Image.Image, digest: object) -> Image.Image:
        found = images.fingerprint(picture)
        if found != digest:
            label = digest[:16] if isinstance(digest, str) and digest.isalnum() else shown(digest)
            raise StudioError(
                f"The input {name} is another picture than the recorded one (SHA-256 of the pixels {found[:16]}..., recorded "
                f"{label}...): give that one."
            )
        return picture


def _names(names: list[str]) -> str:
    """Some of the names in a record, which anybody may have written, for a sentence."""
    shortened = [name if name.isprintable() and len(name) <= 60 else shown(name) for name in dict.fromkeys(names)]
    return ", ".join(shortened[:8]) + (", ..." if len(shortened) > 8 else "") if shortened else "none"


def beside(record: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Files in a folder that have the names of inputs, by the names of the inputs; those of other pixels too where nothing else
    can take their place, so that it is said. A name that is more than the name of a picture in this very folder is left alone."""
    found = {}
    for name, entry in islice(wanted(record), _MOST):
        path = _in_folder(entry.get("name"), folder)
        if path is not None and ("record" not in entry or _same_pixels(path, entry)):
            found[name] = path
    return found


def _in_folder(name: object, folder: Path) -> Path | None:
    if not isinstance(name, str) or len(name) > 100 or name.startswith(".") or not name.isprintable() or set(name) & set("/\\:"):
        return None
    path = folder / name
    return path if path.is_file() and not path.is_symlink() else None


def _same_pixels(path: Path, entry: Mapping[str, Any]) -> bool:
    try:
        return images.fingerprint(_as_used(images.read(path), entry)) == entry.get("sha256")
    except StudioError:
        return False


def _as_used(picture: Image.Image, entry: Mapping[str, Any]) -> Image.Image:
    """A picture as it went in: the page shrinks large ones first, and then the record tells the original, too."""
    original = entry.get("original")
    if not isinstance(original, Mapping):
        return picture
    side = original.get("side")
    if type(side) is not int or not 0 < side < max(picture.size) or images.fingerprint(picture) != original.get("sha256"):
        return picture
    shrunk = picture.copy()
    shrunk.thumbnail((side, side), Image.Resampling.LANCZOS)
    return shrunk


def _known_as(entry: Mapping[str, Any]) -> str:
    """What a record says of an input, for a sentence."""
    name, size, digest = entry.get("name"), entry.get("size"), entry.get("sha256")
    label = f" {shown(name)}" if isinstance(name, str) and name else ""
    plain = isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) and 0 < side < 10**6 for side in size)
    sized = f"{size[0]} x {size[1]} pixels, " if plain and size else ""
    return (
        f"{label} ({sized}SHA-256 of the pixels {str(digest)[:16] if isinstance(digest, str) and digest.isalnum() else '?'}...)"
    )
