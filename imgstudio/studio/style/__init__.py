"""A photograph in the manner of another picture: `stylize`, by three generations of style transfer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from ...checks import check_choice, check_count, check_flag, check_range, check_seed, shown
from ...errors import StudioError
from ...image import Source
from ...models.adain import AdaIN
from ...models.arbitrary_style import ArbitraryStyle
from ...models.transformer_net import OnePass
from ...models.vgg import VGG
from ...ops import optimise
from ...ops import style as ops
from ...ops.style import colors, feedforward
from ..records import recorded
from ..steps import Step
from ..validation import find_model, open_model
from ..work import gpu_task
from . import sources
from .cost import (
    Kind,
    check_fits,
    expected_seconds,
    gpu_seconds,
    kind,
    largest_side,
    largest_size,
    memory_needed,
    meta_net,
    style_layers,
)
from .sources import Canvas

__all__ = ["STEPS", "TV_WEIGHT", "Kind", "expected_seconds", "kind", "largest_size", "memory_needed", "style_layers", "stylize"]

STEPS = 200
TV_WEIGHT = 1.0
SMALLEST = 64  # longer side of a result


@recorded(words=sources.STARTS)
@gpu_task(gpu_seconds, steps=True)
def stylize(
    model: str,
    content: Source,
    style: Source | Sequence[Source] | None = None,
    *,
    content_weight: float = 1.0,
    style_weight: float = 1.0,
    tv_weight: float = TV_WEIGHT,
    strength: float = 1.0,
    steps: int = STEPS,
    size: int = 512,
    keep_colors: bool | str = False,
    mask: Source | None = None,
    seed: int = 0,
    weights: Sequence[float] | None = None,
    layers: Mapping[str, float] | None = None,
    start: str | Source = "content",
    optimizer: str = "lbfgs",
    every: int = 5,
) -> Iterator[Step]:
    """The content restyled, step by step. Stop iterating to stop: the last step has the picture.

    model:       `kind(model)` tells what it does: "optimise" a picture (Gatys et al. 2016), "one pass" in the one style it has
                 learned (Johnson et al. 2016), or "any style" in one pass (Huang and Belongie 2017, Ghiasi et al. 2017).
    style:       a picture or several; not needed by "one pass", nor with style_weight 0.
    strength:    from 0, the content itself, to 1.
    size:        longer side of the result in pixels; the content's shape is kept.
    keep_colors: False, "luminance" (or True) for the style's light and dark only, "match" for the style in the content's colours.
    mask:        a picture, white where style is wanted; it is stretched to the content.
    weights:     shares of several styles; without them all are equal.

    The rest is for "optimise" alone, and the others ignore it:
    content_weight, style_weight, tv_weight: how much likeness to the content, to the style, and smoothness count. 1 is a good
                 start for every net and size; one of the first two can be 0.
    steps:       of all scales together. A Step comes before the first, after each `every`, and after the last of them.
    layers:      weights of the style layers, such as {"relu1_1": 1, "relu4_1": 0.5}.
    start:       "content", "noise" (of `seed`), "style" (the content in the style's colours), or a picture to go on from, which
                 takes the steps of the finest scale alone.
    optimizer:   "lbfgs", which gets further in as many steps, or "adam". Both take a step back that raises the loss at a scale.

    Mistakes raise StudioError at once. Should the arithmetic break down on the way, the last good picture comes once more
    and then a StudioError.
    """
    find_model(model, "stylize")
    strength, seed = check_range("The strength", strength, 0, 1), check_seed(seed)
    size = check_count("The size", size, SMALLEST, largest_side(model))
    steps, every = check_count("Steps", steps, 1, 10_000), check_count("Pictures every so many steps", every, 1, 10_000)
    balance = _balance(content_weight, style_weight, tv_weight)
    optimizer = check_choice("optimiser", optimizer, tuple(optimise.OPTIMIZERS))
    plan = meta_net(model)  # knows all that the checks need
    canvas = _canvas(content, plan, size, keep_colors, mask)
    if strength == 0:
        return iter([Step(1, 1, canvas.composite(canvas.content, 0.0))])
    check_fits(model, *canvas.size)
    if isinstance(plan, OnePass):
        return _one_pass(open_model(model, "stylize")[1], canvas, strength)
    if isinstance(plan, AdaIN | ArbitraryStyle):
        area, least = _style_size(plan)
        styles, shares = sources.fit_styles(style, weights, canvas, least, area)
        return _any_style(open_model(model, "stylize")[1], canvas, styles, shares, strength)
    styles, shares = sources.fit_styles(style, weights, canvas, plan.smallest) if balance.style > 0 else ([], [])
    chosen = sources.check_layers(layers, plan.layers, ops.default_layers(plan))
    begun = sources.fit_start(start, canvas, styles, shares, seed)
    parts = optimise.style_transfer(
        open_model(model, "stylize")[1],
        canvas.net_input,
        styles,
        shares,
        weights=balance,
        layers=chosen,
        steps=steps,
        start=begun,
        mask=canvas.mask,
        optimizer=optimizer,
        finest_only=sources.continues(start),
    )
    return _optimisation_steps(optimise.Progress(0, steps, begun, {}), parts, canvas, strength, every)


def _canvas(content: Source, net: Any, size: int, keep_colors: bool | str, mask: Source | None) -> Canvas:
    if not isinstance(keep_colors, str | None):
        keep_colors = check_flag("Keeping the colours", keep_colors)
    if keep_colors not in sources.COLORS:
        raise StudioError(f"Colours can't be kept by {shown(keep_colors)}: choose luminance or match, or leave it off.")
    fitted = sources.fit_content(content, size, _smallest(net))
    height, width = fitted.shape[2:]
    return Canvas(fitted, sources.COLORS[keep_colors], sources.fit_mask(mask, (height, width)))


def _smallest(net: Any) -> int:
    """Fewest pixels a side that a net can work on: reflection at the borders needs two positions at its coarsest layer."""
    return net.smallest if isinstance(net, VGG) else 2 * net.stride


def _style_size(net: AdaIN | ArbitraryStyle) -> tuple[int | None, int]:
    """Pixels of a style (None: as many as the content has), and the fewest a side."""
    if isinstance(net, ArbitraryStyle):
        return net.style_side**2, feedforward.SMALLEST_STYLE
    return None, _smallest(net)


def _balance(content: float, style: float, tv: float) -> ops.Weights:
    named = {"content": content, "style": style, "tv": tv}
    checked = ops.Weights(**{name: sources.check_weight(f"The {name} weight", value) for name, value in named.items()})
    if checked.content == 0 and checked.style == 0:
        raise StudioError("The weights of content and style are both 0: raise one of them.")
    return checked


def _one_pass(net: OnePass, canvas: Canvas, strength: float) -> Iterator[Step]:
    started = time.perf_counter()
    for done, total, x in feedforward.restyle(net, canvas.content):
        if canvas.keep == "match":
            x = colors.match(x, *colors.statistics(canvas.content))
        yield Step(done, total, canvas.composite(x, strength), {}, time.perf_counter() - started)


def _any_style(
    net: AdaIN | ArbitraryStyle, canvas: Canvas, styles: list[Tensor], shares: list[float], strength: float
) -> Iterator[Step]:
    started = time.perf_counter()
    net_input, styles = canvas.net_input.expand(-1, 3, -1, -1), [style.expand(-1, 3, -1, -1) for style in styles]
    for done, total, x in feedforward.mix(net, net_input, styles, shares, strength):
        yield Step(done, total, canvas.composite(x, 1.0), {}, time.perf_counter() - started)


def _optimisation_steps(
    good: optimise.Progress, parts: Iterator[optimise.Progress], canvas: Canvas, strength: float, every: int
) -> Iterator[Step]:
    """Pictures of the `parts`; `good` is what there is before them."""
    started = time.perf_counter()

    def step() -> Step:
        return Step(good.done, good.total, canvas.composite(good.x, strength), good.losses, time.perf_counter() - started)

    try:
        for good in parts:
            if good.done % every == 0 or good.done == good.total:
                yield step()
    except optimise.Diverged as error:
        yield step()
        raise StudioError(
            f"The numbers grew out of range after {good.done} of {good.total} steps, and the last good picture was kept: "
            "choose smaller weights."
        ) from error
