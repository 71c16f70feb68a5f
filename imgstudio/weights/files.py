"""What is in a file of weights: its hash, its tensors, and writing one.

Files are safetensors, float16 on disk and float32 in memory, with the net's arguments as JSON in the metadata. For a Hub
repository that has nothing else, PyTorch files are read as plain tensors; nothing in them is ever executed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import StudioError


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file; remembered until the file changes."""
    stat = path.stat()
    return _sha256(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, modified: int, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read(path: Path, only: Callable[[str], bool] | None = None) -> dict[str, Any]:
    """The tensors of a file by name, floating ones as float32, on the CPU. Raises StudioError if it is damaged.

    only: says by its name whether a tensor is wanted; of a safetensors file, the others never get into memory.
    """
    state = (_read_safetensors if path.suffix == ".safetensors" else _read_torch)(path, only or (lambda name: True))
    return {name: _full(value) for name, value in state.items()}


def _full(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


def _read_safetensors(path: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if wanted(name)}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise StudioError(f"{path} is damaged or incomplete: delete it and get it again.") from error


def _read_torch(path: Path, wanted: Callable[[str], bool]) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise StudioError(f"{path} holds more than tensors, or is damaged, and is not opened: choose another file.") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise StudioError(f"{path} is damaged or incomplete: delete it and get it again.") from error
    if not isinstance(state, dict):
        raise StudioError(f"{path} holds no tensors by name: choose another file.")
    return {name: value for name, value in state.items() if wanted(name)}


def read_config(path: Path) -> dict[str, Any]:
    """What `write` stored as `config`; empty for files of other makers."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get("config", "{}"))
    except (SafetensorError, ValueError) as error:
        raise StudioError(f"{path} is damaged or incomplete: delete it and get it again.") from error


def write(path: Path, state: Mapping[str, Tensor], config: dict[str, Any] | None = None, *, exact: bool = False) -> str:
    """Writes tensors by name, floating ones as float16 unless `exact`, and returns the file's SHA-256.

    The file appears whole or not at all. The same tensors give the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(
            {name: _alone(state[name]) if exact else _compact(state[name]) for name in sorted(state)},
            partial,
            metadata={"config": json.dumps(config or {}, sort_keys=True)},
        )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return sha256(path)


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
