"""Tests that walk a table of cheap cases: one test, which goes through all rows and names every one that fails."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def each_row(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Callable], Callable]:
    """As pytest.mark.parametrize, for a test whose rows need no fixtures of their own: they share those of the test.

    Several can stand above each other: all combinations are walked.
    """
    names = tuple(name.strip() for name in names.split(",")) if isinstance(names, str) else names
    cases = list(cases)

    def decorate(test: Callable) -> Callable:
        @functools.wraps(test)
        def walk(**fixtures: Any) -> None:
            failed = []
            for number, case in enumerate(cases):
                values = dict(zip(names, case if len(names) > 1 else (case,)))
                try:
                    test(**fixtures, **values)
                except Exception as error:  # every row is tried
                    failed.append(f"row {number}, {str(values)[:300]}: {type(error).__name__}: {str(error)[:500]}")
            if failed:
                pytest.fail(f"{len(failed)} of the rows fail:\n" + "\n".join(failed))

        known = inspect.signature(test).parameters.values()
        walk.__signature__ = inspect.Signature([each for each in known if each.name not in names])
        return walk

    return decorate
