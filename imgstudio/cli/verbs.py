"""The verbs of the command line that make pictures: a table, since each is a studio function with its arguments.

Names and defaults of the options are those of the function's keywords, read from its signature.
"""

from __future__ import annotations

import inspect
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imgstudio

from ..catalog.records import Task
from ..checks import shown
from ..errors import StudioError
from . import grids, models, records, retexture, sampling, texture, translation
from . import output as saving
from .arguments import Collect, add_amounts, amount, columns, fps, real, side, whole


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One studio function as a command."""

    help: str
    takes: tuple[str, ...]  # what the function takes after the model, names in _ARGUMENTS
    options: Mapping[str, str] = field(default_factory=dict)  # its keywords, with a word of help each
    keywords: tuple[str, ...] = ()  # keywords that a plain option can't write, names in _ARGUMENTS
    takes_model: bool = True
    names_model: bool = False  # the model is the first word of the command; otherwise it is an option
    film: bool = False  # can write an animation
    out: str
    save: Callable[[Any, Namespace], None]  # what to do with the result

    def configure(self, parser: ArgumentParser, name: str) -> None:
        function = getattr(imgstudio, name)
        if self.takes_model:
            _take_model(parser, _TASKS.get(name), positional=self.names_model)
        for argument in (*self.takes, *self.keywords):
            _ARGUMENTS[argument](parser)
        for option, help in self.options.items():
            _option(parser, function, option, help)
        if self.film:
            from ..studio import animation

            _option(parser, animation.save, "fps", "frames a second of a film", type=fps)
        if self.save is saving.save_grid:
            parser.add_argument("--columns", type=columns, help="of the grid (default: as square as possible)")
        parser.add_argument("--side", type=side, help="enlarge each picture, pixel-true, to about this many pixels")
        parser.add_argument("--out", type=Path, default=self.out, help="file to write (default: %(default)s)")

    def run(self, options: Namespace) -> None:
        taken = [getattr(options, argument) for argument in (("model",) if self.takes_model else ()) + self.takes]
        keywords = {option: getattr(options, option) for option in (*self.options, *self.keywords)}
        self.save(getattr(imgstudio, options.verb)(*taken, **keywords), options)


# --- arguments ---


_TASKS: dict[str, Task] = {"sample": "sample", "walk": "sample", "stylize": "stylize"}  # others take VAEs


def _take_model(parser: ArgumentParser, task: Task | None, *, positional: bool) -> None:
    from .. import catalog

    kind = models.model_type(task or "reconstruct")
    if positional:
        parser.add_argument("model", type=kind, help=models.KINDS)
        return
    first = catalog.default("reconstruct")
    text = f"{models.KINDS} (default: %(default)s)"
    parser.add_argument("--model", type=kind, default=first and first.name, required=first is None, help=text)


def _option(parser: ArgumentParser, function: Callable, name: str, help: str, **more: Any) -> None:
    """--name, with the default of the function's parameter of that name, or required if that has none."""
    default = inspect.signature(function).parameters[name].default
    if default is inspect.Parameter.empty:
        more |= {"required": True, "type": whole}
    elif isinstance(default, bool):
        more |= {"action": BooleanOptionalAction, "default": default}
    else:
        kinds = {int: whole, float: real}
        more = {"type": kinds.get(type(default), str), "default": default, **more}
    shown = "" if default in (None, inspect.Parameter.empty) else " (default: %(default)s)"
    parser.add_argument(f"--{name.replace('_', '-')}", help=help + shown, **more)


def _seeds(text: str) -> list[int]:
    from ..studio import seeds

    return seeds.parse(text)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise StudioError(f'{shown(text)} are no shares: write them like "0.7,0.3".') from None


def _sides(text: str) -> int | tuple[int, ...]:
    sides = text.lower().split("x")
    if not all(side.strip().isdecimal() for side in sides) or len(sides) > 2:
        raise StudioError(f"{shown(text)} is no size: write it like 512 or 640x480.")
    return whole(text) if len(sides) == 1 else tuple(map(whole, sides))


