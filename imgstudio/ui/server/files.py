"""Files that a visitor names: which may be read, and what the page calls them.

On their way out, paths become names relative to the upload folder; on their way in, names become checked paths. Nothing
else of this machine can be named.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import os
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.route_utils import API_PREFIX
from gradio.utils import get_upload_folder

from ...errors import StudioError
from . import opening
from .settings import settings
from .visitors import UPLOADED, current, home, root

# Components whose values are files. A value of any other has none.
FILES = (
    gr.Image, gr.ImageEditor, gr.ImageSlider, gr.Gallery, gr.File, gr.UploadButton, gr.DownloadButton, gr.Video, gr.Audio,
    gr.AnnotatedImage,
)  # fmt: skip

NOT_UPLOADED = "This file was not uploaded to this server: upload it first, or send a picture as a data: address."
NO_ADDRESSES = "This server fetches nothing from other addresses: upload the file, or send a picture as a data: address."
NO_FILES_HERE = "A file was sent in the place of another value: look up what this function takes."
NO_DATA = "This data: address cannot be read: write it as data:image/png;base64, and the picture in base64."
NO_ROOM = "The disk of this server is full: try again later, or ask whoever runs it to make room."

_META = {"_type": "gradio.FileData"}
_LONGEST = 1024  # of a name, characters
_DATA = re.compile(r"data:(?P<kind>[\w.+-]{1,40}/[\w.+-]{1,60})?(?:;[\w=.-]{1,40})*;base64,", re.ASCII)
_ENDINGS = {"jpeg": "jpg", "svg+xml": "svg", "x-png": "png"}
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_MARK = f"{API_PREFIX}/file="


# --- one file


def _inside(name: Any) -> Path | None:
    """What a visitor's name means in the upload folder, by its letters alone; None for anything outside."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or "\0" in name:
        return None
    place, path = root(), Path(name)
    if path.is_absolute():
        folder = next((each for each in (place, Path(os.path.abspath(get_upload_folder()))) if path.is_relative_to(each)), None)
        if folder is None:
            return None
        path = path.relative_to(folder)
    return None if ".." in path.parts else place / path


def readable(name: Any) -> Path | None:
    """The regular file in the upload folder that a visitor means, links followed; None for everything else.

    name: relative to the upload folder, or a path in it. Nothing outside is looked at, so that nobody learns what is there.
    """
    path = _inside(name)
    if path is None:
        return None
    try:
        opening.restore(path)
        real = path.resolve(strict=True)
        fine = real.is_relative_to(root()) and stat.S_ISREG(real.stat().st_mode)
    except (OSError, RuntimeError, ValueError):
        return None
    return real if fine else None


def checked(name: Any) -> str:
    """The path of a file that this visitor may have read. Raises StudioError, in the same words for everything else."""
    if isinstance(name, str) and _ADDRESS.match(name):
        raise StudioError(NO_ADDRESSES)
    if isinstance(name, str) and name.startswith("data:"):
        return str(_decoded(name))
    kept = _place_of_its_own(_inside(name))
    if kept is not None and kept.is_file():
        os.utime(kept.parent)  # what is in use is removed last
        return str(kept)
    path = readable(name)
    if path is None:
        raise StudioError(NOT_UPLOADED)
    return str(_claimed(path, kept))


def _place_of_its_own(path: Path | None) -> Path | None:
    """Where this visitor's own link to a file lies that others may remove; None for what is theirs or the page's already."""
    visitor = current()
    if path is None or visitor is None or path.is_relative_to(visitor.folder) or opening.holds(path):
        return None
    return visitor.folder / f"{UPLOADED}{hashlib.sha256(str(path).encode()).hexdigest()[:32]}" / path.name


def _claimed(path: Path, kept: Path | None) -> Path:
    """A file that was uploaded lasts as long as the visitor who uses it."""
    if kept is None:
        return path
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, kept)
    except FileExistsError:
        return kept
    except OSError:  # a file system without links: the upload itself lasts for its time
        return path
    return kept


