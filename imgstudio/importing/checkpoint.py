"""What a checkpoint holds: nets among nets, optimisers among nets, and the prefixes that wrapping leaves on the names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

State = Mapping[str, Tensor]

DEPTH = 4  # of nesting and prefixes that is looked into
PARTS = 1000  # that are looked at, the likeliest first
LOOKED_AT = 100_000  # tensors in all parts together, which may share them: a large checkpoint comes to half as many

# What the parts of training checkpoints are called: averaged weights first, then whatever makes pictures, then the rest, and
# discriminators last. The first part that is recognised is taken.
_FIRST = re.compile(r"(.*_)?ema(_.*)?")
_THEN = re.compile(r"g|gen|.*generator.*|net_?g.*|g_.*|(model_)?state_dict|model|net|module|params|weights|vae")
_LAST = re.compile(r"d|dis|.*discriminator.*|net_?d.*|d_.*|critic|.*optim.*|.*scheduler.*")


def parts(content: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    """Every set of named tensors in a checkpoint, with the path that leads there ("" for the checkpoint itself), the likeliest
    first: what is nested in dictionaries, and what shares the beginning of its names up to a dot."""
    left = LOOKED_AT
    for path, state in itertools.islice(_parts("", content, DEPTH), PARTS):
        left -= len(state)
        if left < 0:
            return
        yield path, state


def part(content: Mapping[str, Any], path: str) -> State:
    """The set of named tensors at a path that `parts` told."""
    return next(state for found, state in parts(content) if found == path)


def _parts(path: str, content: Mapping[str, Any], depth: int) -> Iterator[tuple[str, State]]:
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        yield path, tensors
    if depth == 0:
        return
    nested = {str(key): value for key, value in content.items() if isinstance(value, Mapping)}
    for name, inner in sorted([*nested.items(), *_by_prefix(tensors).items()], key=lambda item: _rank(item[0])):
        yield from _parts(f"{path}.{name}" if path else name, inner, depth - 1)


def _by_prefix(tensors: State) -> dict[str, dict[str, Tensor]]:
    """The tensors by the first word of their names, which is taken off."""
    groups: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        first, dot, rest = key.partition(".")
        if dot and not first.isdecimal():
            groups.setdefault(first, {})[rest] = value
    return groups


def _rank(name: str) -> int:
    order = (_FIRST, _THEN)
    name = name.lower()
    return next((i for i, names in enumerate(order) if names.fullmatch(name)), 3 if _LAST.fullmatch(name) else 2)


@dataclass(frozen=True)
class Conversion:
    """From a checkpoint to a net's own keys: takes the part out, and renames."""

    path: str
    rename: Callable[[State], State]

    def __call__(self, content: Mapping[str, Any]) -> State:
        return self.rename(part(content, self.path))


# --- layers in their order ---


def natural(key: str) -> list[Any]:
    """A key to sort by, so that layer 10 comes after layer 9."""
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in re.split(r"(\d+)", key)]


@dataclass(frozen=True)
class Layer:
    """The tensors of one module, by their last name."""

    name: str
    tensors: Mapping[str, Tensor]

    @property
    def weight(self) -> Tensor:
        return self.tensors["weight"]

    @property
    def norm(self) -> bool:
        """Whether it is a batch norm."""
        return "running_mean" in self.tensors

    @property
    def bias(self) -> bool:
        return "bias" in self.tensors


def layers(state: State) -> list[Layer]:
    """The modules with a weight, in their order: by number where names are numbered, otherwise as in the file."""
    found: dict[str, dict[str, Tensor]] = {}
    for key, tensor in state.items():
        name, _, last = key.rpartition(".")
        found.setdefault(name, {})[last] = tensor
    named = [Layer(name, tensors) for name, tensors in found.items() if _is_weight(tensors.get("weight"))]
    return sorted(named, key=lambda layer: natural(layer.name))


def _is_weight(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.ndim > 0 and tensor.numel() > 0
