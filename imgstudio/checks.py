"""What people give, checked before any work begins: numbers, seeds, choices, lists and names.

A verb, an endpoint and a Python call pass through the same functions, and so have the same bounds and the same sentences.
Whole numbers and numbers may be Python's, numpy's or torch's; truth values are none. Everything here raises StudioError alone.
"""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from .errors import StudioError

Kind = TypeVar("Kind")

LARGEST_SEED = 2**32 - 1
MOST_SEEDS = 1024
_NEAR = 0.8  # share of equal letters from which on a word is taken for a misspelt other one

_LISTED = 12  # choices that a sentence names; the first are the likeliest


class _Shown(reprlib.Repr):
    """Plain values as Python writes them; of all others, whose own texts may be anything, the kind."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_instance(self, value: object, level: int) -> str:
        if value is None or isinstance(value, bool | int | float | complex | bytes | Iterator):
            return super().repr_instance(value, level)
        return kind_of(value)


_repr = _Shown()


def number(value: object) -> int | float | None:
    """The plain number that a value is, be it Python's, numpy's or a tensor of one; None for everything else."""
    if isinstance(value, bool | str | bytes):
        return None
    if isinstance(value, int | float):
        return value
    if not hasattr(value, "item") or tuple(getattr(value, "shape", (0,))) != ():
        return None
    try:
        plain = value.item()
    except Exception:  # a tensor without values
        return None
    return plain if isinstance(plain, int | float) and not isinstance(plain, bool) else None


def whole(value: object) -> int | None:
    """The whole number that a value is, also written as 3.0; None for everything else."""
    plain = number(value)
    if isinstance(plain, float):
        return int(plain) if plain.is_integer() else None
    return plain


def shown(value: object) -> str:
    """A value as it can stand in a sentence: on one line and short."""
    try:
        return " ".join(_repr.repr(value).split())[:80]
    except Exception:  # numbers of more digits than Python writes
        return kind_of(value)


def kind_of(value: object) -> str:
    """What a value is, in words: "a list"."""
    if isinstance(value, int):
        return "a number of very many digits"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


# --- numbers ---


def check_range(name: str, value: object, low: float, high: float) -> float:
    """A number within its limits, both included; `name` is for the message. `high` may be infinite, the number may not."""
    plain = number(value)
    if plain is None or not low <= plain <= high or plain in (math.inf, -math.inf):  # NaN fails too
        wanted = f"is a number from {low} on" if math.isinf(high) else f"goes from {low} to {high}"
        raise StudioError(f"{name} {wanted}, not {shown(value)}.")
    try:
        return float(plain)
    except OverflowError:
        raise StudioError(f"{name} is too large: choose a smaller number.") from None


def check_count(name: str, value: object, low: int, high: int) -> int:
    """A whole number within its limits, both included; `name` is for the message."""
    plain = whole(value)
    if plain is None or not low <= plain <= high:
        raise StudioError(f"{name} is a whole number from {low} to {high}, not {shown(value)}.")
    return plain


def check_flag(name: str, value: object) -> bool:
    """Yes or no: a truth value, or 0 or 1; `name` is for the message."""
    if isinstance(value, bool):
        return value
    if type(value).__name__ in ("bool", "bool_") and hasattr(value, "item"):  # numpy's
        return bool(value)
    if (plain := whole(value)) in (0, 1):
        return bool(plain)
    raise StudioError(f"{name} is either true or false, not {shown(value)}.")


# --- seeds ---


def check_seed(seed: object) -> int:
    """One seed."""
    plain = whole(seed)
    if plain is None or not 0 <= plain <= LARGEST_SEED:
        raise StudioError(f"A seed is a whole number from 0 to {LARGEST_SEED}, not {shown(seed)}.")
    return plain


def check_seeds(seeds: object, most: int = MOST_SEEDS) -> list[int]:
    """One or several seeds as a list."""
    if number(seeds) is not None:
        return [check_seed(seeds)]
    return [check_seed(seed) for seed in listed("seeds", seeds, most)]


# --- lists, names and choices ---


def listed(noun: str, values: object, most: int) -> list[Any]:
    """From 1 to `most` values as a list; what never ends is given up in time. `noun`: what they are, for the message."""
    nested = len(getattr(values, "shape", (0,))) != 1
    if nested or isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise StudioError(f"Give {noun} as a list, not as {shown(values)}.")
    found = list(islice(values, most + 1))
    if not found or len(found) > most:
        count = len(values) if hasattr(values, "__len__") else f"more than {most}" if found else 0
        raise StudioError(f"Give from 1 to {most} {noun}; there are {count}.")
    return found


def check_choice(noun: str, value: object, choices: Sequence[str]) -> str:
    """One of some words; `noun` is for the message."""
    if not isinstance(value, str) or value not in choices:
        raise unknown(noun, value, choices)
    return str(value)


def unknown(noun: str, value: object, choices: Sequence[str]) -> StudioError:
    """The error for a word that is none of the choices: it names the one that was probably meant, or all of them."""
    plain = {choice.casefold(): choice for choice in choices}
    given = value.casefold() if isinstance(value, str) and len(value) <= 100 else ""
    near = difflib.get_close_matches(given, plain, 1, _NEAR)
    named = ", ".join(choices[:_LISTED]) + (f", ... ({len(choices)} in all)" if len(choices) > _LISTED else "")
    cure = f"did you mean {plain[near[0]]}?" if near else f"choose one of {named}."
    return StudioError(f"There is no {noun} {shown(value)}: {cure}")


def check_mapping(noun: str, value: object) -> Mapping[str, Any]:
    """Names with a value each; `noun`: what they are, for the message."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise StudioError(f'Give {noun} as names with a number each, such as {{"name": 1.0}}, not as {shown(value)}.')
    return value


def check_type(noun: str, value: object, kind: type[Kind], how: str) -> Kind:
    """An object that another function of the studio made; `how` tells which, for the message."""
    if not isinstance(value, kind):
        raise StudioError(f"{noun} can't be {shown(value)}: {how}.")
    return value
