"""What a style transfer will cost, said before it begins: memory, time, and the largest size."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from ... import catalog
from ... import device as devices
from ...catalog.records import Spec
from ...errors import StudioError
from ...models.adain import AdaIN
from ...models.arbitrary_style import ArbitraryStyle, ConditionalTransformer
from ...models.fast_style import FastStyle
from ...models.transformer_net import OnePass, TransformerNet
from ...models.vgg import VGG
from ...ops import optimise
from ...ops import style as ops
from ...ops.style import feedforward

Kind: TypeAlias = Literal["optimise", "one pass", "any style"]

NETS: dict[str, tuple[Kind, type[nn.Module]]] = {
    "VGG": ("optimise", VGG),
    "TransformerNet": ("one pass", TransformerNet),
    "FastStyle": ("one pass", FastStyle),
    "AdaIN": ("any style", AdaIN),
    "ArbitraryStyle": ("any style", ArbitraryStyle),
}
LARGEST = {"optimise": (1024, 4096), "one pass": (6000, 8192), "any style": (4096, 6000)}  # on a CPU, on a GPU
_SPARE = 300_000_000  # bytes for the libraries' own buffers
_START, _LENT = 3.0, 5e-8  # seconds: until the weights are on a lent GPU, and for one pixel to go through VGG-19 there
_measuring = threading.Lock()
_PROBE = {"optimise": 192, "one pass": 256, "any style": 256}  # sides in pixels at which time is measured


def kind(model: str) -> Kind:
    """How a model restyles: "optimise" a picture, "one pass" in its one style, or "any style" in one pass. Loads nothing."""
    return _net(catalog.find(model))[0]


def _net(spec: Spec) -> tuple[Kind, Any]:
    name = getattr(spec.build, "__name__", None) or str(spec.build).rpartition(":")[2]
    if spec.task != "stylize" or name not in NETS:
        fitting = ", ".join(other.name for other in catalog.models("stylize"))
        raise StudioError(f"{spec.known_as} can't do this (stylize): choose one of {fitting}.")
    way, build = NETS[name]
    return way, build


def meta_net(model: str) -> Any:
    """A model's net without any numbers in it, on the device "meta". Loads nothing."""
    spec = catalog.find(model)
    return _shape(_net(spec)[1], tuple(sorted(spec.kwargs.items())))


def style_layers(model: str) -> tuple[str, ...]:
    """The layers that a model for optimisation has, from the picture on; none of other models. Loads nothing."""
    return meta_net(model).layers if kind(model) == "optimise" else ()


# --- memory ---


def memory_needed(model: str, size: int) -> int:
    """Bytes that a square picture of `size` px takes at most while it is made, the net included. Loads nothing."""
    return picture_memory(model, size, size)


def picture_memory(model: str, height: int, width: int) -> int:
    """Bytes for a picture of height x width px."""
    way, net = kind(model), meta_net(model)
    weights = 6 * sum(p.numel() for p in net.parameters())  # float32, and a copy in half precision
    return _SPARE + weights + int(_BYTES[way](net, height * width))


@functools.lru_cache(maxsize=64)
def _shape(build: Any, kwargs: tuple) -> Any:
    """The net without any numbers in it."""
    with torch.device("meta"):
        return build(**dict(kwargs))


def _bytes_to_optimise(net: VGG, pixels: float) -> int:
    """What a forward pass keeps for the backward pass: input and output of every convolution, and float32 copies of the style
    layers. On top come the gradients of the largest layer."""
    half = devices.compute_dtype(devices.pick()).itemsize
    kept, largest = 0.0, 0.0
    for layer in net.features:
        pixels = pixels / 4 if isinstance(layer, nn.AvgPool2d) else pixels
        if isinstance(layer, nn.Conv2d):
            kept += half * pixels * (layer.in_channels + layer.out_channels)
            largest = max(largest, pixels * layer.out_channels)
    return int(kept + 4 * 2 * largest + (3 * 4 + 2 * half) * largest)  # each block has half the values of the one before


def _bytes_for_one_pass(net: OnePass | ConditionalTransformer, pixels: int) -> int:
    half, width = devices.compute_dtype(devices.pick()).itemsize, net.last.in_channels
    piece = min(pixels, max(feedforward.WHOLE, feedforward.TILE + 2 * net.receptive_radius) ** 2)
    return piece * width * (4 * half + 8) + 60 * pixels


