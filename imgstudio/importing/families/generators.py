"""Generators: transposed convolutions in any arrangement, fully connected layers, FastGAN."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ...models import fastgan, tutorial_gan
from .. import activation_inference
from ..checkpoint import Layer, State, layers
from ..recognition import Mismatch, Recognised

# What is usual for a kernel after the first layer: stride and padding. Each doubles the sides, but for 3, which makes 7 out of 4.
_USUAL = {2: (2, 0), 3: (2, 1), 4: (2, 1), 6: (2, 2), 8: (2, 3)}
# Kernels of nets that do otherwise -> (stride, padding) of each layer.
_CHAINS = {
    (3, 4, 3, 4): ((2, 0), (1, 0), (2, 0), (2, 0)),  # 3, 6, 13, 28 px: the nets of the Coursera course on GANs
    (3, 3, 2, 2): ((2, 0), (2, 0), (2, 0), (2, 0)),  # 3, 7, 14, 28 px
}
SIDES = (28, 128)  # smallest and largest picture


def transposed(state: State, task: Task | None) -> Recognised | None:
    """DCGAN, whatever its layers are called: `main.0`, `gen.0.0`, `layer_stack.0`, `model.0`, `0`, ..."""
    found = layers(state)
    convolutions = [layer for layer in found if layer.weight.ndim == 4]
    first = next((layer for layer in found if layer.weight.ndim == 2), None)
    if len(convolutions) < 2 or not _chained(convolutions) or convolutions[-1].weight.shape[1] not in (1, 3):
        return None
    norms = [layer for layer in found if layer.norm]
    rest = [layer for layer in found if layer not in (*convolutions, *norms) and layer is not first]
    if rest:
        raise Mismatch(f"it looks like a DCGAN, but {rest[0].name}.weight has no place in it")
    start = _start(first, convolutions[0]) if first else 0
    chain = _geometry([layer.weight.shape[2] for layer in convolutions], start)
    placed = _norms(norms, first, convolutions)
    made = [
        tuple(tutorial_gan.Layer(layer.weight.shape[1], layer.weight.shape[2], *geometry, layer.bias, i in placed))
        for i, (layer, geometry) in enumerate(zip(convolutions, chain))
    ]
    latent = first.weight.shape[1] if first else convolutions[0].weight.shape[0]
    kwargs: dict[str, Any] = {"latent": latent, "layers": tuple(made)}
    names = {layer.name: f"convolutions.{i}" for i, layer in enumerate(convolutions)}
    names |= {layer.name: f"norms.{i}" for i, layer in placed.items() if i >= 0}
    if first:
        kwargs |= {"start": start, "wide": convolutions[0].weight.shape[0]}
        names[first.name] = "project"
        if -1 in placed:
            names[placed[-1].name] = "project_norm"
            kwargs["norm"] = "channels" if len(placed[-1].weight) == kwargs["wide"] else "features"
    return _settled(kwargs, names, state)


def _chained(convolutions: Sequence[Layer]) -> bool:
    """Whether what comes out of each transposed convolution goes into the next. Their kernels are square."""
    shapes = [layer.weight.shape for layer in convolutions]
    return all(a[1] == b[0] for a, b in zip(shapes, shapes[1:])) and all(shape[2] == shape[3] for shape in shapes)


def _start(first: Layer, convolution: Layer) -> int:
    """Side of what the fully connected layer makes."""
    side = math.isqrt(first.weight.shape[0] // convolution.weight.shape[0])
    if side == 0 or side**2 * convolution.weight.shape[0] != first.weight.shape[0]:
        raise Mismatch(f"it looks like a DCGAN, but what {first.name} makes is no square for {convolution.name}")
    return side


def _geometry(kernels: Sequence[int], start: int) -> tuple[tuple[int, int], ...]:
    """Stride and padding of each layer, which a file does not tell: what is usual for its kernel, if that leads to a picture."""
    if any(not 1 <= kernel <= SIDES[1] for kernel in kernels):
        raise Mismatch(f"it looks like a DCGAN, but with kernels of {max(kernels)} x {max(kernels)} px")
    if not start and tuple(kernels) in _CHAINS:
        return _CHAINS[tuple(kernels)]
    chain, side = [], start or 1
    for i, kernel in enumerate(kernels):
        if i == 0 and not start:
            chain.append((1, 0))
        elif kernel == 3 and side != 4:
            chain.append((1, 1))  # leaves the sides as they are
        elif kernel in _USUAL:
            chain.append(_USUAL[kernel])
        else:
            raise Mismatch(f"it looks like a DCGAN, but with a kernel of {kernel} x {kernel} px its strides can't be told")
        side = tutorial_gan.Layer(1, kernel, *chain[-1]).side(side)
    if not SIDES[0] <= side <= SIDES[1]:
        raise Mismatch(f"it looks like a DCGAN of {side} px, and only {SIDES[0]} to {SIDES[1]} px are known here")
    return tuple(chain)


def _norms(norms: Sequence[Layer], first: Layer | None, convolutions: Sequence[Layer]) -> dict[int, Layer]:
    """The batch norms by the number of the convolution that each follows; -1 for the fully connected layer."""
    sizes = {i: {layer.weight.shape[1]} for i, layer in enumerate(convolutions)}
    if first:
        sizes = {-1: {first.weight.shape[0], convolutions[0].weight.shape[0]}} | sizes
    placed, places = {}, list(sizes)
    for norm in norms:
        fitting = next((place for place in places if len(norm.weight) in sizes[place]), None)
        if fitting is None:
            raise Mismatch(f"it looks like a DCGAN, but the norm {norm.name} of {len(norm.weight)} channels fits no layer")
        placed[fitting] = norm
        places = places[places.index(fitting) + 1 :]
    return placed


def _settled(kwargs: dict[str, Any], names: dict[str, str], state: State) -> Recognised:
    build = "imgstudio.models.tutorial_gan:TransposedGenerator"
    convert = Renaming(names)
    kwargs, sure = activation_inference.best(tutorial_gan.TransposedGenerator, kwargs, convert(state))
    size = kwargs.get("start", 1)
    for layer in kwargs["layers"]:
        size = tutorial_gan.Layer(*layer).side(size)
    colour = "grey" if kwargs["layers"][-1][0] == 1 else "colour"
    widths = ", ".join(str(layer[0]) for layer in kwargs["layers"][:-1])
    return Recognised(
        task="sample",
        build=build,
        kwargs=kwargs,
        convert=convert,
        title=f"DCGAN, {size} px",
        said=f"A DCGAN: {kwargs['latent']} numbers become {size} × {size} px in {colour}, by layers of {widths} channels.",
        doubt=_doubt(kwargs["activation"], "tanh", sure),
        paper=credits.DCGAN,
    )


def _doubt(activation: str, output: str, sure: bool) -> str:
    told = f"{'Leaky ReLU' if activation == 'leaky relu' else 'ReLU'} between its layers"
    if sure:
        return f"That there is a {told} follows from its batch norms; {output} at the end is assumed."
    return f"A {told} and {output} at the end are assumed, for the file does not tell."


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


# --- fully connected ---


def dense(state: State, task: Task | None) -> Recognised | None:
    """The first GAN of most tutorials: a few fully connected layers, from noise to the pixels."""
    found = layers(state)
    linear, norms = [layer for layer in found if layer.weight.ndim == 2], [layer for layer in found if layer.norm]
    if len(linear) < 2 or len(linear) + len(norms) != len(found):
        return None
    widths = (linear[0].weight.shape[1], *(layer.weight.shape[0] for layer in linear))
    if any(a.weight.shape[0] != b.weight.shape[1] for a, b in zip(linear, linear[1:])) or widths[-1] < SIDES[0] ** 2:
        return None
    try:
        channels, size = tutorial_gan.picture_of(widths[-1])
    except ValueError:
        return None
    placed = _after(norms, found, linear)
    kwargs = {"widths": widths, "norms": tuple(placed), **_habits(linear, placed, widths)}
    names = {layer.name: f"layers.{i}" for i, layer in enumerate(linear)}
    names |= {layer.name: f"norms.{i}" for i, layer in placed.items()}
    convert = Renaming(names)
    kwargs, sure = activation_inference.best(tutorial_gan.DenseGenerator, kwargs, convert(state))
    return Recognised(
        task="sample",
        build="imgstudio.models.tutorial_gan:DenseGenerator",
        kwargs=kwargs,
        convert=convert,
        title=f"Fully connected GAN, {size} px",
        said=f"A fully connected GAN: {widths[0]} numbers become {size} × {size} px in {'grey' if channels == 1 else 'colour'}, "
        f"by layers of {', '.join(map(str, widths[1:-1]))} units.",
        doubt=_doubt(kwargs["activation"], kwargs.get("output", "tanh"), sure),
        paper=credits.GAN,
    )


def _after(norms: Sequence[Layer], found: Sequence[Layer], linear: Sequence[Layer]) -> dict[int, Layer]:
    """The norms by the number of the layer that each follows; by their order, or by their sizes where names don't tell."""
    placed = {}
    for norm in norms:
        before = [i for i, layer in enumerate(linear) if found.index(layer) < found.index(norm)]
        fitting = [i for i in reversed(before) if layer_size(linear[i]) == len(norm.weight) and i not in placed]
        fitting = fitting or [i for i, layer in enumerate(linear) if layer_size(layer) == len(norm.weight) and i not in placed]
        if not fitting:
            raise Mismatch(f"it looks like a fully connected GAN, but the norm {norm.name} fits no layer")
        placed[fitting[0]] = norm
    return dict(sorted(placed.items()))


