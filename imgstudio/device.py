"""Where to compute and in which precision, and the random numbers of a seed."""

from __future__ import annotations

import contextlib
import functools

import torch
from torch import Tensor


@functools.cache
def pick(name: str | None = None) -> torch.device:
    """The device of that name; without a name CUDA, then Apple's MPS, then the CPU."""
    if name is not None:
        return torch.device(name)
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
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """Mixed precision for one forward pass on `device`; does nothing where `compute_dtype` is float32."""
    dtype = compute_dtype(device)
    return contextlib.nullcontext() if dtype is torch.float32 else torch.autocast(device.type, dtype)


def describe(device: torch.device | None = None) -> str:
    """For people: "NVIDIA H200, bfloat16", "CPU, 2 threads, bfloat16"."""
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
