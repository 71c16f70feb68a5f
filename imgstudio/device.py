"""Where to compute and in which precision, and the random numbers of a seed."""

from __future__ import annotations

import contextlib
import functools
import os
import re

import torch
from torch import Tensor

from .checks import kind_of, shown
from .errors import StudioError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_granted = False


def lent() -> bool:
    """True where a GPU is there only while a call of `gpu.on_gpu` runs, in a process of its own: on ZeroGPU Spaces."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def grant() -> None:
    """To be called by a process that has been lent a GPU."""
    global _granted
    _granted = True


def granted() -> bool:
    return _granted


def pick(name: str | torch.device | None = None) -> torch.device:
    """The device of that name; without a name the best one that this process may use now.

    Raises StudioError for a name that is none, a device that this machine does not have, and a wrong IMGSTUDIO_DEVICE.
    """
    if isinstance(name, str | torch.device):
        return _named(str(name), "")
    if name is not None:
        raise StudioError(f"A device is a name such as cpu, cuda or mps, not {kind_of(name)}.")
    return torch.device("cpu") if lent() and not _granted else best()


def best() -> torch.device:
    """The one that IMGSTUDIO_DEVICE names; without it CUDA, then Apple's MPS, then the CPU."""
    setting = os.environ.get("IMGSTUDIO_DEVICE", "").strip().lower()
    return _named(setting, "IMGSTUDIO_DEVICE: ") if setting else _fastest()


def _named(name: str, source: str) -> torch.device:
    if not re.fullmatch(r"cpu|mps|cuda(:\d{1,3})?|(cpu|mps):0", name, re.ASCII):
        raise StudioError(f"{source}There is no device {shown(name)}: use cpu, cuda, cuda:1 or mps.")
    kind, _, index = name.partition(":")
    number = int(index or 0)
    counts = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    if number >= counts[kind]:
        there = [f"{other}:{i}" if i else other for other, count in counts.items() for i in range(count)]
        raise StudioError(f"{source}This machine has no device {name}: use {' or '.join(there)}.")
    return torch.device(kind, number) if number else torch.device(kind)  # "cuda" and "cuda:0" are one place for nets


@functools.cache
def _fastest() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


# --- precision ---


@functools.cache
def _cpu_has_bfloat16() -> bool:
    """True on CPUs that multiply bfloat16 in hardware (AVX512-BF16 or AMX); elsewhere it is emulated, and slower than float32."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def _gpu_has_bfloat16(device: torch.device) -> bool:
    """False on NVIDIA's cards before Ampere: there it is emulated and slow, and their convolutions have none at all."""
    return torch.version.hip is not None or torch.cuda.get_device_capability(device) >= (8, 0)


def compute_dtype(device: torch.device, *, training: bool = False) -> torch.dtype:
    """The precision that heavy layers run in: what IMGSTUDIO_DTYPE says; without it bfloat16 where the hardware has it, float16
    on older cards, otherwise float32.

    training: float32 in place of float16, in which small gradients vanish.
    Raises StudioError for a wrong IMGSTUDIO_DTYPE, or one that the device is not made for.
    """
    dtype = chosen_dtype(device) or _fastest_dtype(device)
    return torch.float32 if training and dtype is torch.float16 else dtype


def _fastest_dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        return torch.bfloat16 if _gpu_has_bfloat16(device) else torch.float16
    return torch.bfloat16 if device.type == "cpu" and _cpu_has_bfloat16() else torch.float32


def chosen_dtype(device: torch.device) -> torch.dtype | None:
    """What IMGSTUDIO_DTYPE says, None for nothing. Raises StudioError for a word that is none or not for this device."""
    setting = os.environ.get("IMGSTUDIO_DTYPE", "").strip().lower()
    if not setting:
        return None
    if setting not in DTYPES:
        raise StudioError(f"IMGSTUDIO_DTYPE is {shown(setting)}: use {', '.join(DTYPES)}, or leave it out.")
    if device.type == "cpu" and setting == "float16":
        if lent():  # meant for the GPU that is lent; light work is done without
            return None
        raise StudioError("IMGSTUDIO_DTYPE is float16, which is for GPUs: on a CPU use bfloat16 or float32.")
    if device.type == "cuda" and setting == "bfloat16" and (_granted or not lent()) and not _gpu_has_bfloat16(device):
        raise StudioError("IMGSTUDIO_DTYPE is bfloat16, which this GPU does not have: use float16 or float32.")
    return DTYPES[setting]


def autocast(device: torch.device, *, training: bool = False) -> contextlib.AbstractContextManager:
    """Mixed precision for one forward pass on `device`; does nothing where `compute_dtype` is float32."""
    dtype = compute_dtype(device, training=training)
    return contextlib.nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)


def describe(device: torch.device | None = None) -> str:
    """For people: "NVIDIA H200, bfloat16", "CPU, 2 threads, bfloat16"."""
    if device is None and lent():
        chosen_dtype(best())
        return "ZeroGPU: a GPU for heavy work, a CPU for light work"
    device = device or pick()
    precision = str(compute_dtype(device)).removeprefix("torch.")
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, {precision}"
    if device.type == "mps":
        return f"Apple GPU, {precision}"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}, {precision}"


def normal(seed: int, *shape: int) -> Tensor:
    """Standard normal numbers of this seed, float32. Always drawn on the CPU, so that every machine gets the same ones."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(int(seed)))


# --- memory ---


def memory(device: torch.device) -> int:
    """Bytes that a device has in all."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 8_000_000_000


def out_of_memory(error: BaseException) -> bool:
    """True if a device, or the machine, had no room for what was to be computed."""
    # On a CPU, PyTorch raises a plain RuntimeError.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def empty_cache() -> None:
    """Gives memory that PyTorch keeps for later back to the GPU."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
