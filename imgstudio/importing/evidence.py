"""What a file does not tell, found out from what it remembers: the running statistics of its batch norms are those of the net
that it was trained in, and a net with another activation would have others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..models.tutorial_gan import ACTIVATIONS
from .checkpoint import State

DRAWS = 32  # latent vectors
CLEAR = 0.6  # of the error of what is usual: from there on, another guess is believed


def best(build: type[nn.Module], kwargs: Mapping[str, Any], state: State) -> tuple[dict[str, Any], bool]:
    """The arguments with the activation that fits the batch norms best, and whether they decide it at all.

    The activation that `kwargs` names, or else the net's default, is kept unless another fits clearly better.
    """
    usual = _net(build, kwargs, state)
    guesses = {name: _disagreement(_net(build, {**kwargs, "activation": name}, state)) for name in ACTIVATIONS}
    name = kwargs.get("activation") or next(name for name, f in ACTIVATIONS.items() if f is usual.activation)
    first, second = sorted(guesses, key=guesses.__getitem__)[:2]
    decided = guesses[first] < CLEAR * guesses[second]
    return {**kwargs, "activation": first if decided else name}, decided


def _net(build: type[nn.Module], kwargs: Mapping[str, Any], state: State) -> nn.Module:
    net = build(**kwargs)
    fitting = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    net.load_state_dict(fitting, strict=False)
    return net.eval()


@torch.no_grad()
def _disagreement(net: nn.Module) -> float:
    """How far the means that the batch norms see are from those that they remember, in standard deviations; 0 without any.

    The first norm follows no activation, and is left out.
    """
    errors: list[Tensor] = []

    def compare(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen = inputs[0].mean(dim=[d for d in range(inputs[0].ndim) if d != 1])
        errors.append(((seen - norm.running_mean) / (norm.running_var + norm.eps).sqrt()).square().mean())

    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(compare) for norm in norms]
    net(torch.randn(DRAWS, net.latent, generator=torch.Generator().manual_seed(0)))
    for hook in hooks:
        hook.remove()
    return torch.stack(errors[1:]).mean().sqrt().item() if len(errors) > 1 else 0.0
