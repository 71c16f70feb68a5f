"""Style-mixing fine-tuning: targets for edited styles, two mixed or one moved along a direction.

A generator distilled picture by picture draws the styles of real pictures well, and little else: half apple and half tomato
becomes a blot, and so does an apple moved by two deviations. A discriminator tells that something is wrong there, and seldom
what would be right. Targets for such edits can be made of well-drawn pictures: one fruit with the colours of the other (colour
transfer), and the same fruit at the place, of the size and of the colours that the moved style leads to. This holds for
photographs of one object on a white ground.

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
FOREGROUND = 0.2  # share of the way from white to a full colour from which on a place belongs to the object
TRANSPARENT = 0.06  # and up to which nothing of it shows there
OPAQUE = 0.6  # share of the object's own strength of colour from which on a place shows nothing but it
FLATTER, STRONGER = (0.6, 0.3, 0.3), (1.4, 1.5, 1.5)  # how far contrast may change, in lightness and in either colour
KEEP_CONTRAST = 0.8, 1.0  # the same for a style that is moved: what is drawn there may be a blot, and only its mean is believed
PLANE, FAR_IN_PLANE = 2, 4.2  # half of the moved styles move in the plane of the first two directions, in either by up to so many
AXES, FAR = 8, 3.2  # and half along one of the first eight; in standard deviations, a little more than there is in use
TRUNCATED = 0.5  # least truncation psi of the styles that are moved
SMALLEST, LARGEST = 0.6, 1.6  # how far an object may be shrunk and stretched


@dataclass(frozen=True)
class EditBatch:
    """styles [N, L, V], noise of each layer, target_pictures [N, 3, H, W]; supervised, bool [N]: where there is a target;
    unedited, bool [N]: where the styles are those of one latent vector."""

    styles: Tensor
    noise: list[Tensor]
    target_pictures: Tensor
    supervised: Tensor
    unedited: Tensor


@torch.no_grad()
def edit_batch(teacher: Generator, w: Tensor, labels: Tensor) -> EditBatch:
    """Half of the styles w [N, V] as they are, a quarter mixed with others, a quarter moved, and what should come of them, from
    what `teacher` makes of styles as they are. Mixtures that change far from the middle layer have no target."""
    count, depth, device = len(w), len(teacher.sides), w.device
    role = torch.randperm(count, device=device) % 4
    mixed, shifted = role == 2, role == 3
    centre = teacher.centre[labels]
    amount = torch.empty(count, 1, device=device).uniform_(TRUNCATED, 1)
    base = torch.where(shifted[:, None], torch.lerp(centre, w, amount), w)
    other = torch.randperm(count, device=device)
    crossover = torch.randint(depth // 4, depth - depth // 4 + 1, (count,), device=device)
    late = mixed[:, None] & (torch.arange(depth, device=device) >= crossover[:, None])  # N,L
    target = styles.broadcast_layers(base + shifted[:, None] * (_amounts(count, device) @ teacher.directions[:AXES]), depth)
    target = torch.where(late[:, :, None], base[other][:, None], target)
    noise, moves = teacher.random_noise(count), shifted.nonzero().squeeze(1)
    with devices.autocast(device, training=True):
        drawn = teacher.synthesis(
            torch.cat([styles.broadcast_layers(base, depth), target[moves]]),
            [torch.cat([plane, plane[moves]]) for plane in noise],
        )
    plain, there = drawn.float().clamp(-1, 1).split([count, len(moves)])
    target_pictures = torch.where(mixed[:, None, None, None], color_transfer(plain, plain[other]), plain)
    target_pictures[moves] = match_placement(plain[moves], there)
    supervised = ~mixed | ((crossover - depth / 2).abs() <= depth / 8)
    return EditBatch(target, noise, target_pictures, supervised, role < 2)


def _amounts(count: int, device: torch.device) -> Tensor:
    """Random amounts along the first directions, [count, AXES]."""
    amounts = torch.empty(count, AXES, device=device).uniform_(-1, 1)
    axis = F.one_hot(torch.randint(AXES, (count,), device=device), AXES)
    plane = torch.arange(AXES, device=device) < PLANE
    flat = torch.rand(count, 1, device=device) < 0.5
    return amounts * torch.where(flat, FAR_IN_PLANE * plane, FAR * axis)


def color_transfer(pictures: Tensor, others: Tensor, limits: tuple[float, float] | None = None) -> Tensor:
    """Shapes, lights and marks of `pictures` in the colours of `others`, [N, 3, H, W] both: mean and deviation of lightness and
    of two colours are carried over (Reinhard et al. 2001), within limits for what deviations may change by."""
    matrix = pictures.new_tensor(OPPONENT)
    given, reference = (torch.einsum("kc,nchw->nkhw", matrix, part) for part in (pictures, others))
    mean, deviation = _moments(given, _foreground(pictures))
    new_mean, new_deviation = _moments(reference, _foreground(others))
    low, high = (pictures.new_tensor(bound)[:, None, None] for bound in (FLATTER, STRONGER))
    if limits:
        low, high = torch.full_like(low, limits[0]), torch.full_like(high, limits[1])
    contrast = (new_deviation / deviation.clamp_min(0.02)).clamp(low, high)
    painted = torch.einsum("ck,nkhw->nchw", torch.linalg.inv(matrix), (given - mean) * contrast + new_mean)
    return torch.lerp(pictures, painted.clamp(-1, 1), _coverage(pictures))


def match_placement(pictures: Tensor, there: Tensor) -> Tensor:
    """Pictures [N, 3, H, W], brought to the place, the width, the height and the mean colours of what is in `there`."""
    (centre, size), (goal, goal_size) = _placement(pictures), _placement(there)
    ratio = (size / goal_size).clamp(SMALLEST, LARGEST)  # of a step in the new picture, seen in the old one
    theta = torch.cat([torch.diag_embed(ratio), (centre - ratio * goal)[:, :, None]], dim=2)  # N,2,3
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    warped = 1 - F.grid_sample(1 - pictures, grid, align_corners=False)  # white comes in from outside
    return color_transfer(warped, there, KEEP_CONTRAST)


def _strength(pictures: Tensor) -> Tensor:
    """How far each place is from white, [N, 1, H, W] in [0, 1]."""
    return (1 - pictures).amax(dim=1, keepdim=True) / 2


def _foreground(pictures: Tensor) -> Tensor:
    return (_strength(pictures) > FOREGROUND).float()


def _coverage(pictures: Tensor) -> Tensor:
    """Share of the object in what each place shows (alpha), [N, 1, H, W] in [0, 1]: highlights and the rim stay whiter."""
    strength, mask = _strength(pictures), _foreground(pictures)
    typical = (strength * mask).sum(dim=(2, 3), keepdim=True) / mask.sum(dim=(2, 3), keepdim=True).clamp_min(1)
    return ((strength - TRANSPARENT) / (OPAQUE * typical.clamp_min(0.1))).clamp(0, 1)


def _moments(planes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of [N, C, H, W] over the mask, [N, C, 1, 1] each."""
    count = mask.sum(dim=(2, 3), keepdim=True).clamp_min(1)
    mean = (planes * mask).sum(dim=(2, 3), keepdim=True) / count
    return mean, (((planes - mean).square() * mask).sum(dim=(2, 3), keepdim=True) / count).sqrt()


def _placement(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Centre and deviation of the object across and down, [N, 2] each, where a picture reaches from -1 to 1."""
    mask = _foreground(pictures)
    height, width = pictures.shape[2:]
    across, down = (torch.linspace(-1 + 1 / side, 1 - 1 / side, side, device=pictures.device) for side in (width, height))
    places = torch.stack(torch.meshgrid(across, down, indexing="xy"))[None].expand(len(pictures), -1, -1, -1)
    mean, deviation = _moments(places, mask)
    return mean.flatten(1), deviation.flatten(1).clamp_min(0.05)
