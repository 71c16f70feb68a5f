"""Paths through latent space. Vectors are rows, float32 [N, Z] or [Z]; t is a position between 0 and 1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Curve = Callable[[Tensor, Tensor, float], Tensor]


def lerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The straight line from a (t = 0) to b (t = 1)."""
    return torch.lerp(a, b, t)


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The great arc from a to b (Shoemake 1985; White 2016, arXiv:1609.04468).

    In many dimensions nearly all of N(0, I) lies near a sphere; the straight line cuts through its empty middle, the arc
    stays near it. The length of the vector changes evenly from that of a to that of b. Falls back to the straight line for
    parallel, opposite or zero vectors, where no single arc exists.
    """
    length_a, length_b = (v.norm(dim=-1, keepdim=True).clamp_min(1e-12) for v in (a, b))
    cosine = (a * b).sum(dim=-1, keepdim=True) / (length_a * length_b)
    angle = torch.acos(cosine.clamp(-1, 1))
    sine = torch.sin(angle)
    direction = (torch.sin((1 - t) * angle) * a / length_a + torch.sin(t * angle) * b / length_b) / sine
    degenerate = (sine.abs() < 1e-3) | (length_a < 1e-6) | (length_b < 1e-6)
    return torch.where(degenerate, torch.lerp(a, b, t), direction * torch.lerp(length_a, length_b, t))


CURVES: dict[str, Curve] = {"lerp": lerp, "slerp": slerp}


def path(points: Tensor, frames: int, *, loop: bool, curve: Curve = slerp) -> list[Tensor]:
    """Vectors along a path through `points` [P, Z], `frames` a leg.

    A loop returns to its start and leaves out the last frame, which is the first again; otherwise the last point ends it.
    """
    targets = torch.roll(points, -1, dims=0) if loop else points[1:]
    steps = [curve(a, b, i / frames) for a, b in zip(points, targets) for i in range(frames)]
    return steps if loop else [*steps, points[-1]]


def bilinear(corners: Tensor, size: int) -> Tensor:
    """Four vectors [4, Z] (top left, top right, bottom left, bottom right) -> a sheet of vectors [size, size, Z]."""
    t = torch.linspace(0, 1, size)
    down = torch.stack([1 - t, t], dim=1)  # size,2
    return torch.einsum("ia,jb,abz->ijz", down, down, corners.reshape(2, 2, -1))


def truncate(z: Tensor, psi: float, centre: Tensor) -> Tensor:
    """Pulls z [N, Z] along great arcs towards `centre` [N, Z]: less variety, more typical pictures.

    The truncation of StyleGAN (Karras et al. 2019, arXiv:1812.04948) shrinks the intermediate vector w in a straight line. A
    generator without such a w knows only the shell on which z ~ N(0, I) lies, and washes out when z leaves it; so the way
    to the centre is an arc. 0 is the centre for every z, 1 changes nothing, beyond 1 leads away from it.
    """
    return centre.expand_as(z) if psi == 0 else slerp(centre.expand_as(z), z, psi)
