"""The verb `data` of the command line: lists the training sets and the weights of others, or makes one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..errors import StudioError

HELP = {"data": "fetch or make a training set, or convert weights of others, from its public source, or list them all"}


def configure(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as avatars; without one, all sets are listed")
    parser.add_argument("--out", type=Path, default=Path("data"), help="folder of the training sets (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the downloads (in OUT/.sources) after a set is made")


def run(options: Namespace) -> None:
    from ..train.data import datasets

    for name in options.names:
        datasets.find(name)  # a wrong name is said before any work
    for name in options.names:
        datasets.prepare(name, options.out, keep=options.keep)
    if not options.names:
        print(listing())


def listing() -> str:
    """All sets for people: what each is, which recipes read it, how large it is, its licence and its source."""
    from .. import catalog
    from ..train import ship
    from ..train.data import datasets

    readers: dict[str, list[str]] = {}
    for recipe in ship.RECIPE_MODULES:
        for file in (*ship.files(recipe), *((datasets.PERCEPTUAL,) if ship.needs_perceptual(recipe) else ())):
            readers.setdefault(file, []).append(recipe)
    for spec in catalog.SPECS:
        readers.setdefault(getattr(spec.source, "filename", ""), []).append(spec.name)
    parts = []
    for each in datasets.DATASETS:
        size = f"{each.size / 1e6:.1f} MB as {each.file}, {each.download / 1e6:.1f} MB to download"
        rows = {
            "for": ", ".join(readers.get(each.file, ["no recipe"])),
            "size": f"{each.count:,} pictures, {size}" if each.count else size,
            "licence": each.licence,
            "source": each.source,
            "": each.fidelity,
        }
        parts.append("\n".join((f"{each.name}: {each.title}", *(f"  {head:9s}{text}" for head, text in rows.items()))))
    return "\n\n".join(parts)


def check_sets(recipe: str, folder: Path) -> None:
    """Refuses a folder that lacks a set of a recipe, and says which command makes it."""
    from ..train import ship
    from ..train.data import datasets

    for file in ship.files(recipe):
        if not (folder / file).is_file():
            known = datasets.of_file(file)
            cure = f" or run `python -m imgstudio data {known.name} --out {folder}`" if known else ""
            raise StudioError(f"There is no training set {file} in {folder}: give its folder with --data{cure}.")
