"""The verbs of the command line that take texture off a picture and put other texture on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks import check_count
from ..errors import StudioError
from . import models
from .arguments import real, whole
from .texture import Command

if TYPE_CHECKING:
    from ..studio.texture.regions import Segmentation


def _decompose_arguments(parser: ArgumentParser) -> None:
    from ..studio.texture.decomposition import METHODS

    parser.add_argument("image", help="a picture file")
    parser.add_argument("--strength", type=real, default=0.5, help="from 0, nothing, to 1 (default: %(default)s)")
    parser.add_argument("--method", default=METHODS[0], help=f"{' or '.join(METHODS)} (default: %(default)s)")
    parser.add_argument("--size", type=whole, help="shrink the picture first, to this longer side in pixels")
    parser.add_argument("--boost", type=real, metavar="AMOUNT", help="write the picture with so much texture; 1 is as it was")
    parser.add_argument("--out", type=Path, default=Path("structure.png"), help="file for the structure (default: %(default)s)")
    parser.add_argument("--texture", type=Path, default=Path("texture.png"), help="file for the texture (default: %(default)s)")


def _decompose(options: Namespace) -> None:
    from .. import image
    from ..studio.texture import decomposition

    chosen = {name: getattr(options, name) for name in ("strength", "method", "size")}
    if options.boost is not None:
        decomposition.check_amount(options.boost)
    parted = decomposition.decompose(options.image, **chosen)
    settings = {"task": "decompose", "image": options.image, **chosen}
    if options.boost is not None:
        boosted = decomposition.recompose(parted, options.boost)
        print(image.save_png(boosted, options.out, {**settings, "boost": options.boost}))
        return
    print(image.save_png(parted.structure, options.out, settings))
    print(image.save_png(parted.texture, options.texture, settings))


def _retexture_arguments(parser: ArgumentParser) -> None:
    from .. import catalog

    first = catalog.default("segment")
    parser.add_argument("image", help="a picture file")
    parser.add_argument("region", type=whole, help="number of the region to fill, as `segment` shows it, from 1 on")
    parser.add_argument("texture", help="a picture file to take the texture from, or the number of another region")
    parser.add_argument("--labels", metavar="MAP.png", help="regions that `segment --labels` has written (default: find them)")
    parser.add_argument(
        "--model",
        type=models.model_type("segment"),
        default=first and first.name,
        help="that finds the regions (default: %(default)s)",
    )
    parser.add_argument("--regions", type=whole, help="how many to find (default: as many as are clearly different)")
    parser.add_argument("--shading", type=real, default=1.0, help="how much light and shadow stay (default: %(default)s)")
    parser.add_argument("--scale", type=real, default=1.0, help="how large the pattern is (default: %(default)s)")
    parser.add_argument("--seed", type=whole, default=0, help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("retexture.png"), help="file to write (default: %(default)s)")


def _retexture(options: Namespace) -> None:
    from .. import image
    from ..studio.texture.overlays import MOST
    from ..studio.texture.retexture import check_options, retexture

    chosen = {name: getattr(options, name) for name in ("shading", "scale", "seed")}
    check_options(**chosen)
    image.read(options.image)
    texture = whole(options.texture) if options.texture.isdecimal() else options.texture
    if isinstance(texture, str):
        image.read(texture)  # what is no picture is said before the work
    for number in (options.region, *([texture] if isinstance(texture, int) else [])):
        check_count("The region", number, 1, MOST)
    found = _regions(options)
    made = retexture(options.image, found, options.region, texture, **chosen)
    settings = {"task": "retexture", "image": options.image, "region": options.region, "texture": options.texture, **chosen}
    print(image.save_png(made, options.out, settings))


def _regions(options: Namespace) -> Segmentation:
    from ..studio import texture
    from ..studio.texture import export

    if options.labels:
        return texture.from_labels(export.read_label_map(options.labels))
    if options.model is None:
        raise StudioError("There is no model that finds regions: give a label map with --labels.")
    return texture.segment(options.model, options.image, regions=options.regions)


VERBS = {
    "decompose": Command(help="a picture apart into structure and texture", arguments=_decompose_arguments, work=_decompose),
    "retexture": Command(help="a region of a picture in another texture", arguments=_retexture_arguments, work=_retexture),
}
