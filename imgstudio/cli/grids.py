"""The verb of the command line that sets settings of an operation against each other."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import imgstudio

from ..checks import shown
from ..errors import StudioError
from .arguments import Collect
from .output import keep_last
from .texture import Command, write_text

_RANGE = re.compile(r"(\d{1,12})-(\d{1,12})")
_WORDS = {"true": True, "false": False, "none": None}


def _axis(text: str) -> tuple[str, list[Any]]:
    """ "truncation=0,0.5,1" -> ("truncation", [0, 0.5, 1]); "seeds=0-3" counts."""
    name, value = _setting(text)
    return name, [each for part in str(value).split(",") for each in _values(part.strip())]


def _values(text: str) -> list[Any]:
    match = _RANGE.fullmatch(text)
    if match is None:
        return [_value(text)]
    first, last = int(match[1]), int(match[2])
    if not first <= last < first + 100:
        raise StudioError(f"{shown(text)} is no range: write it like 0-7, with up to 100 numbers.")
    return list(range(first, last + 1))


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name.strip() or not value:
        raise StudioError(f"{shown(text)} is no setting with its value: write it like seeds=0-3 or truncation=0,0.5,1.")
    return name.strip().replace("-", "_"), value


def _fixed(text: str) -> tuple[str, Any]:
    """ "model=dcgan/avatars" -> ("model", "dcgan/avatars")."""
    name, value = _setting(text)
    return name, _value(value)


def _value(text: str) -> Any:
    """A number, true, false or none, or else the text: a word, a model or a picture file."""
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("operation", help="what to do, such as sample, stylize or translate")
    values = "such as truncation=0,0.5,1 or seeds=0-3"
    parser.add_argument("--x", type=_axis, required=True, metavar="NAME=VALUES", help=f"what varies from left to right, {values}")
    parser.add_argument("--y", type=_axis, metavar="NAME=VALUES", help="what varies from top to bottom (default: nothing)")
    parser.add_argument(
        "--set",
        dest="fixed",
        type=_fixed,
        action=Collect,
        metavar="NAME=VALUE",
        help="another argument, such as model=dcgan/avatars or content=photo.jpg, may be repeated",
    )
    parser.add_argument("--out", type=Path, default=Path("grid.png"), help=".png, or .html for a page (default: %(default)s)")


def _grid(options: Namespace) -> None:
    """Stopping with Ctrl-C leaves what was made."""
    if options.out.suffix.lower() not in (".png", ".html"):
        raise StudioError(f"A grid is written as .png or .html: give {shown(options.out.name)} one of these endings.")
    axes = {"x": dict([options.x]), "y": options.y and dict([options.y])}
    if taken := next((name for name in (options.fixed or {}) if name in ("operation", *axes)), None):
        raise StudioError(f"{taken} is set with --{taken}: leave it out of --set.")

    def write(step: Any) -> None:
        print(f"{step.done} of {step.total}, {step.seconds:.1f} s")
        page = options.out.suffix.lower() == ".html"
        print(write_text(options.out, step.html()) if page else imgstudio.save(step.image, options.out))

    keep_last(imgstudio.grid(options.operation, **axes, **(options.fixed or {})), write)


VERBS = {"grid": Command(help="two settings against each other, as a sheet or a page", arguments=_arguments, work=_grid)}
