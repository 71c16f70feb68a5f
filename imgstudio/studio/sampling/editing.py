"""Latent editing with a StyleGAN2: style mixing, named directions, feature maps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ... import catalog
from ...catalog.records import Direction, Spec
from ...checks import check_count, check_mapping, check_range, check_type, shown
from ...errors import StudioError
from ...image import to_image
from ...models.stylegan2 import Generator
from ...ops.latent import sampling as ops
from ...ops.latent import styles
from ..notebook import Pictures
from ..records import recorded
from ..work import estimated_seconds, gpu_task
from .latents import TRUNCATION, Latent, Point, check_noise, check_sampling, checked_w, latent_vectors, open_stylegan2

FARTHEST = 10.0  # standard deviations that an edit may go
PAD = 4.0  # standard deviations from the middle of the pad to its border
_STYLEGAN2 = f"{Generator.__module__}:{Generator.__qualname__}"
_COMPONENT = re.compile(r"component\s+(\d{1,9})", re.ASCII)


def models() -> tuple[Spec, ...]:
    """Records of the catalogue's StyleGAN2 models. Loads no net."""
    return tuple(spec for spec in catalog.models("sample") if spec.build in (Generator, _STYLEGAN2))


def layers(model: str) -> tuple[int, ...]:
    """The layers of a model, from coarse to fine: the side in pixels of each one's feature maps."""
    return open_stylegan2(model)[1].sides


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def mix(
    model: str,
    coarse: Point,
    fine: Point,
    *,
    crossover: int,
    truncation: float = TRUNCATION,
    label: str | int | None = None,
    noise: int | None = 0,
) -> Image.Image:
    """Style mixing: pose and shape from one seed, colours and strokes from another.

    crossover: number of layers, from the coarsest on, that follow `coarse`; 0 gives the picture of `fine`, `len(layers(model))`
               that of `coarse`.
    """
    noise = check_noise(noise)
    return generate(mix_latent(model, coarse, fine, crossover=crossover, truncation=truncation, label=label), noise=noise)


def mix_latent(
    model: str, coarse: Point, fine: Point, *, crossover: int, truncation: float = TRUNCATION, label: str | int | None = None
) -> Latent:
    """The place of the picture that `mix` makes, to go on from."""
    points = check_sampling(model, [coarse, fine], truncation, label)
    spec, net = open_stylegan2(model)
    crossover = check_count("The crossover", crossover, 0, len(net.sides))
    (a, b), _ = latent_vectors(spec, net, points, truncation, label)
    return Latent(model, styles.mix(a[None], b[None], crossover)[0])


def directions(model: str) -> tuple[str, ...]:
    """Names of a model's latent directions, such as "longer hair"; "component 1", "component 2", ... before they have any."""
    spec, net = open_stylegan2(model)
    named = tuple(direction.name for direction in spec.directions)
    return named or tuple(f"component {i + 1}" for i in range(len(net.directions)))


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def edit(
    model: str,
    seed: Point,
    amounts: Mapping[str, float],
    *,
    layers: tuple[int, int] | None = None,
    truncation: float = TRUNCATION,
    label: str | int | None = None,
    noise: int | None = 0,
) -> Image.Image:
    """The picture of a seed moved along latent directions (GANSpace, Harkonen et al. 2020, arXiv:2004.02546).

    amounts: name from `directions` -> standard deviations, from -10 to 10; negative ones lead the opposite way. "component 5" is
             understood too.
    layers:  first and last layer to move, from 0, both included; None takes the range each direction was named for.
    """
    noise = check_noise(noise)
    return generate(edit_latent(model, seed, amounts, layers=layers, truncation=truncation, label=label), noise=noise)


def edit_latent(
    model: str,
    seed: Point,
    amounts: Mapping[str, float],
    *,
    layers: tuple[int, int] | None = None,
    truncation: float = TRUNCATION,
    label: str | int | None = None,
) -> Latent:
    """The place of the picture that `edit` makes, to go on from."""
    points, amounts = check_sampling(model, [seed], truncation, label), _check_amounts(amounts)
    spec, net = open_stylegan2(model)
    moves = _resolved_directions(spec, net, amounts, layers)
    w, _ = latent_vectors(spec, net, points, truncation, label)
    for direction, amount in moves:
        w = styles.edit(w, net.directions[direction.component].cpu(), direction.sign * amount, direction.first, direction.last)
    return Latent(model, w[0])


