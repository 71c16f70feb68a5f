"""What both nets of a translation learn from a painter of rules (`strokes`): to paint as it does, and to see through it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...models.vgg import VGG
from ..gan.distillation import in_features, in_pixels
from .renderer import Painter, varied

SEEING = 0.3  # weight of the error in features beside that in pixels


class Practice:
    """A painter, and the pretrained net in whose features pictures are compared beside their pixels."""

    def __init__(self, painter: Painter, eye: VGG):
        self.painter, self.eye = painter, eye

    def lesson(
        self, photographs: Tensor, given: Tensor, made: Tensor, back: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """How far `made` of the photographs [N, 3, H, W] is from what the painter makes of them as they were `given`, with their
        grain; and how far `back`, the way from paintings to photographs, is from finding them again in those. The loss, and what
        the log tells of either."""
        with torch.no_grad():
            wanted = self.painter(photographs, given.float())
        paints, sees = self._unlikeness(made, wanted), self.seen_through(photographs, wanted, back)
        return paints + sees, {"paints": paints.detach(), "sees": sees.detach()}

    def seen_through(self, photographs: Tensor, paintings: Tensor, back: Callable[[Tensor], Tensor]) -> Tensor:
        """How far `back` is from finding photographs again in paintings of them, every other one of which is put under another
        hand first."""
        with torch.no_grad():
            painted, half, other = paintings.clone(), photographs[::2], varied(self.painter)
            painted[::2] = other(half, half + other.grain(half))
        return self._unlikeness(back(painted), photographs)

    def _unlikeness(self, pictures: Tensor, wanted: Tensor) -> Tensor:
        return in_pixels(pictures.float(), wanted) + SEEING * in_features(self.eye, pictures, wanted)
