"""What a file does not tell, found out from what it remembers: the running statistics of its batch norms are those of the net
that it was trained in, and a net with another activation would have others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..loading import mismatch
from ..models.tutorial_gan import ACTIVATIONS
from .checkpoint import State
from .recognition import Mismatch

DRAWS, FEWEST = 32, 8  # latent vectors, and with how few the errors still differ by less than CLEAR by chance
CLEAR = 0.6  # of the error of what is usual: from there on, another guess is believed
WORK = 10**10  # multiplications of a pass through the net, a second or two: for larger nets, there are fewer draws, or none
MEMORY = 128 << 20  # bytes of a layer's values, for all draws together


def best(build: type[nn.Module], kwargs: Mapping[str, Any], state: State) -> tuple[dict[str, Any], bool]:
    """The arguments with the activation that fits the batch norms best, and whether they decide it at all.

    The activation that `kwargs` names, or else the net's default, is kept unless another fits clearly better.
    Raises Mismatch unless the net takes the state.
    """
    with torch.device("meta"):
        usual = build(**kwargs)
    if problem := mismatch(usual.state_dict(), state):
        raise Mismatch(f"it looks like a generator, but {problem}")
    name = kwargs.get("activation") or next(name for name, f in ACTIVATIONS.items() if f is usual.activation)
    draws = _draws(usual)
    if draws < FEWEST or not any(key.endswith(".running_mean") for key in state):
        return {**kwargs, "activation": name}, False
    guesses = {name: _disagreement(_net(build, {**kwargs, "activation": name}, state), draws) for name in ACTIVATIONS}
    first, second = sorted(guesses, key=guesses.__getitem__)[:2]
    decided = guesses[first] < CLEAR * guesses[second]
    return {**kwargs, "activation": first if decided else name}, decided


def _net(build: type[nn.Module], kwargs: Mapping[str, Any], state: State) -> nn.Module:
    net = build(**kwargs)
    net.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in state.items()})
    return net.eval()


@torch.no_grad()
def _draws(outlined: nn.Module) -> int:
    """How many latent vectors a net on the meta device can be shown within WORK and MEMORY."""
    work, largest = 1, 1

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal work, largest
        # A transposed convolution uses each weight of a channel once a position that comes in, a linear layer once.
        work += layer.weight.numel() * (inputs[0].shape[2:].numel() if inputs[0].ndim == 4 else 1)
        largest = max(largest, output.numel())

    layers = [layer for layer in outlined.modules() if isinstance(layer, nn.ConvTranspose2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    outlined.eval()(torch.empty(1, outlined.latent, device="meta"))
    for hook in hooks:
        hook.remove()
    return min(DRAWS, WORK // work, MEMORY // (4 * largest))


@torch.no_grad()
def _disagreement(net: nn.Module, draws: int) -> float:
    """How far the means that the batch norms see are from those that they remember, in standard deviations; 0 without any.

    The first norm follows no activation, and is left out.
    """
    errors: list[Tensor] = []

    def compare(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen = inputs[0].mean(dim=[d for d in range(inputs[0].ndim) if d != 1])
        errors.append(((seen - norm.running_mean) / (norm.running_var + norm.eps).sqrt()).square().mean())

    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(compare) for norm in norms]
    net(torch.randn(draws, net.latent, generator=torch.Generator().manual_seed(0)))
    for hook in hooks:
        hook.remove()
    return torch.stack(errors[1:]).mean().sqrt().item() if len(errors) > 1 else 0.0


def assumed(activation: str, output: str, sure: bool) -> str:
    """What was assumed about a net, as a sentence for people; `sure` as of `best`."""
    used = f"{'Leaky ReLU' if activation == 'leaky relu' else 'ReLU'} between its layers"
    if sure:
        return f"That there is a {used} follows from its batch norms; {output} at the end is assumed."
    return f"A {used} and {output} at the end are assumed, for the file does not tell."
