"""Pictures out of nothing but a seed: `sample` and `walk`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from PIL import Image
from torch import Tensor, nn

from .. import device as devices
from ..errors import StudioError
from ..image import to_image, to_images
from ..ops import latent
from ..ops.sampling import generate
from ..spec import Spec
from .nets import check_count, check_range, check_seeds, open_model


def sample(
    model: str, seeds: int | Iterable[int], *, truncation: float = 0.7, label: str | int | None = None
) -> list[Image.Image]:
    """One picture a seed.

    truncation: 0 gives the same typical picture for every seed, 1 the variety of the training set; up to 1.5.
    label:      class of a conditional model, by name or number; None lets each seed choose its own.

    Raises StudioError for an unknown model or class and for values out of range.
    """
    spec, net = open_model(model, "sample")
    psi = check_range("Truncation", truncation, 0, 1.5)
    numbers = check_seeds(seeds)
    classes = _classes(spec, numbers, label)
    z = latent.truncate(_latents(net, numbers), psi, net.centre.cpu()[classes])
    return to_images(generate(net, z, classes))


def walk(
    model: str,
    seeds: Iterable[int],
    *,
    frames: int = 24,
    truncation: float = 0.7,
    loop: bool = True,
    label: str | int | None = None,
) -> Iterator[Image.Image]:
    """Pictures along great arcs from seed to seed, `frames` a leg, one at a time.

    loop:  True returns to the first seed, so that the animation can repeat; False ends on the last seed.
    label: as in `sample`; None keeps the class of the first seed.
    """
    spec, net = open_model(model, "sample")
    numbers = check_seeds(seeds)
    if len(numbers) < 2:
        raise StudioError("A walk needs at least two seeds: add another one.")
    psi = check_range("Truncation", truncation, 0, 1.5)
    steps = latent.path(_latents(net, numbers), check_count("Frames", frames, 1, 240), loop=bool(loop))
    classes = _classes(spec, numbers[:1], label)
    centre = net.centre.cpu()[classes]
    return (to_image(generate(net, latent.truncate(z[None], psi, centre), classes)) for z in steps)


def _latents(net: nn.Module, seeds: list[int]) -> Tensor:
    return torch.stack([devices.normal(seed, net.latent) for seed in seeds])


def _classes(spec: Spec, seeds: list[int], label: str | int | None) -> Tensor:
    """Class numbers [N]; all 0 for an unconditional model."""
    if not spec.labels:
        if label is not None:
            raise StudioError(f"{spec.name} has no classes: leave the class empty.")
        return torch.zeros(len(seeds), dtype=torch.long)
    if label is None:
        return torch.tensor([seed % len(spec.labels) for seed in seeds])
    return torch.full((len(seeds),), _class_number(spec.labels, label))


def _class_number(labels: tuple[str, ...], label: str | int) -> int:
    if isinstance(label, int) and 0 <= label < len(labels):
        return label
    for number, name in enumerate(labels):
        if str(label).casefold() == name.casefold():
            return number
    raise StudioError(f"There is no class {label!r}: choose one of {', '.join(labels)}.")
