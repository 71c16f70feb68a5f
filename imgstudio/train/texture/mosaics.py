"""Mosaics of textures with their exact truth, fresh at every step: what texture segmentation is learned from and judged on."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..features.scenes import members

SIDE = 320  # px a side of every sample of a texture, after a tile was repeated


@dataclass(frozen=True)
class Bank:
    """Textures, each with one or more samples, uint8 [3, SIDE, SIDE]; `photographed` are those with several samples."""

    names: tuple[str, ...]
    samples: tuple[tuple[Tensor, ...], ...]

    @property
    def photographed(self) -> list[int]:
        return [i for i, samples in enumerate(self.samples) if len(samples) > 1]

    @property
    def tiles(self) -> list[int]:
        return [i for i, samples in enumerate(self.samples) if len(samples) == 1]


def read_textures(path: Path, every: int = 5) -> tuple[Bank, Bank]:
    """Training and held-out textures of `materials/<texture>/*` and `tiles128/<category>/<texture>`.

    Held out is one texture in `every`, by the hash of its name, with all of its samples.
    """
    found: dict[str, list[Tensor]] = defaultdict(list)
    for name, picture in members(path):
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)  # 3,h,w
        material = "materials" in name.split("/")
        texture = name.rpartition("/")[0] if material else name
        while not material and texture in found:  # the archive holds different tiles of one name
            texture += "'"
        found[texture].append(_filled(pixels))
    held = {name for name in found if int(hashlib.sha256(name.rstrip("'").encode()).hexdigest(), 16) % every == 0}
    return _bank(found, set(found) - held), _bank(found, held)


def _bank(found: dict[str, list[Tensor]], names: set[str]) -> Bank:
    chosen = tuple(sorted(names))
    return Bank(chosen, tuple(tuple(found[name]) for name in chosen))


def _filled(pixels: Tensor) -> Tensor:
    """A tile repeated to SIDE x SIDE; a larger sample cut to it."""
    _, height, width = pixels.shape
    repeated = pixels.repeat(1, -(-SIDE // height), -(-SIDE // width))
    return repeated[:, :SIDE, :SIDE].contiguous()


@dataclass(frozen=True)
class Look:
    """How textures appear in a mosaic: `scales` they are shown at, whether turned, how much the light changes (0 to 1),
    and the shares of mosaics that are grey, or grey with all regions equal in mean and contrast."""

    scales: tuple[float, float] = (0.6, 1.7)
    turned: bool = True
    light: float = 1.0
    grey: float = 0.1
    equalised: float = 0.5


def exam_look(equalised: bool) -> Look:
    """Textures as they are: what nets are scored on."""
    return Look(scales=(1.0, 1.0), turned=False, light=0.0, grey=0.0, equalised=float(equalised))


def territories(counts: list[int], size: int, *, extra: int = 3) -> Tensor:
    """Region numbers int64 [N, size, size] with curved borders, counts[n] regions in picture n, each of which is there.

    Cells of a Voronoi diagram in warped coordinates; up to `extra` more cells than regions, so that some have two parts.
    """
    n = len(counts)
    axis = torch.linspace(0, 1, size)
    places = torch.stack(torch.meshgrid(axis, axis, indexing="ij")).expand(n, 2, size, size)
    warp = sum(
        strength * F.interpolate(torch.randn(n, 2, knots, knots), size, mode="bicubic", align_corners=True)
        for knots, strength in ((4, 0.07), (9, 0.025))
    )
    warped = places + warp * torch.rand(n, 1, 1, 1) * 1.5
    found = []
    for here, count in zip(warped, counts):
        cells = count + int(torch.randint(0, extra + 1, ()))
        seeds = torch.rand(cells, 2, 1, 1)
        owner = torch.cat([torch.arange(count), torch.randint(0, count, (cells - count,))])
        found.append(owner[(here - seeds).square().sum(dim=1).argmin(dim=0)])
    return _numbered(torch.stack(found), counts)


def _numbered(labels: Tensor, counts: list[int]) -> Tensor:
    """Draws those pictures again in which a region has (almost) no pixels."""
    least = labels[0].numel() // 100
    short = [i for i, count in enumerate(counts) if (torch.bincount(labels[i].flatten(), minlength=count) < least).any()]
    if short:
        labels[short] = territories([counts[i] for i in short], labels.shape[-1], extra=0)
    return labels


def _view(sample: Tensor, size: int, box: tuple[slice, slice], look: Look) -> Tensor:
    """A random square of a sample, scaled, mirrored and turned: the `box` of it, float [3, h, w] in [-1, 1]."""
    low, high = (math.log(scale) for scale in look.scales)
    scale = math.exp(low + (high - low) * torch.rand(()).item())
    angle = math.tau * torch.rand(()).item() if look.turned and torch.rand(()) < 0.6 else 0.0
    span = size / (SIDE * scale)  # of the sample, whose own span is 1
    across, down = ((torch.rand(2) * 2 - 1) * max(0.0, 1 - span)).tolist()
    mirror = 1 - 2 * int(look.turned and torch.rand(()) < 0.5)
    cosine, sine = span * math.cos(angle), span * math.sin(angle)
    theta = torch.tensor([[[cosine * mirror, -sine, across], [sine * mirror, cosine, down]]])
    grid = F.affine_grid(theta, [1, 3, size, size], align_corners=False)[:, box[0], box[1]]
    x = sample[None].float().div(127.5).sub(1)
    if scale < 0.85:  # shrinking without a filter would alias
        x = F.avg_pool2d(x, 2, stride=1, padding=1, count_include_pad=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)[0]


def _box(inside: Tensor) -> tuple[slice, slice]:
    """The smallest rectangle that holds a mask [S, S]."""
    spans = []
    for dim in (1, 0):
        places = inside.any(dim=dim).nonzero()
        spans.append(slice(int(places.min()), int(places.max()) + 1))
    return spans[0], spans[1]


def _equalised(x: Tensor, inside: Tensor) -> Tensor:
    """Grey x [3, h, w] with mean 0 and deviation 0.35 over the mask [h, w]."""
    found = x[0][inside]
    return ((x - found.mean()) / found.std(correction=0).clamp_min(0.02) * 0.35).clamp(-1, 1)


def _greyed(x: Tensor) -> Tensor:
    return (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=0, keepdim=True).expand(3, -1, -1)


def draw(bank: Bank, counts: list[int], size: int, look: Look) -> tuple[Tensor, Tensor]:
    """Mosaics float [N, 3, size, size] in [-1, 1] and their truth int64 [N, size, size]. No texture comes twice in a batch.

    Random numbers are torch's own: call `torch.manual_seed` for a certain batch.
    """
    labels = territories(counts, size)
    textures = iter(_choose(bank, sum(counts)))
    pictures = torch.stack([_mosaic(bank, [next(textures) for _ in range(k)], labels[i], look) for i, k in enumerate(counts)])
    return pictures, labels


def _choose(bank: Bank, count: int) -> list[int]:
    """Distinct textures, two of five photographed ones: there are fewer of those, with more to see in each."""
    photographed, tiles = (torch.tensor(kind)[torch.randperm(len(kind))].tolist() for kind in (bank.photographed, bank.tiles))
    some = min(len(photographed), max(round(0.4 * count), count - len(tiles)))
    chosen = photographed[:some] + tiles[: count - some]
    if len(chosen) < count:
        raise ValueError(f"{count} different textures are wanted, and there are {len(bank.names)}")
    return [chosen[i] for i in torch.randperm(count)]


def _mosaic(bank: Bank, textures: list[int], labels: Tensor, look: Look) -> Tensor:
    size, kind = labels.shape[-1], torch.rand(()).item()
    grey, equalised = kind < look.grey + look.equalised, kind < look.equalised
    picture = torch.zeros(3, size, size)
    for number, texture in enumerate(textures):
        samples = bank.samples[texture]
        inside = labels == number
        box = _box(inside)
        inside, place = inside[box], picture[:, box[0], box[1]]
        x = _view(samples[int(torch.randint(len(samples), ()))], size, box, look)
        x = _greyed(x) if grey else x
        x = _equalised(x, inside) if equalised else x
        contrast, brightness = 1 + 0.2 * look.light * (torch.rand(2) * 2 - 1)
        place.copy_(torch.where(inside, x * contrast + (brightness - 1), place))
    return _lit(picture, look.light).clamp(-1, 1)


def _lit(picture: Tensor, light: float) -> Tensor:
    """Light that falls from one side, and the blur and noise of a camera, each in some of the pictures."""
    size = picture.shape[-1]
    if torch.rand(()) < 0.5 * light:
        slope, axis = torch.randn(2) * 0.12, torch.linspace(-1, 1, size)
        picture = (picture + 1) * (1 + slope[0] * axis[:, None] + slope[1] * axis) - 1
    if torch.rand(()) < 0.3 * light:
        share = torch.rand(()) * 0.8
        picture = picture + share * (F.avg_pool2d(picture[None], 3, 1, 1, count_include_pad=False)[0] - picture)
    if torch.rand(()) < 0.3 * light:
        picture = picture + torch.randn_like(picture) * torch.rand(()) * 0.06
    return picture
