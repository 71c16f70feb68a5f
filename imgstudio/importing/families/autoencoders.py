"""Autoencoders: the TAESD family, and the fully connected VAE of the tutorials."""

from __future__ import annotations

import re

from ...catalog import credits
from ...catalog.records import Task
from ...models import taesd, tutorial_gan, tutorial_vae
from ..checkpoint import State
from ..recognition import Mismatch, Recognised

_FAMILY = {4: "Stable Diffusion 1 and 2, or SDXL", 16: "Stable Diffusion 3 or FLUX.1", 32: "FLUX.2"}  # by channels of a latent
_BLOCK = re.compile(r"((encoder|decoder)\.(layers\.)?)?\d+\.conv\.4\.weight")


def tiny(state: State, task: Task | None) -> Recognised | None:
    """TAESD: one half or both, by its own names or by those of diffusers."""
    if not any(_BLOCK.fullmatch(key) for key in state):
        return None
    try:
        kwargs, _ = taesd.recognise(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a TAESD, but {error}") from error
    halves = " and ".join(kwargs["halves"])
    home = _FAMILY.get(kwargs["latent"])
    said = f"The {halves} of a TAESD with {kwargs['latent']} channels in its latents, as of {home}." if home else ""
    lacking = next((half for half in taesd.HALVES if half not in kwargs["halves"]), None)
    return Recognised(
        task="reconstruct",
        build="imgstudio.models.taesd:TAESD",
        kwargs=kwargs,
        convert=taesd.own_keys,
        title="TAESD" if lacking is None else f"TAESD, {halves} only",
        said=said or f"The {halves} of a TAESD with {kwargs['latent']} channels in its latents.",
        doubt=f"To see pictures, bring the {lacking} together with it." if lacking else "",
        paper=credits.TAESD,
    )


def dense(state: State, task: Task | None) -> Recognised | None:
    """fc1, fc21, fc22, fc3, fc4, and the like."""
    if not any(re.fullmatch(r"fc\d1\.weight", key) for key in state):
        return None
    try:
        kwargs, _ = tutorial_vae.recognise(state)
        _, size = tutorial_gan.picture_of(kwargs["encoder"][0])
    except ValueError as error:
        raise Mismatch(f"it looks like a fully connected VAE, but {error}") from error
    units = ", ".join(map(str, kwargs["encoder"][1:]))
    return Recognised(
        task="reconstruct",
        build="imgstudio.models.tutorial_vae:DenseVAE",
        kwargs=kwargs,
        convert=tutorial_vae.own_keys,
        title=f"Fully connected VAE, {size} px",
        said=f"A fully connected VAE of {size} × {size} px: {kwargs['latent']} latent numbers, by way of {units} units.",
        doubt="ReLU between its layers and a sigmoid at the end are assumed, as in the tutorials.",
        paper=credits.VAE,
    )


FAMILIES = [tiny, dense]
