"""Models on the command line: a name of the catalogue, a file, or a repository of the Hub; and the verb `import`."""

from __future__ import annotations

import functools
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks import shown
from ..errors import StudioError

if TYPE_CHECKING:
    from ..catalog.records import Spec, Task

HELP = {"import": "recognise the weights of others in a file or a repository, and say what they are"}
KINDS = "a name from `models`, a file of weights, or owner/repo of the Hub"

LONGEST = 200  # letters of a name that is asked for on the Hub

_VERBS = {  # task -> a verb to try a model with
    "sample": "sample {source}",
    "reconstruct": "reconstruct PICTURE --model {source}",
    "translate": "translate {source} PICTURE",
    "stylize": "stylize {source} PICTURE",
    "segment": "segment PICTURE --model {source}",
}


def model_type(task: Task | None) -> Callable[[str], str]:
    """The type of an argument that says which model: it makes names of files and repositories, by recognising what they hold."""
    return functools.partial(_name, task=task)


def _name(text: str, task: Task | None) -> str:
    from .. import catalog

    try:
        return catalog.find(text).name
    except StudioError:
        families = {spec.name.partition("/")[0] for spec in catalog.models()}
        if not _is_file(text) and (text.count("/") == 0 or text.partition("/")[0] in families):
            raise
    return import_model(text, task).name


def import_model(source: str, task: Task | None = None) -> Spec:
    """What a path or a repository holds, as a model of this process."""
    from ..importing import import_weights

    try:
        return import_weights(source, task=task)
    except StudioError as error:
        if _is_file(source) or len(source) > LONGEST:
            raise
        raise StudioError(f"There is no model {shown(source)} in the catalogue, no such file, and on the Hub: {error}") from error


def _is_file(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def configure(name: str, parser: ArgumentParser) -> None:
    parser.add_argument("source", help="a file, a folder, owner/repo or owner/repo/file")
    parser.add_argument("--task", help="what it is wanted for, where a file serves several: stylize, segment, ...")


def run(options: Namespace) -> None:
    """Prints what was found, and how to try it."""
    spec = import_model(options.source, options.task)
    print(f"{spec.note or spec.title}\n{spec.size / 1e6:.1f} MB from {spec.origin}; licence: {spec.licence}")
    if spec.task in _VERBS:
        print(f"Try: python -m imgstudio {_VERBS[spec.task].format(source=options.source)}")
