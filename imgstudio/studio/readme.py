"""What README shows of the models: a moving picture, a small picture of each, and their table. Drawn from the weights that come
with the package, so that it is never older than they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from PIL import Image, ImageOps

from .. import catalog, resources
from ..catalog.records import Spec
from ..errors import StudioError
from ..image import enlarge, grid, read
from . import animation
from .interpolation import interpolate, prior
from .sampling import sample, walk
from .steps import last
from .style import stylize
from .texture import segment
from .texture.mosaic import mosaic
from .texture.overlays import overlay
from .translation import translate

FILM, PICTURES = "assets/readme.webp", "assets/models"
START, END = "<!-- models: written by `python -m imgstudio art --readme` -->", "<!-- /models -->"
SIDE = 96  # pixels of a small picture
_CELL, _FRAMES, _LEGS = 128, 12, 4
_PIXEL_ART = 2  # the place of dcgan/nouns, whose pixels are to be seen

_INPUTS = {  # model -> the file of assets/ that it is shown with
    "cyclegan/sunflower2daisy": "flowers/sunflower-1.jpg",
    "cyclegan/painting2photo": "styles/watercolour.jpg",
}
_TASKS = {
    "sample": "pictures from a seed",
    "reconstruct": "a latent space to interpolate in",
    "translate": "another domain",
    "stylize": "style transfer",
    "segment": "texture segmentation",
}


def write(folder: Path) -> Iterator[Path]:
    """Draws all of it into a clone's folder and writes the table into its README.md; yields each file when it is there."""
    page = folder / "README.md"
    if not page.is_file() or START not in page.read_text(encoding="utf-8"):
        raise StudioError(f"There is no README.md of this project in {folder}: give the folder of a clone with --out.")
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    yield animation.save(_frames(), folder / FILM, fps=12)
    for spec in shown():
        path = folder / PICTURES / _file(spec)
        picture = ImageOps.fit(enlarge(_picture(spec), SIDE), (SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.save(path, quality=88)
        yield path
    before, _, rest = page.read_text(encoding="utf-8").partition(START)
    page.write_text(before + START + "\n" + table() + "\n" + END + rest.partition(END)[2], encoding="utf-8")
    yield page


def shown() -> list[Spec]:
    """The models that come with the package and make pictures."""
    return [spec for spec in catalog.SPECS if spec.embedded and spec.task in _TASKS]


def table() -> str:
    """The models as a table in Markdown."""
    rows = [
        f"| ![{spec.title}]({PICTURES}/{_file(spec)}) | `{spec.name}` | {spec.title} | {_TASKS[spec.task]} "
        f"| {spec.size / 1e6:.1f} MB | {spec.licence} |"
        for spec in shown()
    ]
    return "\n".join(("| | name | model | for | size | licence |", "|---|---|---|---|---|---|", *rows))


def _file(spec: Spec) -> str:
    return f"{spec.name.replace('/', '-')}.jpg"


def _picture(spec: Spec) -> Image.Image:
    """What a model makes, of any size."""
    photo = read(resources.folder("assets") / _INPUTS.get(spec.name, "flowers/daisy-1.jpg"))
    if spec.task == "sample":
        return sample(spec.name, [3])[0]
    if spec.task == "reconstruct":
        return prior(spec.name, [3])[0]
    if spec.task == "translate":
        fruit = spec.name.rpartition("/")[2].partition("2")[0]
        if fruit in ("apple", "tomato"):
            photo = sample("stylegan2/fruits", [3], label=fruit)[0]
        return translate(spec.name, photo, cycle=False).image
    if spec.task == "segment":
        picture = mosaic(seed=3, regions=4, size=192).image
        return overlay(picture, segment(spec.name, picture, regions=4), numbers=False, opacity=0.6)
    style = None if spec.name.startswith("fast/") else resources.folder("assets") / "styles" / "night.jpg"
    return last(stylize(spec.name, photo, style, size=192, steps=100)).image


def _frames() -> Iterator[Image.Image]:
    """Walks through latent spaces side by side; the last frame leads to the first."""
    walks = [
        ("stylegan2/avatars", [0, 5, 4, 8], None),
        ("stylegan2/avatars", [3, 10, 7, 23], None),
        ("dcgan/nouns", [1, 5, 9, 14], None),
        ("stylegan2/fruits", [6, 14, 15, 3], "apple"),
        ("cgan/fruits", [0, 12, 5, 3], "tomato"),
    ]
    films: list[Iterable[Image.Image]] = [walk(model, seeds, frames=_FRAMES, label=label) for model, seeds, label in walks]
    films += [_morph(name) for name in ("vae/avatars", "vae/hands", "vae/fruits")]
    for cells in islice(zip(*films), _FRAMES * _LEGS):
        yield grid([enlarge(cell, _CELL, smooth=i != _PIXEL_ART) for i, cell in enumerate(cells)], columns=4, gap=4)


def _morph(model: str) -> list[Image.Image]:
    """As many pictures as a walk has, through codes of new pictures and back to the first."""
    stations = prior(model, range(_LEGS))
    legs = zip(stations, [*stations[1:], stations[0]])
    return [picture for a, b in legs for picture in interpolate(model, a, b, steps=_FRAMES + 1)[:-1]]
