"""Between and around pictures, by way of a VAE's latent space."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ...checks import check_choice, check_count, check_mapping, check_range, check_seed, check_seeds, shown
from ...errors import StudioError
from ...image import Source, read, to_image, to_images, to_tensor
from ...ops import autoencoder as ops
from ...ops import latent
from ..notebook import Pictures, Rows, png
from ..records import recorded
from ..sampling import directions
from ..validation import find_model, open_model
from ..work import count_of, estimated_seconds, gpu_task
from .codes import LARGEST, SIDE, any_size, check_distribution, decode, encode, net_input

CURVES = tuple(latent.CURVES)


@dataclass(frozen=True)
class Reconstruction:
    """image: what the net makes of the picture's code; psnr in dB against the picture at the net's size; latent_norm: length
    of the code; kl: nats that the code tells about the picture, None for a net without a posterior."""

    image: Image.Image
    psnr: float
    latent_norm: float
    kl: float | None

    def _repr_png_(self) -> bytes | None:
        return png([self.image])


@dataclass(frozen=True)
class Denoised:
    """noisy: the picture with noise added; image: its reconstruction; the PSNR of both against the clean picture, in dB."""

    noisy: Image.Image
    image: Image.Image
    psnr_noisy: float
    psnr: float

    def _repr_png_(self) -> bytes | None:
        return png([self.noisy, self.image], 2)


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def reconstruct(model: str, image: Source) -> Reconstruction:
    """Through the bottleneck and back. A VAE sees the picture's middle square at its own size, a TAESD the whole picture."""
    picture = net_input(model, image)
    code = encode(model, picture)
    [made] = decode(model, code.mean, code.size)
    kl = None if code.logvar is None else ops.kl(code.mean, code.logvar).sum().item()
    return Reconstruction(made, ops.psnr(to_tensor(picture), to_tensor(made)), code.mean.norm().item(), kl)


@recorded()
@gpu_task(lambda model, steps: estimated_seconds(model, steps))
def interpolate(model: str, a: Source, b: Source, *, steps: int = 8, curve: str = "slerp", side: int = SIDE) -> Pictures:
    """`steps` pictures from a to b, the reconstructions of both included; curve is "slerp" (great arc) or "lerp" (line).

    side: longer side in pixels at most, for a model that leaves the size open; b is then cropped to the shape of a.
    """
    steps, curve = check_count("Steps", steps, 2, 240), check_choice("curve", curve, CURVES)
    a, b = read(a), read(b)
    return Pictures(blend(model, a, b, i / (steps - 1), curve=curve, side=side) for i in range(steps))


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def blend(model: str, a: Source, b: Source, t: float, *, curve: str = "slerp", side: int = SIDE) -> Image.Image:
    """The picture at position t between a (0) and b (1). Codes are kept, so that moving t costs one decoder pass."""
    curve = check_choice("curve", curve, CURVES)
    t = check_range("The position t", t, 0, 1)
    (start, end), size = _encode_alike(model, [a, b], side)
    z = latent.CURVES[curve](start.flatten(1), end.flatten(1), t).reshape(start.shape)
    return decode(model, z, size)[0]


@recorded()
@gpu_task(lambda model, size: estimated_seconds(model, size**2))
def manifold(model: str, corners: Sequence[Source], *, size: int = 7, side: int = SIDE) -> Rows:
    """A size x size sheet spanned by four pictures: top left, top right, bottom left, bottom right.

    side: longer side of each in pixels at most, for a model that leaves the size open; all get the shape of the first.
    """
    if not isinstance(corners, list | tuple) or len(corners) != 4:
        count = len(corners) if isinstance(corners, list | tuple) else shown(corners)
        raise StudioError(f"A manifold needs a list of four pictures, one a corner; there are {count}.")
    size = check_count("The size of the sheet", size, 2, 15)
    codes, shape = _encode_alike(model, corners, side)
    sheet = latent.bilinear(torch.cat(codes).flatten(1), size)  # size,size,Z
    return Rows(decode(model, row.reshape(size, *codes[0].shape[1:]), shape) for row in sheet)


