"""Smoothing that every pair of neighbours has its own strength for: one large linear system, solved by conjugate gradients with
a multigrid cycle as preconditioner. Tensors are float32 [C, H, W]; the weights are the same for all channels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import interrupt

DAMPING = 0.8  # of Jacobi's method
SWEEPS = 2  # of it before and after each visit to the coarser level
COARSEST = 8  # pixels: below, sweeps alone are enough


@dataclass(frozen=True)
class System:
    """A s = mass * s + sum over neighbours of weight * (s - neighbour)."""

    mass: Tensor  # [H, W], above 0
    right: Tensor  # [H, W - 1], weight between each pixel and the next to its right
    down: Tensor  # [H - 1, W]

    def apply(self, s: Tensor) -> Tensor:
        """A s of s [C, H, W]."""
        out = self.mass * s
        flow = self.right * (s[:, :, :-1] - s[:, :, 1:])
        out[:, :, :-1] += flow
        out[:, :, 1:] -= flow
        flow = self.down * (s[:, :-1] - s[:, 1:])
        out[:, :-1] += flow
        out[:, 1:] -= flow
        return out

    def diagonal(self) -> Tensor:
        out = self.mass.clone()
        out[:, :-1] += self.right
        out[:, 1:] += self.right
        out[:-1] += self.down
        out[1:] += self.down
        return out

    def coarser(self) -> System:
        """Of squares of 2 x 2 pixels. Two neighbours in a row are twice as far apart, so the weights between them halve."""
        height, width = self.mass.shape
        odd = height % 2, width % 2
        mass = F.pad(self.mass, (0, odd[1], 0, odd[0]))
        right = F.pad(self.right[:, 1::2], (0, 0, 0, odd[0]))
        down = F.pad(self.down[1::2], (0, odd[1], 0, 0))
        return System(
            mass=mass[::2, ::2] + mass[1::2, ::2] + mass[::2, 1::2] + mass[1::2, 1::2],
            right=(right[::2] + right[1::2]) / 2,
            down=(down[:, ::2] + down[:, 1::2]) / 2,
        )


class Cycle:
    """One V-cycle of multigrid: a cheap, symmetric approximation to the solution."""

    def __init__(self, system: System):
        self.system = system
        self.step = DAMPING / system.diagonal()
        small = min(system.mass.shape) <= COARSEST
        self.below = None if small else Cycle(system.coarser())
        self.sweeps = 8 * SWEEPS if small else SWEEPS

    def __call__(self, b: Tensor) -> Tensor:
        s = self.step * b
        for _ in range(self.sweeps - 1):
            s += self.step * (b - self.system.apply(s))
        if self.below is not None:
            s += _prolong(self.below(_restrict(b - self.system.apply(s))), s.shape)
        for _ in range(self.sweeps):
            s += self.step * (b - self.system.apply(s))
        return s


def _restrict(x: Tensor) -> Tensor:
    """Sums of 2 x 2 pixels."""
    x = F.pad(x, (0, x.shape[2] % 2, 0, x.shape[1] % 2))
    return x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]


def _prolong(x: Tensor, shape: torch.Size) -> Tensor:
    return x.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)[:, : shape[1], : shape[2]]


@torch.no_grad()
def solve(system: System, b: Tensor, start: Tensor, *, tolerance: float = 1e-3, most: int = 50) -> Tensor:
    """s [C, H, W] with A s = b, from `start` on, until the residual is below `tolerance` of b's length (in each channel)."""
    cycle, s = Cycle(system), start.clone()
    residual = b - system.apply(s)
    enough = tolerance * _length(b)
    direction, before = torch.zeros_like(s), None
    for _ in range(most):
        interrupt.check()
        if (_length(residual) <= enough).all():
            break
        better = cycle(residual)
        now = _product(residual, better)
        direction = better if before is None else better + now / before.clamp_min(1e-30) * direction
        image = system.apply(direction)
        step = now / _product(direction, image).clamp_min(1e-30)
        s += step * direction
        residual -= step * image
        before = now
    return s


def _product(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=(1, 2), keepdim=True)


def _length(x: Tensor) -> Tensor:
    return _product(x, x).sqrt()
