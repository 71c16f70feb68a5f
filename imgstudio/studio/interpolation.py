"""Between and around pictures, by way of a VAE's latent space."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from ..errors import StudioError
from ..image import Source, read, to_image, to_images, to_tensor
from ..models.vae import VAE
from ..ops import interpolation as ops
from ..ops import latent
from . import directions
from .nets import check_count, check_range, check_seeds, open_model


@dataclass(frozen=True)
class Reconstruction:
    """image: what the net makes of the picture's code; psnr in dB against the picture at the net's size; latent_norm: length
    of the code; kl: nats that the code tells about the picture."""

    image: Image.Image
    psnr: float
    latent_norm: float
    kl: float


@dataclass(frozen=True)
class Denoised:
    """noisy: the picture with noise added; image: its reconstruction; the PSNR of both against the clean picture, in dB."""

    noisy: Image.Image
    image: Image.Image
    psnr_noisy: float
    psnr: float


def reconstruct(model: str, image: Source) -> Reconstruction:
    """Through the bottleneck and back. The picture's middle square is used, at the net's size."""
    net = _net(model)
    mean, logvar = _encode(model, image)
    picture = to_image(ops.decode(net, mean))
    psnr = ops.psnr(to_tensor(image, net.size), to_tensor(picture))
    return Reconstruction(picture, psnr, mean.norm().item(), ops.kl(mean, logvar).sum().item())


def interpolate(model: str, a: Source, b: Source, *, steps: int = 8, curve: str = "slerp") -> list[Image.Image]:
    """`steps` pictures from a to b, the reconstructions of both included; curve is "slerp" (great arc) or "lerp" (line)."""
    steps = check_count("Steps", steps, 2, 240)
    return [blend(model, a, b, i / (steps - 1), curve=curve) for i in range(steps)]


def blend(model: str, a: Source, b: Source, t: float, *, curve: str = "slerp") -> Image.Image:
    """The picture at position t between a (0) and b (1). Codes are kept, so that moving t costs one decoder pass."""
    if curve not in latent.CURVES:
        raise StudioError(f"There is no curve {curve!r}: choose one of {', '.join(latent.CURVES)}.")
    t = check_range("The position t", t, 0, 1)
    z = latent.CURVES[curve](_encode(model, a)[0], _encode(model, b)[0], t)
    return to_image(ops.decode(_net(model), z))


def manifold(model: str, corners: Sequence[Source], *, size: int = 7) -> list[list[Image.Image]]:
    """A size x size sheet spanned by four pictures: top left, top right, bottom left, bottom right."""
    if len(corners) != 4:
        raise StudioError(f"A manifold needs four pictures, one a corner; there are {len(corners)}.")
    size = check_count("The size of the sheet", size, 2, 15)
    sheet = latent.bilinear(torch.cat([_encode(model, corner)[0] for corner in corners]), size)  # size,size,Z
    return [to_images(ops.decode(_net(model), row)) for row in sheet]


def traverse(model: str, image: Source, *, dimension: int, span: float = 3.0, steps: int = 7) -> list[Image.Image]:
    """The picture with one latent dimension set to `steps` values from -span to span, in standard deviations of the prior."""
    net = _net(model)
    dimension = check_count("The dimension", dimension, 0, net.latent - 1)
    span = check_range("The span", span, 0, 10)
    steps = check_count("Steps", steps, 2, 120)
    z = _encode(model, image)[0].repeat(steps, 1)
    z[:, dimension] = torch.linspace(-span, span, steps)
    return to_images(ops.decode(net, z))


def dimensions(model: str) -> tuple[int, ...]:
    """Latent dimensions of a model, the one that says most about a picture first."""
    return tuple(_net(model).information.argsort(descending=True).tolist())


def prior(model: str, seeds: int | Iterable[int]) -> list[Image.Image]:
    """New pictures, one a seed, from the prior that was fitted to the codes of the training pictures."""
    net = _net(model)
    return to_images(ops.decode(net, torch.cat([ops.draw_prior(net, seed) for seed in check_seeds(seeds)])))


def attributes(model: str) -> tuple[str, ...]:
    """Names of a model's latent directions, such as "apple to tomato"; empty if its training pictures had no labels."""
    spec, _ = open_model(model, "reconstruct")
    return directions.names(spec.labels or ())


def attribute(model: str, image: Source, amounts: Mapping[str, float]) -> Image.Image:
    """Latent arithmetic: the picture's code plus amount times the difference of two groups' mean codes.

    amounts: name from `attributes` -> amount, 1 for the whole way; the reverse name and negative amounts lead back.
    """
    spec, _ = open_model(model, "reconstruct")
    net, z = _net(model), _encode(model, image)[0]
    for name, amount in amounts.items():
        amount = check_range(f"The amount of {name!r}", amount, -10, 10)
        z = z + amount * directions.vector(spec.labels or (), net.group_means.cpu(), name)
    return to_image(ops.decode(net, z))


def denoise(model: str, image: Source, *, noise: float = 0.3, seed: int = 0) -> Denoised:
    """Adds Gaussian noise of standard deviation `noise` (1 is black to white) and lets the bottleneck take it out again."""
    net = _net(model)
    sigma = check_range("The noise", noise, 0, 1)
    clean = to_tensor(image, net.size)
    noisy = to_image(ops.add_noise(clean, sigma, *check_seeds(seed)))
    restored = to_image(ops.decode(net, ops.encode(net, to_tensor(noisy))[0]))
    return Denoised(noisy, restored, ops.psnr(clean, to_tensor(noisy)), ops.psnr(clean, to_tensor(restored)))


def _net(model: str) -> VAE:
    return open_model(model, "reconstruct")[1]


def _encode(model: str, image: Source) -> tuple[Tensor, Tensor]:
    """Posterior mean and log variance [1, Z] of the picture's middle square."""
    net = _net(model)
    x = to_tensor(read(image), net.size)
    return _codes(net, x.add(1).mul(127.5).round().byte().numpy().tobytes())


@functools.lru_cache(maxsize=256)
def _codes(net: VAE, pixels: bytes) -> tuple[Tensor, Tensor]:
    """Codes by the pixels of a picture at the net's size: a slider that moves asks for the same two again and again."""
    x = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(1, 3, net.size, net.size)
    return ops.encode(net, x.float().div(127.5).sub(1))
