"""The verbs of the command line for records: what made a picture, and the picture again."""

from __future__ import annotations

import json
import warnings
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imgstudio

from ..checks import shown
from ..errors import StudioError
from .arguments import Collect
from .texture import Command

if TYPE_CHECKING:
    from PIL import Image


def _input(text: str) -> tuple[str, str]:
    """ "content=photo.jpg" -> ("content", "photo.jpg")."""
    name, _, path = text.partition("=")
    if not name.strip() or not path:
        raise StudioError(f"{shown(text)} is no input: write it like content=photo.jpg.")
    return name.strip(), path


def _record_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("picture", help="a PNG, WebP, JPEG, GIF or MP4 that the studio wrote")


def _record(options: Namespace) -> None:
    print(json.dumps(imgstudio.record(options.picture), indent=2))


def _replay_arguments(parser: ArgumentParser) -> None:
    _record_arguments(parser)
    parser.add_argument(
        "--input",
        dest="inputs",
        type=_input,
        action=Collect,
        metavar="NAME=PATH",
        help="a picture that it was made of, such as content=photo.jpg, may be repeated (default: the file of the recorded name "
        "beside the picture)",
    )
    parser.add_argument("--import", dest="source", metavar="SOURCE", help="a file or a repository of its model, to import first")
    parser.add_argument("--out", type=Path, help="file to write (default: again.png, or the ending of the picture)")


def _replay(options: Namespace) -> None:
    from ..studio.records import inputs
    from . import models

    if options.source:
        models.import_model(options.source)
    found, picture = imgstudio.record(options.picture), Path(options.picture)
    given = {**inputs.beside(found, picture.parent), **(options.inputs or {})}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        made = imgstudio.replay(found, **given)
    out = options.out or Path(f"again{picture.suffix}")
    print(_save(made, out, found, picture))
    for each in caught:
        print(each.message)


def _save(made: Image.Image | list[Image.Image], out: Path, found: dict[str, Any], picture: Path) -> Path:
    from ..studio import pictures

    film = found.get("film")
    if not isinstance(film, dict):
        if isinstance(made, list) or out.suffix.lower() != ".png":
            return imgstudio.save(made, out)
        return pictures.save_png(made, out, _settings(picture))
    return imgstudio.save(made, out, fps=film.get("fps", 12))


def _settings(picture: Path) -> dict[str, Any] | None:
    """What a PNG has for the page besides its record."""
    from ..studio import pictures

    try:
        return pictures.read_settings(picture)
    except StudioError:
        return None


VERBS = {
    "record": Command(help="how a picture was made, as JSON", arguments=_record_arguments, work=_record),
    "replay": Command(help="a picture made again from its record", arguments=_replay_arguments, work=_replay),
}
