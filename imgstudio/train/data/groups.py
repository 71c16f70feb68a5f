"""Labelled groups of training pictures for latent arithmetic: which pictures show a tomato, a blue ground, four fingers.

A group is named `family/member`; directions lead from one member of a family to another.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import Pictures

GROUNDS = {
    "blue": (182, 227, 244),
    "purple": (192, 174, 222),
    "pink": (255, 213, 220),
    "peach": (255, 223, 191),
    "white": (255, 255, 255),
    "lavender": (209, 212, 249),
    "yellow": (255, 243, 176),
    "mint": (193, 240, 200),
}
SKINS = {"dark": (118, 57, 0), "brown": (158, 86, 34), "tan": (236, 173, 128), "light": (242, 211, 177)}


def by_class(pictures: Pictures, pattern: str) -> dict[str, Tensor]:
    """One group a class: name -> bool [N]. `pattern` makes the name, such as "digit/digit {}"."""
    return {pattern.format(name.lower()): pictures.labels == i for i, name in enumerate(pictures.classes)}


def by_palette(pictures: Pictures) -> dict[str, Tensor]:
    """The drawn heads by ground (colour of the upper corners) and by skin (the palette's skin colour with most pixels)."""
    corner = pictures.images[:, :, 1:3, 1:3].float().mean(dim=(2, 3))  # N,3
    ground = _nearest(corner, GROUNDS)
    skin = torch.stack([_area(pictures.images, colour) for colour in SKINS.values()], dim=1).argmax(dim=1)
    groups = {f"ground/{name} ground": ground == i for i, name in enumerate(GROUNDS)}
    return groups | {f"skin/{name} skin": skin == i for i, name in enumerate(SKINS)}


def _nearest(colours: Tensor, palette: dict[str, tuple[int, int, int]]) -> Tensor:
    return torch.cdist(colours, torch.tensor(list(palette.values())).float()).argmin(dim=1)


def _area(images: Tensor, colour: tuple[int, int, int], tolerance: int = 10) -> Tensor:
    """Share of pixels of uint8 [N, 3, H, W] that have this colour, [N]."""
    distance = (images.short() - torch.tensor(colour, dtype=torch.int16)[:, None, None]).abs().amax(dim=1)
    return (distance <= tolerance).float().mean(dim=(1, 2))
