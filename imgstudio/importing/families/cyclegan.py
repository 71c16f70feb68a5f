"""The generator of CycleGAN in its two public layouts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ...models.resnet_generator import BLOCK_NAMES, ResnetGenerator
from ..checkpoint import State
from ..keys import need
from ..recognition import Mismatch, Recognised

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # left by old instance norms, which never used them


def recognise(state: State, task: Task | None) -> Recognised | None:
    """The generator of CycleGAN in its two public layouts."""
    if not any(re.fullmatch(r"model\.\d+\.(conv_)?block\.\d+\.weight", key) for key in state):
        return None
    try:
        kwargs, _ = layout(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a generator of CycleGAN, but {error}") from error
    origin = "junyanz/pytorch-CycleGAN-and-pix2pix" if kwargs["upsample"] == "transposed" else "PyTorch-GAN"
    return Recognised(
        task="translate",
        build="imgstudio.models.resnet_generator:ResnetGenerator",
        kwargs=kwargs,
        convert=own_keys,
        title="CycleGAN",
        said=f"A generator of CycleGAN, as in {origin}: {kwargs['channels']} channels and {kwargs['blocks']} residual blocks. "
        "The way back is another file.",
        paper=credits.CYCLEGAN,
    )


def layout(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a checkpoint in one of the two public layouts needs: arguments for ResnetGenerator, and its tensors under our keys.

    Any width and any number of blocks, recognised by key names and shapes; what wrapping a net adds to its keys ("module.") and
    the unused statistics of old files are dropped. Raises ValueError that names the key or shape that is wrong.
    """
    given = {_plain(key): value for key, value in state.items() if key.rpartition(".")[2] not in _STATISTICS}
    upsample = next((way for way, name in BLOCK_NAMES.items() if any(f".{name}." in key for key in given)), None)
    if upsample is None:
        raise ValueError("it has no residual blocks named model.10.block or model.10.conv_block")
    found = re.compile(rf"model\.(\d+)\.{BLOCK_NAMES[upsample]}\.\d+\.weight")
    blocks = len({match[1] for key in given if (match := found.fullmatch(key))})
    first = need(given, "model.1.weight", 4)
    kwargs = {"channels": first.shape[0], "blocks": blocks, "upsample": upsample}
    with torch.device("meta"):  # names and shapes are enough, and cost no memory
        wanted = ResnetGenerator(**kwargs).state_dict()
    _check(wanted, given)
    return kwargs, {key: given[key] for key in wanted}


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public checkpoint under our keys: `layout` for a model whose arguments are known."""
    return layout(state)[1]


def _plain(key: str) -> str:
    key = key.removeprefix("module.")
    return re.sub(r"\.conv_block\.6\.", ".conv_block.5.", key)  # with dropout, the second convolution is one place later


def _check(wanted: Mapping[str, Tensor], given: Mapping[str, Any]) -> None:
    for key, tensor in wanted.items():
        if not isinstance(given.get(key), Tensor):
            raise ValueError(f"{key} is missing")
        if given[key].shape != tensor.shape:
            raise ValueError(f"{key} has the shape {list(given[key].shape)}, not {list(tensor.shape)}")
    surplus = next((key for key in given if key not in wanted), None)
    if surplus is not None:
        raise ValueError(f"{surplus} is unknown")
