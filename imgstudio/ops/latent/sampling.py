"""Pictures from a generator's latent vectors.

What is called a latent vector here is what a generator's pictures vary evenly in: z [Z] itself, or the code [Z] to which a flow
carries it, or, of a StyleGAN2, the intermediate w [W], also as one vector a layer [L, W].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ... import device as devices
from ...models.fastgan import FastGAN
from ...models.stylegan2 import Generator
from .. import latent, pieces
from . import styles


def has_styles(net: nn.Module) -> bool:
    """True for a generator whose latent vectors are styles w (a StyleGAN2): it can mix, edit and invert."""
    return isinstance(net, Generator)


def has_flow(net: nn.Module) -> bool:
    """True for a generator that first carries z to where the codes of real pictures lie, see `models.flow`."""
    return getattr(net, "flow", None) is not None  # generators in the layouts of others know of none


@torch.no_grad()
def latents(net: nn.Module, seeds: list[int], labels: Tensor, psi: float = 1.0) -> Tensor:
    """Latent vectors of seeds, one of the classes `labels` int [N] each, on the CPU: [N, Z], or [N, W] of a StyleGAN2.

    One at a time, because matrix products round differently for different batch sizes. With a flow, they are what it leads to,
    and truncated where it sets out: all that lies on its ways is like something real, which the middle between styles is not.
    There z shrinks by the cube root of psi. N(0, I) in many dimensions is a thin shell, and all that a flow has ever seen: in
    96 dimensions, nine tenths of the mean length are 1.4 deviations away from it, and seven tenths are 4, where ways begin to
    lead to what is like nothing.
    """
    z = torch.stack([devices.normal(seed, net.latent) for seed in seeds])
    if has_flow(net):
        z = psi ** (1 / 3) * z
    elif not has_styles(net):
        return z
    device, carry = net.centre.device, net.map if has_styles(net) else net.codes
    return torch.cat([carry(a.to(device), b.to(device)).cpu() for a, b in zip(z.split(1), labels.split(1))])


def truncate(net: nn.Module, vectors: Tensor, psi: float, labels: Tensor) -> Tensor:
    """Latent vectors drawn towards the centre of their class: along arcs in z, in a straight line in w. With a flow they come
    truncated from `latents`."""
    if has_flow(net):
        return vectors
    rule = styles.truncate if has_styles(net) else latent.truncate
    return rule(vectors, psi, net.centre.cpu()[labels])


@torch.no_grad()
def generate(net: nn.Module, vectors: Tensor, labels: Tensor, noise: int | None = 0) -> Tensor:
    """Latent vectors [N, Z], [N, W] or [N, L, W] and classes int [N] -> pictures float32 [N, 3, H, W] in [-1, 1], on the CPU.

    noise: its seed, for nets that add some; None leaves it out.

    On a CPU the pictures are made one at a time: kernels round differently for different batch sizes, and a seed has to give
    the same picture alone and in a grid, to the bit. A sheet of small pictures takes up to three times as long for it.
    """
    device = next(net.parameters()).device
    size = 1 if device.type == "cpu" else 32
    planes = net.noise(noise) if isinstance(net, Generator | FastGAN) and noise is not None else None

    def make(part: slice) -> Tensor:
        some, classes = vectors[part].to(device), labels[part].to(device)
        with devices.autocast(device):
            return _synthesize(net, some, classes, planes).float().cpu()

    return torch.cat(list(pieces.batches(make, len(vectors), size)))


def _synthesize(net: nn.Module, vectors: Tensor, classes: Tensor, planes: Sequence[Tensor] | None) -> Tensor:
    if has_styles(net):
        return net.synthesis(vectors, planes).clamp(-1, 1)
    if has_flow(net):
        return net.picture(vectors, classes)
    return net(vectors, classes, planes) if isinstance(net, FastGAN) else net(vectors, classes)


@torch.no_grad()
def feature_maps(net: Generator, w: Tensor, layer: int, noise: int | None = 0) -> Tensor:
    """The activations [C, H, W] of one layer while the picture of w [1, W] or [1, L, W] is made, on the CPU."""
    device = net.centre.device
    with devices.autocast(device):
        maps, _ = net.features(w.to(device), None if noise is None else net.noise(noise))
    return maps[layer][0].float().cpu()
