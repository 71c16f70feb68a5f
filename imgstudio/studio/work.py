"""What all functions that run nets share: a GPU where one is lent, and an answer when memory runs out."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, ParamSpec, TypeVar, cast

from torch import Tensor, nn
from torch.nn.modules import module as modules

from .. import catalog, gpu, interrupt, loading
from .. import device as devices
from ..errors import StudioError
from .scheduler import current_work, scheduler

P = ParamSpec("P")
R = TypeVar("R")

_START = 3.0  # seconds until the weights are on a lent GPU
LIGHT = 10_000_000  # bytes: files of this size hold nets for small pictures, which a CPU makes in no time
FULL = "The device ran out of memory: choose a smaller size or fewer pictures at once."


def gpu_task(seconds: gpu.Seconds, *, steps: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a studio function that runs nets.

    It takes turns with what other threads run (see `scheduler`). Where a GPU is lent by the call, it borrows one for `seconds`
    (see `gpu.on_gpu`); where memory runs out, the nets at rest give theirs back and the caller gets one sentence.

    steps: the function returns an iterator.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def work(*args: P.args, **kwargs: P.kwargs) -> Any:
            interrupt.check()
            job = current_work()
            with _turn(job), _explain_memory_errors():
                made = function(*args, **kwargs)
            return _checked_steps(cast("Iterator[Any]", made), job) if steps else made

        return cast("Callable[P, R]", gpu.on_gpu(seconds, steps=steps)(work))

    return decorate


def _turn(job: interrupt.Work) -> contextlib.AbstractContextManager[None]:
    """A lent GPU is one's own for as long as it is lent."""
    return contextlib.nullcontext() if devices.granted() else scheduler.turn(job)


@contextlib.contextmanager
def _explain_memory_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not devices.out_of_memory(error):
            raise
        loading.release()
        raise StudioError(FULL) from error


def _checked_steps(steps: Iterator[Any], job: interrupt.Work) -> Iterator[Any]:
    """The steps; each takes a turn of its own."""
    try:
        while True:
            interrupt.check()
            with _turn(job), _explain_memory_errors():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step
    finally:
        if hasattr(steps, "close"):
            steps.close()


def interruptible() -> None:
    """From now on, nets look after each layer, on the way there and back, whether anybody still wants the result."""
    if not _hooks:
        _hooks.append(modules.register_module_forward_hook(_forward_hook))


_hooks: list[Any] = []


def _forward_hook(module: nn.Module, _: Any, made: Any) -> None:  # noqa: ARG001
    if interrupt.current() is None:
        return
    interrupt.check()
    if isinstance(made, Tensor) and made.requires_grad:
        made.register_hook(_backward_hook)


def _backward_hook(_: Tensor) -> None:
    interrupt.check()


# --- what a call takes on a lent GPU ---


def is_small(model: str) -> bool:
    """True for nets whose pictures a CPU makes in no time. An autoencoder of others may take pictures of any size."""
    spec = catalog.find(model)
    return spec.size < LIGHT and (spec.task == "sample" or (spec.task == "reconstruct" and spec.embedded))


def estimated_seconds(model: str, pictures: int = 1, each: float = 0.05) -> float:
    """Seconds for so many pictures through a model, `each` of which takes so long."""
    return 0.0 if is_small(model) else _START + pictures * each


def count_of(things: Iterable[Any] | int) -> int:
    """How many there are, as far as one can tell without using them up."""
    return len(things) if isinstance(things, Sized) else 1 if isinstance(things, int) else 16


def megapixels(side: int) -> float:
    """Of a square picture."""
    return side**2 / 1e6
