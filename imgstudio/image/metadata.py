"""A text within files of pictures and films: EXIF of JPEG and WebP, the comment of GIF and MP4, a text chunk of PNG.

The readers walk through blocks by their lengths, look at no pixel, and take no more than LONGEST bytes of a text: a file may
come from anywhere.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from .carrying import LONGEST

MOST_EXIF = 65_000  # bytes that one segment of a JPEG holds
_MOST_BLOCKS = 200_000
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_ASCII = b"ASCII\0\0\0"


def exif(text: str) -> bytes:
    """A text as the user comment of EXIF data."""
    tags = Image.Exif()
    tags.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _ASCII + text.encode("ascii")
    return tags.tobytes()


def read_text(path: Path) -> str | None:
    """The text that a JPEG, WebP, GIF or MP4 file holds; None without one, for other files and damaged ones."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            found = next((read for known, read in _READERS if known(head)), None)
            data = found(file, os.fstat(file.fileno()).st_size) if found else None
        return None if data is None else data.decode("utf-8")
    except (OSError, ValueError, struct.error, IndexError):
        return None


def _jpeg(file: BinaryIO, _: int) -> bytes | None:
    file.seek(2)
    for _block in range(_MOST_BLOCKS):
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] in (0xDA, 0xD9):  # pixels, or the end
            return None
        (length,) = struct.unpack(">H", file.read(2))
        data = file.read(length - 2)
        if marker[1] == 0xE1 and data.startswith(b"Exif\0\0"):
            return _comment(data)
    return None


def _webp(file: BinaryIO, size: int) -> bytes | None:
    place = 12
    for _block in range(_MOST_BLOCKS):
        file.seek(place)
        head = file.read(8)
        if place >= size or len(head) < 8:
            return None
        kind, length = struct.unpack("<4sI", head)
        if kind == b"EXIF":
            return _comment(file.read(min(length, LONGEST + 1000)))
        place += 8 + length + length % 2
    return None


def _comment(data: bytes) -> bytes | None:
    """The user comment in EXIF data."""
    data = data.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    (first,) = struct.unpack_from(f"{order or '>'}I", data, 4)
    inner = _entry(data, order, first, _EXIF_IFD) if order else None
    found = _entry(data, order, inner[1], _USER_COMMENT) if inner else None
    if found is None or found[0] > LONGEST:
        return None
    return data[found[1] : found[1] + found[0]].removeprefix(_ASCII)


def _entry(data: bytes, order: str, place: int, wanted: int) -> tuple[int, int] | None:
    """Length and place, or value, of an entry in a directory of EXIF data."""
    (count,) = struct.unpack_from(f"{order}H", data, place)
    for number in range(count):
        tag, _, length, value = struct.unpack_from(f"{order}HHII", data, place + 2 + 12 * number)
        if tag == wanted:
            return length, value
    return None


def _gif(file: BinaryIO, _: int) -> bytes | None:
    file.seek(10)
    file.seek(13 + _palette(file.read(1)[0]))
    for _block in range(_MOST_BLOCKS):
        kind = file.read(1)
        if kind == b"!":
            comment = file.read(1) == b"\xfe"
            data = _blocks(file, LONGEST if comment else 0)
            if comment and data:
                return data
        elif kind == b",":
            flags = file.read(9)[8]
            file.seek(_palette(flags) + 1, os.SEEK_CUR)
            _blocks(file, 0)
        else:
            return None
    return None


def _palette(flags: int) -> int:
    """Bytes of a palette."""
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _blocks(file: BinaryIO, most: int) -> bytes:
    """A chain of blocks of up to 255 bytes, of which so many bytes at most are kept: none of a longer one."""
    parts: list[bytes] = []
    length = 0
    for _block in range(_MOST_BLOCKS):
        count = file.read(1)
        if not count or not count[0]:
            break
        length += count[0]
        if length <= most:
            parts.append(file.read(count[0]))
        else:
            file.seek(count[0], os.SEEK_CUR)
    return b"".join(parts) if length <= most else b""


_WAY = (b"moov", b"udta", b"meta", b"ilst", b"\xa9cmt", b"data")  # boxes around the comment, from outside


def _mp4(file: BinaryIO, size: int) -> bytes | None:
    start, end = 0, size
    for kind in _WAY:
        if (found := _box(file, kind, start, end)) is None:
            return None
        start, end = found
        start += {b"meta": 4, b"data": 8}.get(kind, 0)  # version; type and locale
    if not 0 <= end - start <= LONGEST:
        return None
    file.seek(start)
    return file.read(end - start)


def _box(file: BinaryIO, wanted: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Where the first box of a kind begins and ends, among those between two places."""
    for _block in range(_MOST_BLOCKS):
        if start + 8 > end:
            return None
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if length == 1:
            (length,), head = struct.unpack(">Q", file.read(8)), 16
        stop = end if length == 0 else start + length
        if 0 < length < head:
            return None
        if kind == wanted:
            return start + head, min(stop, end)
        start = stop
    return None


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], bytes | None]], ...] = (
    (lambda head: head.startswith(b"\xff\xd8"), _jpeg),
    (lambda head: head[:4] == b"RIFF" and head[8:] == b"WEBP", _webp),
    (lambda head: head[:4] == b"GIF8", _gif),
    (lambda head: head[4:8] == b"ftyp", _mp4),
)
