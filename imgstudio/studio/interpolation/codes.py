"""Pictures to codes and back, by an autoencoder: a VAE, which sees the middle square at its own size and whose codes are
vectors, or a TAESD, which sees a picture of any size and whose codes are small pictures themselves."""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor, nn

from ... import catalog
from ...errors import StudioError
from ...image import Source, read, to_image, to_tensor
from ...models.taesd import HALVES, TAESD
from ...ops import autoencoder as ops
from ..notebook import Pictures
from ..validation import open_model

SIDE = 512  # longer side in pixels of pictures between pictures, where the net leaves it open
LARGEST = 2048  # longer side that goes through a net in one piece
KEPT = 64  # codes of one net; by digests, since pictures themselves would fill the memory


@dataclass(frozen=True)
class Code:
    """mean: of the posterior, [1, Z], or a latent [1, C, h, w]; logvar: None for an encoder that is sure of itself; size: width
    and height of the picture."""

    mean: Tensor
    logvar: Tensor | None
    size: tuple[int, int]


# Weak, so that a net that is forgotten takes its codes along.
_codes: weakref.WeakKeyDictionary[nn.Module, OrderedDict[tuple[bytes, tuple[int, int]], Code]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def any_size(model: str) -> bool:
    """True for a model that takes pictures of any size, keeps them and invents none. Loads nothing."""
    spec = catalog.find(model)
    return spec.task == "reconstruct" and str(spec.build).endswith(":TAESD")


def check_distribution(model: str, what: str) -> None:
    """Raises StudioError for a model whose codes follow no distribution; `what` can't be done with it."""
    if any_size(model):
        other = catalog.default("reconstruct")
        advice = f", such as {other.name}" if other else ""
        raise StudioError(
            f"{catalog.find(model).known_as} was made to keep pictures and not to invent any, so {what}: choose a VAE{advice}."
        )


def net_input(model: str, image: Source, *, side: int | None = None, like: tuple[int, int] | None = None) -> Image.Image:
    """What the net sees of a picture.

    side: longer side at most, and like: width and height to fill, for a model that leaves the size open.
    """
    picture = read(image)
    if not any_size(model):
        return to_image(to_tensor(picture, _net(model).size))
    if like is not None:
        return ImageOps.fit(picture, like, Image.Resampling.LANCZOS)
    if side is not None:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    if max(picture.size) > LARGEST:
        wide, name = f"{picture.width} x {picture.height} pixels", catalog.find(model).known_as
        raise StudioError(f"{wide} are too many for {name}: shrink it to {LARGEST} a side.")
    return picture


def encode(model: str, picture: Image.Image) -> Code:
    """The code of what `net_input` returned. Kept, because a slider that moves asks for the same two again and again."""
    net, pixels = _net(model), picture.tobytes()
    key = hashlib.sha256(pixels).digest(), picture.size
    with _lock:
        kept = _codes.setdefault(net, OrderedDict())
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    code = Code(*_encoded(net, pixels, picture.size), picture.size)
    with _lock:
        kept[key] = code
        while len(kept) > KEPT:
            kept.popitem(last=False)
    return code


def decode(model: str, code: Tensor, size: tuple[int, int]) -> Pictures:
    """The pictures of codes [N, Z] or [N, C, h, w], at the size, width and height, that went in."""
    width, height = size
    return Pictures(to_image(x[:, :height, :width]) for x in ops.decode(_net(model), code))


def _net(model: str) -> Any:
    net = open_model(model, "reconstruct")[1]
    lacking = next((half for half in HALVES if half not in net.halves), None) if isinstance(net, TAESD) else None
    if lacking:
        raise StudioError(f"{catalog.find(model).known_as} has no {lacking}: import the file of the {lacking} together with it.")
    return net


def _encoded(net: nn.Module, pixels: bytes, size: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
    x = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(1, size[1], size[0], 3).permute(0, 3, 1, 2)
    x = x.float().div(127.5).sub(1)
    if isinstance(net, TAESD):
        x = F.pad(x, (0, -size[0] % net.multiple, 0, -size[1] % net.multiple), mode="replicate")
    return ops.encode(net, x)
