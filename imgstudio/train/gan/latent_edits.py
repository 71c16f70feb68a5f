"""What a generator is to draw of styles that lie beside its own: of two mixed, and of one that is moved along a direction.

A generator that was told picture by picture which style means which draws those well, and little else: half apple and half
tomato becomes a blot, and so does an apple moved by two deviations. A critic tells that something is wrong there, and seldom
what would be right. But what a visitor who mixes or moves styles expects can be made of pictures that are well drawn: the one
fruit with the colours of the other; and the same fruit, at the place, of the size and of the colours that the moved style leads
to, however it is drawn there. This is how such lessons are made, for photographs of one thing on a white ground.

Axis letters: N pictures, H, W their sides; L layers of a StyleGAN2, V the length of a style. Pictures are float32 in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import device as devices
from ...models.stylegan2 import Generator
from ...ops.latent import styles

# Lightness, and two differences of colours (ITU-R BT.601).
OPPONENT = ((0.299, 0.587, 0.114), (0.5, -0.419, -0.081), (-0.169, -0.331, 0.5))
THING = 0.2  # share of the way from white to a full colour from which on a place belongs to the thing
FAINT = 0.06  # and up to which nothing of it shows there
SOLID = 0.6  # share of the thing's own strength of colour from which on a place shows nothing but it
FLATTER, STRONGER = (0.6, 0.3, 0.3), (1.4, 1.5, 1.5)  # how far contrast may change, in lightness and in either colour
STEADY = 0.8, 1.0  # the same for a style that is moved: what is drawn there may be a blot, and only its mean is believed
PLANE, FAR_IN_PLANE = 2, 4.2  # half of the moved styles move in the plane of the first two directions, in either by up to so many
AXES, FAR = 8, 3.2  # and half along one of the first eight; in standard deviations, a little more than there is in use
TRUNCATED = 0.5  # down to which share of the way from the mean, as styles are in use, those that are moved begin
SMALLEST, LARGEST = 0.6, 1.6  # how far a thing may be shrunk and stretched


@dataclass(frozen=True)
class Lesson:
    """styles [N, L, V] and noise, and for those that are told, bool [N], the pictures wanted of them [N, 3, H, W]; own, bool [N]:
    where the styles are those of one latent vector, as ever."""

    styles: Tensor
    noise: list[Tensor]
    wanted: Tensor
    told: Tensor
    own: Tensor


@torch.no_grad()
def lesson(teacher: Generator, w: Tensor, labels: Tensor) -> Lesson:
    """Half of the styles w [N, V] as they are, a quarter mixed with others, a quarter moved, and what should come of them, from
    what `teacher` makes of styles as they are. Of mixtures that change far from the middle layer nothing is told."""
    count, depth, device = len(w), len(teacher.sides), w.device
    role = torch.randperm(count, device=device) % 4
    mixed, shifted = role == 2, role == 3
    centre = teacher.centre[labels]
    share = torch.empty(count, 1, device=device).uniform_(TRUNCATED, 1)
    base = torch.where(shifted[:, None], torch.lerp(centre, w, share), w)
    other = torch.randperm(count, device=device)
    crossover = torch.randint(depth // 4, depth - depth // 4 + 1, (count,), device=device)
    late = mixed[:, None] & (torch.arange(depth, device=device) >= crossover[:, None])  # N,L
    target = styles.broadcast_layers(base + shifted[:, None] * (_amounts(count, device) @ teacher.directions[:AXES]), depth)
    target = torch.where(late[:, :, None], base[other][:, None], target)
    noise, moves = teacher.random_noise(count), shifted.nonzero().squeeze(1)
    with devices.autocast(device, training=True):
        drawn = teacher.synthesise(
            torch.cat([styles.broadcast_layers(base, depth), target[moves]]),
            [torch.cat([plane, plane[moves]]) for plane in noise],
        )
    plain, there = drawn.float().clamp(-1, 1).split([count, len(moves)])
    wanted = torch.where(mixed[:, None, None, None], recoloured(plain, plain[other]), plain)
    wanted[moves] = moved(plain[moves], there)
    told = ~mixed | ((crossover - depth / 2).abs() <= depth / 8)
    return Lesson(target, noise, wanted, told, role < 2)


def _amounts(count: int, device: torch.device) -> Tensor:
    """Random amounts along the first directions, [count, AXES]."""
    amounts = torch.empty(count, AXES, device=device).uniform_(-1, 1)
    axis = F.one_hot(torch.randint(AXES, (count,), device=device), AXES)
    plane = torch.arange(AXES, device=device) < PLANE
    flat = torch.rand(count, 1, device=device) < 0.5
    return amounts * torch.where(flat, FAR_IN_PLANE * plane, FAR * axis)


def recoloured(pictures: Tensor, others: Tensor, limits: tuple[float, float] | None = None) -> Tensor:
    """Shapes, lights and marks of `pictures` in the colours of `others`, [N, 3, H, W] both: mean and deviation of lightness and
    of two colours are carried over (Reinhard et al. 2001), within limits for what deviations may change by."""
    matrix = pictures.new_tensor(OPPONENT)
    given, wanted = (torch.einsum("kc,nchw->nkhw", matrix, part) for part in (pictures, others))
    (mean, spread), (new_mean, new_spread) = _moments(given, _thing(pictures)), _moments(wanted, _thing(others))
    low, high = (pictures.new_tensor(bound)[:, None, None] for bound in (FLATTER, STRONGER))
    if limits:
        low, high = torch.full_like(low, limits[0]), torch.full_like(high, limits[1])
    contrast = (new_spread / spread.clamp_min(0.02)).clamp(low, high)
    painted = torch.einsum("ck,nkhw->nchw", torch.linalg.inv(matrix), (given - mean) * contrast + new_mean)
    return torch.lerp(pictures, painted.clamp(-1, 1), _solid(pictures))


def moved(pictures: Tensor, there: Tensor) -> Tensor:
    """Pictures [N, 3, H, W], brought to the place, the width, the height and the mean colours of what is in `there`."""
    (centre, size), (goal, goal_size) = _place(pictures), _place(there)
    ratio = (size / goal_size).clamp(SMALLEST, LARGEST)  # of a step in the new picture, seen in the old one
    theta = torch.cat([torch.diag_embed(ratio), (centre - ratio * goal)[:, :, None]], dim=2)  # N,2,3
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return recoloured(1 - F.grid_sample(1 - pictures, grid, align_corners=False), there, STEADY)  # white comes in from outside


def _strength(pictures: Tensor) -> Tensor:
    """How far each place is from white, [N, 1, H, W] in [0, 1]."""
    return (1 - pictures).amax(dim=1, keepdim=True) / 2


def _thing(pictures: Tensor) -> Tensor:
    return (_strength(pictures) > THING).float()


def _solid(pictures: Tensor) -> Tensor:
    """Share of the thing in what each place shows, [N, 1, H, W] in [0, 1]: lights on it and its rim stay whiter than the rest."""
    strength, thing = _strength(pictures), _thing(pictures)
    typical = (strength * thing).sum(dim=(2, 3), keepdim=True) / thing.sum(dim=(2, 3), keepdim=True).clamp_min(1)
    return ((strength - FAINT) / (SOLID * typical.clamp_min(0.1))).clamp(0, 1)


def _moments(planes: Tensor, thing: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of [N, C, H, W] over the thing, [N, C, 1, 1] each."""
    count = thing.sum(dim=(2, 3), keepdim=True).clamp_min(1)
    mean = (planes * thing).sum(dim=(2, 3), keepdim=True) / count
    return mean, (((planes - mean).square() * thing).sum(dim=(2, 3), keepdim=True) / count).sqrt()


def _place(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and deviation of the thing across and down, [N, 2] each, where a picture reaches from -1 to 1."""
    thing = _thing(pictures)
    height, width = pictures.shape[2:]
    across, down = (torch.linspace(-1 + 1 / side, 1 - 1 / side, side, device=pictures.device) for side in (width, height))
    places = torch.stack(torch.meshgrid(across, down, indexing="xy"))[None].expand(len(pictures), -1, -1, -1)
    mean, spread = _moments(places, thing)
    return mean.flatten(1), spread.flatten(1).clamp_min(0.05)
