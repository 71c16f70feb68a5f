"""Functions on a lent GPU, with a stand-in for ZeroGPU that forks and pickles as it does."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

import imgstudio
from imgstudio import StudioError, gpu
from imgstudio import device as devices
from imgstudio.studio import sampling, style, work
from imgstudio.studio.style import cost

STANDIN = Path(__file__).parent / "standin"
seen: list[int] = []  # what a call changes elsewhere


@pytest.fixture
def loans(tmp_path, monkeypatch) -> Callable[[], list[dict]]:
    """Turns the stand-in on; call it for the loans so far."""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setenv("STANDIN_LOG", str(tmp_path / "loans"))
    monkeypatch.syspath_prepend(STANDIN)
    (tmp_path / "loans").touch()
    yield lambda: [json.loads(line) for line in (tmp_path / "loans").read_text().splitlines()]
    sys.modules.pop("spaces", None)


def served(work: Callable[[], Any]) -> Any:
    """The result of `work` in another thread, as in a page: the main thread only builds it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def double(number: int, times: int = 1) -> tuple[int, int]:
    if number < 0:
        raise StudioError("Give a positive number.")
    if number == 13:
        raise KeyError(number)
    seen.append(number)
    return number * 2**times, os.getpid()


def count(up_to: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Checks at once, counts when asked; as the studio's functions do."""
    if up_to > 100:
        raise StudioError("Choose at most 100.")

    def numbers() -> Iterator[tuple[int, int]]:
        for number in range(start, up_to):
            if number == 7:
                raise StudioError("Seven is where it ends.")
            yield number, os.getpid()

    return numbers()


def test_without_such_a_space_functions_stay_as_they_are():
    assert gpu.on_gpu(lambda number: 5)(double) is double


def test_a_call_runs_elsewhere_for_as_long_as_its_arguments_say(loans):
    lent = gpu.on_gpu(lambda number, times: number * times)(double)
    value, process = served(lambda: lent(10, times=2))
    assert value == 40 and process != os.getpid()
    assert seen == [] and not devices.granted(), "what the other process changes is lost"
    served(lambda: lent(500))
    assert [loan["seconds"] for loan in loans()] == [21, gpu.LONGEST]


def test_light_work_and_mistakes_borrow_nothing(loans):
    lent = gpu.on_gpu(lambda number: 5 if number > 3 else 0)(double)
    assert served(lambda: lent(2)) == (4, os.getpid())
    with pytest.raises(TypeError):
        served(lambda: lent("many", "times"))
    assert loans() == []
    seen.clear()


def test_the_main_thread_builds_the_page_and_borrows_nothing(loans):
    lent = gpu.on_gpu(lambda: 5)(double)
    assert lent(4) == (8, os.getpid())
    assert loans() == []
    seen.clear()


def test_sentences_come_back_and_nothing_else_does(loans):
    lent = gpu.on_gpu(lambda: 5)(double)
    with pytest.raises(StudioError, match="Give a positive number"):
        served(lambda: lent(-1))
    with pytest.raises(Exception, match="KeyError"):
        served(lambda: lent(13))


def test_steps_come_one_by_one(loans):
    lent = gpu.on_gpu(lambda up_to: up_to, steps=True)(count)
    numbers = served(lambda: list(lent(5)))
    assert [number for number, _ in numbers] == [0, 1, 2, 3, 4]
    assert len({process for _, process in numbers} - {os.getpid()}) == 1
    assert served(lambda: list(lent(0))) == []


def test_steps_refuse_at_once_and_on_the_way(loans):
    lent = gpu.on_gpu(lambda: 5, steps=True)(count)
    with pytest.raises(StudioError, match="at most 100"):
        served(lambda: lent(101))
    steps = served(lambda: lent(10, start=6))
    assert next(steps)[0] == 6
    with pytest.raises(StudioError, match="Seven"):
        next(steps)


def test_whoever_has_seen_enough_ends_the_work(loans):
    lent = gpu.on_gpu(lambda: 5, steps=True)(lambda: ((time.sleep(0.01), number)[1] for number in range(10**6)))
    steps = served(lent)
    assert [next(steps), next(steps)] == [0, 1]
    steps.close()
    [loan] = loans()
    with pytest.raises(ProcessLookupError):
        os.kill(loan["process"], 0)


def test_a_lent_function_that_calls_another_borrows_once(loans):
    inner = gpu.on_gpu(lambda: 5)(double)
    outer = gpu.on_gpu(lambda: 9)(lambda number: (inner(number)[1], os.getpid(), devices.granted()))
    here, there, granted = served(lambda: outer(3))
    assert here == there != os.getpid() and granted
    assert [loan["seconds"] for loan in loans()] == [10]


def test_what_can_be_used_up_is_sent_whole(loans):
    lent = gpu.on_gpu(lambda: 5)(sum)
    assert served(lambda: lent(number for number in range(4))) == 6


def test_only_a_process_with_a_loan_uses_the_gpu(loans, monkeypatch):
    monkeypatch.setattr(devices, "best", lambda: torch.device("cuda"))
    assert devices.pick() == torch.device("cpu")
    assert served(gpu.on_gpu(lambda: 5)(lambda: str(devices.pick()))) == "cuda"
    monkeypatch.delenv("SPACES_ZERO_GPU")
    assert devices.pick() == torch.device("cuda")


def test_durations_follow_steps_and_size():
    asked = gpu.CostEstimate(style.stylize, cost.gpu_seconds)
    short = asked("gatys/vgg-small", "a.png", "b.png", steps=20, size=256)
    assert 0 < short < asked("gatys/vgg-small", "a.png", "b.png", steps=200, size=256)
    assert short < asked("gatys/vgg-small", "a.png", "b.png", steps=20, size=1024) < gpu.LONGEST
    assert asked("fast/udnie", "a.png", steps=1000) < 10, "one pass has no steps"
    assert asked("gatys/vgg-small", "a.png", "b.png", steps=10_000, size=2048) == gpu.LONGEST


def test_small_nets_stay_on_the_cpu():
    seconds = gpu.CostEstimate(sampling.sample, lambda model, seeds: work.estimated_seconds(model, work.count_of(seeds)))
    assert seconds("dcgan/avatars", [1, 2]) == 0
    heavy = next(spec.name for spec in imgstudio.models("sample") if not work.is_small(spec.name))
    assert 0 < seconds(heavy, [1]) < seconds(heavy, range(100))
    assert seconds("nobody/knows", [1]) == 0
