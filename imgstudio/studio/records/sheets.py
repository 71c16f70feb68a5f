"""Pictures arranged, enlarged or made a film of, whose record goes along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from ... import image as images
from ...image import carrying


def enlarge(image: Image.Image, side: int, smooth: bool = False) -> Image.Image:
    """As `image.enlarge`; a picture with a record keeps it, and the enlargement stands in it."""
    made = images.enlarge(image, side, smooth)
    found = images.carried(image)
    if made is not image:
        made.info.pop(carrying.KEY, None)
        if found and _single(found):
            images.carry(made, {**_call(found), **_place(found), "enlarge": {"side": int(side), "smooth": bool(smooth)}})
    return made


def grid(pictures: Sequence[Image.Image], columns: int | None = None, gap: int = 2, side: int | None = None) -> Image.Image:
    """As `image.grid`; where all pictures are of one call, the sheet has its record."""
    sheet = images.grid(pictures, columns, gap, side)
    if (found := _common(pictures)) is not None:
        record, parts = found
        images.carry(sheet, {**record, "sheet": {"columns": columns, "gap": gap, "side": side, "parts": parts}})
    return sheet


def film_record(frames: Sequence[Image.Image], fps: float) -> dict[str, Any] | None:
    """The record of a film, from the frames that are known: all, or the first of frames that are made one by one."""
    if (found := _common(frames)) is None:
        return None
    record, parts = found
    whole = parts == [[number] for number in range(len(parts))]
    return {**record, "film": {"fps": fps, **({} if whole else {"parts": parts})}}


def _common(pictures: Sequence[Image.Image]) -> tuple[dict[str, Any], list[list[int | str]]] | None:
    """The call that pictures have in common, and which parts of it they are; None where they have none."""
    records = [images.carried(picture) for picture in pictures]
    if not records or not all(found is not None and _single(found) for found in records):
        return None
    known = [found for found in records if found is not None]
    calls = [_call(found) for found in known]
    if any(call != calls[0] for call in calls):
        return None
    return calls[0], [found.get("part", []) for found in known]


def _single(found: dict[str, Any]) -> bool:
    """Whether a record is of one picture as it was made."""
    return not found.get("changed") and "sheet" not in found and "film" not in found


def _call(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in ("part", "picture")}


def _place(found: dict[str, Any]) -> dict[str, Any]:
    return {"part": found["part"]} if "part" in found else {}
