"""Pictures that the studio draws itself: procedural artworks, each a style to transfer.

    from imgstudio import art
    art.make("wave").show()
    art.write("assets/styles")

Every artwork is a module of this package with a function `draw(rng, size)`, which composes a motif and renders it in one
technique. All randomness comes from the generator it is given, so a seed gives the same pixels again.
"""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StudioError

if TYPE_CHECKING:
    from PIL.Image import Image

NAMES: dict[str, str] = {
    "night": "Night over the Lake (oil, impasto)",
    "rain": "Avenue after Rain (palette knife)",
    "wave": "The Breaking Wave (woodcut)",
    "pointillism": "Sunday on the River (pointillism)",
    "glass": "Tulips at Sunrise (stained glass)",
    "tesserae": "Two Carp (mosaic)",
    "tree": "The Golden Tree (art nouveau)",
    "cubist": "Still Life with Guitar (cubism)",
    "suprematist": "Planes in Flight (suprematism)",
    "engraving": "Balloon over the Mountains (engraving)",
    "linocut": "Owl and Moon (linocut)",
    "ink": "Mountains in Mist (ink wash)",
    "watercolour": "Autumn Lake (watercolour)",
    "ebru": "Whirls (marbled paper)",
    "batik": "Blossom of Rings (batik)",
    "embroidery": "Flowers and Bird (embroidery)",
    "papercut": "Valley at Dusk (cut paper)",
    "opart": "Lattice with Spheres (op art)",
}
"""Name of every artwork -> its title for people."""

SMALLEST = 64
LARGEST_FILE = 150_000  # bytes


def make(name: str, seed: int = 0, size: int = 768) -> Image:
    """The artwork as an RGB picture whose longer side is `size` pixels; another seed gives another variation of it.

    Raises StudioError if there is no artwork of that name, or if size is below 64 pixels.
    """
    from numpy.random import default_rng
    from PIL import Image

    if name not in NAMES:
        raise StudioError(f"There is no artwork {name!r}: choose one of {', '.join(NAMES)}.")
    if size < SMALLEST:
        raise StudioError(f"An artwork needs at least {SMALLEST} pixels on its longer side, not {size}.")
    pixels = import_module(f".{name}", __name__).draw(default_rng([seed, *name.encode()]), size)
    return Image.fromarray((pixels.clip(0, 1) * 255 + 0.5).astype("uint8"))


def write(folder: str | Path, names: list[str] | None = None, *, seed: int = 0, size: int = 768) -> list[Path]:
    """Writes artworks (all, or those named) to `<folder>/<name>.jpg`, each under 150 KB; returns the files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in NAMES if names is None else names:
        files.append(folder / f"{name}.jpg")
        files[-1].write_bytes(_jpeg(make(name, seed, size)))
    return files


def _jpeg(picture: Image) -> bytes:
    """The best JPEG of the picture that is small enough; the picture shrinks if quality alone does not do it."""
    from PIL import Image

    while True:
        for quality in range(92, 64, -2):
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
            if file.tell() < LARGEST_FILE:
                return file.getvalue()
        picture = picture.resize((picture.width * 7 // 8, picture.height * 7 // 8), Image.Resampling.LANCZOS)
