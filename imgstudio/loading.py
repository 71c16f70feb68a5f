"""From a name to a usable net: locate, verify, build, convert, load strictly, freeze, move, keep.

Nets stay in memory up to a budget for each device; then the one that was used longest ago gives its memory back.
"""

from __future__ import annotations

import importlib
import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from . import catalog, memory, weights
from . import device as devices
from .catalog.records import Formula, Spec
from .errors import StudioError

Key: TypeAlias = tuple[str, torch.device]

SHARE = 0.5  # of a device's memory that nets at rest may keep

_lock = threading.Lock()
# The one used last is last. Readers take no lock, so that a net that is being read holds nobody up: look at copies.
_nets: dict[Key, tuple[Spec, nn.Module]] = {}


def load(name: str, device: str | torch.device | None = None) -> nn.Module:
    """The net of that name, in evaluation mode, without gradients, on `device` (None: that of IMGSTUDIO_DEVICE, or the best).

    Loaded once and shared: do not change it. Raises StudioError for an unknown name, missing or wrong weights, a Hub out
    of reach, a device that this machine does not have, or a setting that cannot be read.
    """
    spec = catalog.find(name)
    key = (name, devices.pick(device))
    devices.chosen_dtype(key[1])  # a wrong setting is reported before any download
    if (net := _cached(key, spec)) is not None:
        return net
    # Outside the lock, so that a long download holds up nobody else.
    path = None if isinstance(spec.source, Formula) else weights.locate(spec, instead=_alternative(spec))
    if path is not None:
        weights.verify(spec, path)
    with _lock:
        if (net := _cached(key, spec)) is None:
            state = {} if path is None else weights.read(path, spec.only)
            net = _prepare(build(spec, state), key[1])
            _nets.pop(key, None)
            _nets[key] = (spec, net)
            _evict(key[1])
    return net


def _cached(key: Key, spec: Spec) -> nn.Module | None:
    """The net in memory, unless its name has come to mean another model."""
    known, net = _nets.get(key, (None, None))
    if known != spec:
        return None
    _nets[key] = _nets.pop(key, (known, net))  # as the one used last
    return net


def _alternative(spec: Spec) -> str | None:
    """A model for the same task that needs no download."""
    other = catalog.default(spec.task)
    return other.known_as if other and other.name != spec.name and not spec.embedded else None


def build(spec: Spec, state: Mapping[str, Any]) -> nn.Module:
    """The spec's net with the weights `state`. Every key and shape has to fit; StudioError names the first that does not."""
    net = resolve(spec.build)(**spec.kwargs)
    try:
        state = spec.convert(state)
        problem = mismatch(net.state_dict(), state) or invalid_values(state)
    except ValueError as error:  # a conversion that knows the file's own names says what is wrong in those
        problem = str(error)
    if problem:
        raise StudioError(f"The weights of {spec.known_as} do not fit its net ({problem}): get the file of this version.")
    net.load_state_dict(state, strict=True)
    return net


def resolve(reference: str | Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """The class that "package.module:Class" names."""
    if callable(reference):
        return reference
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def state_shapes(build: str | Callable[..., nn.Module], kwargs: Mapping[str, Any]) -> dict[str, Tensor]:
    """The names, shapes and types of what a net holds, without memory for any of it."""
    with torch.device("meta"):
        return dict(resolve(build)(**kwargs).state_dict())


def invalid_values(state: Mapping[str, Tensor]) -> str | None:
    """What makes the values of a fitting state useless: from NaN a net makes black pictures without a word."""
    for key, tensor in state.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return f"{key} holds values that are no numbers (NaN) or infinite"
        if key.endswith("running_var") and (tensor < 0).any():
            return f"{key} holds variances below zero"
    return None


def mismatch(wanted: Mapping[str, Tensor], given: Mapping[str, Any]) -> str | None:
    """What is wrong with the first key that is wrong; a missing one says more than a shape, so those come first."""
    for key in wanted:
        if not isinstance(given.get(key), Tensor):
            return f"{key} is missing"
    for key, tensor in wanted.items():
        if given[key].shape != tensor.shape:
            return f"{key} has the shape {list(given[key].shape)}, not {list(tensor.shape)}"
        if tensor.is_floating_point() and not given[key].is_floating_point():
            return f"{key} holds numbers of the type {str(given[key].dtype).removeprefix('torch.')}, not floating ones"
    surplus = next((key for key in given if key not in wanted), None)
    return f"{surplus} is unknown" if surplus is not None else None


def _prepare(net: nn.Module, device: torch.device) -> nn.Module:
    net = net.eval().requires_grad_(False).to(device)
    if any(p.ndim == 4 for p in net.parameters()):
        net = net.to(memory_format=torch.channels_last)
    return net


# --- memory ---


def budget(device: torch.device) -> int:
    """Bytes that nets may keep on a device: IMGSTUDIO_MEMORY, in GB ("6") or as a share of its memory ("30%"), or half of it."""
    setting = os.environ.get("IMGSTUDIO_MEMORY", "").strip()
    if not setting:
        return int(SHARE * devices.memory(device))
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|GB)?", setting, re.IGNORECASE)
    if number is None:
        raise StudioError(f"IMGSTUDIO_MEMORY is {setting!r}: it has to be gigabytes, such as 6, or a share, such as 30%.")
    return int(float(number[1]) * (devices.memory(device) / 100 if number[2] == "%" else 1e9))


def resident(device: torch.device) -> int:
    """Bytes that nets keep on a device now. Buffers count too."""
    return sum(_bytes(net) for (_, place), (_, net) in list(_nets.items()) if place == device)


def _bytes(net: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in (*net.parameters(), *net.buffers()))


def _evict(device: torch.device) -> None:
    """Forgets nets of a device, those used longest ago first, until the rest fits its budget. The last one always stays, and
    one that still computes keeps its memory until it is done."""
    here = [key for key in list(_nets) if key[1] == device]
    allowed = budget(device)
    while len(here) > 1 and resident(device) > allowed:
        _nets.pop(here.pop(0), None)


def release() -> None:
    """Forgets all nets, so that those at rest give their memory back to the system; each is loaded again when asked for."""
    with _lock:
        _nets.clear()
    devices.empty_cache()
    memory.trim()
