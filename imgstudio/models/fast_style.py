"""Feed-forward style transfer (Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155) as others publish it: the net of
pytorch/examples, and that of rrmina/fast-neural-style-pytorch, which the Hub's maze/FastStyleTransfer follows.

They draw the whole picture anew, in values from 0 to 255; in that they differ from `transformer_net`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from .given import need
from .transformer_net import InstanceNorm, Moments, OnePass, convolution

UPSAMPLE = ("resize", "transposed")


class FastStyle(OnePass):
    """Pictures [N, 3, H, W] in [-1, 1] -> the same pictures in one style; any size from 8 x 8.

    widths:   channels at full, half and quarter resolution, where the residual `blocks` work.
    upsample: "resize" repeats pixels and convolves, "transposed" convolves backwards.

    The right and lower border are reflected up to a multiple of 4, and cut off again.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128), blocks: int = 5, upsample: str = "resize"):
        super().__init__()
        if upsample not in UPSAMPLE:
            raise ValueError(f"upsample is one of {', '.join(UPSAMPLE)}, got {upsample!r}")
        full, half, quarter = widths
        self.resize = upsample == "resize"
        self.down = nn.ModuleList([convolution(3, full, 9), convolution(full, half, 3, 2), convolution(half, quarter, 3, 2)])
        self.residual = nn.ModuleList(convolution(quarter, quarter, 3) for _ in range(2 * blocks))
        self.up = nn.ModuleList(self._enlarging(*pair) for pair in ((quarter, half), (half, full)))
        self.last = convolution(full, 3, 9)
        self.norms = nn.ModuleList(InstanceNorm(c) for c in (full, half, *[quarter] * (2 * blocks + 1), half, full))

    def _enlarging(self, wide: int, narrow: int) -> nn.Module:
        if self.resize:
            return convolution(wide, narrow, 3)
        return nn.ConvTranspose2d(wide, narrow, 3, 2, padding=1, output_padding=1)

    def _run(self, x: Tensor, look: Callable[[Tensor], Moments]) -> Tensor:
        height, width = x.shape[2:]
        h = F.pad(127.5 * (x + 1), (0, -width % self.stride, 0, -height % self.stride), mode="reflect")
        norms = iter(self.norms)

        def normalised(h: Tensor) -> Tensor:
            return next(norms)(h, look(h))

        for layer in self.down:
            h = F.relu(normalised(layer(h)))  # N,quarter,H/4,W/4 in the end
        for first, second in zip(self.residual[::2], self.residual[1::2]):
            h = h + normalised(second(F.relu(normalised(first(h)))))
        for layer in self.up:
            h = F.relu(normalised(layer(F.interpolate(h, scale_factor=2) if self.resize else h)))
        drawn = self.last(h).float()[:, :, :height, :width]
        return drawn.clamp(0, 255) / 127.5 - 1


# --- files of others ---

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


def recognise(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments for FastStyle, and the tensors under our keys, of a file in one of the two layouts, whatever its widths.

    Raises ValueError that names the key that is missing or unknown.
    """
    given = {key: value for key, value in state.items() if key.rpartition(".")[2] not in _STATISTICS}
    layout = "examples" if any(key.startswith("deconv1.") for key in given) else "blocks"
    if layout == "blocks":
        given = {_plain(key): value for key, value in given.items()}
    before, inside, after = _PARTS[layout]
    pattern = re.compile(inside[0][0].replace(".", r"\.").format(n=r"(\d+)") + r"\.weight")
    blocks = len([key for key in given if pattern.fullmatch(key)])
    repeated = [
        tuple(part.format(n=n) for part in pair) for n in range(_FIRST[layout], _FIRST[layout] + blocks) for pair in inside
    ]
    names = _names([*before, *repeated, *after], blocks)
    for theirs in names:
        need(given, theirs)
    unknown = next((key for key in given if key not in names), None)
    if unknown is not None:
        raise ValueError(f"{unknown} is unknown")
    widths = tuple(need(given, f"{convolution}.weight", 4).shape[0] for convolution, _ in before)
    kwargs = {"widths": widths, "blocks": blocks, "upsample": "resize" if layout == "examples" else "transposed"}
    return kwargs, {ours: given[theirs] for theirs, ours in names.items()}


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public file under our keys: `recognise` for a model whose arguments are known."""
    return recognise(state)[1]


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
