"""Work that is ended from outside: the long loops of every operation ask whether to go on."""

from __future__ import annotations

import contextvars
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from table import each_row
from torch import nn

from imgstudio import interrupt
from imgstudio.errors import StudioError
from imgstudio.ops import guided, lines, pieces, tiles
from imgstudio.ops.texture import clustering, decomposition, quilting, segmentation
from imgstudio.studio import work
from imgstudio.ui.api import ENDPOINTS, bounds
from imgstudio.ui.server import addresses
from imgstudio.ui.server.settings import settings

NOISE = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))


class Counted(interrupt.Work):
    """Ends itself when it is asked for the second time."""

    asks = 0

    def check(self) -> None:
        self.asks += 1
        if self.asks == 2:
            self.end(interrupt.GONE)
        super().check()


def quilt() -> None:
    sample = NOISE.permute(1, 2, 0).numpy()
    list(quilting.quilt(sample, 96, 96, patch=24, random=np.random.default_rng(0)))


LOOPS = {
    "k-means": lambda: clustering.kmeans(nn.functional.normalize(torch.rand(400, 8)), 6),
    "relative total variation": lambda: decomposition.rtv(NOISE, 0.5),
    "total variation": lambda: decomposition.rof(NOISE, 0.5),
    "quilting": quilt,
    "regions": lambda: segmentation.edge_aware_filter(
        torch.rand(3, 32, 32), segmentation.edge_weights(torch.rand(8, 32, 32), NOISE[:, :32, :32])
    ),
    "strokes": lambda: lines.stroke_noise(NOISE[None], NOISE[None, :1], 8.0, 1.0),
    "guided filter": lambda: guided.guided_upsample(NOISE[None], NOISE[None], NOISE[None]),
    "tiles": lambda: list(tiles.tiled(lambda x: x, NOISE[None], side=16, margin=4)),
    "batches": lambda: list(pieces.batches(lambda part: part, 8, 1)),
}


@each_row("loop", LOOPS.values())
def test_every_long_loop_can_be_ended(loop):
    with interrupt.running(Counted()), pytest.raises(interrupt.Ended):
        loop()
    assert interrupt.current() is None
    loop()  # and goes on where nobody ends it


def test_a_net_is_left_between_its_layers_and_on_the_way_back():
    work.interruptible()
    seen: list[str] = []

    class Layer(nn.Linear):
        def forward(self, x):
            seen.append("layer")
            return super().forward(x)

    net = nn.Sequential(Layer(4, 4), Layer(4, 4), Layer(4, 4))
    with interrupt.running(Counted()), pytest.raises(interrupt.Ended):
        net(torch.rand(1, 4))
    assert len(seen) == 2
    task = interrupt.Work()
    with interrupt.running(task):
        loss = net(torch.rand(1, 4)).sum()
        task.end(interrupt.STOPPED)
        with pytest.raises(interrupt.Ended):
            loss.backward()
    net(torch.rand(1, 4)).sum().backward()


def test_work_is_ended_from_another_thread_and_known_there():
    task = interrupt.Work()
    with interrupt.running(task):
        context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(lambda: interrupt.current().end(interrupt.GONE),))
    thread.start()
    thread.join()
    with pytest.raises(interrupt.Ended):
        task.check()
    task.tell(interrupt.FAILED)
    task.end(interrupt.LATE)
    assert task.outcome == interrupt.GONE


def test_time_is_over_for_a_step_only_after_the_grace(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(interrupt, "time", SimpleNamespace(monotonic=lambda: now[0]))
    task = interrupt.Work(10, grace=5)
    now[0] = 112.0
    task.check()
    assert task.late
    now[0] = 116.0
    with pytest.raises(interrupt.Ended, match="timed out"):
        task.check()


def test_every_endpoint_has_smaller_bounds_than_python():
    """By the names of the parameters, so that a new endpoint has them too."""
    import inspect

    too_much = {"steps": settings().steps + 1, "size": settings().pixels + 1, "count": 65, "seeds": "0-64", "model": "x" * 3000}
    tried = set()
    for function in ENDPOINTS:
        names = inspect.signature(function).parameters
        values = {name: None if each.default is each.empty else each.default for name, each in names.items()}
        check = bounds.bounded(function)
        for name in names.keys() & too_much.keys():
            tried.add(name)
            with pytest.raises(StudioError, match=f"{name}.* goes up to"):
                check(**{**values, name: too_much[name]})
        for name, value in values.items():
            if isinstance(value, float):
                for wrong in (float("nan"), float("inf"), 1e300, True):
                    with pytest.raises(StudioError, match=f"{name} is a number"):
                        check(**{**values, name: wrong})
    assert tried == too_much.keys()


def request(host: str, forwarded: str = "") -> SimpleNamespace:
    return SimpleNamespace(client=SimpleNamespace(host=host), headers={"x-forwarded-for": forwarded} if forwarded else {})


def test_an_address_is_that_of_the_connection_and_of_ipv6_the_network():
    """What a proxy says is put in its place before, where it is believed (`test_server_doors.py`)."""
    assert addresses.address(request("203.0.113.5", "198.51.100.1")) == "203.0.113.5"
    assert addresses.address(request("2001:db8::1")) == addresses.address(request("2001:db8::2:3")) == "2001:db8::"
    assert addresses.address(request("::ffff:203.0.113.5")) == "203.0.113.5"
