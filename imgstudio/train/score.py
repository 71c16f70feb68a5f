"""Scores on held-out pictures, each beside what the data itself and a trivial baseline reach. They stand in weights/README.md."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .. import device as devices
from ..metrics.diversity import coverage, spread, thumbnails
from ..metrics.reconstruction import gaussian_samples, principal_components, psnr
from ..metrics.restyling import gram_distance, relative
from ..metrics.sliced_wasserstein import sliced_wasserstein
from ..models.vae import VAE
from ..models.vgg import VGG
from ..ops.interpolation import kl
from ..ops.style import CONTENT_LAYER, STYLE_LAYERS
from .data import Pictures, to_unit


def _likeness(held: Tensor, pictures: Tensor) -> dict[str, float]:
    """Distance to the held-out pictures, and how much of them is covered."""
    distance = sliced_wasserstein(held, pictures)
    real, fake = thumbnails(held), thumbnails(pictures)
    return {
        "swd": sum(distance.values()) / len(distance),
        "coverage": coverage(real, fake[: len(real)]),
        "spread": spread(real, fake[: len(real)]),
    }


def compare(train: Pictures, held: Pictures, pictures: Tensor) -> dict[str, dict[str, float]]:
    """Generated pictures [N, 3, S, S] in [-1, 1] beside as many training pictures (the goal) and a Gaussian (the baseline)."""
    target = to_unit(held.images)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    real = to_unit(train.images[order[: max(len(held), 256)]])
    half = len(target) // 2
    shuffled = target[torch.randperm(len(target), generator=torch.Generator().manual_seed(0))]
    halves = sliced_wasserstein(shuffled[:half], shuffled[half:])
    fitted = gaussian_samples(to_unit(train.images[order[:3000]]), len(target))
    return {
        "model": _likeness(target, pictures),
        "training pictures": _likeness(target, real),
        "two halves of the held-out pictures": {"swd": sum(halves.values()) / len(halves)},
        "Gaussian fitted to pixels": _likeness(target, fitted),
    }


@torch.no_grad()
def score_generator(net: nn.Module, train: Pictures, held: Pictures) -> dict[str, dict[str, float]]:
    """For a GAN: pictures of seeds 0, 1, 2, ... at full variety, with the classes of the held-out pictures."""
    net = net.cpu().eval()
    z = torch.stack([devices.normal(seed, net.latent) for seed in range(len(held))])
    pictures = torch.cat([net.native(a, b) for a, b in zip(z.split(64), held.labels.split(64))])
    return compare(train, held, pictures)


@torch.no_grad()
def score_vae(net: VAE, train: Pictures, held: Pictures, groups: tuple[str, ...] = ()) -> dict[str, dict[str, float]]:
    """For a VAE: reconstruction of held-out pictures, apart for groups that training never saw, and samples of the prior."""
    net = net.cpu().eval()
    x = to_unit(held.images)
    moments = [net.encode(part) for part in x.split(64)]
    mean = torch.cat([m for m, _ in moments])
    divergence = torch.cat([kl(*moment).sum(dim=1) for moment in moments])
    restored = torch.cat([net.decode(part) for part in mean.split(64)])
    unseen = torch.tensor([any(g in name for g in groups) for name in held.names])
    linear = principal_components(to_unit(train.images[:: max(1, len(train) // 3000)]), x, net.latent)
    average = to_unit(train.images).mean(dim=0, keepdim=True).expand_as(x)
    copies = {"reconstruction": restored, f"{net.latent} principal components": linear, "mean picture": average}
    rows = {name: psnr(x, copy) for name, copy in copies.items()}
    result = {name: {"psnr": value[~unseen].mean().item()} for name, value in rows.items()}
    for name, value in rows.items():
        if unseen.any():
            result[name]["psnr of unseen kinds"] = value[unseen].mean().item()
    result["reconstruction"]["kl"] = divergence.mean().item()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(len(held), net.latent, generator=generator)
    codes = net.prior(noise, torch.rand(len(held), generator=generator))
    drawn = torch.cat([net.decode(part) for part in codes.split(64)])
    return result | {f"prior: {name}": value for name, value in compare(train, held, drawn).items()}


@torch.no_grad()
def score_restyler(
    restyle: Callable[[Tensor, Tensor], Tensor], contents: Tensor, styles: Tensor, judge: VGG
) -> dict[str, dict[str, float]]:
    """For a one-pass style net: distance to style and content on held-out pictures, beside the contents left as they are.

    contents uint8 [N, 3, S, S]; styles uint8 [M, 3, S, S], used in turn, or one style as floats in [-1, 1] [1, 3, H, W].
    """
    x = to_unit(contents)
    y = to_unit(styles)[torch.arange(len(x)) % len(styles)] if styles.dtype == torch.uint8 else styles
    z = torch.cat([restyle(part, y[i : i + 1] if len(y) > 1 else y) for i, part in enumerate(x.split(1))]).clamp(-1, 1)
    goal, kept = judge(y, STYLE_LAYERS), judge(x, [CONTENT_LAYER])[CONTENT_LAYER]
    return {
        name: {
            "style distance": gram_distance(judge(pictures, STYLE_LAYERS), goal).item(),
            "content distance": relative(judge(pictures, [CONTENT_LAYER])[CONTENT_LAYER], kept).item(),
        }
        for name, pictures in {"restyled": z, "contents as they are": x}.items()
    }
