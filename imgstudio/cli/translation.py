"""The verb of the command line that translates: one picture with its way back, or many into a zip."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ..errors import StudioError
from . import models
from .arguments import real, whole
from .output import with_progress
from .texture import Command


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model", type=models.model_type("translate"), help=models.KINDS)
    parser.add_argument("images", nargs="+", metavar="image", help="a picture file; several need an --out that ends with .zip")
    parser.add_argument("--size", type=whole, help="longer side of the result in pixels (default: that of the picture)")
    parser.add_argument(
        "--strength", type=real, default=1.0, help="0 gives the picture, 1 the translation (default: %(default)s)"
    )
    parser.add_argument("--cycle", type=Path, metavar="BACK.png", help="write the picture translated back, too")
    parser.add_argument(
        "--error", type=Path, metavar="MAP.png", help="write where the way back misses the picture, as a heat map"
    )
    parser.add_argument("--out", type=Path, default=Path("translate.png"), help="file to write (default: %(default)s)")


def _translate(options: Namespace) -> None:
    shared = {"size": options.size, "strength": options.strength}
    if options.out.suffix.lower() == ".zip":
        _many(options, shared)
    elif len(options.images) > 1:
        raise StudioError("Several pictures go into a zip: give a name for it, such as --out translated.zip.")
    else:
        _one(options, shared)


def _one(options: Namespace, shared: dict[str, Any]) -> None:
    from .. import image
    from ..studio import translation

    asked = bool(options.cycle or options.error)
    picture = options.images[0]
    made = translation.translate(options.model, picture, cycle=asked, **shared)
    settings = {"task": "translate", "model": options.model, "image": options.images[0], **shared}
    print(image.save_png(made.image, options.out, settings))
    if asked and made.cycle is None:
        raise StudioError(f"No model leads back from {options.model}: leave out --cycle and --error.")
    if options.cycle and made.cycle:
        print(image.save_png(made.cycle, options.cycle, settings))
    if options.error and made.cycle:
        print(image.save_png(translation.error_map(picture, made.cycle), options.error, settings))
    if asked:
        print(f"there and back: mean error {made.cycle_error:.1f} of 255")


def _many(options: Namespace, shared: dict[str, Any]) -> None:
    """Stopping with Ctrl-C leaves a zip of what was made."""
    from ..studio.steps import last
    from ..studio.translation.batch import translate_many

    if options.cycle or options.error:
        raise StudioError("The way back is shown for one picture at a time: leave out --cycle and --error.")
    step = last(with_progress(translate_many(options.model, options.images, options.out, **shared)))
    for name, problem in step.problems.items():
        print(f"{name}: {problem}", file=sys.stderr)
    print(f"{options.out}: {len(step.names)} pictures")
    if step.problems:
        raise StudioError(f"{len(step.problems)} of {len(options.images)} were not translated: see above which, and why.")


VERBS = {"translate": Command(help="a picture in another domain, and back", arguments=_arguments, work=_translate)}
