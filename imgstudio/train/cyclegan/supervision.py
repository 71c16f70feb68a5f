"""Stroke-render supervision: one net of a translation learns to paint as a renderer does, the other to invert it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...models.vgg import VGG
from ..gan.distillation import feature_loss, pixel_loss
from .renderer import StrokeRenderer, randomised

FEATURE_WEIGHT = 0.3  # weight of the error in features beside that in pixels


class StrokeSupervision:
    """A stroke-based renderer, and the perceptual network in whose features pictures are compared beside their pixels."""

    def __init__(self, renderer: StrokeRenderer, network: VGG):
        self.renderer, self.network = renderer, network

    def loss(
        self, photographs: Tensor, given: Tensor, made: Tensor, back: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, a scalar, and its two terms.

        Reconstruction loss of `made` [N, 3, H, W] to the renderer's paintings of the photographs as they were `given`, with their
        noise; plus that of `back`, the way from paintings to photographs, on those paintings.
        """
        with torch.no_grad():
            wanted = self.renderer(photographs, given.float())
        render, inverse = self._reconstruction_loss(made, wanted), self.inverse_loss(photographs, wanted, back)
        return render + inverse, {"render": render.detach(), "inverse": inverse.detach()}

    def inverse_loss(self, photographs: Tensor, paintings: Tensor, back: Callable[[Tensor], Tensor]) -> Tensor:
        """Reconstruction loss of photographs by `back` from paintings of them, every other one of which comes from a randomised
        renderer instead."""
        with torch.no_grad():
            painted, half, other = paintings.clone(), photographs[::2], randomised(self.renderer)
            painted[::2] = other(half, half + other.stroke_noise(half))
        return self._reconstruction_loss(back(painted), photographs)

    def _reconstruction_loss(self, pictures: Tensor, wanted: Tensor) -> Tensor:
        return pixel_loss(pictures.float(), wanted) + FEATURE_WEIGHT * feature_loss(self.network, pictures, wanted)
