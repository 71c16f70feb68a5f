"""The verbs of the command line that edit in the latent space of a StyleGAN2. A point of its latent space is a seed, or a PNG
that `invert` wrote."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import shown
from ..errors import StudioError
from . import models
from . import output as saving
from .arguments import add_amounts, real, side, whole
from .texture import Command

if TYPE_CHECKING:
    from ..studio.sampling.inversion import InversionStep
    from ..studio.sampling.latents import Point

_CHOICES = ("truncation", "label", "noise")


def _common(parser: ArgumentParser, name: str) -> None:
    """What all these verbs take at the end."""
    parser.add_argument("--side", type=side, help="enlarge the picture, pixel-true, to about this many pixels")
    parser.add_argument("--out", type=Path, default=Path(f"{name}.png"), help="file to write (default: %(default)s)")


def _generation_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument(
        "--truncation", type=real, default=0.7, help="0: the average picture, 1: all variety (default: %(default)s)"
    )
    parser.add_argument("--label", help="class of a conditional model")
    parser.add_argument("--noise", type=_noise, default=0, help="seed of the fine noise, or none (default: %(default)s)")
    _common(parser, name)


def _noise(text: str) -> int | None:
    """A seed, or None for no noise."""
    if text == "none":
        return None
    try:
        return whole(text)
    except StudioError:
        raise StudioError(f"{shown(text)} is no seed of noise: write a whole number, or none.") from None


def _point(model: str, text: str) -> Point:
    """A seed, or the place that a PNG of `invert` or `complete` carries."""
    if text.isdecimal():
        return whole(text)
    from .. import image
    from ..studio.sampling.latents import Latent

    settings = image.read_settings(text)
    if "latent" not in settings:
        raise StudioError(f"{text} holds no place in a latent space: give a seed, or a PNG that invert has written.")
    return Latent.from_text(model, settings["latent"])


def _choices(options: Namespace) -> dict[str, Any]:
    return {name: getattr(options, name) for name in _CHOICES}


def _mix_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", type=models.model_type("sample"), help="a StyleGAN2: " + models.KINDS)
    parser.add_argument("coarse", help="the seed, or PNG of invert, that the shape comes from")
    parser.add_argument("fine", help="the one that colours and strokes come from")
    parser.add_argument("--crossover", type=whole, required=True, help="how many layers follow the first one")
    _generation_arguments(parser, "mix")


def _mix(options: Namespace) -> None:
    from ..studio.sampling import editing

    points = [_point(options.model, text) for text in (options.coarse, options.fine)]
    made = editing.mix(options.model, *points, crossover=options.crossover, **_choices(options))
    saving.save_grid([made], options)


def _edit_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", type=models.model_type("sample"), help="a StyleGAN2: " + models.KINDS)
    parser.add_argument("seed", help="a seed, or a PNG of invert")
    add_amounts(parser)
    parser.add_argument("--layers", type=_layers, metavar="FIRST-LAST", help="to move, such as 0-3 (default: those of the name)")
    _generation_arguments(parser, "edit")


def _layers(text: str) -> tuple[int, int]:
    from ..studio import seeds

    return seeds.layers(text)


def _edit(options: Namespace) -> None:
    from ..studio.sampling import editing

    point = _point(options.model, options.seed)
    made = editing.edit(options.model, point, options.amounts, layers=options.layers, **_choices(options))
    saving.save_grid([made], options)


def _invert_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", type=models.model_type("sample"), help="a StyleGAN2: " + models.KINDS)
    parser.add_argument("image", help="a picture file")
    _search_arguments(parser, "invert")


def _complete_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", type=models.model_type("sample"), help="a StyleGAN2: " + models.KINDS)
    parser.add_argument("image", help="a picture file")
    parser.add_argument("mask", help="a picture, white over what is to be filled in")
    _search_arguments(parser, "complete")


def _search_arguments(parser: ArgumentParser, name: str) -> None:
    from ..studio.sampling.inversion import STEPS

    parser.add_argument("--steps", type=whole, default=STEPS, help="of the search (default: %(default)s)")
    parser.add_argument("--seed", type=whole, default=0, help="of where it begins (default: %(default)s)")
    _common(parser, name)


def _invert(options: Namespace) -> None:
    from ..studio.sampling import inversion

    steps = inversion.invert(options.model, options.image, steps=options.steps, seed=options.seed)
    saving.save_last_step(_with_latent(steps, options), options)


def _complete(options: Namespace) -> None:
    from ..studio.sampling import inversion

    steps = inversion.complete(options.model, options.image, options.mask, steps=options.steps, seed=options.seed)
    saving.save_last_step(_with_latent(steps, options), options)


def _with_latent(steps: Iterator[InversionStep], options: Namespace) -> Iterator[InversionStep]:
    """The steps, the place of the last one kept among the settings that go into its file."""
    for step in steps:
        options.latent = step.latent.text()
        yield step


VERBS = {
    "mix": Command(help="the shape of one seed in the style of another", arguments=_mix_arguments, work=_mix),
    "edit": Command(help="a seed moved along named directions", arguments=_edit_arguments, work=_edit),
    "invert": Command(help="a picture found in a model's latent space", arguments=_invert_arguments, work=_invert),
    "complete": Command(help="a masked part of a picture filled in", arguments=_complete_arguments, work=_complete),
}
