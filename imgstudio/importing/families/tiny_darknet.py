"""Tiny Darknet with its batch norms, as `conv1`, `bn1`, ..., `conv16`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ...models.tiny_darknet import LAYERS, WIDTHS
from ..checkpoint import State
from ..keys import need
from ..recognition import Mismatch, Recognised

_EPS = 1e-3  # of the batch norms, which are folded into the convolutions


def recognise(state: State, task: Task | None) -> Recognised | None:
    """Tiny Darknet with its batch norms: conv1, bn1, ..., conv16."""
    if "conv16.weight" not in state or "bn15.running_mean" not in state:
        return None
    try:
        own_keys(state)
    except ValueError as error:
        raise Mismatch(f"it looks like Tiny Darknet, but {error}") from error
    segment = task == "segment"
    return Recognised(
        task="segment" if segment else "features",
        build=f"imgstudio.models.tiny_darknet:{'DarknetSegmenter' if segment else 'TinyDarknet'}",
        convert=own_keys,
        title="Tiny Darknet",
        said="A Tiny Darknet, which knows the classes of ImageNet."
        + (" Its layers tell textures apart." if segment else " In the tab Texture its layers tell textures apart."),
        paper=credits.DARKNET,
    )


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors under our keys of a file with `conv1`, `bn1`, ..., each batch norm folded into its convolution.

    Raises ValueError that names the key that is missing or unknown.
    """
    ours = {}
    for i in range(len(WIDTHS)):
        weight = need(state, f"conv{i + 1}.weight", 4)
        if LAYERS[i] == "logits":
            bias = need(state, f"conv{i + 1}.bias", 1)
        else:
            gain, shift, mean, variance = (
                need(state, f"bn{i + 1}.{part}", 1) for part in ("weight", "bias", "running_mean", "running_var")
            )
            if any(len(each) != len(weight) for each in (gain, shift, mean, variance)):
                raise ValueError(f"bn{i + 1} has another number of channels than conv{i + 1}")
            scale = gain * torch.rsqrt(variance + _EPS)
            weight, bias = weight * scale[:, None, None, None], shift - mean * scale
        ours |= {f"convolutions.{i}.weight": weight, f"convolutions.{i}.bias": bias}
    unknown = next((key for key in state if not re.fullmatch(r"(conv|bn)([1-9]|1[0-6])\.\w+", key)), None)
    if unknown is not None:
        raise ValueError(f"{unknown} is unknown")
    return ours
