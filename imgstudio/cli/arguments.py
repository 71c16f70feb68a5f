"""Options of the command line that give a number to a name, and may be repeated: --amount "apple to tomato=1.0"."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ..checks import check_range, shown
from ..errors import StudioError


def amount(text: str) -> tuple[str, float]:
    """ "name=1.5" -> ("name", 1.5)."""
    name, _, value = text.rpartition("=")
    try:
        if not name.strip():
            raise ValueError
        return name.strip(), float(value)
    except ValueError:
        raise StudioError(f'{shown(text)} is no amount: write it like "apple to tomato=1.0".') from None


class Collect(Action):
    """Gathers name and value pairs of a repeated option in a dict."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, dict([*(getattr(namespace, self.dest) or {}).items(), values]))


def add_amounts(parser: ArgumentParser) -> None:
    """--amount NAME=NUMBER, for latent directions."""
    parser.add_argument(
        "--amount",
        dest="amounts",
        type=amount,
        action=Collect,
        metavar="NAME=NUMBER",
        required=True,
        help='such as "apple to tomato=1.0", may be repeated; a wrong name is answered with the right ones',
    )


def side(text: str) -> int:
    """What pictures are enlarged to, checked before they are made."""
    from ..image import check_side

    return check_side(whole(text))


def columns(text: str) -> int | None:
    """Pictures in a row of a sheet."""
    from ..image import check_columns

    return check_columns(whole(text))


def fps(text: str) -> float:
    """Frames a second, checked before any is made."""
    from ..studio.animation import MOST_FPS

    return check_range("The number of frames a second", real(text), 1, MOST_FPS)


def whole(text: str) -> int:
    """A whole number. Its bounds are those of the function that it is for."""
    try:
        return int(text)
    except ValueError:
        raise StudioError(f"{shown(text)} is no whole number: write it like 512.") from None


def real(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise StudioError(f"{shown(text)} is no number: write it like 0.5.") from None


def zip_file(text: str) -> Path:
    """A file of this name, checked before the work begins."""
    if not text.lower().endswith(".zip"):
        raise StudioError(f"Cut-outs are written as a zip: give {shown(Path(text).name)} the ending .zip.")
    return Path(text)
