"""Turns among threads: urgent work first, visitors one after the other, nobody starves, and nothing waits for ever."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from torch import nn

from imgstudio import interrupt
from imgstudio.interrupt import Ended, Work
from imgstudio.studio import work as studio_work
from imgstudio.studio.scheduler import POLL, STARVED, Priority, Scheduler, _Turn, scheduler

PATIENCE = 20


class Clock:
    """Seconds that pass only when a test moves them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def by(name: str, **options) -> Work:
    return Work(owner=("10.0.0.1", name), **options)


def until(condition) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def order_of(turns: Scheduler, calls: list[tuple[str, Work]], before=lambda: None) -> list[str]:
    """In which order calls that wait behind somebody else's turn get theirs."""
    order: list[str] = []

    def call(name: str, work: Work) -> None:
        with turns.turn(work):
            order.append(name)

    with turns.turn(by("first")):
        threads = []
        for count, (name, work) in enumerate(calls, 1):
            threads.append(threading.Thread(target=call, args=(name, work)))
            threads[-1].start()
            until(lambda: turns.waiting == count)  # noqa: B023
        before()
    for thread in threads:
        thread.join(PATIENCE)
    return order


def test_previews_come_before_single_results_and_those_before_long_work():
    long = by("a")
    long.computed = 60.0
    calls = [("long", long), ("single", by("b")), ("preview", by("c", live=True))]
    assert order_of(Scheduler(clock=Clock()), calls) == ["preview", "single", "long"]


def test_what_has_computed_for_long_is_long_work():
    turns = {kind: _Turn(by("a", live=kind == "live"), 0.0) for kind in ("live", "plain")}
    assert turns["live"].priority == Priority.PREVIEW and turns["plain"].priority == Priority.SINGLE
    for turn in turns.values():
        turn.bill(5.0)
    assert {turn.priority for turn in turns.values()} == {Priority.LONG}


def test_visitors_take_turns_whoever_asks_more():
    clock = Clock()
    turns = Scheduler(clock=clock)
    for name in ("a", "b"):
        clock.now += 1
        with turns.turn(by(name)):
            pass
    calls = [(f"{name}{count}", by(name)) for name, count in (("b", 1), ("b", 2), ("a", 1), ("a", 2))]
    assert order_of(turns, calls)[0] == "a1"


def test_no_kind_of_work_starves_beside_more_urgent_work():
    clock = Clock()
    long = by("a")
    long.computed = 60.0
    calls = [("long", long), ("preview", by("b", live=True)), ("preview", by("c", live=True))]

    def wait() -> None:
        clock.now += 2 * STARVED

    turns = Scheduler(clock=clock)
    assert order_of(turns, calls)[0] == "preview"
    with turns.turn(by("d", live=True)):
        pass  # previews were served just now, long work never
    assert order_of(turns, calls, wait)[0] == "long"


def test_more_urgent_work_goes_first_between_two_layers():
    order: list[str] = []
    begun, asked = threading.Event(), threading.Event()

    def slow() -> None:
        job = by("a")
        job.computed = 60.0
        with scheduler.turn(job):
            begun.set()
            asked.wait(PATIENCE)
            until(lambda: scheduler.waiting == 1)
            order.append("long, first half")
            interrupt.check()  # as every layer does
            order.append("long, second half")

    def quick() -> None:
        begun.wait(PATIENCE)
        asked.set()
        with scheduler.turn(by("b", live=True)):
            order.append("preview")

    threads = [threading.Thread(target=each) for each in (slow, quick)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert order == ["long, first half", "preview", "long, second half"]


def test_work_that_is_ended_leaves_the_line_and_waiting_costs_no_time():
    turns = Scheduler()
    ended, kept = by("a"), Work(POLL, owner=("", "b"))
    outcomes: list[str] = []

    def wait(work: Work) -> None:
        try:
            with turns.turn(work):
                outcomes.append("computed")
        except Ended as end:
            outcomes.append(end.outcome)

    with turns.turn(by("c")):
        threads = [threading.Thread(target=wait, args=(each,)) for each in (ended, kept)]
        for thread in threads:
            thread.start()
        until(lambda: turns.waiting == 2)
        ended.end(interrupt.GONE)
        threads[0].join(PATIENCE)
        assert outcomes == ["gone"] and turns.waiting == 1
        time.sleep(3 * POLL)  # more than `kept` may compute for
    threads[1].join(PATIENCE)
    assert outcomes == ["gone", "computed"] and not kept.late


def test_an_error_in_a_turn_frees_it():
    turns = Scheduler()
    with pytest.raises(ValueError), turns.turn(by("a")):
        raise ValueError
    with turns.turn(by("b")), turns.turn(by("b")):  # and a turn within a turn is the same one
        assert turns.waiting == 0


def test_threads_of_a_script_share_the_processor_and_get_what_each_gets_alone():
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(6))).requires_grad_(False)

    @studio_work.gpu_task(lambda: 0, steps=True)
    def steps(seed: int):
        x = torch.randn(1, 8, 32, 32, generator=torch.Generator().manual_seed(seed))
        for _ in range(5):
            x = net(x).tanh()
            yield x

    alone = {seed: list(steps(seed))[-1] for seed in range(6)}
    found: dict[int, torch.Tensor] = {}
    threads = [threading.Thread(target=lambda seed=seed: found.update({seed: list(steps(seed))[-1]})) for seed in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert all(torch.equal(found[seed], alone[seed]) for seed in alone) and scheduler.waiting == 0
