"""The studio on the command line.

    python -m imgstudio sample dcgan/avatars --seeds 0-15 --out grid.png

A StudioError ends a command with its sentence and status 2.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import imgstudio

from .. import memory, resources
from ..catalog import rows
from ..checks import check_choice, check_count
from ..errors import StudioError
from . import data, hub, models
from . import verbs as cli
from .arguments import whole

CLOSED = 141  # exit status of a program whose reader has gone, as shells have it


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    try:
        return _run(arguments)
    except StudioError as error:
        print(f"imgstudio: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads the output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes at the end
        return CLOSED
    except KeyboardInterrupt:
        return 130


class _Parser(ArgumentParser):
    """What is wrong with a command is one sentence, as all that is wrong with anything."""

    def error(self, message: str) -> NoReturn:
        text = " ".join(message.split())[:300]
        raise StudioError(f"{text[:1].upper()}{text[1:]}: see `{self.prog} --help`.")


def _run(arguments: Sequence[str] | None) -> int:
    memory.keep()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = _Parser(prog="python -m imgstudio", description="A studio for the classical deep models of image making.")
    parser.add_argument("--version", action="version", version=f"imgstudio {imgstudio.__version__}")
    commands = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    used = next((word for word in arguments if not word.startswith("-")), None)
    verbs = {**{name: verb.help for name, verb in cli.VERBS.items()}, **_HELP}
    if used is not None:
        check_choice("verb", used, list(verbs))
    for name, help in verbs.items():
        command = commands.add_parser(name, help=help, description=help)
        if name == used:  # only this one, because its defaults are read from modules that take a while to load
            _configure(name, command)
            if name in cli.VERBS or name in _COMPUTING:
                command.add_argument("--device", help="cpu, cuda, cuda:1 or mps (default: the best one here)")
    options = parser.parse_args(arguments)
    if getattr(options, "device", None):
        from ..studio import system

        os.environ["IMGSTUDIO_DEVICE"] = options.device
        system.describe()  # a device that is not there is reported before anything is read
    status = _RUN.get(options.verb, _make)(options) or 0
    sys.stdout.flush()
    return status


def _configure(name: str, parser: ArgumentParser) -> None:
    if name in cli.VERBS:
        cli.VERBS[name].configure(parser, name)
    elif name == "models":
        parser.add_argument("--task", help="sample, reconstruct, ...")
        parser.add_argument("--json", action="store_true", help="all that is known of each model, for programs")
        parser.add_argument("--clear", metavar="NAME", help="remove the download of this model from this machine instead")
        parser.add_argument(
            "--accept", metavar="NAME", help="take the file of this model as it is on the Hub now, at the next download"
        )
    elif name == "serve":
        parser.add_argument("--host", help="address to serve on (default: this machine only)")
        parser.add_argument("--port", type=_port, help="(default: the first free one from 7860)")
        parser.add_argument("--public", action="store_true", help="for strangers: smaller limits, and nothing to clear")
        parser.add_argument("--auth", metavar="FILE", help="who may use it: a file with one name:password pair a line")
        parser.add_argument("--tabs", help="only these, with commas in between: sampling, interpolation, ... (default: all)")
        parser.add_argument("--mcp", action="store_true", help="serve the endpoints as tools for programs that speak MCP, too")
        parser.add_argument("--browser", action="store_true", help="open the page in a browser")
    elif name in hub.HELP:
        hub.configure(name, parser)
    elif name in models.HELP:
        models.configure(name, parser)
    elif name in data.HELP:
        data.configure(parser)
    elif name in ("train", "ship"):
        parser.add_argument("model", help="a name that has a recipe, such as dcgan/avatars")
        parser.add_argument("--data", type=Path, required=True, help="the folder of the training sets")
        parser.add_argument("--folder", type=Path, help="of the run (default: its name in runs/)")
        if name == "train":
            parser.add_argument("--images", type=_images, required=True, help="number of pictures to train on, repeats included")
            parser.add_argument("--loss", help="of a DCGAN, in place of its recipe's: minimax, lsgan, wgan-gp or hinge")
            perceptual = "perceptual network of VAEs and features/vgg-small (default: tiny-darknet.pt in the folder of --data)"
            parser.add_argument("--perceptual", type=Path, metavar="FILE", help=perceptual)
            parser.add_argument("--judge", type=Path, dest="perceptual", help=SUPPRESS)  # its earlier name
        else:
            parser.add_argument("--out", type=Path, default=Path("weights"), help="folder to write to (default: %(default)s)")
    elif name == "art":
        parser.add_argument("--flowers", action="store_true", help="draw daisies and sunflowers to translate instead")
        parser.add_argument("--readme", action="store_true", help="draw what README shows of the models, and its table, instead")
        parser.add_argument("--opening", action="store_true", help="make the results that the page opens with instead")
        parser.add_argument("--out", type=Path, help="folder to write to (default: the one in assets/, or this one for --readme)")
    elif name == "bench":
        parser.add_argument(
            "--repeats", type=_repeats, default=15, help="runs, of which the median counts (default: %(default)s)"
        )
        parser.add_argument(
            "--visitors", type=_visitors, metavar="COUNT", help="have so many visitors use a page at once instead"
        )
        parser.add_argument("--seconds", type=_seconds, default=60, help="for which they do (default: %(default)s)")
        parser.add_argument("--url", help="of the page that they use (default: one that is started for them)")
        parser.add_argument("--restyling", type=Path, metavar="SHEET.jpg", help="score style transfer instead, and write a sheet")


def _port(text: str) -> int:
    return check_count("The port", whole(text), 1, 65_535)


def _visitors(text: str) -> int:
    return check_count("The number of visitors", whole(text), 1, 500)


def _seconds(text: str) -> int:
    return check_count("The number of seconds", whole(text), 1, 86_400)


def _images(text: str) -> int:
    return check_count("The number of pictures", whole(text), 1, 10**10)


def _repeats(text: str) -> int:
    return check_count("The number of runs", whole(text), 1, 10_000)


def _make(options: Namespace) -> None:
    with hub.bar():
        cli.VERBS[options.verb].run(options)


def _models(options: Namespace) -> None:
    if options.clear or options.accept:
        hub.clear(options.clear) if options.clear else hub.accept(options.accept)
        return
    if options.json:
        from ..studio import description

        print(json.dumps(description.list_models(options.task), indent=2, ensure_ascii=False))
        return
    from ..studio import downloads

    head = ("name", "task", "title", "size", "licence", "weights")
    rows = [
        (s.name, s.task, s.title, f"{s.size / 1e6:.1f} MB", s.licence, downloads.location(s))
        for s in imgstudio.models(options.task)
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def _serve(options: Namespace) -> None:
    os.environ |= {"IMGSTUDIO_PUBLIC": "1"} if options.public else {}
    os.environ |= {"IMGSTUDIO_AUTH": options.auth} if options.auth else {}
    os.environ |= {"IMGSTUDIO_TABS": options.tabs} if options.tabs else {}
    from .. import ui

    chosen = {"server_name": options.host, "server_port": options.port, "inbrowser": options.browser, "mcp_server": options.mcp}
    ui.check(options.mcp or None)
    demo = ui.build()
    try:
        ui.launch(demo, **{name: value for name, value in chosen.items() if value})
    except OSError as error:
        raise StudioError("No page can be served there: choose another --port or --host.") from error


def _train(options: Namespace) -> None:
    from ..train import ship

    data.check_sets(options.model, options.data)
    wanted = {name: getattr(options, name) for name in ("data", "folder", "images", "perceptual", "loss")}
    ship.train(options.model, **wanted)


def _ship(options: Namespace) -> None:
    from ..train import ship

    data.check_sets(options.model, options.data)
    report = ship.ship(options.model, data=options.data, folder=options.folder, out=options.out)
    print(json.dumps(report, indent=2))
    if options.out.resolve() == resources.folder("weights").resolve():  # the studio's own: the catalogue learns of them
        inverse = report.pop("inverse", None)
        rows.store(options.model, report)
        if inverse:
            seen = {name: report[name] for name in ("minutes", "images")}
            rows.store(ship.find(options.model).RECIPES[options.model].inverse, {**inverse, **seen})


def _art(options: Namespace) -> None:
    from .. import art
    from ..art import flowers

    if options.readme:
        from ..studio import readme

        for path in readme.write(options.out or Path()):
            print(path, flush=True)
        return
    if options.opening:
        from .. import ui

        for path in ui.write_opening(options.out):
            print(path, flush=True)
        return
    for path in flowers.write(options.out or "assets/flowers") if options.flowers else art.write(options.out or "assets/styles"):
        print(path)


def _bench(options: Namespace) -> None:
    from ..bench import restyling, speed, style, texture, translation, visitors

    if options.visitors:
        for text in visitors.report(options.visitors, options.seconds, options.url):
            print(text, flush=True)
        return
    if options.restyling:
        for text in restyling.report(options.restyling):
            print(text, flush=True)
        return
    for table in (speed, translation, style, texture):
        for i, row in enumerate(table.rows(options.repeats)):
            if i == 0:
                print(table.heading(), flush=True)
            print(table.line(row), flush=True)


_HELP = {
    "models": "list the catalogue",
    "serve": "open the studio as a page",
    "train": "start or resume training a model by its recipe",
    "ship": "finish, score and write the weights of a training run",
    "art": "draw the studio's own style pictures",
    "bench": "measure speed beside plain PyTorch",
    **data.HELP,
    **models.HELP,
    **hub.HELP,
}
_COMPUTING = ("serve", "train", "ship", "bench")
_RUN: dict[str, Callable[[Namespace], Any]] = {
    "models": _models,
    "serve": _serve,
    "train": _train,
    "ship": _ship,
    "art": _art,
    "bench": _bench,
    "data": data.run,
    "import": models.run,
    "push": hub.push,
    "check": hub.check,
}
