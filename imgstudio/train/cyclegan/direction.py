"""One way of a CycleGAN, with all that learns there: generator, critic, and what they are reminded of."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ...models.patchgan import PatchGAN
from ...models.resnet_generator import ResnetGenerator
from ..run import WeightAverage
from .pairs import Recipe


class History:
    """The last `size` pictures of a kind, to show a critic: of a batch that a generator made, half comes from earlier steps."""

    def __init__(self, size: int):
        self.size = size
        self.kept: list[Tensor] = []

    def exchange(self, pictures: Tensor) -> Tensor:
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

    def recalled(self, count: int) -> list[Tensor]:
        """As many of the kept ones, [1, 3, H, W] each, as far as there are."""
        return [self.kept[place] for place in torch.randperm(len(self.kept))[: max(0, count)].tolist()]


class Direction:
    """The way into one domain: the generator that makes its pictures, `net` its arguments; its average; and the critic that knows
    real ones."""

    def __init__(self, recipe: Recipe, net: Mapping, device: torch.device):
        layout = {"device": device, "memory_format": torch.channels_last}
        self.generator = ResnetGenerator(**net).to(**layout)
        self.critic = PatchGAN(**recipe.critic).to(**layout)
        self.average = WeightAverage(self.generator, recipe.average)
        self.history, self.shown = History(recipe.pool), History(recipe.pool)  # made ones, and real ones

    def state(self) -> dict:
        nets = {"generator": self.generator.state_dict(), "critic": self.critic.state_dict()}
        return {**nets, "average": self.average.state()}

    def restore(self, state: dict) -> None:
        self.generator.load_state_dict(state["generator"])
        self.critic.load_state_dict(state["critic"])
        self.average.restore(state["average"])
