"""The fully connected VAE of the tutorials: layers fc1, fc21, fc22, fc3, fc4, and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ...models.tutorial_gan import picture_of
from ..checkpoint import State
from ..keys import need
from ..recognition import Mismatch, Recognised


def recognise(state: State, task: Task | None) -> Recognised | None:
    """fc1, fc21, fc22, fc3, fc4, and the like."""
    if not any(re.fullmatch(r"fc\d1\.weight", key) for key in state):
        return None
    try:
        kwargs, _ = layout(state)
        _, size = picture_of(kwargs["encoder"][0])
    except ValueError as error:
        raise Mismatch(f"it looks like a fully connected VAE, but {error}") from error
    units = ", ".join(map(str, kwargs["encoder"][1:]))
    return Recognised(
        task="reconstruct",
        build="imgstudio.models.tutorial_vae:DenseVAE",
        kwargs=kwargs,
        convert=own_keys,
        title=f"Fully connected VAE, {size} px",
        said=f"A fully connected VAE of {size} × {size} px: {kwargs['latent']} latent numbers, by way of {units} units.",
        doubt="ReLU between its layers and a sigmoid at the end are assumed, as in the tutorials.",
        paper=credits.VAE,
    )


def layout(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments for DenseVAE, and the tensors under our keys, of a file with layers fc1, ..., fcN1, fcN2, ..., fcM.

    fcN1 makes the mean, fcN2 the log variance. Raises ValueError that names the key that is wrong.
    """
    layers = {found[1]: need(state, key, 2) for key in state if (found := re.fullmatch(r"fc(\d+)\.weight", key, re.ASCII))}
    split = next((name[0] for name in layers if len(name) == 2 and f"{name[0]}1" in layers and f"{name[0]}2" in layers), None)
    if split is None:
        raise ValueError("it has no pair of layers such as fc21 and fc22")
    single = sorted((name for name in layers if len(name) == 1), key=int)
    before, after = ([name for name in single if (name < split) == early] for early in (True, False))
    if not before or not after:
        raise ValueError(f"there are no layers {'before' if not before else 'after'} fc{split}1 and fc{split}2")
    names = {f"fc{name}": f"encoder.{i}" for i, name in enumerate(before)}
    names |= {f"fc{split}1": "mean", f"fc{split}2": "logvar"}
    names |= {f"fc{name}": f"decoder.{i}" for i, name in enumerate(after)}
    kwargs = {
        "encoder": (layers[before[0]].shape[1], *(layers[name].shape[0] for name in before)),
        "latent": layers[f"{split}1"].shape[0],
        "decoder": tuple(layers[name].shape[0] for name in after),
    }
    return kwargs, {_renamed(key, names): value for key, value in state.items()}


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public file under our keys: `layout` for a model whose arguments are known."""
    return layout(state)[1]


def _renamed(key: str, names: Mapping[str, str]) -> str:
    layer, _, part = key.rpartition(".")
    if layer not in names:
        raise ValueError(f"{key} is unknown")
    return f"{names[layer]}.{part}"
