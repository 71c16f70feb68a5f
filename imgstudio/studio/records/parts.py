"""From the result of a call to the picture, the sheet or the frames that a record is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any

from PIL import Image

from ...checks import check_count, shown
from ...errors import StudioError
from ..notebook import Pictures
from ..steps import Step
from .sheets import enlarge, grid

BROKEN = "This record is damaged: choose the picture as it was saved, or make it anew."
_MOST_PARTS = 4096


def check(found: Mapping[str, Any]) -> None:
    """Raises StudioError where a record says of no picture at all which one it is, before any work is done."""
    sheet, film, enlarged = (found.get(key) for key in ("sheet", "film", "enlarge"))
    whole = _is_part(found.get("part", []))
    if sheet is not None:
        whole = whole and _has(sheet, ("columns", "side"), int, none=True) and _has(sheet, ("gap",), int) and _has_parts(sheet)
    if film is not None:
        whole = whole and isinstance(film, Mapping) and ("parts" not in film or _has_parts(film))
    if enlarged is not None:
        whole = whole and _has(enlarged, ("side",), int) and _has(enlarged, ("smooth",), bool)
    if not whole:
        raise StudioError(BROKEN)


def _has(value: Any, keys: tuple[str, ...], kind: type, *, none: bool = False) -> bool:
    """Whether a value has whole numbers, or truth values, under these keys."""
    return isinstance(value, Mapping) and all((none and value.get(key) is None) or type(value.get(key)) is kind for key in keys)


def _has_parts(value: Mapping[str, Any]) -> bool:
    parts = value.get("parts")
    return isinstance(parts, list) and 0 < len(parts) <= _MOST_PARTS and all(map(_is_part, parts))


def _is_part(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 8 and all(type(key) in (int, str) for key in value)


def shown_part(made: Any, found: Mapping[str, Any]) -> Any:
    """The picture or the frames that the record is of."""
    made = _stepped(made, found)
    if "sheet" in found:
        sheet = found["sheet"]
        parts = sheet["parts"]
        pictures = [_enlarged(picture, found) for picture in _pick(made, parts)]
        return grid(pictures, sheet["columns"], sheet["gap"], sheet["side"])
    if "film" in found:
        parts = found["film"].get("parts")
        frames = list(_flat(made)) if parts is None else _pick(made, parts)
        return Pictures(_enlarged(frame, found) for frame in frames)
    [picture] = _pick(made, [found.get("part", [])])
    return _enlarged(picture, found)


def _stepped(made: Any, found: Mapping[str, Any]) -> Any:
    """The step that the record is of, where the call makes steps; no further ones are made."""
    if not isinstance(made, Iterator) or "step" not in found:
        return made
    try:
        for step in made:
            if isinstance(step, Step) and step.done == found["step"]:
                return step
    finally:
        made.close() if hasattr(made, "close") else None
    raise StudioError(f"There is no step {shown(found['step'])} in this work: make the picture anew.")


def _pick(made: Any, parts: list[Any]) -> list[Any]:
    """Some of what a call made; of frames that are made one by one no more than are wanted."""
    if isinstance(made, Iterator):
        last = max(check_count("The frame", part[0] if part else None, 0, 10**6) for part in parts)
        frames, made = made, list(islice(made, last + 1))
        frames.close() if hasattr(frames, "close") else None
    return [part_of(made, part) for part in parts]


def part_of(made: Any, part: list[Any]) -> Any:
    """part: numbers of lists and names of fields, from outside."""
    if isinstance(made, Step) and not part:
        made = made.image
    for key in part:
        if isinstance(key, str) and is_dataclass(made) and key in {field.name for field in fields(made)}:
            made = getattr(made, key)
        elif isinstance(key, int) and isinstance(made, list | tuple) and 0 <= key < len(made):
            made = made[key]
        else:
            raise StudioError(BROKEN)
    return made


def _flat(made: Any) -> Iterator[Image.Image]:
    """All frames of a call."""
    for item in [made] if isinstance(made, Image.Image) else made:
        yield from _flat(item) if isinstance(item, list) else [item.image if isinstance(item, Step) else item]


def _enlarged(picture: Any, found: Mapping[str, Any]) -> Image.Image:
    if not isinstance(picture, Image.Image):
        raise StudioError(BROKEN)
    wanted = found.get("enlarge")
    return picture if wanted is None else enlarge(picture, wanted["side"], wanted["smooth"])
