"""The verbs of the command line for the Hub: `push`, `check`, what `models` shows of downloads, and the bar while one runs."""

from __future__ import annotations

import contextlib
import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StudioError

if TYPE_CHECKING:
    from ..weights import Progress

HELP = {
    "push": "upload the weights to a repository of the Hugging Face Hub",
    "check": "list what would break on a Hugging Face Space",
}


def configure(name: str, parser: ArgumentParser) -> None:
    if name == "push":
        parser.add_argument("repo", help="owner/repo; it is made if it is not there yet")
        parser.add_argument("--dry-run", action="store_true", help="show what would be uploaded, and ask nobody")
    else:
        parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="of the Space (default: this folder)")


def push(options: Namespace) -> None:
    from .. import weights
    from ..weights import card

    if not re.fullmatch(r"[\w.-]+/[\w.-]+", options.repo):
        raise StudioError(f"{options.repo!r} is no repository: write it as owner/repo.")
    files = card.files(options.repo)
    sizes = {name: len(data) if isinstance(data, bytes) else data.stat().st_size for name, data in files.items()}
    for name, size in sizes.items():
        print(f"{size / 1e6:8.2f} MB  {name}")
    total = f"{len(files)} files, {sum(sizes.values()) / 1e6:.1f} MB"
    if options.dry_run:
        text = files["README.md"]
        assert isinstance(text, bytes)
        print(f"{total} would go to {options.repo}. The card:\n\n{text.decode()}")
        return
    print(f"{total} are at {weights.push(options.repo, files, message='Weights of imgstudio')}")


def check(options: Namespace) -> int:
    from ..studio import space as check

    if not options.folder.is_dir():
        raise StudioError(f"There is no folder {options.folder}: give that of the Space.")
    found = check.problems(options.folder.resolve())
    print("\n".join(found) if found else "Nothing would break on a Space.")
    return 1 if found else 0


def bar() -> contextlib.AbstractContextManager[None]:
    """Within it, downloads draw a line on the terminal that is written over again and again; nothing where there is none."""
    from .. import weights

    def draw(state: Progress) -> None:
        print(f"\r{state.text}\033[K", end="", file=sys.stderr, flush=True)

    return weights.downloads_shown(draw) if sys.stderr.isatty() else contextlib.nullcontext()


def clear(name: str) -> None:
    from ..studio import downloads

    print(freed(downloads.clear(name)))


def accept(name: str) -> None:
    from ..studio import downloads

    downloads.accept(name)
    print(f"The next download of {name} is taken as it comes.")


def freed(size: int) -> str:
    """What clearing a download gave back, for people."""
    return f"{size / 1e6:.1f} MB freed." if size else "Cleared. Its bytes stay: another repository on this machine shares them."
