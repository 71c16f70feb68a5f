"""How fast style transfer is, beside the textbook's way: float32, channels first, every step at full size."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from PIL import Image
from skimage import data
from torch import nn
from torch.nn import functional as F

from .. import catalog
from ..loading import load
from ..studio import style

SIZE = 512
STEPS = 12  # in a measured run: enough for all scales to take part


@dataclass(frozen=True)
class Row:
    """One measurement. Medians, in seconds."""

    name: str
    what: str
    studio: float
    plain: float


def rows(repeats: int = 15) -> Iterator[Row]:
    """Measures every embedded model that restyles pictures."""
    repeats = max(2, repeats // 5)
    for spec in catalog.models("stylize"):
        if spec.embedded:
            yield from _MEASURES[style.kind(spec.name)](spec.name, repeats)


def _pictures() -> tuple[Image.Image, Image.Image]:
    """A content and a style."""
    return tuple(Image.fromarray(picture).resize((SIZE, SIZE)) for picture in (data.astronaut(), data.coffee()))


def _measure_optimising(name: str, repeats: int) -> Iterator[Row]:
    """A step at full size, and the average step of a run from coarse to fine, which is why a run is as short as it is."""
    content, pattern = _pictures()
    plain = _median(_plain_steps(name), repeats) / 2
    full = _median(lambda: _run(name, content, pattern, start=content, steps=STEPS), repeats)
    whole = _median(lambda: _run(name, content, pattern, steps=STEPS), repeats)
    yield Row(name, "one step", full, plain)
    yield Row(name, "average step", whole, plain)


def _run(name: str, content: Image.Image, pattern: Image.Image, **options: object) -> float:
    """Seconds a step, without what comes before the first."""
    first, *_, last = style.stylize(name, content, pattern, size=SIZE, every=STEPS, **options)
    return (last.seconds - first.seconds) / last.done


def _plain_steps(name: str) -> Callable[[], None]:
    """Two steps as in PyTorch's tutorial on style transfer, with the layers that the studio uses."""
    net = _plain(name)
    device = next(net.parameters()).device
    layers = [name for name in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "relu4_2") if name in net.layers]
    x = torch.rand(1, 3, SIZE, SIZE, device=device).requires_grad_(True)
    goal = {name: f.detach() for name, f in net(torch.rand_like(x), layers).items()}
    optimiser = torch.optim.Adam([x])

    def gram(f: torch.Tensor) -> torch.Tensor:
        rows = f.flatten(2)[0]
        return rows @ rows.T / rows.shape[1]

    def run() -> float:
        for _ in range(2):
            optimiser.zero_grad()
            found = net(x, layers)
            loss = sum(F.mse_loss(gram(found[name]), gram(goal[name])) for name in layers[:5])
            (loss + F.mse_loss(found[layers[-1]], goal[layers[-1]])).backward()
            optimiser.step()

    return _timed(run)


def _measure_pass(name: str, repeats: int) -> Iterator[Row]:
    content, pattern = _pictures()
    net, x = _plain(name), torch.rand(2, 1, 3, SIZE, SIZE)
    x = x.to(next(net.parameters()).device)
    arguments = x[:1] if style.kind(name) == "one pass" else x

    @torch.no_grad()
    def plain() -> None:
        net(*arguments).cpu()

    studio = _timed(lambda: list(style.stylize(name, content, pattern, size=SIZE)))
    yield Row(name, "one picture", _median(studio, repeats), _median(_timed(plain), repeats))


def _plain(name: str) -> nn.Module:
    """The net as PyTorch runs it by default."""
    return copy.deepcopy(load(name)).to(memory_format=torch.contiguous_format)


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return run


def _median(seconds: Callable[[], float], repeats: int) -> float:
    """Of several runs after one that warms up."""
    seconds()
    return statistics.median(seconds() for _ in range(repeats))


_MEASURES = {"optimise": _measure_optimising, "one pass": _measure_pass, "any style": _measure_pass}


def heading() -> str:
    """The table's first lines."""
    return f"\n{f'style at {SIZE} px, ms':38}" + f"{'studio':>10}{'plain':>10}{'ratio':>10}"


def line(row: Row) -> str:
    """One measurement. A ratio above 1 means that the studio is the faster one."""
    return f"{row.name:22}{row.what:16}{1000 * row.studio:10.0f}{1000 * row.plain:10.0f}{row.plain / row.studio:10.2f}"
