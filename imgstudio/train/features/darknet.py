"""Reads Tiny Darknet (Joseph Redmon) from a file of the Darknet framework.

Such a file is little-endian: three int32 (major, minor, revision), the number of pictures seen (int32 before version 0.2, int64
from it on), and then float32 numbers, one convolution after the other: biases; scales, running means and running variances of
its batch norm if it has one; kernels [out, in, height, width]. The last of the 16 convolutions has no batch norm.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import StudioError
from ..perceptual import WIDTHS, kernel

MOST = 64 << 20  # bytes; the real file has about 4 MB


def read(path: Path) -> dict[str, Tensor]:
    """State dict with `conv{i}.weight`, `bn{i}.weight`, `.bias`, `.running_mean`, `.running_var`, and `conv16.bias`."""
    if path.stat().st_size > MOST:
        raise StudioError(f"{path.name} is too large for Tiny Darknet: it is another file.")
    data = path.read_bytes()
    if len(data) < 20:
        raise StudioError(f"{path.name} is too short for a file of Darknet.")
    major, minor, _ = struct.unpack("<3i", data[:12])
    if not (0 <= major < 1000 and 0 <= minor < 1000):
        raise StudioError(f"{path.name} is no file of Darknet: its first bytes name no version.")
    header = 20 if major * 10 + minor >= 2 else 16
    wanted = sum(count for *_, count in _layout())
    if len(data) != header + 4 * wanted:
        raise StudioError(f"{path.name} has {len(data)} bytes and Tiny Darknet {header + 4 * wanted}: it is another net.")
    numbers = np.frombuffer(data, "<f4", offset=header)
    if not np.isfinite(numbers).all():
        raise StudioError(f"{path.name} holds numbers that are not finite: it is damaged.")
    state, place = {}, 0
    for name, shape, count in _layout():
        state[name] = torch.from_numpy(numbers[place : place + count].astype(np.float32)).reshape(shape)
        place += count
    return state


def _layout() -> list[tuple[str, tuple[int, ...], int]]:
    """Names, shapes and counts of all arrays, in the order of the file."""
    rows: list[tuple[str, tuple[int, ...]]] = []
    for i, (narrow, wide) in enumerate(zip((3, *WIDTHS), WIDTHS), start=1):
        norm = i < len(WIDTHS)
        rows.append((f"bn{i}.bias" if norm else f"conv{i}.bias", (wide,)))
        rows += [(f"bn{i}.{name}", (wide,)) for name in ("weight", "running_mean", "running_var") if norm]
        rows.append((f"conv{i}.weight", (wide, narrow, kernel(i), kernel(i))))
    return [(name, shape, int(np.prod(shape))) for name, shape in rows]
