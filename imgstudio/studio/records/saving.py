"""Pictures and films into files of any format, with their record."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from ... import image as images
from ...checks import check_flag, check_range, shown
from ...errors import StudioError
from ...image import carrying, metadata, png
from .. import animation

STILLS = (".png", ".webp", ".jpg", ".jpeg", ".gif")
_QUALITY = 95


def save(
    picture: Image.Image | Iterable[Image.Image], path: str | os.PathLike[str], *, record: bool = True, fps: float = 12
) -> Path:
    """Writes a picture as .png, .webp (both lossless), .jpg or .gif, or frames of one size as endless .gif or .webp, or as .mp4.

    record: the file holds how the picture was made, where that is known (see `record`): in a PNG's text, the EXIF data of WebP
            and JPEG, a GIF's comment, an MP4's metadata. False leaves it out.
    fps:    frames a second of a film, 1 to 50.

    Raises StudioError for another ending, and for a place that cannot be written.
    """
    path, record = _place(path), check_flag("The record", record)
    fps = check_range("The number of frames a second", fps, 1, animation.MOST_FPS)
    if not isinstance(picture, Image.Image):
        return animation.save(_frames(picture), path, fps=fps, record=record)
    if path.suffix.lower() not in STILLS:
        if path.suffix.lower() in animation.ENDINGS:
            return animation.save([picture], path, fps=fps, record=record)
        raise StudioError(f"{shown(path.name)} is no kind of picture known here: give it the ending {', '.join(STILLS)}.")
    return _write(path, _encoded(picture, path.suffix.lower(), record))


def _place(path: str | os.PathLike[str]) -> Path:
    try:
        place = Path(path)
        if os.path.lexists(place) and not place.is_file():
            raise StudioError(f"{shown(place.name)} is a folder or a device, not a file: choose another place.")
    except (TypeError, ValueError, OSError):
        raise StudioError(f"A picture can't be saved as {shown(path)}: give the path of a file.") from None
    return place


def _frames(pictures: Iterable[Any]) -> Iterable[Image.Image]:
    """The same, checked; a list stays one."""
    if isinstance(pictures, list | tuple):
        return [_frame(each) for each in pictures]
    if not isinstance(pictures, Iterator):
        raise StudioError(f"A picture or a list of frames is saved, not {shown(pictures)}.")
    return map(_frame, pictures)


def _frame(value: Any) -> Image.Image:
    found = getattr(value, "image", value)  # a step has a picture
    if not isinstance(found, Image.Image):
        raise StudioError(f"Frames are pictures, not {shown(found)}.")
    return found


def _write(path: Path, data: bytes) -> Path:
    try:
        path.write_bytes(data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it has no such name"
        raise StudioError(f"{shown(str(path))} cannot be written ({reason}): choose another place.") from error
    return path


def _encoded(picture: Image.Image, ending: str, record: bool) -> bytes:
    if ending == ".png":
        return png.encoded(picture, record=record)
    text = carrying.text(images.carried(picture)) if record else None
    buffer = io.BytesIO()
    try:
        _ENCODERS[ending](images.read(picture), buffer, text)
    except (OSError, ValueError) as error:  # more pixels a side than the format holds
        raise StudioError(f"{picture.width} x {picture.height} pixels can't be saved as {ending}: choose .png.") from error
    return buffer.getvalue()


def _jpeg(picture: Image.Image, buffer: io.BytesIO, text: str | None) -> None:
    if text is not None and len(text) > metadata.MOST_EXIF:
        raise StudioError("The record is too long for a JPEG: save as .png or .webp, or leave it out with record=False.")
    more = {} if text is None else {"exif": metadata.exif(text)}
    picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=0, **more)


def _webp(picture: Image.Image, buffer: io.BytesIO, text: str | None) -> None:
    more = {} if text is None else {"exif": metadata.exif(text)}
    picture.save(buffer, "WEBP", lossless=True, **more)


def _gif(picture: Image.Image, buffer: io.BytesIO, text: str | None) -> None:
    more = {} if text is None else {"comment": text.encode()}
    picture.quantize(256, method=Image.Quantize.MEDIANCUT).save(buffer, "GIF", **more)


_ENCODERS: dict[str, Callable[[Image.Image, io.BytesIO, str | None], None]] = {
    ".webp": _webp,
    ".jpg": _jpeg,
    ".jpeg": _jpeg,
    ".gif": _gif,
}