_ARGUMENTS: dict[str, Callable[[ArgumentParser], Any]] = {
    "seeds": lambda parser: parser.add_argument(
        "--seeds", type=_seeds, default="0-3", help="such as 3, 0-15 or 0,5,9 (default: %(default)s)"
    ),
    "image": lambda parser: parser.add_argument("image", help="a picture file"),
    "a": lambda parser: parser.add_argument("a", help="the picture to start from"),
    "b": lambda parser: parser.add_argument("b", help="the picture to end with"),
    "corners": lambda parser: parser.add_argument(
        "corners", nargs=4, metavar="CORNER", help="pictures: top left, top right, bottom left, bottom right"
    ),
    "amounts": add_amounts,
    "content": lambda parser: parser.add_argument("content", help="the picture to restyle"),
    "styles": lambda parser: parser.add_argument(
        "--style", dest="styles", action="append", metavar="PICTURE", help="the picture to take the style from, may be repeated"
    ),
    "weights": lambda parser: parser.add_argument(
        "--mix", dest="weights", type=_numbers, metavar="SHARES", help="of several styles, such as 0.7,0.3 (default: equal)"
    ),
    "layers": lambda parser: parser.add_argument(
        "--layer",
        dest="layers",
        type=amount,
        action=Collect,
        metavar="NAME=NUMBER",
        help="weight of a style layer, such as relu1_1=1.0, may be repeated (default: five of them, equal)",
    ),
    "size": lambda parser: parser.add_argument(
        "--size", type=_sides, default="512", help="of the result in pixels, such as 512 or 640x480 (default: %(default)s)"
    ),
    "keep_colors": lambda parser: parser.add_argument(
        "--keep-colors",
        nargs="?",
        const="luminance",
        default=False,
        metavar="HOW",
        help="keep the content's colours: luminance (only light and dark change) or match (the style is recoloured first)",
    ),
}


VERBS: dict[str, Any] = {  # Verb, and the kinds of verbs of the other modules
    "sample": Verb(
        help="pictures from seeds",
        names_model=True,
        takes=("seeds",),
        options={"truncation": "0 gives the average picture, 1 all the variety", "label": "class of a conditional model"},
        out="sample.png",
        save=saving.save_grid,
    ),
    "walk": Verb(
        help="an animation from seed to seed",
        names_model=True,
        takes=("seeds",),
        options={
            "frames": "frames from seed to seed",
            "truncation": "0 gives the average picture, 1 all the variety",
            "loop": "return to the first seed",
            "label": "class of a conditional model",
        },
        film=True,
        out="walk.gif",
        save=saving.save_film,
    ),
    "reconstruct": Verb(
        help="a picture through a VAE's bottleneck and back",
        takes=("image",),
        out="reconstruct.png",
        save=saving.save_reconstruction,
    ),
    "interpolate": Verb(
        help="the pictures between two pictures",
        takes=("a", "b"),
        options={"steps": "pictures, both ends included", "curve": "slerp or lerp"},
        film=True,
        out="strip.png",
        save=saving.save_strip,
    ),
    "manifold": Verb(
        help="a sheet spanned by four pictures",
        takes=("corners",),
        options={"size": "pictures a side"},
        out="manifold.png",
        save=lambda rows, options: saving.save_grid([picture for row in rows for picture in row], options, len(rows)),
    ),
    "traverse": Verb(
        help="a picture with one latent dimension varied",
        takes=("image",),
        options={"dimension": "its number", "span": "standard deviations to either side", "steps": "pictures"},
        film=True,
        out="traverse.png",
        save=saving.save_strip,
    ),
    "prior": Verb(help="new pictures from a VAE", takes=("seeds",), out="prior.png", save=saving.save_grid),
    "attribute": Verb(
        help="latent arithmetic with labelled groups",
        takes=("image", "amounts"),
        out="attribute.png",
        save=lambda picture, options: saving.save_grid([picture], options),
    ),
    "denoise": Verb(
        help="noise added to a picture, and taken out again",
        takes=("image",),
        options={"noise": "standard deviation; 1 is the range from black to white", "seed": "of the noise"},
        out="denoise.png",
        save=saving.save_denoised,
    ),
    "stylize": Verb(
        help="a picture in the style of another",
        names_model=True,
        takes=("content", "styles"),
        options={
            "strength": "0 gives the content, 1 the whole style",
            "size": "longer side of the result in pixels",
            "mask": "a picture, white where style is wanted",
            "content_weight": "how much likeness to the content counts, when optimising",
            "style_weight": "how much likeness to the style counts, when optimising",
            "tv_weight": "how much smoothness counts, when optimising",
            "steps": "of the optimisation",
            "start": "content, noise, style, or a picture to go on from, when optimising",
            "optimizer": "adam or lbfgs",
            "seed": "of the noise to start from",
        },
        keywords=("weights", "layers", "keep_colors"),
        out="stylize.png",
        save=saving.save_last_step,
    ),
    "synthesize": Verb(
        help="new texture from a sample",
        takes_model=False,
        takes=("image",),
        options={
            "method": "gatys or quilting",
            "seamless": "copies of the result tile a plane",
            "scale": "how large the pattern is",
            "seed": "of the noise, or of the choice of blocks",
            "steps": "of the optimisation",
            "model": "to optimise with",
            "start": "noise, or quilting to keep large shapes, when optimising",
        },
        keywords=("size",),
        out="synthesize.png",
        save=saving.save_last_step,
    ),
    **texture.VERBS,
    **retexture.VERBS,
    **sampling.VERBS,
    **translation.VERBS,
    **records.VERBS,
    **grids.VERBS,
}
