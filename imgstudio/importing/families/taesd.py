"""The TAESD family: one half or both, by its own names or by those of the diffusers library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ...models.taesd import HALVES
from ..checkpoint import State
from ..keys import need
from ..recognition import Mismatch, Recognised

_FAMILY = {4: "Stable Diffusion 1 and 2, or SDXL", 16: "Stable Diffusion 3 or FLUX.1", 32: "FLUX.2"}  # by channels of a latent
_BLOCK = re.compile(r"((encoder|decoder)\.(layers\.)?)?\d+\.conv\.4\.weight")


def recognise(state: State, task: Task | None) -> Recognised | None:
    """TAESD: one half or both, by its own names or by those of diffusers."""
    if not any(_BLOCK.fullmatch(key) for key in state):
        return None
    try:
        kwargs, _ = layout(state)
    except ValueError as error:
        raise Mismatch(f"it looks like a TAESD, but {error}") from error
    halves = " and ".join(kwargs["halves"])
    home = _FAMILY.get(kwargs["latent"])
    said = f"The {halves} of a TAESD with {kwargs['latent']} channels in its latents, as of {home}." if home else ""
    lacking = next((half for half in HALVES if half not in kwargs["halves"]), None)
    return Recognised(
        task="reconstruct",
        build="imgstudio.models.taesd:TAESD",
        kwargs=kwargs,
        convert=own_keys,
        title="TAESD" if lacking is None else f"TAESD, {halves} only",
        said=said or f"The {halves} of a TAESD with {kwargs['latent']} channels in its latents.",
        doubt=f"To see pictures, bring the {lacking} together with it." if lacking else "",
        paper=credits.TAESD,
    )


def layout(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments for TAESD, and the tensors under our keys, of a file with one half or both.

    Names are those of the original, `0.weight`, `1.conv.0.weight`, with or without `encoder.` and `decoder.` before them, or
    those of the diffusers library, `encoder.layers.0.weight`, whose decoder counts from one less.
    Raises ValueError that names the key that is wrong.
    """
    named = state if any(key.startswith(HALVES) for key in state) else {f"{_half(state)}.{key}": v for key, v in state.items()}
    ours = {_own_name(key): value for key, value in named.items()}
    halves = tuple(half for half in HALVES if any(key.startswith(half) for key in ours))
    widest = ours.get("encoder.14.weight"), ours.get("decoder.1.weight")
    if widest[0] is None and widest[1] is None:
        raise ValueError("encoder.14.weight and decoder.1.weight are missing")
    latent = need(ours, "encoder.14.weight", 4).shape[0] if widest[0] is not None else need(ours, "decoder.1.weight", 4).shape[1]
    return {"latent": latent, "pool": any(".pool." in key for key in ours), "halves": halves}, ours


def own_keys(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public file under our keys: `layout` for a model whose arguments are known."""
    return layout(state)[1]


def _half(state: Mapping[str, Any]) -> str:
    """Which half a file without prefixes holds: only an encoder begins by looking at three colours."""
    first = state.get("0.weight")
    return "encoder" if isinstance(first, Tensor) and first.ndim == 4 and first.shape[1] == 3 else "decoder"


def _own_name(key: str) -> str:
    found = re.fullmatch(r"(encoder|decoder)\.(layers\.)?(\d+)\.(.+)", key)
    if found is None:
        raise ValueError(f"{key} is unknown")
    half, diffusers, number, rest = found.groups()
    shift = 1 if diffusers and half == "decoder" else 0  # there, the clamp is no layer
    return f"{half}.{int(number) + shift}.{rest}"
