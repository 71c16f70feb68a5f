"""Own pictures in a generator's latent space: `invert` finds them there, `complete` fills in what is missing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from PIL import Image
from torch import Tensor

from ...checks import check_count, check_seed
from ...errors import StudioError
from ...image import Source, read, to_image, to_tensor
from ...loading import load
from ...models.vgg import VGG
from ...ops.latent import inversion as ops
from ..records import recorded
from ..steps import Step
from ..validation import find_model
from ..work import estimated_seconds, gpu_task
from .latents import Latent, open_stylegan2

STEPS = 200
MOST_STEPS = 5000
PERCEPTUAL_NET = "features/vgg-small"  # whose features tell how alike two pictures are
_COVERED = 0.02  # of a pixel: what the mask touches is filled in


@dataclass(frozen=True)
class InversionStep(Step):
    """A step of the search, and the place in latent space that it has come to. losses: perceptual, pixels, and psnr in dB."""

    latent: Latent = field(kw_only=True)


@recorded(nets=(PERCEPTUAL_NET,))
@gpu_task(lambda model, steps: estimated_seconds(model, steps), steps=True)
def invert(model: str, image: Source, *, steps: int = STEPS, seed: int = 0, every: int = 5) -> Iterator[InversionStep]:
    """The picture's place in the latent space of a StyleGAN2, step by step. Stop iterating to stop: the last step has the place.

    The middle square is used, at the model's size. What the model never saw, such as a photograph for a model of drawings, it
    can only approach. The `latent` of each step goes wherever a seed goes: to edit, mix, walk and pad.
    seed:  of where the search begins; another one may come nearer.
    every: steps from one yielded picture to the next.
    """
    steps, every, seed = _check_options(model, steps, every, seed)
    picture = read(image)
    _, net = open_stylegan2(model)
    target = to_tensor(picture, net.size)
    parts = ops.search(net, cast("VGG", load(PERCEPTUAL_NET)), target, steps=steps, seed=seed, every=every)
    return _steps(model, parts)


@recorded(nets=(PERCEPTUAL_NET,))
@gpu_task(lambda model, steps: estimated_seconds(model, steps), steps=True)
def complete(
    model: str, image: Source, mask: Source, *, steps: int = STEPS, seed: int = 0, every: int = 5
) -> Iterator[InversionStep]:
    """The picture with what the mask covers filled in by a StyleGAN2, step by step: another completion for each seed.

    image: its middle square is used, at the model's size; every pixel outside the mask stays as it is.
    mask:  a picture, white over what is to be filled in; it is stretched to the image.
    The losses are those of the pixels outside the mask, before the two are blended.
    """
    steps, every, seed = _check_options(model, steps, every, seed)
    picture, painted = read(image), read(mask)
    _, net = open_stylegan2(model)
    target = to_tensor(picture, net.size)
    hole = _mask_tensor(painted, picture.size, net.size)
    parts = ops.search(net, cast("VGG", load(PERCEPTUAL_NET)), target, known=1 - hole, steps=steps, seed=seed, every=every)
    return _steps(model, parts, target, hole)


def _check_options(model: str, steps: int, every: int, seed: int) -> tuple[int, int, int]:
    find_model(model, "sample")
    steps, every = check_count("Steps", steps, 1, MOST_STEPS), check_count("Pictures every so many steps", every, 1, MOST_STEPS)
    return steps, every, check_seed(seed)


def _steps(
    model: str, parts: Iterator[ops.Progress], target: Tensor | None = None, hole: Tensor | None = None
) -> Iterator[InversionStep]:
    started = time.perf_counter()
    for part in parts:
        shown = part.picture.clamp(-1, 1)
        shown = shown if hole is None or target is None else ops.blend(target, shown, hole)
        seconds = time.perf_counter() - started
        yield InversionStep(part.done, part.total, to_image(shown), part.losses, seconds, latent=Latent(model, part.w))


def _mask_tensor(mask: Image.Image, size: tuple[int, int], side: int) -> Tensor:
    """What is to be filled in, 1, and what stays, 0: [1, 1, side, side]."""
    stretched = mask.convert("L").resize(size, Image.Resampling.BILINEAR)
    hole = (to_tensor(stretched, side)[:, :1].add(1).div(2) > _COVERED).float()
    if hole.sum() == 0:
        raise StudioError("The mask covers nothing: paint white over what is to be filled in.")
    if (1 - hole).mean() < 0.02:
        raise StudioError("The mask covers the whole picture: leave something to go by.")
    return hole