def layer_size(layer: Layer) -> int:
    return layer.weight.shape[0]


def _habits(linear: Sequence[Layer], norms: dict[int, Layer], widths: Sequence[int]) -> dict[str, Any]:
    """What the file does not tell, as the tutorials have it that a file's arrangement gives away."""
    if len(linear) == 5 and tuple(norms) == (1, 2, 3) and widths[1:5] == (128, 256, 512, 1024):
        return {"eps": 0.8}  # eriklindernoren/PyTorch-GAN hands the momentum over in the place of epsilon
    if 0 in norms:  # the Coursera course on GANs
        return {"activation": "relu", "output": "sigmoid"}
    if not norms and widths[1:-1] == (256, 256):  # yunjey/pytorch-tutorial
        return {"activation": "relu"}
    return {}


# --- FastGAN ---


def few_shots(state: State, task: Task | None) -> Recognised | None:
    if not any(key.startswith("_init._layers.") for key in state):
        return None
    try:
        kwargs, _ = fastgan.recognise(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a FastGAN, but {error}") from error
    found = Recognised(
        task="sample",
        build="imgstudio.models.fastgan:FastGAN",
        kwargs=kwargs,
        convert=fastgan.own_keys,
        title="FastGAN, 1024 px",
        said=f"A FastGAN: {kwargs['latent']} numbers become 1024 × 1024 px in colour.",
        paper=credits.FASTGAN,
    )
    return replace(found, side=fastgan.FastGAN.size)


FAMILIES = [few_shots, transposed, dense]
