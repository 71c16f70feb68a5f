"""Pictures as tensors in [-1, 1], and back."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .files import Source, read


def to_tensor(image: Source, size: int | None = None) -> Tensor:
    """A picture as float32 [1, 3, H, W] in [-1, 1]. With `size`: the middle square, resized with antialiasing to size x size."""
    rgb = read(image)
    if size is not None:
        rgb = _square(rgb, size)
    pixels = torch.from_numpy(np.array(rgb))  # H,W,3
    return pixels.permute(2, 0, 1)[None].float().div_(127.5).sub_(1.0).contiguous()


def _square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    # The box filter is what training pictures are shrunk with; it needs an even division.
    return square.resize((size, size), Image.Resampling.BOX if side % size == 0 else Image.Resampling.LANCZOS)


def to_images(tensor: Tensor) -> list[Image.Image]:
    """[N, 3, H, W] in [-1, 1] (values outside are clipped) -> N pictures. Inverts `to_tensor` exactly."""
    if tensor.ndim != 4 or tensor.shape[1] != 3:
        raise ValueError(f"expected [N, 3, H, W], got {list(tensor.shape)}")
    pixels = tensor.detach().float().clamp(-1, 1).add(1).mul(127.5).round().to("cpu", torch.uint8)
    return [Image.fromarray(p) for p in pixels.permute(0, 2, 3, 1).contiguous().numpy()]


def to_image(tensor: Tensor) -> Image.Image:
    """[3, H, W] or [1, 3, H, W] in [-1, 1] -> one picture."""
    (image,) = to_images(tensor[None] if tensor.ndim == 3 else tensor)
    return image
