"""The guided filter (He, Sun and Tang 2013): values get edges where a picture has its own, and only there.

In every small window the values are modelled as a linear function of the picture. So the output of a net that saw a shrunk
picture is upsampled to the large one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import interrupt
from .filters import box_blur


def guided_upsample(values: Tensor, small: Tensor, large: Tensor, *, radius: int = 2, epsilon: float = 4e-3) -> Tensor:
    """values [1, C, h, w], which belong to `small` [1, 3, h, w] -> [1, C, H, W], which belong to `large` [1, 3, H, W].

    The fast guided filter (He and Sun 2015, arXiv:1505.00996): the linear functions are smooth, and can be enlarged.

    radius:  of the windows, in pixels of `small`.
    epsilon: variance of the colours, in [-1, 1], below which a window counts as plain: there the values are evened out.
    """
    slopes, offsets = _linear_coefficients(values, small, radius, epsilon)
    made = []
    for slope, offset in zip(slopes.split(1, dim=1), offsets.split(1, dim=1)):  # one map at a time: large pictures fill memory
        interrupt.check()
        channel = _upsample(offset, large)
        for colour in range(3):
            channel += _upsample(slope[:, :, colour], large) * large[:, colour : colour + 1]
        made.append(channel)
    return torch.cat(made, dim=1)


def _linear_coefficients(values: Tensor, guide: Tensor, radius: int, epsilon: float) -> tuple[Tensor, Tensor]:
    """Slopes [1, C, 3, h, w] and offsets [1, C, h, w] of the best linear functions of the guide's colours, evened out."""
    n, c, h, w = values.shape
    guide_mean, value_mean = box_blur(guide, radius), box_blur(values, radius)
    covariance = box_blur((guide[:, :, None] * guide[:, None]).flatten(1, 2), radius).reshape(n, 3, 3, h, w)
    covariance = covariance - guide_mean[:, :, None] * guide_mean[:, None] + epsilon * torch.eye(3)[:, :, None, None]
    cross = box_blur((guide[:, :, None] * values[:, None]).flatten(1, 2), radius).reshape(n, 3, c, h, w)
    cross = cross - guide_mean[:, :, None] * value_mean[:, None]
    slopes = torch.linalg.solve(covariance.permute(0, 3, 4, 1, 2), cross.permute(0, 3, 4, 1, 2))  # N,h,w,3,C
    slopes = slopes.permute(0, 4, 3, 1, 2)  # N,C,3,h,w
    offsets = value_mean - (slopes * guide_mean[:, None]).sum(dim=2)
    return box_blur(slopes.flatten(1, 2), radius).reshape(n, c, 3, h, w), box_blur(offsets, radius)


def _upsample(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)
