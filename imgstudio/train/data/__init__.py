"""Training pictures in memory: read once, split by name, served as random batches.

The files are described in weights/README.md: `.npz` with `images` uint8 [N, H, W, 3], or `.tar` of `class/name.jpg`.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Pictures:
    """images uint8 [N, 3, H, W]; labels int [N], an index into `classes` (all 0 for an unlabelled set); names, one each."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, keep: list[int]) -> Pictures:
        index = torch.tensor(keep, dtype=torch.long)
        return Pictures(self.images[index], self.labels[index], self.classes, tuple(self.names[i] for i in keep))


def read(path: Path, *, size: int) -> Pictures:
    """Reads a set and shrinks it to size x size pixels (box filter when it divides evenly, Lanczos otherwise)."""
    if path.suffix == ".npz":
        arrays = np.load(path)["images"]
        named = [(f"{i:06d}", Image.fromarray(a)) for i, a in enumerate(arrays)]
    else:
        with tarfile.open(path) as tar:
            files = [m for m in tar.getmembers() if m.isfile() and m.name.endswith((".jpg", ".png"))]
            named = sorted(
                ((m.name, Image.open(io.BytesIO(tar.extractfile(m).read())).convert("RGB")) for m in files),
                key=lambda pair: pair[0],
            )
    classes = tuple(sorted({name.partition("/")[0] for name, _ in named})) if "/" in named[0][0] else ("",)
    images = np.stack([np.asarray(_fit(picture, size)) for _, picture in named])  # N,H,W,3
    labels = [classes.index(name.partition("/")[0]) if len(classes) > 1 else 0 for name, _ in named]
    return Pictures(
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
        torch.tensor(labels),
        classes,
        tuple(name for name, _ in named),
    )


def _fit(picture: Image.Image, size: int) -> Image.Image:
    if picture.size == (size, size):
        return picture
    even = picture.width % size == 0 and picture.height % size == 0
    return picture.resize((size, size), Image.Resampling.BOX if even else Image.Resampling.LANCZOS)


def split(pictures: Pictures, *, every: int = 10, groups: tuple[str, ...] = ()) -> tuple[Pictures, Pictures]:
    """Training and held-out part. Held out: one name in `every`, by hash, and every name that contains one of `groups`.

    The hash makes the split independent of order and of the random seed, so that no run can ever see the held-out part.
    """
    held = [
        i
        for i, name in enumerate(pictures.names)
        if int(hashlib.sha256(name.encode()).hexdigest(), 16) % every == 0 or any(g in name for g in groups)
    ]
    taken = set(held)
    return pictures.subset([i for i in range(len(pictures)) if i not in taken]), pictures.subset(held)


def to_unit(images: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """uint8 [N, 3, H, W] -> float32 in [-1, 1]."""
    return images.to(device).float().div_(127.5).sub_(1.0)


def batches(pictures: Pictures, size: int, *, seed: int, device: torch.device | str = "cpu") -> Iterator[tuple[Tensor, Tensor]]:
    """Endless random batches (images float in [-1, 1], labels), each epoch in a fresh order."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(pictures), generator=generator)
        for start in range(0, len(order) - size + 1, size):
            index = order[start : start + size]
            yield to_unit(pictures.images[index], device), pictures.labels[index].to(device)
