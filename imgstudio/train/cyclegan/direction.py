"""One direction of a CycleGAN, with all that learns there: generator, discriminator and image pools."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ...models.patchgan import PatchGAN
from ...models.resnet_generator import ResnetGenerator
from ..run import EMA
from .pairs import Recipe


class ImagePool:
    """Image pool: the last `size` pictures of a kind. Of what a discriminator is shown, half comes from earlier steps
    (Shrivastava et al. 2017, arXiv:1612.07828)."""

    def __init__(self, size: int):
        self.size = size
        self.kept: list[Tensor] = []

    def query(self, pictures: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] -> as many; each with even odds itself, or an earlier one whose place it takes."""
        given = []
        for picture in pictures.detach().split(1):
            if len(self.kept) < self.size:
                self.kept.append(picture)
            elif torch.rand(()) < 0.5:
                place = int(torch.randint(self.size, ()))
                picture, self.kept[place] = self.kept[place], picture
            given.append(picture)
        return torch.cat(given)

    def sample(self, count: int) -> list[Tensor]:
        """As many of the kept ones, [1, 3, H, W] each, as far as there are."""
        return [self.kept[place] for place in torch.randperm(len(self.kept))[: max(0, count)].tolist()]


class Direction:
    """The direction into one domain: the generator of its pictures (`net` are its arguments), its EMA, and the discriminator."""

    def __init__(self, recipe: Recipe, net: Mapping, device: torch.device):
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = ResnetGenerator(**net).to(**layout)
        self.discriminator = PatchGAN(**recipe.discriminator).to(**layout)
        self.ema = EMA(self.generator, recipe.ema_horizon)
        self.pool, self.real_pool = ImagePool(recipe.pool_size), ImagePool(recipe.pool_size)  # made ones, and real ones

    def state(self) -> dict:
        nets = {"generator": self.generator.state_dict(), "discriminator": self.discriminator.state_dict()}
        return {**nets, "ema": self.ema.state()}

    def restore(self, state: dict) -> None:
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self.ema.restore(state["ema"])
