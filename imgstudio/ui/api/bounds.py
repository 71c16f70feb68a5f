"""What may be asked of a server over HTTP, where a function of the studio may allow more. Checked before any work begins, by
the name of the parameter, for every endpoint alike."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from PIL import Image

from ...checks import LARGEST_SEED, check_flag, check_mapping, number, shown
from ...errors import StudioError
from ...studio import seeds as seed_texts
from ..server.settings import settings

PICTURES = 64  # at most, that one call makes
FRAMES = 240
SHEET = 12  # pictures a side
TEXT, PLACE = 2_000, 400_000  # characters; a place in the latent space of a large StyleGAN2 is a long text

_IN_PICTURES = ("interpolate", "traverse")  # where `steps` are pictures, and not steps of an optimisation
_PLACES = ("seed", "coarse", "fine")  # parameters for which a place may stand, where they are texts


def check(endpoint: str, arguments: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Raises StudioError for values that no endpoint takes, or that are too much for a server.

    defaults: of the parameters that have one; by their kind, values are checked.
    """
    for name, value in arguments.items():
        if value is not None and name in defaults:
            _suits(name, value, defaults[name])
        if isinstance(value, str):
            _bound(f"The text for {name}", len(value), PLACE if name in _PLACES else TEXT, "characters")
    for name, (most, unit) in _most(endpoint).items():
        if (wanted := number(arguments.get(name))) is not None:
            _bound(name, wanted, most, unit)
    if isinstance(seeds := arguments.get("seeds"), str):
        count = len(seed_texts.parse(seeds))
        _bound("seeds", count, PICTURES, "")
        _bound("frames", count * (arguments.get("frames") or 0), FRAMES, "in all")
    if arguments.get("amounts") is not None:
        _amounts(arguments["amounts"])


def _most(endpoint: str) -> dict[str, tuple[int, str]]:
    limits = settings()
    return {
        "steps": (PICTURES, "pictures") if endpoint in _IN_PICTURES else (limits.steps, "steps"),
        "size": (SHEET, "pictures a side") if endpoint == "manifold" else (limits.pixels, "pixels"),
        "count": (PICTURES, "pictures"),
    }


def side(size: int, picture: Image.Image) -> int | None:
    """The longer side of a result: `size`, or for 0 that of the picture, up to what a server allows. None leaves it as it is."""
    largest = settings().pixels
    return size or (largest if max(picture.size) > largest else None)


def _bound(name: str, value: float, most: int, unit: str) -> None:
    if value > most:
        limit = f"{most} {unit}".rstrip()
        raise StudioError(f"{name} goes up to {limit} here, and {value:g} was asked for: choose less.")


def _suits(name: str, value: Any, default: Any) -> None:
    if isinstance(default, bool):
        check_flag(name, value)
    elif isinstance(default, str):
        if not isinstance(value, str):
            raise StudioError(f"{name} is a text, not {shown(value)}.")
    elif isinstance(default, int | float):
        _finite(name, value)


def _finite(name: str, value: Any) -> None:
    plain = number(value)
    if plain is None or not abs(plain) <= LARGEST_SEED:  # NaN fails too
        raise StudioError(f"{name} is a number, and not a huge one, but was {shown(value)}: send another.")


def _amounts(amounts: Any) -> None:
    _bound("The number of amounts", len(check_mapping("the amounts", amounts)), PICTURES, "")
    for name, value in amounts.items():
        _bound("The name of an amount", len(name), 100, "characters")
        _finite(f"The amount of {shown(name)}", value)


def bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of an endpoint, with the check before it. A value that is left out, or null, is the default."""
    signature = inspect.signature(function)
    defaults = {name: each.default for name, each in signature.parameters.items() if each.default is not each.empty}

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        arguments = {name: defaults.get(name) if value is None else value for name, value in given.arguments.items()}
        check(function.__name__, arguments, defaults)
        return function(**arguments)

    return checked