def _check_amounts(amounts: Mapping[str, float]) -> dict[str, float]:
    return {
        name: check_range(f"The amount of {shown(name)}", amount, -FARTHEST, FARTHEST)
        for name, amount in check_mapping("the amounts", amounts).items()
    }


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def pad(
    model: str,
    seed: Point,
    x: float,
    y: float,
    *,
    truncation: float = TRUNCATION,
    label: str | int | None = None,
    noise: int | None = 0,
) -> Image.Image:
    """A point of the plane through the seed's latent vector that the two strongest principal directions of w span.

    x, y: from -1 to 1, to the right and upwards; (0, 0) is the seed's own picture, the border lies 4 standard deviations away.
    """
    noise = check_noise(noise)
    return generate(pad_latent(model, seed, x, y, truncation=truncation, label=label), noise=noise)


def pad_latent(
    model: str, seed: Point, x: float, y: float, *, truncation: float = TRUNCATION, label: str | int | None = None
) -> Latent:
    """The place of the picture that `pad` makes, to go on from."""
    x, y = (check_range(f"The position {name}", value, -1, 1) for name, value in (("x", x), ("y", y)))
    points = check_sampling(model, [seed], truncation, label)
    spec, net = open_stylegan2(model)
    w, _ = latent_vectors(spec, net, points, truncation, label)
    for amount, direction in zip((x, y), net.directions.cpu()):
        w = styles.edit(w, direction, PAD * amount, 0, len(net.sides) - 1)
    return Latent(model, w[0])


@recorded()
@gpu_task(lambda place: estimated_seconds(place.model))
def generate(place: Latent, *, noise: int | None = 0) -> Image.Image:
    """The picture of a place in latent space."""
    place, noise = check_type("A place", place, Latent, "take what invert has found"), check_noise(noise)
    _, net = open_stylegan2(place.model)
    return to_image(ops.generate(net, checked_w(net, place)[None], torch.zeros(1, dtype=torch.long), noise))


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def feature_maps(
    model: str,
    seed: Point,
    layer: int,
    *,
    count: int = 16,
    truncation: float = TRUNCATION,
    label: str | int | None = None,
    noise: int | None = 0,
) -> Pictures:
    """A look inside: the `count` channels of a layer that vary most over the picture of a seed, the strongest first.

    layer: from 0, the coarsest, on, see `layers`. Each map is grey, from its own darkest to its own lightest value, at the
           layer's own resolution.
    """
    count, noise = check_count("The number of maps", count, 1, 512), check_noise(noise)
    points = check_sampling(model, [seed], truncation, label)
    spec, net = open_stylegan2(model)
    layer = check_count("The layer", layer, 0, len(net.sides) - 1)
    w, _ = latent_vectors(spec, net, points, truncation, label)
    maps = ops.feature_maps(net, w, layer, noise)  # C,H,W
    order = maps.flatten(1).std(dim=1).argsort(descending=True, stable=True)
    return Pictures(_normalised_map(channel) for channel in maps[order[:count]])


def _normalised_map(channel: Tensor) -> Image.Image:
    low, high = channel.aminmax()
    return to_image(((channel - low) / (high - low).clamp_min(1e-6) * 2 - 1).expand(3, -1, -1))


def _resolved_directions(
    spec: Spec, net: Any, amounts: Mapping[str, float], chosen: tuple[int, int] | None
) -> list[tuple[Direction, float]]:
    """Directions over the layers that they are to move, with their amounts."""
    bounds = None if chosen is None else _check_layers(chosen, len(net.sides))
    moves = []
    for name, amount in amounts.items():
        direction = _direction(spec, net, name)
        first, last = bounds or (direction.first, min(direction.last, len(net.sides) - 1))
        moves.append((replace(direction, first=first, last=last), amount))
    return moves


def _check_layers(chosen: tuple[int, int], depth: int) -> tuple[int, int]:
    try:
        first, last = chosen
    except (TypeError, ValueError):
        raise StudioError(f"Layers are given as the first and the last one, from 0 to {depth - 1}.") from None
    last = check_count("The last layer", last, 0, depth - 1)
    return check_count("The first layer", first, 0, last), last


def _direction(spec: Spec, net: Any, name: str) -> Direction:
    plain = " ".join(name.split()).casefold()
    for direction in spec.directions:
        if direction.name.casefold() == plain:
            return direction
    number = _COMPONENT.fullmatch(plain)
    if number and 1 <= int(number[1]) <= len(net.directions):
        return Direction(name=plain, component=int(number[1]) - 1, first=0, last=len(net.sides) - 1)
    known = ", ".join([d.name for d in spec.directions] or [f"component {i + 1}" for i in range(min(6, len(net.directions)))])
    raise StudioError(f"There is no direction {shown(name)}: choose one such as {known}.")
