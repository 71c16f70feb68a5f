"""Values that people and programs give by mistake or on purpose, and which of them a parameter of each kind may take."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.modules import module as modules

from imgstudio import StudioError, loading
from imgstudio.ops.texture import quilting
from imgstudio.studio import validation
from imgstudio.studio.sampling import inversion
from imgstudio.studio.sampling.latents import Latent

HOSTILE: tuple[Any, ...] = (
    0, -1, 1.5, None, math.inf, -math.inf, math.nan, 10**12, 10**5000, True, "x", "", "\0", "~nouser", "a" * 300, "a" * 5000,
    "\ud800", b"x", np.int64(10**12), np.float32("nan"), np.array("x"), np.zeros(3), np.zeros((0, 4, 3)), torch.tensor(-1),
    torch.tensor(math.nan), torch.ones(2), torch.ones(0), [], [1, 2], [None], [[]], ["x"], (1, 2, 3), {}, {"x": 1}, {1: 2},
    {"x": None}, object(), print, 1j,
)  # fmt: skip

LONGEST = 700  # characters of a sentence: some name all models that would do
_TELLTALE = re.compile(r"Traceback|Error\b|object at 0x|<class|NoneType|unsupported operand|argument must")


class Reached(BaseException):
    """A net was asked for, or run: what was given has been accepted. No handler of the studio catches it."""


def reached(*_: Any, **__: Any) -> None:
    raise Reached


@contextmanager
def sealed(*, after_loading: bool = False) -> Iterator[None]:
    """Within it, no net is loaded and no texture is quilted; with `after_loading`, no net is run."""
    with pytest.MonkeyPatch.context() as patch:
        if not after_loading:
            for module in (validation, inversion, loading):
                patch.setattr(module, "load", reached)
            patch.setattr(loading, "build", reached)
            patch.setattr(quilting, "quilt", reached)  # as long as a net takes
            yield
            return
        hook = modules.register_module_forward_pre_hook(reached)
        try:
            yield
        finally:
            hook.remove()


@dataclass(frozen=True)
class Kind:
    """What a parameter takes.

    good: values that it takes, the first of which stands in calls where others are tried; may: which of the hostile values it
    may take besides; bad: further values that it refuses; net: only the net can tell, so that it may be loaded for that.
    """

    good: tuple[Any, ...]
    may: Callable[[Any], bool] = lambda value: False
    bad: tuple[Any, ...] = ()
    net: bool = False


def plain(value: Any) -> int | float | None:
    """The number that a value is."""
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        value = value.item() if value.ndim == 0 else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def number(low: float, high: float) -> Kind:
    middle = (low + min(high, low + 1)) / 2
    good = (middle, low, np.float32(middle), torch.tensor(middle), *(() if math.isinf(high) else (high, np.float64(high))))
    beyond = () if math.isinf(high) else (high + 0.1 * max(1, high),)
    taken = lambda value: plain(value) is not None and low <= plain(value) <= high and not math.isinf(plain(value))  # noqa: E731
    return Kind(good, taken, (low - 0.1, *beyond))


def count(low: int, high: int, *, none: bool = False, net: bool = False) -> Kind:
    good = (low, high, np.int64(low), np.uint8(min(high, 255)), float(low), torch.tensor(low), *((None,) if none else ()))
    within = lambda value: plain(value) is not None and low <= plain(value) <= high and float(plain(value)).is_integer()  # noqa: E731
    return Kind(good, lambda value: (none and value is None) or within(value), (low - 1, high + 1, low + 0.5), net)


def choice(*words: str, none: bool = False) -> Kind:
    return Kind((*words, *((None,) if none else ())), lambda value: none and value is None, (words[0] + "s", words[0].upper()))


def one_of(*good: Any, may: Callable[[Any], bool] = lambda value: False, bad: tuple[Any, ...] = (), net: bool = False) -> Kind:
    return Kind(good, may, bad, net)


SEED = count(0, 2**32 - 1)
NOISE = count(0, 2**32 - 1, none=True)
FLAG = Kind((False, True, 0, 1, np.True_, np.False_), lambda value: value is True or plain(value) == 0)


FRUITS, PLACE = "stylegan2/fruits", Latent("stylegan2/fruits", torch.zeros(8, 256))
PATH = one_of(str(Path(__file__).parent.parent / "assets" / "models" / "vae-fruits.jpg"), bad=("/etc/passwd", "a\0b"))
LABEL = one_of(None, "apple", "APPLE", 2, np.int64(0), may=lambda value: plain(value) in (0, 1, 2), bad=(3, "pear"))
TRUNCATION = number(0, 1.5)


def model(name: str, bad: str = "vae/fruits") -> Kind:
    return one_of(name, bad=(bad, "dcgan/avatar", name.upper()))


def amounts(*names: str, most: float = 10) -> Kind:
    good = ({names[0]: 1.0}, {}, {name: -most for name in names}, {names[0]: np.float32(1)}, {names[0]: torch.tensor(1)})
    bad = ({names[0]: most + 1}, {names[0]: math.nan}, {names[0]: "1"}, {names[0]: True}, {"nowhere": 1}, [(names[0], 1)])
    return one_of(*good, may=lambda value: isinstance(value, dict) and not value, bad=bad, net=True)


CURVE, SIDE = choice("slerp", "lerp"), count(16, 2048)
VAE, GAN = model("vae/fruits", bad="dcgan/avatars"), model(FRUITS)


@dataclass(frozen=True)
class Outcome:
    """How a call ended: with a sentence, with a wish for a net, or with a result."""

    sentence: str | None = None


def attempt(function: Callable[..., Any], arguments: dict[str, Any]) -> Outcome:
    """Any other exception goes through, and fails the test."""
    try:
        made = function(**arguments)
        if hasattr(made, "close") and hasattr(made, "__next__"):
            made.close()
    except StudioError as error:
        return Outcome(str(error))
    except Reached:
        pass
    return Outcome()


def assert_sentence(text: str, case: object) -> None:
    """For people: one short line that ends, without a word of Python's or a path of the machine."""
    assert "\n" not in text and text.endswith((".", "?")) and len(text) <= LONGEST, (case, text)
    assert text.isprintable(), (case, text)
    assert not _TELLTALE.search(text) and str(Path(loading.__file__).parent) not in text, (case, text)


