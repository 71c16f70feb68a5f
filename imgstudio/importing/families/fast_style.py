"""Nets of fast style transfer: TransformerNet of pytorch/examples, and the layout of ConvBlock, ResidualBlock and DeconvBlock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ..checkpoint import State
from ..keys import need
from ..recognition import Mismatch, Recognised

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # left by old instance norms, which never used them
_PARTS = {  # layout -> the layers before, inside and after the residual blocks, in our order, without ".weight" and ".bias"
    "examples": (
        [("conv1.conv2d", "in1"), ("conv2.conv2d", "in2"), ("conv3.conv2d", "in3")],
        [("res{n}.conv1.conv2d", "res{n}.in1"), ("res{n}.conv2.conv2d", "res{n}.in2")],
        [("deconv1.conv2d", "in4"), ("deconv2.conv2d", "in5"), ("deconv3.conv2d", None)],
    ),
    "blocks": (
        [(f"ConvBlock.{i}.conv", f"ConvBlock.{i}.norm") for i in (0, 2, 4)],
        [(f"ResidualBlock.{{n}}.conv{i}.conv", f"ResidualBlock.{{n}}.conv{i}.norm") for i in (1, 2)],
        [(f"DeconvBlock.{i}.conv", f"DeconvBlock.{i}.norm") for i in (0, 2)] + [("DeconvBlock.4.conv", None)],
    ),
}
_SYNONYMS = (  # what the layers of "blocks" are called in its copies
    (re.compile(r"\.(conv_layer|conv_transpose|deconv|conv2d)\.(?=\w+$)"), ".conv."),
    (re.compile(r"\.(norm_layer|instance|in)\.(?=\w+$)"), ".norm."),
)
_FIRST = {"examples": 1, "blocks": 0}  # number of the first residual block


def recognise(state: State, task: Task | None) -> Recognised | None:
    """TransformerNet of pytorch/examples, and the layout of ConvBlock, ResidualBlock and DeconvBlock."""
    if not any(re.match(r"res\d\.conv1\.conv2d\.|ResidualBlock\.\d\.", key) for key in state):
        return None
    try:
        kwargs, _ = layout(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a net of fast style transfer, but {error}") from error
    origin = "pytorch/examples" if kwargs["upsample"] == "resize" else "fast-neural-style-pytorch"
    return Recognised(
        task="stylize",
        build="imgstudio.models.fast_style:FastStyle",
        kwargs=kwargs,
        convert=own_keys,
        title="Fast style",
        said=f"A net of fast style transfer, as in {origin}: {', '.join(map(str, kwargs['widths']))} channels and "
        f"{kwargs['blocks']} residual blocks.",
        paper=credits.JOHNSON,
    )


def layout(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments for FastStyle, and the tensors under our keys, of a file in one of the two layouts, whatever its widths.

    Raises ValueError that names the key that is missing or unknown.
    """
    given = {key: value for key, value in state.items() if key.rpartition(".")[2] not in _STATISTICS}
    origin = "examples" if any(key.startswith("deconv1.") for key in given) else "blocks"
    if origin == "blocks":
        given = {_plain(key): value for key, value in given.items()}
    before, inside, after = _PARTS[origin]
    pattern = re.compile(inside[0][0].replace(".", r"\.").format(n=r"(\d+)") + r"\.weight")
    blocks = len([key for key in given if pattern.fullmatch(key)])
    repeated = [
        tuple(part.format(n=n) for part in pair) for n in range(_FIRST[origin], _FIRST[origin] + blocks) for pair in inside
    ]
    names = _names([*before, *repeated, *after], blocks)
    for theirs in names:
        need(given, theirs)
    unknown = next((key for key in given if key not in names), None)
    if unknown is not None:
        raise ValueError(f"{unknown} is unknown")
    widths = tuple(need(given, f"{convolution}.weight", 4).shape[0] for convolution, _ in before)
    kwargs = {"widths": widths, "blocks": blocks, "upsample": "resize" if origin == "examples" else "transposed"}
    return kwargs, {ours: given[theirs] for theirs, ours in names.items()}


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public file under our keys: `layout` for a model whose arguments are known."""
    return layout(state)[1]


def _plain(key: str) -> str:
    for pattern, name in _SYNONYMS:
        key = pattern.sub(name, key)
    return key


def _names(layers: Sequence[tuple[str, str | None]], blocks: int) -> dict[str, str]:
    """Their key -> ours."""
    places = [*(f"down.{i}" for i in range(3)), *(f"residual.{i}" for i in range(2 * blocks)), "up.0", "up.1", "last"]
    names = {}
    for i, (place, (theirs, norm)) in enumerate(zip(places, layers, strict=True)):
        for part in ("weight", "bias"):
            names[f"{theirs}.{part}"] = f"{place}.{part}"
            if norm:
                names[f"{norm}.{part}"] = f"norms.{i}.{part}"
    return names
