"""The records of the catalogue: what a model is, where its weights lie, who made it and under which licence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

Task: TypeAlias = Literal["sample", "reconstruct", "translate", "stylize", "segment", "features"]
TASKS: tuple[str, ...] = get_args(Task)

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def unchanged(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The key conversion of weights that need none."""
    return state


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A file that comes with the project, in `weights/`."""

    filename: str
    sha256: str

    def __post_init__(self) -> None:
        plain = "/" not in self.filename and "\\" not in self.filename and self.filename.endswith(".safetensors")
        _require(plain, f"an embedded file is a plain *.safetensors name, got {self.filename!r}")
        _require(bool(_SHA256.fullmatch(self.sha256)), f"{self.filename}: sha256 is 64 hexadecimal digits, got {self.sha256!r}")


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A file in a repository of the Hugging Face Hub, at a fixed revision."""

    repo: str  # "owner/name"
    filename: str
    revision: str  # a commit hash, or a tag or branch
    sha256: str | None = None

    def __post_init__(self) -> None:
        _require(bool(_NAME.fullmatch(self.repo)), f"a repository is owner/name, got {self.repo!r}")
        _require(bool(self.filename) and bool(self.revision), f"{self.repo}: a Hub file needs a filename and a revision")
        hashed = self.sha256 is None or bool(_SHA256.fullmatch(self.sha256))
        _require(hashed, f"{self.repo}: sha256 is 64 hexadecimal digits, got {self.sha256!r}")


@dataclass(frozen=True, kw_only=True)
class Local:
    """A file that a person brought, anywhere on this machine."""

    path: str
    sha256: str

    def __post_init__(self) -> None:
        _require(bool(self.path), "a local file needs a path")
        _require(bool(_SHA256.fullmatch(self.sha256)), f"{self.path}: sha256 is 64 hexadecimal digits, got {self.sha256!r}")


@dataclass(frozen=True, kw_only=True)
class Formula:
    """No file at all: every number of the net follows from its arguments, as in a bank of Gabor filters."""


Source: TypeAlias = Embedded | Hub | Local | Formula


@dataclass(frozen=True, kw_only=True)
class Direction:
    """A principal direction of a steerable generator's latent space that was looked at and named for what it changes."""

    name: str  # for people: "longer hair"
    component: int  # row of the net's `directions`, from 0
    first: int  # the layers that it moves, from 0, both included
    last: int
    sign: int = 1  # -1 turns it round

    def __post_init__(self) -> None:
        ordered = self.component >= 0 and 0 <= self.first <= self.last and self.sign in (-1, 1)
        _require(bool(self.name) and ordered, f"a direction has a name, a component, layers in order and a sign, got {self}")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One model: a net, its weights, and what people should know about both."""

    name: str  # family/variant, such as "dcgan/avatars"
    task: Task
    title: str  # for people: "Avatars, 64 px"
    build: str | Callable[..., Any]  # the net's class, as "package.module:Class" so that the table loads no torch
    kwargs: Mapping[str, Any] = field(default_factory=dict, hash=False)  # arguments of `build`
    source: Source
    size: int  # of the file, in bytes; 0 for a formula
    licence: str  # of the weights: "CC0-1.0", "MIT", ...
    origin: str  # who trained them, and where they come from
    data: str  # what they were trained on
    paper: str = ""  # citation with its address
    inverse: str | None = None  # name of the opposite direction of a translation
    side: int | None = None  # pixels a side: at which a translation works best, or of what a generator of large pictures makes
    only: Callable[[str], bool] | None = None  # which keys of a large file are read at all; None: every key
    convert: Callable[[Mapping[str, Any]], Mapping[str, Any]] = unchanged  # renames the file's keys to the net's
    note: str = ""  # for people, of a model that was brought: what was found in its file
    labels: tuple[str, ...] | None = None  # classes a net takes, or family/member of the groups whose means a VAE holds
    directions: tuple[Direction, ...] = ()  # named ones of a steerable generator

    def __post_init__(self) -> None:
        _require(bool(_NAME.fullmatch(self.name)), f"a model's name is family/variant, got {self.name!r}")
        _require(self.task in TASKS, f"{self.name}: task is one of {', '.join(TASKS)}; got {self.task!r}")
        sourced = isinstance(self.source, Embedded | Hub | Local | Formula)
        _require(sourced, f"{self.name}: source is Embedded(...), Hub(...), Local(...) or Formula()")
        named = callable(self.build) or self.build.count(":") == 1
        _require(named, f"{self.name}: build is callable or 'package.module:Class', got {self.build!r}")
        sized = self.size == 0 if isinstance(self.source, Formula) else self.size > 0
        _require(sized, f"{self.name}: size is the file's size in bytes, got {self.size}")
        _require(bool(self.title and self.licence), f"{self.name}: title and licence are shown to people and cannot be empty")
        _require(self.side is None or self.side > 0, f"{self.name}: side is a number of pixels, got {self.side}")
        _require(self.inverse is None or bool(_NAME.fullmatch(self.inverse)), f"{self.name}: inverse is the name of a model")

    @property
    def known_as(self) -> str:
        """For sentences: the title that people choose by on the page, and the name that goes into a command."""
        return f"{self.title} ({self.name})"

    @property
    def embedded(self) -> bool:
        """True when the model comes with the project and needs no download."""
        return isinstance(self.source, Embedded | Formula)

    @property
    def whence(self) -> str:
        """Where the weights are, in a word or two: "embedded", a repository, or "own file"."""
        if isinstance(self.source, Hub):
            return self.source.repo
        return "own file" if isinstance(self.source, Local) else "embedded"