def in_json(value: Any) -> bool:
    """Whether a value can come over HTTP."""
    try:
        return bool(json.dumps(value))
    except (TypeError, ValueError):
        return False


def walk(function: Callable[..., Any], table: dict[str, Kind], name: str, *, http: bool = False) -> list[str]:
    """Gives each parameter every value while the others are good; says what was taken or refused against its kind."""
    base, wrong = {parameter: kind.good[0] for parameter, kind in table.items()}, []
    for parameter, kind in table.items():
        for value in (*kind.good, *kind.bad, *HOSTILE):
            if http and not in_json(value):
                continue
            case = f"{name}({parameter}={_short(value)})"
            try:
                with sealed(after_loading=kind.net):
                    outcome = attempt(function, {**base, parameter: value})
            except Exception as error:
                wrong.append(f"{case}: {type(error).__name__}: {str(error)[:200]}")
                continue
            if outcome.sentence is not None:
                assert_sentence(outcome.sentence, case)
            good = any(value is each for each in kind.good)
            if good and outcome.sentence is not None:
                wrong.append(f"{case} was refused: {outcome.sentence}")
            if not good and outcome.sentence is None and not kind.may(value):
                wrong.append(f"{case} was accepted")
    return wrong


def _short(value: Any) -> str:
    try:
        return " ".join(repr(value).split())[:60]
    except ValueError:  # more digits than Python writes
        return "a huge number"
