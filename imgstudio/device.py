"""Where to compute and in which precision, and the random numbers of a seed."""

from __future__ import annotations

import contextlib
import functools
import os

import torch
from torch import Tensor

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


def pick(name: str | None = None) -> torch.device:
    """The device of that name; without a name the best one that this process may use now."""
    if name is not None:
        return torch.device(name)
    return torch.device("cpu") if lent() and not _granted else best()


@functools.cache
def best() -> torch.device:
    """CUDA, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


@functools.cache
def _cpu_has_bfloat16() -> bool:
    """True on CPUs that multiply bfloat16 in hardware (AVX512-BF16 or AMX); elsewhere it is emulated, and slower than float32."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def compute_dtype(device: torch.device) -> torch.dtype:
    """The precision that heavy layers run in: bfloat16 where the hardware has it, otherwise float32."""
    if device.type == "cuda":
        # Emulated, as on cards before Ampere, it is slow, and their convolutions have none at all.
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """Mixed precision for one forward pass on `device`; does nothing where `compute_dtype` is float32."""
    dtype = compute_dtype(device)
    return contextlib.nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)


def describe(device: torch.device | None = None) -> str:
    """For people: "NVIDIA H200, bfloat16", "CPU, 2 threads, bfloat16"."""
    if device is None and lent():
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
