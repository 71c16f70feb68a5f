"""FastGAN, as the Hub's huggan organisation keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ...models.fastgan import SIDES, FastGAN
from ..checkpoint import State
from ..keys import need
from ..recognition import Mismatch, Recognised

_NAMES = (
    (re.compile(r"_init\._layers\.(\d)\.(?:_conv\.)?(\w+)"), r"first.\1.\2"),
    (re.compile(r"_upsample_(\d+)\._layers\.(\d)\.(?:_conv\.)?_?(\w+)"), r"grow.\1.\2.\3"),
    (re.compile(r"_sle_(\d+)\._layers\.(\d)\._conv\.(\w+)"), r"gate.\1.\2.\3"),
    (re.compile(r"_out_1024\.0\._conv\.(\w+)"), r"last.\1"),
)
_SMALL_PICTURE = "_out_128."  # a second output, which training looks at


def recognise(state: State, task: Task | None) -> Recognised | None:
    if not any(key.startswith("_init._layers.") for key in state):
        return None
    try:
        kwargs, _ = layout(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a FastGAN, but {error}") from error
    found = Recognised(
        task="sample",
        build="imgstudio.models.fastgan:FastGAN",
        kwargs=kwargs,
        convert=own_keys,
        title="FastGAN, 1024 px",
        said=f"A FastGAN: {kwargs['latent']} numbers become 1024 × 1024 px in colour.",
        paper=credits.FASTGAN,
    )
    return replace(found, side=FastGAN.size)


def layout(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a file of the huggan layout needs: arguments for FastGAN, and its tensors under our keys.

    Raises ValueError that names the key that is wrong.
    """
    folded = fold_spectral_norm({key: value for key, value in state.items() if not key.startswith(_SMALL_PICTURE)})
    ours = {_own_name(key): value for key, value in folded.items()}
    convolutions = ["first.0.weight", *(f"grow.{side}.1.weight" for side in SIDES[1:])]
    missing = next((name for name in convolutions if name not in ours), None)
    if missing:
        raise ValueError(f"it has no {missing}, as FastGAN's files name it in their own way")
    widths = tuple(need(ours, name, 4).shape[name == "first.0.weight"] // 2 for name in convolutions)
    return {"latent": ours["first.0.weight"].shape[0], "widths": widths}, ours


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public file under our keys: `layout` for a model whose arguments are known."""
    return layout(state)[1]


def _own_name(key: str) -> str:
    for pattern, ours in _NAMES:
        if pattern.fullmatch(key):
            return pattern.sub(ours, key)
    raise ValueError(f"{key} is unknown")


def fold_spectral_norm(state: Mapping[str, Any]) -> dict[str, Any]:
    """weight_orig, weight_u and weight_v of `torch.nn.utils.spectral_norm` as the weight that they come to in evaluation:
    weight_orig / (u^T W v) (Miyato et al. 2018, arXiv:1802.05957)."""
    folded = {}
    for key, value in state.items():
        if key.endswith(".weight_orig"):
            name = key.removesuffix("_orig")
            u, v = need(state, f"{name}_u", 1), need(state, f"{name}_v", 1)
            if value.ndim < 2 or not value.numel() or not all(each.is_floating_point() for each in (value, u, v)):
                raise ValueError(f"{key} is no weight of a convolution")
            folded[name] = value / _largest_singular_value(value, u, v)
        elif not key.endswith((".weight_u", ".weight_v")):
            folded[key] = value
    return folded


def _largest_singular_value(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """u^T W v. The rows of W are output channels, which a transposed convolution has in its second dimension."""
    straight = weight[0].numel() == len(v) and len(weight) == len(u)
    rows = weight if straight else weight.transpose(0, 1)
    if len(rows) != len(u) or rows[0].numel() != len(v):
        raise ValueError(f"the spectral norm of a weight of the shape {list(weight.shape)} has vectors of other lengths")
    return torch.dot(u, F.linear(rows.flatten(1), v[None])[:, 0])
