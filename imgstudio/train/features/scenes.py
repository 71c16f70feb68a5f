"""Pictures of every kind for nets that have to see in general: labelled photographs, textures, paintings, landscapes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..data import Pictures, read

ASIDE = " (aside)"  # follows the name of what is cut off a picture to be held out
LABELLED = ("objects128", "clothing128", "flowers256", "fruits64")  # tar files of class/name.jpg
FILES = (*(f"{name}.tar" for name in LABELLED), "textures.tar", "paintings.tar", "photos512.tar")  # all that is read here


def members(path: Path, prefix: str = "") -> Iterator[tuple[str, Image.Image]]:
    """Names and pictures (RGB) of a tar file, in alphabetical order, below the folder `prefix`."""
    with tarfile.open(path) as tar:
        files = [m for m in tar.getmembers() if m.isfile() and m.name.endswith((".jpg", ".png")) and m.name.startswith(prefix)]
        for member in sorted(files, key=lambda m: m.name):
            yield member.name, Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")


def crops(
    picture: Image.Image,
    size: int,
    *,
    pixels_each: int,
    most: int,
    generator: torch.Generator,
    sides: tuple[float, float] = (0.0, 1.0),
) -> list[np.ndarray]:
    """Random square crops at size x size, one for every `pixels_each` pixels of the picture and at most `most`.

    sides: of the smallest and the largest crop, as shares of the picture's short side; but none is smaller than `size`, unless
    the picture is, nor larger than the picture.
    """
    count = min(most, max(1, round(picture.width * picture.height / pixels_each)))
    short = min(picture.size)
    found = []
    for _ in range(count):
        share, across, down = torch.rand(3, generator=generator).tolist()
        smallest = max(size, sides[0] * short)
        largest = max(smallest, sides[1] * short)
        side = round(min(short, smallest + share * share * (largest - smallest)))
        left, top = round(across * (picture.width - side)), round(down * (picture.height - side))
        part = picture.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.LANCZOS)
        found.append(np.asarray(part))
    return found


def parted(picture: Image.Image, name: str, aside: float) -> list[tuple[Image.Image, str]]:
    """The picture, or what is left of it and the strip at its right that is held out, with their names."""
    if not aside:
        return [(picture, name)]
    line = round(picture.width * (1 - aside))
    left, right = picture.crop((0, 0, line, picture.height)), picture.crop((line, 0, *picture.size))
    return [(left, name), (right, name + ASIDE)]


def read_crops(
    path: Path,
    size: int,
    *,
    prefix: str = "",
    pixels_each: int = 8_000,
    most: int = 60,
    sides: tuple[float, float] = (0.0, 1.0),
    aside: float = 0.0,
) -> Pictures:
    """Crops of all pictures of a tar file; a crop is named after its picture, its class is the picture's folder.

    aside: share of each picture, at its right, whose crops are named after it and ASIDE; none shows anything of both parts, and
    all are as large as if they were of the whole.
    """
    generator = torch.Generator().manual_seed(0)
    images, names = [], []
    for name, picture in members(path, prefix):
        for part, named in parted(picture, name, aside):
            shares = tuple(share * min(picture.size) / min(part.size) for share in sides)
            found = crops(part, size, pixels_each=pixels_each, most=most, sides=shares, generator=generator)
            images += found
            names += [named] * len(found)
    folders = [name.rpartition("/")[0] for name in names]
    classes = tuple(sorted(set(folders)))
    return Pictures(
        torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([classes.index(folder) for folder in folders]),
        classes,
        tuple(names),
    )


def labelled(data: Path, size: int) -> dict[str, Pictures]:
    """The labelled sets, by name: objects, clothing, flowers, fruits, and the textures with their material or category."""
    sets = {name.rstrip("0123456789"): read(data / f"{name}.tar", size=size) for name in LABELLED}
    return sets | {"textures": read_crops(data / "textures.tar", size, pixels_each=size * size, most=4)}


def unlabelled(data: Path, size: int) -> dict[str, Pictures]:
    """Crops of paintings and of photographs."""
    return {
        "paintings": read_crops(data / "paintings.tar", size),
        "photographs": read_crops(data / "photos512.tar", size, pixels_each=12_000, most=30),
    }


def random_views(x: Tensor, size: int, smallest: float = 0.55) -> Tensor:
    """A random square of each picture [N, 3, H, H], from `smallest` of the side to all of it, half of them mirrored,
    with a little change of brightness and contrast: [N, 3, size, size]."""
    n = len(x)
    scale = torch.empty(n).uniform_(smallest, 1.0)
    shift = (torch.rand(n, 2) * 2 - 1) * (1 - scale[:, None])
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = scale * torch.randint(0, 2, (n,)).mul(2).sub(1)
    theta[:, 1, 1], theta[:, :, 2] = scale, shift
    places = F.affine_grid(theta, [n, 3, size, size], align_corners=False).to(x.device)
    views = F.grid_sample(x, places, mode="bilinear", padding_mode="reflection", align_corners=False)
    contrast = torch.empty(n, 1, 1, 1, device=x.device).uniform_(0.8, 1.2)
    return (views * contrast + torch.empty(n, 1, 1, 1, device=x.device).uniform_(-0.15, 0.15)).clamp(-1, 1)
