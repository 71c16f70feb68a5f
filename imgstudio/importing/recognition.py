"""Which net a set of named tensors belongs to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .. import weights
from ..catalog.records import Task
from ..errors import StudioError
from ..loading import invalid_values, mismatch, resolve, state_shapes
from . import checkpoint
from .checkpoint import Conversion, State

SHOWN = 3  # keys in the sentence about a file that nobody knows

KNOWN = (
    "DCGAN, FastGAN and fully connected GANs; TAESD and fully connected VAEs; generators of CycleGAN; fast style transfer; "
    "VGG-19; Tiny Darknet; and nets of this studio"
)


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A net that fits a file.

    build, kwargs: its class as "package.module:Class" and the arguments; convert: from the file's content to the net's keys;
    title: for drop-downs; said: what was found, in one sentence for people; doubt: what the file does not tell and was assumed.
    """

    task: Task
    build: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    convert: Callable[[Mapping[str, Any]], State]
    title: str
    said: str
    doubt: str = ""
    paper: str = ""
    labels: tuple[str, ...] | None = None
    side: int | None = None


class Mismatch(ValueError):
    """A file that is clearly of a family, but lacks something or has too much. The text says what."""


Family = Callable[[State, Task | None], Recognised | None]
Steps = Generator[None, None, Recognised]


def recognise(
    content: Mapping[str, Any], filename: str, *, task: Task | None = None, config: Mapping[str, Any] | None = None
) -> Recognised:
    """The net of a checkpoint: its own, or of the likeliest of the nets in it.

    task:   what it is wanted for, where a file serves several.
    config: of the metadata of this studio's own files.
    Raises StudioError with the first keys if no known net fits.
    """
    steps = recognising(content, filename, task=task, config=config)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def recognising(
    content: Mapping[str, Any], filename: str, *, task: Task | None = None, config: Mapping[str, Any] | None = None
) -> Steps:
    """`recognise` step by step: yields after each set of tensors that was looked at, so that it can be left."""
    from . import own
    from .families import FAMILIES

    families: list[Family] = [own.Family(config), *FAMILIES]
    problem = ""
    for path, state in checkpoint.parts(content):
        for family in families:
            try:
                found = family(state, task)
                if found is not None:
                    _check(found, state, filename)
                    return _placed(found, path)
            except Mismatch as error:
                problem = problem or str(error)
        yield
    raise StudioError(f"{filename} can't be used: {problem or _unknown(content)}.")


def _placed(found: Recognised, path: str) -> Recognised:
    """With the way from the whole checkpoint to the net."""
    inside = [name for name in path.split(".") if name and name not in ("module", "_orig_mod")]
    said = f'{found.said} It is the part "{weights.printable(".".join(inside))}" of the file.' if inside else found.said
    return replace(found, convert=Conversion(path, found.convert), said=" ".join(filter(None, (said, found.doubt))))


def _check(found: Recognised, state: State, filename: str) -> None:
    """Raises StudioError unless every tensor has its place in the net, and the other way round, and all values are usable."""
    given = found.convert(state)
    problem = mismatch(state_shapes(found.build, found.kwargs), given) or invalid_values(given)
    if problem:
        raise StudioError(f"{filename} looks like {found.title}, but {problem}.")


def accepted(build: str, config: Mapping[str, Any]) -> bool:
    """Whether a net takes these arguments."""
    return set(config) <= set(inspect.signature(resolve(build)).parameters)


def _unknown(content: Mapping[str, Any]) -> str:
    first = next((state for _, state in checkpoint.parts(content)), {})
    if not first:
        return "it holds no tensors by name"
    shown = ", ".join(f"{weights.printable(key)} {list(tensor.shape)}" for key, tensor in list(first.items())[:SHOWN])
    return f"no net that is known here has the keys {shown}; known are {KNOWN}"
