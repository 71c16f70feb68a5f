"""From a name to a usable net: locate, verify, build, convert, load strictly, freeze, move, keep."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from . import catalog, weights
from . import device as devices
from .errors import StudioError
from .spec import Formula, Spec

_lock = threading.Lock()
_nets: dict[tuple[str, torch.device], tuple[Spec, nn.Module]] = {}


def load(name: str, device: str | torch.device | None = None) -> nn.Module:
    """The net of that name, in evaluation mode, without gradients, on `device` (None: the best one of this machine).

    Loaded once and shared: do not change it. Raises StudioError for an unknown name, missing or wrong weights, a Hub out
    of reach, or a device that this machine does not have.
    """
    spec = catalog.find(name)
    key = (name, _pick(device))
    if (net := _kept(key, spec)) is not None:
        return net
    # Outside the lock, so that a long download holds up nobody else.
    path = None if isinstance(spec.source, Formula) else weights.locate(spec, instead=_instead(spec))
    if path is not None:
        weights.verify(spec, path)
    with _lock:
        if (net := _kept(key, spec)) is None:
            state = {} if path is None else weights.read(path, spec.only)
            net = _prepare(build(spec, state), key[1])
            _nets[key] = (spec, net)
    return net


def _kept(key: tuple[str, torch.device], spec: Spec) -> nn.Module | None:
    """The net in memory, unless its name has come to mean another model."""
    known, net = _nets.get(key, (None, None))
    return net if known == spec else None


def _instead(spec: Spec) -> str | None:
    """A model for the same task that needs no download."""
    other = catalog.default(spec.task)
    return other.name if other and other.name != spec.name and not spec.embedded else None


def _pick(device: str | torch.device | None) -> torch.device:
    try:
        chosen = devices.pick(None if device is None else str(device))
    except RuntimeError as error:
        raise StudioError(f"There is no device {str(device)!r}: use cpu, cuda or mps.") from error
    counts = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available()), "cpu": 1}
    if (chosen.index or 0) >= counts.get(chosen.type, 0):
        raise StudioError(f"This machine has no device {chosen}: use cpu.")
    return chosen


def build(spec: Spec, state: Mapping[str, Any]) -> nn.Module:
    """The spec's net with the weights `state`. Every key and shape has to fit; StudioError names the first that does not."""
    net = _resolve(spec.build)(**spec.kwargs)
    try:
        state = spec.convert(state)
        problem = _mismatch(net.state_dict(), state)
    except ValueError as error:  # a conversion that knows the file's own names says what is wrong in those
        problem = str(error)
    if problem:
        raise StudioError(f"The weights of {spec.name} do not fit its net ({problem}): get the file of this version.")
    net.load_state_dict(state, strict=True)
    return net


def _resolve(reference: str | Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    if callable(reference):
        return reference
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _mismatch(wanted: Mapping[str, Tensor], given: Mapping[str, Any]) -> str | None:
    """What is wrong with the first key that is wrong; a missing one says more than a shape, so those come first."""
    for key in wanted:
        if not isinstance(given.get(key), Tensor):
            return f"{key} is missing"
    for key, tensor in wanted.items():
        if given[key].shape != tensor.shape:
            return f"{key} has the shape {list(given[key].shape)}, not {list(tensor.shape)}"
    surplus = next((key for key in given if key not in wanted), None)
    return f"{surplus} is unknown" if surplus is not None else None


def _prepare(net: nn.Module, device: torch.device) -> nn.Module:
    net = net.eval().requires_grad_(False).to(device)
    if any(p.ndim == 4 for p in net.parameters()):
        net = net.to(memory_format=torch.channels_last)
    return net