def _decoded(address: str) -> Path:
    """The file of a data: address, bounded. Raises StudioError."""
    head, text = _DATA.match(address[:200]), address.partition(",")[2]
    if head is None:
        raise StudioError(NO_DATA)
    if len(text) * 3 / 4 > settings().upload_mb * 1e6:
        raise StudioError(f"This picture is too large: shrink it to at most {settings().upload_mb:g} MB.")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise StudioError(NO_DATA) from error
    kind = (head["kind"] or "").partition("/")[2]
    ending = _ENDINGS.get(kind, kind if re.fullmatch(r"[a-z0-9]{1,5}", kind) else "bin")
    visitor = current()
    place = (visitor.folder if visitor else home()) / hashlib.sha256(data).hexdigest()[:32]
    path = place / f"picture.{ending}"
    if not path.is_file():
        place.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(data)
        except OSError:
            path.unlink(missing_ok=True)  # or else half a picture would be found next time
            raise
    return path


# --- values of components


def incoming(component: Any, value: Any) -> Any:
    """What was sent for a component, with checked paths. Raises StudioError."""
    if not isinstance(component, FILES):
        _without_files(value)
        return value
    if isinstance(value, list):  # of a field for several files, or of a gallery
        return [_file({"path": each}) if isinstance(each, str) else _checked(each) for each in value]
    return _file({"path": value}) if isinstance(value, str) else _checked(value)


def _checked(value: Any) -> Any:
    if isinstance(value, dict):
        if "path" in value or "url" in value:
            return _file(value)
        return {key: _checked(each) for key, each in value.items()}
    return [_checked(each) for each in value] if isinstance(value, list) else value


def _file(value: dict) -> dict:
    name = value.get("path") or value.get("url")
    original, size = value.get("orig_name"), value.get("size")
    return {
        "path": checked(name),
        "url": None,
        "orig_name": os.path.basename(original)[:200] if isinstance(original, str) else None,
        "mime_type": value["mime_type"] if isinstance(value.get("mime_type"), str) else None,
        "size": size if isinstance(size, int) else None,
        "is_stream": False,
        "meta": _META,
    }


def _without_files(value: Any) -> None:
    """Gradio looks for files in every value, and would fetch them."""
    if isinstance(value, dict) and "meta" in value and ("path" in value or "url" in value):
        raise StudioError(NO_FILES_HERE)
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _without_files(each)


def outgoing(value: Any) -> Any:
    """The same value, whose files have names in place of paths."""
    if isinstance(value, dict):
        if isinstance(value.get("meta"), dict) and isinstance(value.get("path"), str):
            return _named(value)
        return {key: outgoing(each) for key, each in value.items()}
    return [outgoing(each) for each in value] if isinstance(value, list | tuple) else value


def _named(value: dict) -> dict:
    name = file_name(value["path"])
    if name == value["path"]:
        return value
    address = value.get("url")
    if isinstance(address, str) and _MARK in address:
        address = address.partition(_MARK)[0] + _MARK + quote(name)
    return {**value, "path": name, "url": address}


def file_name(path: str) -> str:
    """What visitors call a file of the upload folder; other texts stay as they are."""
    for folder in (str(root()), os.path.abspath(get_upload_folder())):
        if path.startswith(folder + os.sep):
            return Path(path).relative_to(folder).as_posix()
    return path


# --- sentences


def no_room(error: BaseException | None) -> bool:
    """Whether an error comes from a full disk."""
    for _ in range(10):
        if error is None:
            return False
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def sentence(error: Exception) -> str:
    """What a visitor reads: no folder of this machine, and the cause where it is a full disk."""
    if no_room(error):
        return NO_ROOM
    text = str(error)
    for folder in {str(root()), os.path.abspath(get_upload_folder())}:
        text = re.sub(re.escape(folder) + r"(?:/[^/\s]+)*/", "", text)
    return text
