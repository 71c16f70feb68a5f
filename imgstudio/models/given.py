"""What files of others give: a tensor is looked at only once its shape is known to be of the right kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def need(state: Mapping[str, Any], key: str, dimensions: int | None = None) -> Tensor:
    """The tensor of that name. Raises ValueError that names it unless it is there, has so many dimensions, and is not empty."""
    tensor = state.get(key)
    if not isinstance(tensor, Tensor):
        raise ValueError(f"{key} is missing")
    if dimensions is not None and (tensor.ndim != dimensions or not tensor.numel()):
        raise ValueError(f"{key} has the shape {list(tensor.shape)}")
    return tensor