def _encode_alike(model: str, images: Sequence[Source], side: int) -> tuple[list[Tensor], tuple[int, int]]:
    """The codes of pictures brought to one size, that of the first; and the size."""
    side = check_count("The side", side, 16, LARGEST)
    images = [read(image) for image in images]
    first = net_input(model, images[0], side=side)
    pictures = [first, *(net_input(model, image, like=first.size) for image in images[1:])]
    return [encode(model, picture).mean for picture in pictures], first.size


@recorded()
@gpu_task(lambda model, steps: estimated_seconds(model, steps))
def traverse(model: str, image: Source, *, dimension: int, span: float = 3.0, steps: int = 7) -> Pictures:
    """The picture with one latent dimension set to `steps` values from -span to span, in standard deviations of the prior."""
    check_distribution(model, "its code has no dimensions to vary one by one")
    span = check_range("The span", span, 0, 10)
    steps, picture = check_count("Steps", steps, 2, 120), read(image)
    net = _net(model)
    dimension = check_count("The dimension", dimension, 0, net.latent - 1)
    code = encode(model, net_input(model, picture))
    z = code.mean.repeat(steps, 1)
    z[:, dimension] = torch.linspace(-span, span, steps)
    return decode(model, z, code.size)


def dimensions(model: str) -> tuple[int, ...]:
    """Latent dimensions of a model, the one that says most about a picture first; none of a TAESD."""
    if any_size(model):
        return ()
    return tuple(_net(model).information.argsort(descending=True).tolist())


def can_sample(model: str) -> bool:
    """Whether a model can draw new pictures, and has dimensions to vary one by one. Loads nothing."""
    return not any_size(model)


@recorded()
@gpu_task(lambda model, seeds: estimated_seconds(model, count_of(seeds)))
def prior(model: str, seeds: int | Iterable[int]) -> Pictures:
    """New pictures, one a seed, from the prior that was fitted to the codes of the training pictures."""
    check_distribution(model, "it can't draw any")
    seeds = check_seeds(seeds)
    net = _net(model)
    return Pictures(to_images(ops.decode(net, torch.cat([ops.draw_prior(net, seed) for seed in seeds]))))


def attributes(model: str) -> tuple[str, ...]:
    """Names of a model's latent directions, such as "apple to tomato"; empty if its training pictures had no labels."""
    return directions.names(find_model(model, "reconstruct").labels or ())


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def attribute(model: str, image: Source, amounts: Mapping[str, float]) -> Image.Image:
    """Latent arithmetic: the picture's code plus amount times the difference of two groups' mean codes.

    amounts: name from `attributes` -> amount, 1 for the whole way; the reverse name and negative amounts lead back.
    """
    spec = find_model(model, "reconstruct")
    check_distribution(model, "it has no groups of pictures to go between")
    amounts = {
        name: check_range(f"The amount of {shown(name)}", amount, -10, 10)
        for name, amount in check_mapping("the amounts", amounts).items()
    }
    picture, net = read(image), _net(model)
    moves = [amount * directions.vector(spec.labels or (), net.group_means.cpu(), name) for name, amount in amounts.items()]
    code = encode(model, net_input(model, picture))
    z = sum(moves, code.mean)
    return decode(model, z, code.size)[0]


@recorded()
@gpu_task(lambda model: estimated_seconds(model))
def denoise(model: str, image: Source, *, noise: float = 0.3, seed: int = 0) -> Denoised:
    """Adds Gaussian noise of standard deviation `noise` (1 is black to white) and lets the bottleneck take it out again."""
    sigma, seed = check_range("The noise", noise, 0, 1), check_seed(seed)
    picture = net_input(model, image, side=SIDE)
    clean = to_tensor(picture)
    noisy = to_image(ops.add_noise(clean, sigma, seed))
    [restored] = decode(model, encode(model, noisy).mean, noisy.size)
    return Denoised(noisy, restored, ops.psnr(clean, to_tensor(noisy)), ops.psnr(clean, to_tensor(restored)))


def _net(model: str) -> Any:
    """A VAE, or a net with its methods."""
    return open_model(model, "reconstruct")[1]
