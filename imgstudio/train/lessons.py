"""A teacher for a generator that is to play against a critic: another generator of the same data, which can already draw.

At 128 px a critic soon sees through a generator that still draws one head for all, and what it then teaches are strokes, not
variety. A small generator's pictures settle which picture belongs to which latent vector (distillation, Hinton et al. 2015,
arXiv:1503.02531); the critic is left with what it is good at. Together they are the two losses of pix2pix (Isola et al. 2017,
arXiv:1611.07004): a mean error for the large shapes and a critic for the fine ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import device as devices
from .. import weights
from ..models import dcgan

WEIGHT = 10.0  # of the likeness beside an adversarial loss
SCALES = 4  # sizes at which the likeness is measured: full, half, quarter, eighth
FADE = 0.4  # the last part of the lessons, over which they lose their weight
FLOOR = 0.15  # what stays of it: without a word of the teacher the critic lets plain grounds go cloudy


class Lessons:
    """The likeness of a generator's pictures to those of a teacher, a DCGAN in `weights/` with as long a latent vector.

    file: the teacher's; net: its arguments; pictures: length of the lessons.
    """

    def __init__(self, file: str, net: dict, pictures: int, device: torch.device):
        self.pictures = pictures
        self.teacher: nn.Module = dcgan.Generator(**net)
        self.teacher.load_state_dict(weights.read(weights.folder() / file))
        self.teacher.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)

    def share(self, seen: int) -> float:
        """Weight of the teacher after so many pictures: 1, then falling to FLOOR."""
        return min(1.0, max(FLOOR, (self.pictures - seen) / (FADE * self.pictures)))

    def unlikeness(self, pictures: Tensor, z: Tensor, labels: Tensor) -> Tensor:
        """Mean absolute error to what the teacher draws from z, at several sizes, times WEIGHT: a scalar.

        pictures [N, 3, H, W]; they are shrunk to the teacher's size first, which leaves everything finer to the critic.
        """
        with torch.no_grad(), devices.autocast(pictures.device):
            wanted = self.teacher(z, labels).float()
        given = F.adaptive_avg_pool2d(pictures.float(), wanted.shape[2:])
        loss = F.l1_loss(given, wanted)
        for _ in range(SCALES - 1):
            given, wanted = F.avg_pool2d(given, 2), F.avg_pool2d(wanted, 2)
            loss = loss + F.l1_loss(given, wanted)
        return WEIGHT * loss
