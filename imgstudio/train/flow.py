"""Flow matching: teaches a `models.flow.Flow` where the latent vectors of real pictures lie."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .. import device as devices
from ..models.flow import Flow

BATCH, RATE = 1024, 2e-3
BETAS = (0.9, 0.99)


def fit(flow: Flow, draw: Callable[[int], tuple[Tensor, Tensor]], steps: int) -> float:
    """Trains a flow towards codes, of which `draw` gives as many as are asked for, [N, Z] and their classes int [N].

    On the straight way from a random point to a random code, the velocity is the difference of the two; what the flow learns is
    its mean over all ways that pass a place. Returns the squared error in the end, per value: 2 at first for codes at unit
    variance, and lower the more a place tells about where the way leads.
    """
    optimiser = torch.optim.Adam(flow.parameters(), lr=RATE, betas=BETAS)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    error = 0.0
    for step in range(steps):
        codes, labels = draw(BATCH)
        noise, t = torch.randn_like(codes), torch.rand(len(codes), device=codes.device)
        with devices.autocast(codes.device, training=True):
            velocity = flow.velocity(torch.lerp(noise, codes, t[:, None]), t, labels)
        loss = (velocity.float() - (codes - noise)).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        scheduler.step()
        error += (loss.item() - error) / min(step + 1, 100)
    return error
