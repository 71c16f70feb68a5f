"""New texture grown from a sample, of any size, and seamless if wanted."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from PIL import Image

from ... import catalog
from ...checks import check_choice, check_count, check_flag, check_range, check_seed, shown
from ...errors import StudioError
from ...image import Source, read, to_image, to_tensor
from ...ops import optimise
from ...ops.texture import quilting, synthesis
from ..steps import Step, last
from ..style.cost import check_fits, gpu_seconds, kind, largest_side
from ..validation import open_model
from ..work import gpu_task

METHODS = ("gatys", "quilting")
STARTS = ("noise", "quilting")
STEPS = 150
SMALLEST = 32  # pixels a side, of a sample and of a result
LARGEST = 2048
LARGEST_SAMPLE = 1024
_NARROWEST = 16  # times as long as wide


@gpu_task(lambda method, model, size, steps: gpu_seconds(model, np.max(size), steps) if method == "gatys" else 0, steps=True)
def synthesize(
    image: Source,
    *,
    size: int | tuple[int, int] = 512,
    steps: int = STEPS,
    seed: int = 0,
    method: str = "gatys",
    model: str = "gatys/vgg-small",
    seamless: bool = False,
    scale: float = 1.0,
    start: str = "noise",
    patch: int | None = None,
    every: int = 5,
) -> Iterator[Step]:
    """New texture like that of a sample, step by step. Stop iterating to stop: the last step has the picture.

    size:     of the result in pixels, one side of a square or (width, height).
    method:   "gatys", a picture optimised towards the statistics of a net's features (Gatys, Ecker and Bethge 2015,
              arXiv:1505.07376), or "quilting", blocks of the sample sewn together (Efros and Freeman 2001), done in seconds.
    seamless: the result continues on its opposite side, so that copies of it tile a plane.
    scale:    how large the pattern is. 1: as in the sample, which is shrunk first if it is larger than the result.

    For "gatys" alone:
    steps:    of all scales together. A Step comes before the first, after each `every`, and after the last.
    model:    one that restyles by optimisation, such as "gatys/vgg-small".
    start:    "noise" of the seed, or "quilting", whose large shapes stay: for patterns such as bricks, which statistics alone
              bend.
    For "quilting" alone:
    patch:    side of the blocks in pixels of the result. None: a quarter of the sample.

    Mistakes raise StudioError at once. Should the arithmetic break down on the way, the last good picture comes once more
    and then a StudioError.
    """
    method, start = check_choice("method", method, METHODS), check_choice("start", start, STARTS)
    seed, seamless = check_seed(seed), check_flag("Seamless", seamless)
    steps, every = check_count("Steps", steps, 1, 10_000), check_count("Pictures every so many steps", every, 1, 10_000)
    patch = None if patch is None else check_count("The side of a block", patch, 8, LARGEST)
    width, height = _size(size, LARGEST if method == "quilting" else largest_side(_check_optimisation_model(model)))
    sample = fit_sample(image, max(width, height), check_range("The scale", scale, 0.1, 4.0))
    blocks = _patch(patch, sample, height, width, seamless)
    quilted = _quilted(sample, height, width, seed, seamless, blocks)
    if method == "quilting":
        return quilted
    check_fits(model, height, width)
    _, net = open_model(model, "stylize")
    begun = to_tensor(last(quilted).image) if start == "quilting" else None
    x = to_tensor(sample)
    parts = synthesis.synthesize(net, x, height, width, steps=steps, seed=seed, seamless=seamless, start=begun)
    return _optimisation_steps(parts, every)


def _check_optimisation_model(model: str) -> str:
    """The name of a model, checked to be one that optimises."""
    if kind(model) != "optimise":
        fitting = ", ".join(spec.name for spec in catalog.models("stylize") if kind(spec.name) == "optimise")
        raise StudioError(f"{catalog.find(model).known_as} can't grow textures: choose one of {fitting}.")
    return model


def _optimisation_steps(parts: Iterator[optimise.Progress], every: int) -> Iterator[Step]:
    started = time.perf_counter()

    def step(good: optimise.Progress) -> Step:
        return Step(good.done, good.total, to_image(good.x), good.losses, time.perf_counter() - started)

    good: optimise.Progress | None = None
    try:
        for good in parts:
            if good.done % every == 0 or good.done == good.total:
                yield step(good)
    except optimise.Diverged as error:
        if good is not None:
            yield step(good)
        raise StudioError(
            "The numbers grew out of range, and the last good picture was kept: choose another seed or sample."
        ) from error


def _size(size: int | tuple[int, int], largest: int) -> tuple[int, int]:
    sides = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise StudioError(f"A size is one number or width and height, not {shown(size)}.")
    width, height = (check_count("The size", side, SMALLEST, largest) for side in sides)
    return width, height


def fit_sample(image: Source, longest: int, scale: float) -> Image.Image:
    """A sample at the size its pattern is to have in a result whose longer side is `longest`."""
    picture = read(image)
    narrow, long = sorted(picture.size)
    if narrow < SMALLEST or long > _NARROWEST * narrow:
        raise StudioError(
            f"A sample of {picture.width} x {picture.height} pixels has too little to show: choose one with at least {SMALLEST} "
            "pixels a side that is not a narrow strip."
        )
    factor = min(scale * min(1.0, longest / long), LARGEST_SAMPLE / long)
    factor = max(factor, SMALLEST / narrow)
    width, height = (round(side * factor) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _patch(patch: int | None, sample: Image.Image, height: int, width: int, seamless: bool) -> int:
    """Side of the blocks: as wished, or a quarter of the sample."""
    narrow = min(sample.size)
    most = min(narrow - 4, min(height, width) * 2 // 3 if seamless else narrow)
    if patch is None:
        return max(8, min(most, round(narrow / 4)))
    if patch > most:
        raise StudioError(f"Blocks of {patch} pixels don't fit: choose from 8 to {most} for this sample and this size.")
    return patch


def _quilted(sample: Image.Image, height: int, width: int, seed: int, seamless: bool, patch: int) -> Iterator[Step]:
    started, random = time.perf_counter(), np.random.default_rng(seed)
    pixels = np.asarray(sample, dtype=np.float32) / 255
    for done, total, made in quilting.quilt(pixels, height, width, patch=patch, random=random, seamless=seamless):
        picture = Image.fromarray(np.rint(made.clip(0, 1) * 255).astype(np.uint8))
        yield Step(done, total, picture, {}, time.perf_counter() - started)


def repeat(image: Source, times: int = 2) -> Image.Image:
    """A tile, times x times: where it is seamless, nothing tells one copy from the next."""
    tile, times = read(image), check_count("The number of tiles a side", times, 1, 8)
    whole = Image.new("RGB", (times * tile.width, times * tile.height))
    for i in range(times * times):
        whole.paste(tile, (i % times * tile.width, i // times * tile.height))
    return whole
