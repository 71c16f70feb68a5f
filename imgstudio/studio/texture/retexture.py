"""A region of a picture in another texture, under the light that falls on it."""

from __future__ import annotations

from collections import deque
from typing import cast

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from ... import device as devices
from ...checks import check_range, check_seed, number
from ...errors import StudioError
from ...image import Source, read, to_image, to_tensor
from ...ops.texture import quilting
from ...ops.texture import shading as lighting
from ..records import recorded
from ..work import gpu_task
from .overlays import check_same_size
from .regions import Segmentation
from .synthesis import LARGEST_SAMPLE, fit_sample

SMALLEST_BLOCK = 8  # pixels a side
_BLOCKS = 4  # along the shorter side of a sample
_SOFT = 0.7  # pixels: standard deviation of the region's edge
_MARGIN = 3  # pixels around the region, for its soft edge
_LIT_AT = 640  # pixels, longer side: light changes slowly, so a smaller picture tells it


@recorded()
@gpu_task(lambda: 0)
def retexture(
    image: Source,
    segmentation: Segmentation,
    region: int,
    texture: Source | int,
    *,
    shading: float = 1.0,
    scale: float = 1.0,
    seed: int = 0,
) -> Image.Image:
    """The picture with one region filled with a texture, which is quilted and then lit as the region was.

    region:  its number, from 1.
    texture: a sample, any picture; or the number of another region of this picture.
    shading: how much of the region's light and shadow stays: 0 none, 1 all, up to 2 for more.
    scale:   how large the pattern is. 1: as in the sample, which is shrunk first if it is larger than the region.
    """
    (shading, scale, seed), picture = check_options(shading, scale, seed), read(image)
    check_same_size(picture, segmentation)
    inside = segmentation.mask(region)
    box = _box(inside, _MARGIN)
    part, wanted = picture.crop(box), _cropped(inside, box)
    longest = max(part.size)
    if (other := number(texture)) is not None:
        sample, valid = _region_as_sample(picture, segmentation.mask(cast("int", other)), longest, scale)
    else:
        sample = _values(fit_sample(cast("Source", texture), longest, scale))
        valid = torch.ones(sample.shape[1:], dtype=torch.bool)
    filled = _quilted(lighting.flatten_illumination(sample, valid), valid.numpy(), wanted, seed)
    if shading > 0:
        filled = lighting.relight(filled, shading * _light(part, wanted))
    edge = ndimage.gaussian_filter(wanted.astype(np.float32), _SOFT)
    whole = picture.copy()
    whole.paste(to_image(filled * 2 - 1), box[:2], Image.fromarray(np.rint(edge * 255).astype(np.uint8)))
    return whole


def check_options(shading: float, scale: float, seed: int) -> tuple[float, float, int]:
    """The options of `retexture`, for who has regions to find before it can be called."""
    return check_range("The shading", shading, 0, 2), check_range("The scale", scale, 0.1, 4), check_seed(seed)


def _box(inside: np.ndarray, margin: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is inside, with a margin as far as there is room."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    height, width = inside.shape
    return (
        max(0, int(columns[0]) - margin),
        max(0, int(rows[0]) - margin),
        min(width, int(columns[-1]) + 1 + margin),
        min(height, int(rows[-1]) + 1 + margin),
    )


def _cropped(inside: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    return inside[top:bottom, left:right]


def _values(picture: Image.Image) -> Tensor:
    """[3, H, W] in [0, 1]."""
    return to_tensor(picture)[0].add(1).div(2)


def _region_as_sample(picture: Image.Image, inside: np.ndarray, longest: int, scale: float) -> tuple[Tensor, Tensor]:
    """A region of the picture at the size its pattern is to have, [3, h, w], and where it is, bool [h, w]."""
    box = _box(inside, 0)
    part, valid = picture.crop(box), torch.from_numpy(_cropped(inside, box))
    factor = min(scale * min(1.0, longest / max(part.size)), LARGEST_SAMPLE / max(part.size))
    width, height = (max(1, round(side * factor)) for side in part.size)
    whole = F.interpolate(valid[None, None].float(), (height, width), mode="bilinear")[0, 0] > 0.99
    if not quilting.fits(whole.numpy(), SMALLEST_BLOCK):
        raise StudioError("That region is too small or too narrow to take a texture from: choose a larger one.")
    return _values(part.resize((width, height), Image.Resampling.LANCZOS)), whole


def _quilted(sample: Tensor, valid: np.ndarray, wanted: np.ndarray, seed: int) -> Tensor:
    """The sample grown over the wanted part, [3, H, W], in blocks as large as the valid part of the sample has room for."""
    patch = max(SMALLEST_BLOCK, min(valid.shape) // _BLOCKS)
    while not quilting.fits(valid, patch):
        patch = max(SMALLEST_BLOCK, int(0.8 * patch))
    pixels = sample.permute(1, 2, 0).contiguous().numpy()
    random = np.random.default_rng(seed)
    parts = quilting.quilt(pixels, *wanted.shape, patch=patch, random=random, valid=valid, wanted=wanted)
    ((_, _, grown),) = deque(parts, maxlen=1)
    return torch.from_numpy(grown).permute(2, 0, 1)


def _light(part: Image.Image, wanted: np.ndarray) -> Tensor:
    """The light on the wanted part of a picture in stops, [1, H, W]."""
    factor = min(1.0, _LIT_AT / max(part.size))
    size = [max(2, round(side * factor)) for side in reversed(part.size)]
    device = devices.pick()
    small = F.interpolate(_values(part)[None], size, mode="area")[0].to(device)
    inside = F.interpolate(torch.from_numpy(wanted)[None, None].float(), size, mode="area")[0, 0].to(device) >= 0.5
    if not inside.any():
        return torch.zeros(1, *wanted.shape)
    light = lighting.illumination(small, inside).cpu()
    return F.interpolate(light[None], wanted.shape, mode="bilinear")[0]
