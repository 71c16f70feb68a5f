"""Writing files of weights: whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from ..errors import StudioError
from .files import sha256
from .kinds import printable

STALE = 60.0  # seconds since an unfinished file of a process that runs no more was last written to
ABANDONED = 86400.0  # the same, where no one can tell whether that process runs


def write(path: Path, state: Mapping[str, Tensor], config: dict[str, Any] | None = None, *, exact: bool = False) -> str:
    """Writes tensors by name, floating ones as float16 unless `exact`, and returns the file's SHA-256.

    The file appears whole or not at all. The same tensors give the same bytes. Raises StudioError for a path at which there is
    something else than a file.
    """
    partial = _target(path)
    try:
        save_file(
            {name: _alone(state[name]) if exact else _compact(state[name]) for name in sorted(state)},
            partial,
            metadata={"config": json.dumps(config or {}, sort_keys=True)},
        )
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudioError(f"{printable(path.name)} cannot be written ({printable(reason)}): choose another place.") from error
    finally:
        partial.unlink(missing_ok=True)
    return sha256(path)


def _target(path: Path) -> Path:
    """A name beside `path` for the time of writing. Its folder is made, and what killed processes left there is removed."""
    name = printable(path.name)
    try:
        if os.path.lexists(path) and not path.is_file():
            raise StudioError(f"{name} is a folder or a device, not a file: write to another path.")
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path.parent)
    except (OSError, ValueError) as error:
        raise StudioError(f"{name} cannot be written there ({_why(error)}): choose another path.") from error
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _why(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or "it is no path"


def remove_stale(folder: Path) -> None:
    """Removes the unfinished files of processes that were killed while they wrote to this folder."""
    for left in folder.glob(".*.part"):
        found = re.fullmatch(r"\..+\.(\d{1,9})\.part", left.name)
        if found and stale(left, int(found[1])):
            with contextlib.suppress(OSError):  # another process may do the same
                left.unlink()


def stale(path: Path, process: int) -> bool:
    """Whether a process of that number, which made a file or folder, will not come back to it."""
    try:
        return time.time() - path.lstat().st_mtime > (STALE if _ended(process) else ABANDONED)
    except OSError:
        return False


def _ended(process: int) -> bool:
    """Whether it is known that no process of this machine has that number."""
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is another user's
        return False
    return False


def _alone(tensor: Tensor) -> Tensor:
    """A copy on the CPU, because the format holds no shared memory."""
    return tensor.detach().cpu().contiguous().clone()


def _compact(tensor: Tensor) -> Tensor:
    """float16, unless a value is too large for it."""
    tensor = _alone(tensor)
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if torch.equal(half.isfinite(), tensor.isfinite()) else tensor.float()
