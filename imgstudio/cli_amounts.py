"""Options of the command line that give a number to a name, and may be repeated: --amount "apple to tomato=1.0"."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from .errors import StudioError


def amount(text: str) -> tuple[str, float]:
    """ "name=1.5" -> ("name", 1.5)."""
    name, _, value = text.rpartition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise StudioError(f'{text!r} is no amount: write it like "apple to tomato=1.0".') from None


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
    from .image import check_side

    return check_side(_whole(text))


def columns(text: str) -> int | None:
    """Pictures in a row of a sheet."""
    from .image import check_columns

    return check_columns(_whole(text))


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise StudioError(f"{text[:60]!r} is no whole number: write it like 512.") from None


def zip_file(text: str) -> Path:
    """A file of this name, checked before the work begins."""
    if not text.lower().endswith(".zip"):
        raise StudioError(f"Cut-outs are written as a zip: give {Path(text).name} the ending .zip.")
    return Path(text)
