"""Reading other people's archives: nothing is unpacked to disk, names are never used as paths, sizes are bounded."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from PIL import Image, ImageOps

from ...errors import StudioError

MOST_FILES = 400_000
MOST_BYTES = 64 << 20  # of one file that is read
MOST_TOTAL = 16 << 30  # of all files of an archive of tar, read or not
MOST_PIXELS = 120_000_000

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error)


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the wanted regular files of a .zip, .whl, .tar, .tar.gz or .tgz, in the order of the archive.

    A name that leads out of the archive, a link and a file that is too large are errors: a good archive of pictures has none.
    """
    with path.open("rb") as file:
        yield from stream(file, path.name, wanted)


def stream(file: BinaryIO, name: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """The same for an open archive of that name, such as one inside another."""
    try:
        yield from _zipped(file, wanted) if name.endswith((".zip", ".whl")) else _tarred(file, wanted)
    except _DAMAGED as error:
        raise StudioError(f"{name} is damaged or no archive: delete it and run the command again.") from error


def names(path: Path, wanted: Callable[[str], bool]) -> list[str]:
    """The wanted names alone, sorted."""
    found: list[str] = []

    def note(name: str) -> bool:
        if wanted(name):
            found.append(name)
        return False

    for _ in members(path, note):
        pass
    return sorted(found)


def _zipped(file: BinaryIO, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist()[:MOST_FILES]:
            if not info.is_dir() and wanted(_safe(info.filename)):
                with archive.open(info) as member:
                    yield info.filename, _read(member, info.filename)


def _tarred(file: BinaryIO, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        total = 0
        for count, info in enumerate(archive):
            total += info.size
            if count >= MOST_FILES or total > MOST_TOTAL:
                raise StudioError("An archive holds far more than any set of pictures should: nothing was made of it.")
            if info.isfile() and wanted(_safe(info.name)):
                member = archive.extractfile(info)
                assert member is not None  # a regular file
                yield info.name, _read(member, info.name)


def _safe(name: str) -> str:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or "\0" in name:
        raise StudioError(f"An archive holds the name {name!r}, which leads out of it: nothing was made of it.")
    return name


def _read(member: BinaryIO, name: str) -> bytes:
    data = member.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise StudioError(f"{name} in an archive is larger than {MOST_BYTES >> 20} MB: nothing was made of it.")
    return data


def picture(data: bytes, name: str) -> Image.Image:
    """A picture in RGB, upright where its camera noted how it was held; its size is checked before its pixels are made."""
    try:
        with Image.open(io.BytesIO(data)) as found:
            if found.width * found.height > MOST_PIXELS:
                raise StudioError(
                    f"{name} has {found.width} x {found.height} pixels, which is more than any picture here should."
                )
            return ImageOps.exif_transpose(found).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StudioError(f"{name} is no picture that can be read: its source may have changed.") from error
