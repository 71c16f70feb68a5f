"""The verbs of the command line that take pictures apart, whose results are more than pictures."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..checks import check_choice, check_range
from ..errors import StudioError
from . import models
from .arguments import real, whole, zip_file


@dataclass(frozen=True, kw_only=True)
class Command:
    """A verb with arguments of its own. Like `cli.Verb`, it has a `help`, `configure` and `run`."""

    help: str
    arguments: Callable[[ArgumentParser], None]
    work: Callable[[Namespace], None]

    def configure(self, parser: ArgumentParser, name: str) -> None:
        self.arguments(parser)

    def run(self, options: Namespace) -> None:
        self.work(options)


def _segment_arguments(parser: ArgumentParser) -> None:
    from .. import catalog
    from ..studio.texture import VIEWS

    first = catalog.default("segment")
    parser.add_argument("image", help="a picture file")
    parser.add_argument("--model", type=models.model_type("segment"), default=first and first.name, help="(default: %(default)s)")
    parser.add_argument("--regions", type=whole, help="how many (default: as many as are clearly different)")
    parser.add_argument("--view", default="overlay", help=f"{', '.join(VIEWS)} (default: %(default)s)")
    parser.add_argument("--opacity", type=real, default=0.5, help="of the colours, 0 to 1 (default: %(default)s)")
    parser.add_argument("--labels", type=Path, metavar="MAP.png", help="write the label map too, lossless")
    parser.add_argument(
        "--cutouts", type=zip_file, metavar="REGIONS.zip", help="write each region as a picture with transparency"
    )
    parser.add_argument("--csv", type=Path, metavar="TABLE.csv", help="write the table of regions")
    parser.add_argument("--coco", type=Path, metavar="REGIONS.json", help="write the regions in COCO's format")
    parser.add_argument("--truth", metavar="MAP.png", help="a label map to score the result against")
    parser.add_argument("--out", type=Path, default=Path("segment.png"), help="file to write (default: %(default)s)")


def _segment(options: Namespace) -> None:
    from .. import image
    from ..studio import texture
    from ..studio.texture import export

    check_range("The opacity", options.opacity, 0, 1)
    check_choice("view", options.view, texture.VIEWS)
    picture = image.read(options.image)
    found = texture.segment(options.model, options.image, regions=options.regions)  # as a file, whose name is recorded
    shown = texture.overlay(options.image, found, opacity=options.opacity, view=options.view)
    settings = {"task": "segment", "model": options.model, "regions": found.regions}
    print(image.save_png(shown, options.out, settings))
    table = export.csv(found, picture)
    if options.labels:
        print(image.save_png(export.label_map(found), options.labels, settings))
    if options.cutouts:
        print(export.cutouts(picture, found, options.cutouts))
    if options.csv:
        print(write_text(options.csv, table))
    if options.coco:
        print(write_text(options.coco, json.dumps(export.coco(found, name=Path(options.image).name))))
    print(table, end="")
    if options.truth:
        scores = texture.agreement(found, export.read_label_map(options.truth))
        print(", ".join(f"{name} {value:.3f}" for name, value in scores.items()))


def write_text(path: Path, text: str) -> Path:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StudioError(f"{path} cannot be written ({error.strerror or error}): choose another place.") from error
    return path


def _mosaic_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--seed", type=whole, default=0, help="(default: %(default)s)")
    parser.add_argument("--regions", type=whole, default=5, help="textures (default: %(default)s)")
    parser.add_argument("--size", type=whole, default=256, help="pixels a side (default: %(default)s)")
    parser.add_argument("--grey", action="store_true", help="no colours, and the same mean and contrast everywhere")
    parser.add_argument("--truth", type=Path, metavar="MAP.png", help="write the label map too")
    parser.add_argument("--out", type=Path, default=Path("mosaic.png"), help="file to write (default: %(default)s)")


def _mosaic(options: Namespace) -> None:
    from .. import image
    from ..studio.texture import export, from_labels
    from ..studio.texture.mosaic import mosaic

    settings = {name: getattr(options, name) for name in ("seed", "regions", "size", "grey")}
    made = mosaic(**settings)
    print(image.save_png(made.image, options.out, {"task": "mosaic", **settings}))
    if options.truth:
        print(image.save_png(export.label_map(from_labels(made.labels)), options.truth))


VERBS = {
    "segment": Command(help="the textures of a picture as regions", arguments=_segment_arguments, work=_segment),
    "mosaic": Command(help="a picture of several textures, with its exact truth", arguments=_mosaic_arguments, work=_mosaic),
}
