"""What is in a file of weights: its hash, its tensors, and its net's arguments.

Files of this studio are safetensors, float16 on disk and float32 in memory, with the net's arguments as JSON in the metadata.
PyTorch files are read as plain tensors; nothing in them is ever executed, see `checkpoints`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
import math
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import safe_open
from torch import Tensor

from ..errors import StudioError
from . import checkpoints
from .checkpoints import SLACK
from .kinds import Kind, Refused, kind_of, printable
from .pickles import DIMENSIONS, TENSORS

HEADER = 8 << 20  # bytes in which a safetensors file describes its tensors: about a hundred for each
CONFIG, ARGUMENTS = 1 << 14, 64  # letters of a net's arguments as JSON, and the most of them, or of values in one of them

log = logging.getLogger(__name__)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file; remembered until the file changes."""
    stat = path.stat()
    return _sha256(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, modified: int, size: int) -> str:  # noqa: ARG001
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read(path: Path, only: Callable[[str], bool] | None = None) -> dict[str, Any]:
    """The tensors of a file by name, floating ones as float32, on the CPU.

    only: says by its name whether a tensor is wanted; the others never get into memory.
    Raises StudioError for what is damaged, no file of weights, or larger in memory than its bytes account for.
    """
    wanted = only or (lambda name: True)  # noqa: ARG005
    with _opened(path) as (file, kind):
        if kind == "safetensors":
            return _read_safetensors(file, path, wanted)
        return _full((checkpoints.read_zip if kind == "zip" else checkpoints.read_plain)(file, wanted), {})


def is_safetensors(path: Path) -> bool:
    """Whether the file is one, whatever its name. Raises StudioError as `read` does."""
    with _opened(path) as (_, kind):
        return kind == "safetensors"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Kind]]:
    """The one place where a file of weights is opened: a regular file of a kind that is known. Whatever goes wrong while it is
    read, in any library, becomes a sentence with the file's plain name."""
    name = printable(path.name)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused("is no file: give the path of one")
        with path.open("rb") as file:
            yield file, kind_of(file, path.name)
    except Refused as error:
        raise StudioError(f"{name} {error}.") from error
    except StudioError:
        raise
    except FileNotFoundError as error:
        raise StudioError(f"{name} is no longer there: give it once more.") from error
    except PermissionError as error:
        raise StudioError(f"{name} may not be read: change its permissions.") from error
    except MemoryError as error:
        raise StudioError(f"{name} needs more memory than there is: choose a smaller file.") from error
    except Exception as error:  # of the readers, which let through whatever strange bytes lead to
        log.info("%s cannot be read", name, exc_info=True)
        raise StudioError(f"{name} is damaged or incomplete: get it again.") from error


def _full(state: dict[str, Any], known: dict[int, Any]) -> dict[str, Any]:
    """With floating tensors as float32; those that are one stay one."""
    if id(state) in known:
        return known[id(state)]
    full: dict[str, Any] = {}
    known[id(state)] = full
    for name, value in state.items():
        if isinstance(value, dict):
            full[name] = _full(value, known)
        elif isinstance(value, Tensor):
            full[name] = known.setdefault(id(value), value.float() if value.is_floating_point() else value)
        else:
            full[name] = value
    return full


def _read_safetensors(file: BinaryIO, path: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    _check_header(file)
    with safe_open(path, framework="pt") as opened:
        names = [checkpoints.checked(name) for name in opened.keys() if wanted(name)]  # noqa: SIM118 (not a dict)
        if len(names) > TENSORS:
            raise Refused(f"holds more than {TENSORS:,} tensors, and is not opened")
        shapes = (opened.get_slice(name).get_shape() for name in names)
        if any(len(shape) > DIMENSIONS or max(shape, default=0) > max(path.stat().st_size, SLACK) for shape in shapes):
            raise Refused("holds a tensor that is larger than the file itself, and is not opened")
        tensors = ((name, opened.get_tensor(name)) for name in names)
        return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors}


def _check_header(file: BinaryIO) -> None:
    """Raises Refused for a list of tensors that is longer than that of any net."""
    if int.from_bytes(file.read(8), "little") > HEADER:
        raise Refused(f"describes more than a net does ({HEADER >> 20} MB beside its numbers), and is not opened")


def read_config(path: Path) -> dict[str, Any]:
    """What `write` stored as `config`; empty for files of other makers, whatever they keep under that name. Raises StudioError as
    `read` does."""
    with _opened(path) as (file, kind):
        if kind != "safetensors":
            return {}
        _check_header(file)
        with safe_open(path, framework="pt") as opened:
            return _config((opened.metadata() or {}).get("config", "{}"))


def _config(text: str) -> dict[str, Any]:
    """Arguments of a net: names with plain values, short lists of them, and one dictionary of them at most inside. Empty for
    anything else."""
    if len(text) > CONFIG:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and len(found) <= ARGUMENTS and all(map(_argument, found.values())) else {}


def _argument(value: Any, inside: bool = False) -> bool:
    if isinstance(value, str):
        return len(value) <= ARGUMENTS
    if value is None or isinstance(value, bool | int | float):
        return value is None or (math.isfinite(value) and abs(value) < 1 << 32)
    if inside or len(value) > ARGUMENTS:
        return False
    return all(_argument(each, inside=True) for each in (value.values() if isinstance(value, dict) else value))
