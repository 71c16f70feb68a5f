"""DCGAN as tutorials build it: transposed convolutions in any arrangement, whatever its layers are called."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from ...catalog import credits
from ...catalog.records import Task
from ...models import tutorial_gan
from .. import activation_inference
from ..checkpoint import Layer, State, layers
from ..keys import Renaming
from ..recognition import Mismatch, Recognised

# What is usual for a kernel after the first layer: stride and padding. Each doubles the sides, but for 3, which makes 7 out of 4.
_USUAL = {2: (2, 0), 3: (2, 1), 4: (2, 1), 6: (2, 2), 8: (2, 3)}
# Kernels of nets that do otherwise -> (stride, padding) of each layer.
_CHAINS = {
    (3, 4, 3, 4): ((2, 0), (1, 0), (2, 0), (2, 0)),  # 3, 6, 13, 28 px: the nets of the Coursera course on GANs
    (3, 3, 2, 2): ((2, 0), (2, 0), (2, 0), (2, 0)),  # 3, 7, 14, 28 px
}
SIDES = (28, 128)  # smallest and largest picture


def recognise(state: State, task: Task | None) -> Recognised | None:
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
    return all(a[1] == b[0] for a, b in itertools.pairwise(shapes)) and all(shape[2] == shape[3] for shape in shapes)


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
            raise Mismatch(f"it looks like a DCGAN, but with a kernel of {kernel} x {kernel} px its strides can't be inferred")
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
        doubt=activation_inference.assumed(kwargs["activation"], "tanh", sure),
        paper=credits.DCGAN,
    )
