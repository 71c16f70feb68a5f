"""How good a translation is on pictures that training never saw, beside leaving them as they are."""

from __future__ import annotations

import torch
from torch import Tensor

from ... import device as devices
from ...metrics.frechet import activations, frechet
from ...models.resnet_generator import ResnetGenerator
from ...models.vgg import VGG
from ...ops.translation import with_input_noise
from ..data import Pictures, to_unit

Scores = dict[str, dict[str, float]]


def score_directions(
    forth: ResnetGenerator, back: ResnetGenerator, a: Pictures, b: Pictures, network: VGG, *, most: int = 256
) -> tuple[Scores, Scores]:
    """For either direction, over up to `most` held-out pictures of each domain:

    frechet: of the translated pictures to real ones of the target domain (`metrics.frechet`); also of the pictures as they
             are, and between two halves of the real ones, which are half as many and therefore a little far apart.
    cycle:   mean absolute error of the way there and back, colours from 0 to 255.
    change:  mean absolute difference of a picture and its translation, likewise; near 0 for a net that does nothing.
    """
    real = [_spread(pictures, most) for pictures in (a, b)]
    seen = [activations(network, pictures) for pictures in real]
    return (
        _score(forth, back, real[0], seen[0], seen[1], network),
        _score(back, forth, real[1], seen[1], seen[0], network),
    )


def _spread(pictures: Pictures, most: int) -> Tensor:
    """At most so many pictures from all over the set, in [-1, 1]."""
    places = torch.linspace(0, len(pictures) - 1, min(most, len(pictures))).round().long()
    return to_unit(pictures.images[places])


def _score(there: ResnetGenerator, home: ResnetGenerator, x: Tensor, seen: Tensor, target: Tensor, network: VGG) -> Scores:
    made = _through(there, x)
    order = torch.randperm(len(target), generator=torch.Generator().manual_seed(0))
    halves = target[order[: len(target) // 2]], target[order[len(target) // 2 :]]
    return {
        "translated": {
            "frechet": frechet(activations(network, made), target),
            "cycle": (_through(home, made) - x).abs().mean().item() * 127.5,
            "change": (made - x).abs().mean().item() * 127.5,
        },
        "as they are": {"frechet": frechet(seen, target)},
        "two halves of the real ones": {"frechet": frechet(*halves)} if len(target) >= 4 else {},
    }


@torch.no_grad()
def _through(net: ResnetGenerator, pictures: Tensor, batch: int = 8) -> Tensor:
    device = next(net.parameters()).device
    made = []
    for part in pictures.split(batch):
        with devices.autocast(device, training=True):
            made.append(net(with_input_noise(net, part.to(device)).contiguous(memory_format=torch.channels_last)).float().cpu())
    return torch.cat(made)
