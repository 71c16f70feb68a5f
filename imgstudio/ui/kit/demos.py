"""Pictures to begin with: the studio's own artworks, and photographs that installed packages contain."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ...art import NAMES
from .theme import ASSETS

# Title -> the package that has it, and where in it. Only those that lie there are offered; nothing is downloaded.
PHOTOGRAPHS = {
    "Cat": ("skimage", "data/chelsea.png"),
    "Tower": ("gradio", "media_assets/images/tower.jpg"),
    "Lion": ("gradio", "media_assets/images/lion.jpg"),
    "Astronaut": ("skimage", "data/astronaut.png"),
    "Coffee": ("skimage", "data/coffee.png"),
    "Cheetah": ("gradio", "media_assets/images/cheetah1.jpg"),
    "Rocket": ("skimage", "data/rocket.jpg"),
}

TEXTURES = {
    "Brick": ("skimage", "data/brick.png"),
    "Grass": ("skimage", "data/grass.png"),
    "Gravel": ("skimage", "data/gravel.png"),
}
PACKAGES = tuple(dict.fromkeys(package for package, _ in (PHOTOGRAPHS | TEXTURES).values()))
SCENES = ("night", "linocut", "tree", "engraving", "wave", "papercut")  # artworks whose parts differ in texture
TEXTURED = ("night", "pointillism", "glass", "tesserae", "tree", "cubist", "ebru", "batik", "embroidery")


def contents() -> dict[str, Path]:
    """Photographs by title."""
    return _found(PHOTOGRAPHS)


def textures() -> dict[str, Path]:
    """Samples of texture by title: photographs, and artworks."""
    return {**_found(TEXTURES), **textured()}


def textured() -> dict[str, Path]:
    """The artworks that are textures themselves: their technique is the same all over."""
    return artworks_named(TEXTURED)


def scenes() -> dict[str, Path]:
    """The artworks whose parts differ in texture."""
    return artworks_named(SCENES)


def artworks_named(names: tuple[str, ...]) -> dict[str, Path]:
    """Some of the artworks by title; `names` are those of `art.NAMES`."""
    wanted = {NAMES[name].partition(" (")[0] for name in names}
    return {title: path for title, path in artworks().items() if title in wanted}


def _found(places: dict[str, tuple[str, str]]) -> dict[str, Path]:
    found = {title: _inside(*place) for title, place in places.items()}
    return {title: path for title, path in found.items() if path}


def _inside(package: str, name: str) -> Path | None:
    """A file of an installed package."""
    folder = package_folder(package)
    return folder / name if folder and (folder / name).is_file() else None


def package_folder(package: str) -> Path | None:
    """Where an installed package lies, which is not imported for it; None where it is missing."""
    spec = importlib.util.find_spec(package)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def artworks() -> dict[str, Path]:
    """The pictures in assets/styles by short title, in the order of the studio's list; empty where that folder is missing."""
    files = {title.partition(" (")[0]: ASSETS / "styles" / f"{name}.jpg" for name, title in NAMES.items()}
    return {title: path for title, path in files.items() if path.is_file()}


def flowers(kind: str) -> dict[str, Path]:
    """The pictures in assets/flowers of a "daisy" or a "sunflower": "Daisy 1", ...; empty where that folder is missing."""
    return {path.stem.replace("-", " ").title(): path for path in sorted((ASSETS / "flowers").glob(f"{kind}-*.jpg"))}
