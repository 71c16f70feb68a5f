"""How fast a direction of a CycleGAN is at 256 px, beside the same net in plain float32."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from PIL import Image
from skimage import data

from .. import catalog
from ..image import to_tensor
from ..loading import load
from ..studio import translation
from .timing import interleaved

SIZE = 256  # of the photograph, in pixels a side


@dataclass(frozen=True)
class Row:
    """One direction. Medians, in seconds: the studio's function from picture to picture, and the bare net in float32."""

    name: str
    studio: float
    plain: float


def rows(repeats: int = 15) -> Iterator[Row]:
    """Measures every translation that comes with the project."""
    for spec in catalog.models("translate"):
        if spec.embedded:
            yield measure(spec.name, repeats)


def measure(name: str, repeats: int) -> Row:
    """One direction, of whatever origin."""
    picture = Image.fromarray(data.astronaut()).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    net = copy.deepcopy(load(name)).to(memory_format=torch.contiguous_format)
    x = to_tensor(picture).to(next(net.parameters()).device)

    @torch.no_grad()
    def plain() -> object:
        return net(x).cpu()

    return Row(name, *interleaved(lambda: translation.translate(name, picture, cycle=False), plain, repeats=repeats))


def heading() -> str:
    """The table's first lines."""
    return f"\n{f'translation at {SIZE} px, ms':42}" + f"{'studio':>10}{'plain':>12}{'ratio':>8}"


def line(row: Row) -> str:
    """One direction. A ratio above 1 means that the studio is the faster one."""
    return f"{row.name:42}{1000 * row.studio:10.0f}{1000 * row.plain:12.0f}{row.plain / row.studio:8.2f}"
