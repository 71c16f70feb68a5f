"""Scores on held-out pictures, each beside what the data itself and a trivial baseline reach. They stand in weights/README.md."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import device as devices
from ...metrics.diversity import coverage, novelty, spread, thumbnails
from ...metrics.frechet import activations, frechet
from ...metrics.reconstruction import gaussian_samples, principal_components, psnr
from ...metrics.restyling import gram_distance, relative
from ...metrics.sliced_wasserstein import sliced_wasserstein
from ...models.vae import VAE
from ...models.vgg import VGG
from ...ops.autoencoder import kl
from ...ops.style import CONTENT_LAYER, STYLE_LAYERS
from ..data import Pictures, to_unit

COMPARED = 64  # pixels: side at which generators of different sizes are compared


Scores = dict[str, dict[str, float]]
FeatureExtractor = Callable[[Tensor], Tensor]  # pictures [N, 3, S, S] in [-1, 1] -> features [N, D]


def _likeness(held: Tensor, pictures: Tensor, extract: FeatureExtractor | None) -> dict[str, float]:
    """Distances to the held-out pictures, and how much of them is covered."""
    distance = sliced_wasserstein(held, pictures)
    real, fake = thumbnails(held), thumbnails(pictures)[: len(held)]
    scores = {
        "swd": sum(distance.values()) / len(distance),
        "coverage": coverage(real, fake),
        "spread": spread(real, fake),
    }
    return scores if extract is None else scores | {"frechet": frechet(extract(held), extract(pictures[: len(held)]))}


def compare(train: Pictures, held: Pictures, pictures: Tensor, extract: FeatureExtractor | None = None) -> Scores:
    """Generated pictures [N, 3, S, S] in [-1, 1] beside as many training pictures (the goal) and a Gaussian (the baseline).

    With `extract` also by Frechet distance, which compares only between sets of one size: the two halves, being smaller, are a
    little far apart.
    """
    target = to_unit(held.images)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    real = to_unit(train.images[order[: max(len(held), 256)]])
    half = len(target) // 2
    shuffled = target[torch.randperm(len(target), generator=torch.Generator().manual_seed(0))]
    halves = sliced_wasserstein(shuffled[:half], shuffled[half:])
    apart = {"swd": sum(halves.values()) / len(halves)}
    if extract is not None:
        apart["frechet"] = frechet(extract(shuffled[:half]), extract(shuffled[half:]))
    fitted = gaussian_samples(to_unit(train.images[order[:3000]]), len(target))
    return {
        "model": _likeness(target, pictures, extract),
        "training pictures": _likeness(target, real, extract),
        "two halves of the held-out pictures": apart,
        "Gaussian fitted to pixels": _likeness(target, fitted, extract),
    }


@torch.no_grad()
def score_generator(net: nn.Module, train: Pictures, held: Pictures, network: VGG | None = None) -> Scores:
    """For a GAN: pictures of seeds 0, 1, 2, ... at full variety, with the classes of the held-out pictures.

    Pictures larger than COMPARED are scored at that size too, so that models of the same data compare. "novelty" is how far the
    nearest training picture is, over how far it is from a held-out one: well below 1 for a generator that copies.
    """
    net = net.cpu().eval()
    z = torch.stack([devices.normal(seed, net.latent) for seed in range(len(held))])
    pictures = torch.cat([net.without_upsampling(a, b) for a, b in zip(z.split(16), held.labels.split(16))])
    extract = None if network is None else functools.partial(activations, network)
    scores = compare(train, held, pictures, extract)
    scores["model"]["novelty"] = novelty(*(thumbnails(x) for x in (to_unit(train.images), to_unit(held.images), pictures)))
    if pictures.shape[-1] > COMPARED:
        small = compare(_shrunk(train), _shrunk(held), F.adaptive_avg_pool2d(pictures, COMPARED), extract)
        scores |= {f"{name}, at {COMPARED} px": values for name, values in small.items()}
    return scores


def _shrunk(pictures: Pictures) -> Pictures:
    """The set at COMPARED px, as `data.read` would have shrunk it."""
    small = [F.adaptive_avg_pool2d(part.float(), COMPARED).round().byte() for part in pictures.images.split(256)]
    return replace(pictures, images=torch.cat(small))


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
    restyle: Callable[[Tensor, Tensor], Tensor], contents: Tensor, styles: Tensor, network: VGG
) -> dict[str, dict[str, float]]:
    """For a one-pass style net: distance to style and content on held-out pictures, beside the contents left as they are.

    contents uint8 [N, 3, S, S]; styles uint8 [M, 3, S, S], used in turn, or one style as floats in [-1, 1] [1, 3, H, W].
    """
    x = to_unit(contents)
    y = to_unit(styles)[torch.arange(len(x)) % len(styles)] if styles.dtype == torch.uint8 else styles
    z = torch.cat([restyle(part, y[i : i + 1] if len(y) > 1 else y) for i, part in enumerate(x.split(1))]).clamp(-1, 1)
    goal, kept = network(y, STYLE_LAYERS), network(x, [CONTENT_LAYER])[CONTENT_LAYER]
    return {
        name: {
            "style distance": gram_distance(network(pictures, STYLE_LAYERS), goal).item(),
            "content distance": relative(network(pictures, [CONTENT_LAYER])[CONTENT_LAYER], kept).item(),
        }
        for name, pictures in {"restyled": z, "contents as they are": x}.items()
    }
