"""A flow: carries points of N(0, I) to wherever a set of latent vectors lies.

The codes of an autoencoder do not fill a Gaussian: they lie in clumps, and what is drawn between them decodes to nothing that
ever was. A flow moves every point along a field of velocities that was learned by flow matching (Lipman et al. 2022,
arXiv:2210.02747; Liu et al. 2022, arXiv:2209.03003; see `train.flow`). No two points ever meet, so that neighbours stay
neighbours and every code is the end of one way.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STEPS = 8  # of Heun's method; with twice as many, values move by less than 3 % of their spread
WAVES = 16  # frequencies in which the time is told, from a twentieth of a turn to eight


class Flow(nn.Module):
    """size: Z; classes: 0, or the number of classes, each with a field of its own; width and depth: of the perceptron."""

    def __init__(self, size: int, classes: int = 0, width: int = 512, depth: int = 3):
        super().__init__()
        self.classes = classes
        self.enter = nn.Linear(size + 2 * WAVES + classes, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.leave = nn.Linear(width, size)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.register_buffer("waves", math.pi * torch.logspace(-1, 1.2, WAVES), persistent=False)

    def velocity(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Tensor:
        """Of points x [N, Z] at times t [N] from 0, where they lie as N(0, I), to 1, where they lie as the codes -> [N, Z]."""
        phase = t[:, None] * self.waves
        told = [x, phase.cos(), phase.sin()]
        if self.classes:
            told.append(F.one_hot(label, self.classes).to(x.dtype))
        h = F.silu(self.enter(torch.cat(told, dim=1)))
        for layer in self.hidden:
            h = h + F.silu(layer(h))
        return self.leave(h)

    @torch.no_grad()
    def forward(self, x: Tensor, label: Tensor | None = None, steps: int = STEPS) -> Tensor:
        """Points of N(0, I) [N, Z] (and int [N] with classes) -> codes [N, Z]. In full precision, and without gradients."""
        with torch.autocast(x.device.type, enabled=False):
            for i in range(steps):
                now, then = (x.new_full((len(x),), time / steps) for time in (i, i + 1))
                velocity = self.velocity(x, now, label)
                x = x + 0.5 / steps * (velocity + self.velocity(x + velocity / steps, then, label))
        return x
