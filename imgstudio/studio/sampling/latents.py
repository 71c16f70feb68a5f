"""Where a picture lies in a model's latent space: a seed that leads there, or the place itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ... import catalog
from ...catalog.records import Spec
from ...checks import check_range, check_seed, listed, number, shown, whole
from ...errors import StudioError
from ...ops.latent import sampling as ops
from ...ops.latent import styles
from ..validation import find_model, open_model

TRUNCATION = 0.7  # of every function that draws seeds, by default
MOST_TRUNCATION = 1.5


@dataclass(frozen=True, eq=False)
class Latent:
    """A place that no seed leads to, such as `invert` finds. It goes wherever a seed goes; truncation leaves it as it is.

    model: name of the model whose place it is; w: float32 [L, W], one vector a layer.
    """

    model: str
    w: Tensor

    def text(self) -> str:
        """As plain characters, some thousand, to be kept with a picture's settings. Rounded to 16 bits."""
        return base64.b64encode(self.w.numpy().astype("<f2").tobytes()).decode()

    @classmethod
    def from_text(cls, model: str, text: str) -> Latent:
        """What `text` wrote. Raises StudioError if it is no place of this model."""
        spec, net = open_stylegan2(model)
        try:
            numbers = np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
            w = torch.from_numpy(numbers).reshape(len(net.sides), net.style)
        except (binascii.Error, ValueError, TypeError, RuntimeError) as error:
            raise StudioError(
                f"This is no place in the latent space of {spec.known_as}: invert a picture with it again."
            ) from error
        return cls(model, w)


Point: TypeAlias = "int | Latent"


def open_stylegan2(model: str) -> tuple[Spec, Any]:
    """The record and the net of a model with styles. Raises StudioError for other models."""
    spec, net = open_model(model, "sample")
    if not ops.has_styles(net):
        raise StudioError(f"{spec.known_as} has no styles to steer by: choose a StyleGAN2, such as stylegan2/avatars.")
    return spec, net


def check_points(model: str, points: Point | Iterable[Point], most: int = 1024) -> list[Point]:
    """One or several seeds and places as a list."""
    single = isinstance(points, Latent) or number(points) is not None
    given: list[Any] = [points] if single else listed("seeds", points, most)
    return [check_point(model, point) for point in given]


def check_point(model: str, point: Point) -> Point:
    """One seed, or one place of this model."""
    if not isinstance(point, Latent):
        return check_seed(point)
    if point.model != model:
        raise StudioError(
            f"This place belongs to {_model_title(point.model)}: choose that model, or invert the picture with "
            f"{_model_title(model)}."
        )
    return point


def check_sampling(model: str, points: Point | Iterable[Point], truncation: float, label: str | int | None) -> list[Point]:
    """What decides how points are drawn, checked before a net is asked for; returns the points as a list."""
    spec, points = find_model(model, "sample"), check_points(model, points)
    check_range("Truncation", truncation, 0, MOST_TRUNCATION)
    classes(spec, points, label)
    return points


def _model_title(model: Any) -> str:
    try:
        return catalog.find(model).known_as
    except StudioError:  # a model that is gone
        return str(model)[:80]


def checked_w(net: Any, point: Latent) -> Tensor:
    """The vectors [L, W] of a place, float32 on the CPU. Raises StudioError for what is no place of this net."""
    wanted, w = (len(net.sides), net.style), point.w
    if not isinstance(w, Tensor) or tuple(w.shape) != wanted or not w.is_floating_point() or not bool(w.isfinite().all()):
        raise StudioError(
            f"A place in the latent space of {_model_title(point.model)} is a tensor of {wanted[0]} x {wanted[1]} numbers: "
            "invert a picture, and take the place that it gives."
        )
    return w.detach().float().cpu()


def latent_vectors(
    spec: Spec, net: Any, points: list[Point], truncation: float, label: str | int | None
) -> tuple[Tensor, Tensor]:
    """Truncated latent vectors of points, [N, Z], or [N, L, W] of a StyleGAN2; and their classes int [N]."""
    psi = check_range("Truncation", truncation, 0, MOST_TRUNCATION)
    if not ops.has_styles(net) and any(isinstance(point, Latent) for point in points):
        raise StudioError(f"{spec.known_as} has no places besides its seeds: give seeds.")
    numbers = classes(spec, points, label)
    seeds = [0 if isinstance(point, Latent) else int(point) for point in points]
    vectors = ops.truncate(net, ops.latents(net, seeds, numbers, psi), psi, numbers)
    if ops.has_styles(net):
        vectors = styles.broadcast_layers(vectors, len(net.sides))
        vectors = torch.stack([checked_w(net, p) if isinstance(p, Latent) else v for p, v in zip(points, vectors)])
    return vectors, numbers


def classes(spec: Spec, points: list[Point], label: str | int | None) -> Tensor:
    """Class numbers [N]; all 0 for an unconditional model. Without a label each seed chooses its own."""
    if not spec.labels:
        if label is not None:
            raise StudioError(f"{spec.known_as} has no classes: leave the class empty.")
        return torch.zeros(len(points), dtype=torch.long)
    if label is None:
        return torch.tensor([0 if isinstance(point, Latent) else int(point) % len(spec.labels) for point in points])
    return torch.full((len(points),), _class_number(spec.labels, label))


def _class_number(labels: tuple[str, ...], label: str | int) -> int:
    given = whole(label)
    if given is not None and 0 <= given < len(labels):
        return given
    for place, name in enumerate(labels):
        if isinstance(label, str) and label.casefold() == name.casefold():
            return place
    raise StudioError(f"There is no class {shown(label)}: choose one of {', '.join(labels)}.")


def check_noise(noise: int | None) -> int | None:
    """A seed of noise, or None for no noise."""
    return None if noise is None else check_seed(noise)
