"""Earlier weights to begin a run of a StyleGAN2 with, also where they know nothing of the codes that lessons are about.

A generator that can draw need not begin anew because it shall be told in other words what to draw. It draws pictures of its own,
whose styles w are known; an encoder says what codes they have; and a mapping network learns which style belongs to which code.
That is GAN inversion (Zhu et al. 2020, arXiv:2004.00049) the other way round: there the generator is given and an encoder is
learned, here both are given, and what lies between them is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .. import device as devices
from .. import weights
from ..models.stylegan2 import Generator
from .lessons import Lessons

STEPS, BATCH, RATE = 6000, 256, 1e-3
AT_ONCE = 32  # pictures drawn and encoded


def take_over(net: Generator, file: str) -> None:
    """Sets the weights of a net to those in a file of `weights/`, but where their names or shapes are other ones."""
    own, given = net.state_dict(), weights.read(weights.folder() / file)
    net.load_state_dict(own | {name: value for name, value in given.items() if name in own and value.shape == own[name].shape})


def earlier(file: str) -> Generator:
    """The generator in a file of `weights/`, ready for use."""
    path = weights.folder() / file
    net = Generator(**weights.read_config(path))
    net.load_state_dict(weights.read(path))
    return net.eval().requires_grad_(False)


def retrace(net: Generator, teacher: Generator, lessons: Lessons, count: int, steps: int = STEPS) -> float:
    """Teaches the mapping network of `net` to lead from codes of pictures to the styles that `teacher` drew them from, in as
    many steps, on `count` pictures. Returns the squared error in the end over the variance of the styles."""
    mean, deviation, labels, styles = _drawn(teacher, lessons, count)
    variance = styles.var(dim=0).mean()
    optimiser = torch.optim.Adam(net.mapping.parameters(), lr=RATE)
    calm = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    error = 0.0
    for step in range(steps):
        chosen = torch.randint(0, count, (BATCH,), device=styles.device)
        codes = lessons.whitened(mean[chosen], deviation[chosen])
        loss = (net.mapping(codes, labels[chosen]) - styles[chosen]).square().mean() / variance
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        calm.step()
        error += (loss.item() - error) / min(step + 1, 100)
    return error


@torch.no_grad()
def _drawn(teacher: Generator, lessons: Lessons, count: int) -> tuple[Tensor, ...]:
    """Means and deviations [count, Z] of the codes of random pictures, their classes int [count] and styles w [count, W]."""
    device, rows = teacher.centre.device, []
    for labels in (torch.arange(count, device=device) % max(teacher.classes, 1)).split(AT_ONCE):
        w = teacher.map(torch.randn(len(labels), teacher.latent, device=device), labels)
        with devices.autocast(device):
            pictures = teacher.synthesise(w, teacher.random_noise(len(labels))).clamp(-1, 1)
        rows.append((*lessons.posterior(pictures), labels, w))
    return tuple(torch.cat(column) for column in zip(*rows))
