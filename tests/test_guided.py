"""The guided filter: changes of a shrunk picture carried over to the large one, and pictures without what is small."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from table import each_row

from imgstudio.ops import filters, guided


def disc(side: int, petals: tuple[float, float, float] = (0.9, 0.85, 0.8)) -> torch.Tensor:
    """A light disc on a dark ground, [1, 3, side, side]."""
    y, x = torch.meshgrid(*[torch.arange(side) / side - 0.48] * 2, indexing="ij")
    inside = ((x**2 + y**2).sqrt() < 0.3).float()
    ground = torch.tensor([-0.7, -0.4, -0.8])[:, None, None]
    return (ground + inside * (torch.tensor(petals)[:, None, None] - ground))[None]


def test_what_follows_the_colours_is_carried_as_it_is():
    torch.manual_seed(0)
    x = torch.rand(1, 3, 20, 26) * 2 - 1
    values = 0.5 * x[:, :1] - 0.25 * x[:, 2:] + 0.1
    assert (guided.guided_upsample(values, x, x, epsilon=1e-6) - values).abs().max() < 1e-3
    assert guided.guided_upsample(values.expand(-1, 2, -1, -1), x, x).shape == (1, 2, 20, 26)


@each_row("side", [96, 197])
def test_a_change_gets_the_edges_of_the_large_picture(side):
    large, small = disc(side), disc(24)
    wanted = disc(side, (0.9, 0.85, -0.9)) - large  # petals that lose their blue
    change = disc(24, (0.9, 0.85, -0.9)) - small
    carried = guided.guided_upsample(change, small, large)
    enlarged = F.interpolate(change, (side, side), mode="bilinear", align_corners=False)
    assert (carried - wanted).abs().mean() < 0.4 * (enlarged - wanted).abs().mean()


def test_means_are_the_same_in_either_way(monkeypatch):
    torch.manual_seed(0)
    x = torch.rand(2, 3, 17, 40) * 2 - 1
    large = torch.rand(2, 3, 34, 80) * 2 - 1
    made = guided.guided_upsample(x[:1], x[:1], large[:1])
    monkeypatch.setattr(filters, "MATRIX", 0)
    assert torch.allclose(guided.guided_upsample(x[:1], x[:1], large[:1]), made, atol=1e-4)
