"""Whether a picture is of the kind that a net knows, measured by what the net makes of it, against what it makes of its own."""

from __future__ import annotations

import functools
import statistics

from .. import catalog
from ..image import to_tensor
from ..ops import autoencoder as ops
from . import interpolation, sampling

OWN = 8  # samples that a VAE's reconstructions are measured on
MARGIN = 13.0  # dB below its own samples' mean, twenty times their squared error, from which on a picture is foreign to a VAE
NEIGHBOURS = 24  # samples of a GAN among which the nearest are looked for


def kind(model: str) -> str:
    """What a model's pictures show, in words: "drawn heads"."""
    title = catalog.find(model).title.partition(",")[0]
    return title[:1].lower() + title[1:]


def vae_domain_warning(model: str, psnr: float) -> str | None:
    """A sentence for a picture that a VAE gives back this badly, in dB, that it was trained on something else; None for others,
    and for a model that takes any picture."""
    if not interpolation.can_sample(model) or psnr >= (own := _own_psnr(model)) - MARGIN:
        return None
    detail = f"{psnr:.1f} dB, where its own samples have {own:.1f}"
    return f"This net knows only {kind(model)}: it gives back the nearest that it knows ({detail})."


def gan_domain_warning(model: str, psnr: float) -> str | None:
    """A sentence for a picture that a search in a GAN's latent space ended so far from, in dB; None where it came nearer than
    the GAN's samples are to one another."""
    if psnr >= (bound := _nearest_neighbour_psnr(model)):
        return None
    detail = f"{psnr:.1f} dB; even the most isolated of its own samples has a neighbour at {bound:.1f} dB"
    return f"This net knows only {kind(model)}, and the search came no nearer to this picture than that ({detail})."


@functools.lru_cache(maxsize=64)
def _own_psnr(model: str) -> float:
    """Mean PSNR of a VAE's reconstructions of its own samples, in dB."""
    return statistics.fmean(interpolation.reconstruct(model, each).psnr for each in interpolation.prior(model, range(OWN)))


@functools.lru_cache(maxsize=64)
def _nearest_neighbour_psnr(model: str) -> float:
    """PSNR of the two samples that are nearest to each other, for the sample whose nearest is farthest, in dB."""
    made = [to_tensor(each, 64) for each in sampling.sample(model, range(NEIGHBOURS))]
    return min(max(ops.psnr(a, b) for b in made if b is not a) for a in made)
