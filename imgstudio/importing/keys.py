"""Key maps: from the names of tensors in files of others to those of the nets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from .checkpoint import State


def need(state: Mapping[str, Any], key: str, dimensions: int | None = None) -> Tensor:
    """The tensor of that name. Raises ValueError that names it unless it is there, has so many dimensions, and is not empty."""
    tensor = state.get(key)
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{key} is missing")
    if dimensions is not None and (tensor.ndim != dimensions or not tensor.numel()):
        raise ValueError(f"{key} has the shape {list(tensor.shape)}")
    return tensor


@dataclass(frozen=True)
class Renaming:
    """Other names for layers; the number of batches that a norm has seen is left as it is, or 0 where old files have none."""

    names: Mapping[str, str] = field(hash=False)

    def __call__(self, state: State) -> dict[str, Tensor]:
        renamed = {}
        for key, tensor in state.items():
            layer, _, last = key.rpartition(".")
            renamed[f"{self.names.get(layer, layer)}.{last}"] = tensor
        for key, tensor in list(renamed.items()):
            if key.endswith(".running_mean"):
                counter = key.replace("running_mean", "num_batches_tracked")
                renamed.setdefault(counter, tensor.new_zeros((), dtype=int))
        return renamed
