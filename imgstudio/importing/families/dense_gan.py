"""The first GAN of most tutorials: a few fully connected layers, from noise to the pixels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ...catalog import credits
from ...catalog.records import Task
from ...models import tutorial_gan
from .. import activation_inference
from ..checkpoint import Layer, State, layers
from ..keys import Renaming
from ..recognition import Mismatch, Recognised
from .dcgan import SIDES


def recognise(state: State, task: Task | None) -> Recognised | None:
    """The first GAN of most tutorials: a few fully connected layers, from noise to the pixels."""
    found = layers(state)
    linear, norms = [layer for layer in found if layer.weight.ndim == 2], [layer for layer in found if layer.norm]
    if len(linear) < 2 or len(linear) + len(norms) != len(found):
        return None
    widths = (linear[0].weight.shape[1], *(layer.weight.shape[0] for layer in linear))
    if any(a.weight.shape[0] != b.weight.shape[1] for a, b in itertools.pairwise(linear)) or widths[-1] < SIDES[0] ** 2:
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
        doubt=activation_inference.assumed(kwargs["activation"], kwargs.get("output", "tanh"), sure),
        paper=credits.GAN,
    )


def _after(norms: Sequence[Layer], found: Sequence[Layer], linear: Sequence[Layer]) -> dict[int, Layer]:
    """The norms by the number of the layer that each follows; by their order, or by their sizes where names don't tell."""
    placed = {}
    for norm in norms:
        before = [i for i, layer in enumerate(linear) if found.index(layer) < found.index(norm)]
        fitting = [i for i in reversed(before) if _width(linear[i]) == len(norm.weight) and i not in placed]
        fitting = fitting or [i for i, layer in enumerate(linear) if _width(layer) == len(norm.weight) and i not in placed]
        if not fitting:
            raise Mismatch(f"it looks like a fully connected GAN, but the norm {norm.name} fits no layer")
        placed[fitting[0]] = norm
    return dict(sorted(placed.items()))


def _width(layer: Layer) -> int:
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
