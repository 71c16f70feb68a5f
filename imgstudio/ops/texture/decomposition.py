"""The structure of a picture: what stays when its texture is taken off. Pictures are float32 [3, H, W] in [0, 1]."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from skimage.restoration import denoise_tv_chambolle
from torch import Tensor

from ... import interrupt
from .. import filters
from . import poisson

REFERENCE = 512  # longer side in pixels that strengths are meant for; in a larger picture, texture is larger too
ROF_WEIGHT = 0.6  # at full strength
WINDOW = (1.0, 4.0)  # pixels, at no and at full strength: standard deviation of what texture is told from structure in
SMOOTHNESS = 0.04  # lambda of Xu et al. at full strength
ROUNDS = 4
_SMALL_GRADIENT, _SMALL_SUM = 0.02, 0.001  # epsilon_s and epsilon of Xu et al.; the first sets how sharp edges stay


def rof(x: Tensor, strength: float) -> Tensor:
    """The picture that is close to x and has little total variation (Rudin, Osher and Fatemi 1992,
    https://doi.org/10.1016/0167-2789(92)90242-F), by Chambolle's algorithm. strength: 0 to 1, how little."""
    weight = ROF_WEIGHT * strength**2 * max(x.shape[1:]) / REFERENCE
    channels = []
    for channel in x.cpu().numpy():  # each alone, as the function itself does it
        interrupt.check()
        channels.append(denoise_tv_chambolle(channel, weight=weight, eps=1e-6, max_num_iter=400))
    return torch.from_numpy(np.stack(channels)).float()


@torch.no_grad()
def rtv(x: Tensor, strength: float, scale: float | None = None) -> Tensor:
    """The picture that is close to x and has little relative total variation (Xu, Yan, Xia and Jia 2012,
    https://doi.org/10.1145/2366145.2366158). strength: 0 to 1, how little; scale: of the texture, None: by the picture's size.

    In a window on texture, differences point either way and cancel; across an edge they add up. So each difference is held
    down by how much of it the sum over its window doesn't explain.
    """
    scale = max(x.shape[1:]) / REFERENCE if scale is None else scale
    sigma, smoothness = (WINDOW[0] + (WINDOW[1] - WINDOW[0]) * strength) * scale, SMOOTHNESS * strength**2.5 * scale
    s = x
    for _ in range(ROUNDS):
        right, down = _weights(s, max(sigma, 0.5))
        system = poisson.System(torch.ones_like(x[0]), smoothness * right, smoothness * down)
        s = poisson.solve(system, x, s)
        sigma /= 2
    return s.clamp(0, 1)


def _weights(s: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """How much each pair of neighbours is held together: [H, W - 1] and [H - 1, W]."""
    squared = sum(F.pad(d, pad).square() for d, pad in zip(_differences(s), ((0, 1), (0, 0, 0, 1))))
    share = squared.sqrt().mean(dim=0).clamp_min(_SMALL_GRADIENT)
    right, down = (d.abs().mean(dim=0).clamp_min(_SMALL_SUM) for d in _differences(blur(s, sigma)))
    return 1 / (right * share[:, :-1]), 1 / (down * share[:-1])


def _differences(s: Tensor) -> tuple[Tensor, Tensor]:
    return s[:, :, 1:] - s[:, :, :-1], s[:, 1:] - s[:, :-1]


def blur(x: Tensor, sigma: float) -> Tensor:
    """x [C, H, W] under a Gaussian window of that standard deviation; beyond the border the last pixel goes on."""
    return filters.gaussian_blur(x, sigma, max(1, round(2.5 * sigma)), mode="replicate", dims=(-1, -2))


METHODS = {"rtv": rtv, "rof": rof}