def _bytes_for_any_style(net: AdaIN | ArbitraryStyle, pixels: int) -> int:
    if isinstance(net, ArbitraryStyle):
        return _bytes_for_one_pass(net.transform, pixels)
    half, width = devices.compute_dtype(devices.pick()).itemsize, net.decoder.last.in_channels
    piece = min(pixels, feedforward.WHOLE**2)
    return piece * width * (4 * half + 8) + pixels * (100 + 6 * 4 * net.channels // net.stride**2)


_BYTES: dict[str, Callable[[Any, int], float]] = {
    "optimise": _bytes_to_optimise,
    "one pass": _bytes_for_one_pass,
    "any style": _bytes_for_any_style,
}


def memory_free() -> int:
    """Bytes that the device has free; a very large number where it does not say."""
    device = devices.pick()
    if devices.lent() and not devices.granted():
        return devices.memory(devices.best())
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # counts what the system's caches would give back
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return 2**62


def largest_size(model: str) -> int:
    """The longest side in pixels that this device can make of a square picture with the memory it has free."""
    free, most = memory_free(), largest_side(model)
    return next((size for size in range(most, 128, -64) if memory_needed(model, size) <= free), 128)


def largest_side(model: str) -> int:
    """The longest side that is offered at all, however narrow the picture."""
    return LARGEST[kind(model)][devices.lent() or devices.pick().type != "cpu"]


def check_fits(model: str, height: int, width: int) -> None:
    """Raises StudioError if the picture is too large for this device."""
    needed, free, name = picture_memory(model, height, width), memory_free(), catalog.find(model).known_as
    if needed > free:
        raise StudioError(
            f"{width} x {height} pixels take about {needed / 1e9:.1f} GB with {name}, and {free / 1e9:.1f} GB are free: "
            f"choose a size of at most {largest_size(model)}."
        )


# --- time ---


def expected_seconds(model: str, size: int, steps: int = 200) -> float:
    """Seconds that a square picture of `size` px takes on this device.

    The first call for a model measures a net of its shape for about half a second; the weights are not needed for it. Where a
    GPU is lent by the call, none is borrowed for that.
    """
    if devices.lent():
        return gpu_seconds(model, size, steps)
    spec = catalog.find(model)
    way, build = _net(spec)
    with _measuring:  # a second one at the same time would make both slower
        per_pixel = _seconds_per_pixel(way, build, tuple(sorted(spec.kwargs.items())))
    if way != "optimise":
        return per_pixel * size**2
    plan = optimise.scales(size, size, meta_net(model).smallest, steps)
    return sum(per_pixel * scale.height * scale.width * (scale.steps + 2) for scale in plan)  # 2 for the scale's goal


def gpu_seconds(model: str, size: int, steps: int = 200) -> float:
    """Seconds for which a lent GPU is asked, with room to spare: a visitor's quota is short, but work that is cut off is lost."""
    passes = 3 * steps if kind(model) == "optimise" else 1
    return _START + _LENT * passes * size**2


@functools.lru_cache(maxsize=64)
def _seconds_per_pixel(way: Kind, build: Any, kwargs: tuple) -> float:
    """Of one optimisation step, or of the whole pass: the best of three, since nothing but other work makes it slower."""
    device = devices.pick()
    net: Any = build(**dict(kwargs)).eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    side = _PROBE[way]
    x = torch.linspace(-1, 1, 3 * side * side).view(1, 3, side, side)
    work = _probe(way, net, x.to(device))
    times = []
    for _ in range(4):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times[1:]) / side**2


def _probe(way: Kind, net: Any, x: Tensor) -> Callable[[], Any]:
    if way == "optimise":
        goal = ops.style_goal(net, x, [x], [1.0], ops.default_layers(net))
        return lambda: optimise.loss_and_gradient(net, goal, ops.Weights(), x)
    if way == "one pass":
        return lambda: list(feedforward.restyle(net, x.cpu()))
    return lambda: list(feedforward.mix(net, x.cpu(), [x.cpu()], [1.0]))
