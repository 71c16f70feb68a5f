"""How fast the studio makes pictures, beside a plain float32 run of the same net: ratios, since times belong to a machine."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from .. import catalog, device
from ..catalog.records import Spec
from ..loading import load
from ..ops.latent.sampling import has_styles
from ..studio import interpolation, sampling
from ..studio.sampling import editing
from .timing import interleaved

MANY = 64  # pictures in the throughput run


@dataclass(frozen=True)
class Row:
    """One model. Medians, in seconds: the studio's function from seed or slider to picture, and the bare net in float32."""

    name: str
    one: float
    one_plain: float
    many: float
    many_plain: float


def rows(repeats: int = 15) -> Iterator[Row]:
    """Measures every embedded model that makes pictures out of a latent space, one after another."""
    for spec in catalog.models():
        if spec.embedded and spec.task in _STUDIO:
            yield measure(spec, repeats)


def measure(spec: Spec, repeats: int) -> Row:
    plain = _plain(spec)
    one, many = _STUDIO[spec.task](spec.name)
    return Row(
        spec.name,
        *interleaved(_counting(one), lambda: plain(1), repeats=repeats),
        *interleaved(_counting(many), lambda: plain(MANY), repeats=max(2, repeats // 4)),
    )


def _counting(work: Callable[[int], object]) -> Callable[[], object]:
    """`work` with 0, 1, 2, ...: what was made before may be remembered somewhere, and would cost nothing."""
    numbers = itertools.count()
    return lambda: work(next(numbers))


def _plain(spec: Spec) -> Callable[[int], torch.Tensor]:
    """The net as PyTorch runs it by default: float32, one batch, no thought for memory layout."""
    net = copy.deepcopy(load(spec.name)).to(memory_format=torch.contiguous_format)
    where = next(net.parameters()).device
    forward: nn.Module | Callable = net if spec.task == "sample" else net.decode

    @torch.no_grad()
    def run(count: int) -> torch.Tensor:
        z = torch.randn(count, net.latent, device=where)
        classes = (torch.zeros(count, dtype=torch.long, device=where),) if spec.task == "sample" else ()
        return forward(z, *classes).cpu()

    return run


def _sampling(name: str) -> tuple[Callable[[int], object], Callable[[int], object]]:
    """A seed's picture, or a drag on the latent pad of a model that has one; and a sheet of seeds."""
    label = _any_class(name)

    def seed(i: int) -> object:
        return sampling.sample(name, i, label=label)

    def drag(i: int) -> object:
        return editing.pad(name, 0, (i % 97) / 97, 0.2, label=label)

    def sheet(i: int) -> object:
        return sampling.sample(name, range(i, i + MANY), label=label)

    return drag if has_styles(load(name)) else seed, sheet


def _any_class(name: str) -> str | None:
    labels = catalog.find(name).labels
    return labels[0] if labels else None


def _interpolation(name: str) -> tuple[Callable[[int], object], Callable[[int], object]]:
    """A slider's step between two pictures whose codes are known, and draws from the prior."""
    a, b = interpolation.prior(name, [0, 1])
    return (
        lambda i: interpolation.blend(name, a, b, (i % 97) / 96),
        lambda i: interpolation.prior(name, range(i, i + MANY)),
    )


_STUDIO = {"sample": _sampling, "reconstruct": _interpolation}


def heading() -> str:
    """The table's first lines."""
    return (
        f"{device.describe()}, PyTorch {torch.__version__}\n"
        f"{'':22}{'one picture, ms':^30}{f'{MANY} pictures, per second':^30}\n"
        f"{'model':22}" + 2 * f"{'studio':>10}{'plain':>10}{'ratio':>10}"
    )


def line(row: Row) -> str:
    """One model of the table. A ratio above 1 means that the studio is the faster one."""
    one = f"{1000 * row.one:10.1f}{1000 * row.one_plain:10.1f}{row.one_plain / row.one:10.2f}"
    many = f"{MANY / row.many:10.0f}{MANY / row.many_plain:10.0f}{row.many_plain / row.many:10.2f}"
    return f"{row.name:22}{one}{many}"
