"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum whose directions are all made equally long.

The gradient of a matrix of weights has a few strong directions, in which Adam goes most of its way. Muon goes equally far in all
of them. What only few pictures ask for, such as a mouth, is a weak direction: a generator in latent distillation learned it in
about half as many pictures.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

# Newton-Schulz iteration x -> a x + b (x x^T) x + c (x x^T)^2 x: five rounds with these coefficients take every singular value
# from 0.003 to 1 to between 0.68 and 1.21. Coefficients that lead to exactly 1 lift small ones about half as much a round.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROUNDS = 5
NARROW = 16  # matrices with fewer rows or columns move as with Adam
GAIN = 0.5  # root mean square of a change beside the learning rate; Adam's are 0.2 to 0.4 (Liu et al. 2025, arXiv:2502.16982)


class Muon(torch.optim.Optimizer):
    """For weights of layers: [C', C] and [C', C, K, K], which count as [C', C K K]. Everything else moves as with Adam.

    groups: (parameters, learning rate), as for `gan.trainer.adam`; betas: decay of the momentum, and of Adam's squared gradients.
    """

    def __init__(self, groups: Iterable[tuple[list[nn.Parameter], float]], betas: tuple[float, float]):
        super().__init__([{"params": params, "lr": rate, "full": rate} for params, rate in groups], {"betas": betas})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    change = self._change(parameter, *group["betas"])
                    parameter.add_(change, alpha=-group["lr"])

    def _change(self, parameter: nn.Parameter, beta: float, decay: float) -> Tensor:
        state, gradient = self.state[parameter], parameter.grad
        if not state:
            state["step"], state["mean"] = 0, torch.zeros_like(gradient)
        state["step"] += 1
        mean = state["mean"].lerp_(gradient, 1 - beta)
        if is_matrix(parameter):
            ahead = torch.lerp(gradient, mean, beta).flatten(1)  # Nesterov's momentum
            return orthogonal(ahead).view_as(gradient) * (GAIN * max(ahead.shape) ** 0.5)
        square = state.setdefault("square", torch.zeros_like(gradient)).lerp_(gradient.square(), 1 - decay)
        return mean / (1 - beta ** state["step"]) / ((square / (1 - decay ** state["step"])).sqrt() + 1e-8)


def is_matrix(parameter: Tensor) -> bool:
    """Whether a parameter leads from several values to several."""
    return parameter.ndim in (2, 4) and min(parameter.flatten(1).shape) >= NARROW


def orthogonal(matrix: Tensor) -> Tensor:
    """[M, N] -> about U V^T of its singular value decomposition U S V^T: the same directions, all of about length 1.

    A round multiplies x by a polynomial of the small square matrix x x^T, and all these commute: they are multiplied with each
    other, and with x only once.
    """
    a, b, c = COEFFICIENTS
    x = matrix / (matrix.norm() + 1e-12)
    wide = x if x.shape[0] <= x.shape[1] else x.T
    gram, product = wide @ wide.T, torch.eye(len(wide), device=x.device)
    for _ in range(ROUNDS):
        factor = b * gram + c * gram @ gram
        factor.diagonal().add_(a)
        product = factor @ product
        gram = factor @ gram @ factor
    wide = product @ wide
    return wide if x.shape[0] <= x.shape[1] else wide.T
