"""Two settings of an operation against each other: `grid`."""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ... import interrupt
from ...checks import check_choice, listed, shown
from ...errors import StudioError
from ..pictures import grid as sheet_of
from ..steps import Step, last
from . import drawing, page

MOST = 400  # cells
_LONGEST = 100  # values of an axis

OPERATIONS = {
    "sampling": ("sample",),
    "sampling.editing": ("mix", "edit", "pad", "feature_maps"),
    "sampling.inversion": ("invert", "complete"),
    "interpolation": ("reconstruct", "interpolate", "blend", "traverse", "prior", "attribute", "denoise"),
    "translation": ("translate",),
    "style": ("stylize",),
    "texture.synthesis": ("synthesize",),
    "texture.decomposition": ("decompose", "recompose"),
    "texture.retexture": ("retexture",),
    "texture.overlays": ("overlay",),
}
_HOME = {operation: module for module, operations in OPERATIONS.items() for operation in operations}


@dataclass(frozen=True)
class GridStep(Step):
    """One more cell is done. `image` is the sheet with its labels; cells that are still to come are empty.

    cells: rows of pictures, None for those to come; each picture carries its own record. x_labels, y_labels: of columns and rows.
    """

    cells: tuple[tuple[Image.Image | None, ...], ...] = ()
    x_labels: tuple[str, ...] = ()
    y_labels: tuple[str, ...] = ()
    title: str = ""

    def html(self) -> str:
        """The grid as one page that needs nothing else: the pictures, with their records, are in it."""
        return page.html(self.title, self.x_labels, self.y_labels, self.cells)


def grid(operation: str, *, x: Mapping[str, Any], y: Mapping[str, Any] | None = None, **fixed: Any) -> Iterator[GridStep]:
    """An operation with one or two of its arguments varied, cell by cell. Stop iterating to stop: the last step has the sheet.

        imgstudio.grid("sample", x={"truncation": [0, 0.5, 1]}, y={"seeds": range(4)}, model="dcgan/avatars")

    operation: name of a public function that makes pictures, such as "sample" or "stylize"; of its results the last step or the
               main picture is shown, several of one call as a sheet.
    x, y:      name of an argument -> its values, from left to right and from top to bottom: numbers, seeds, words, models or
               pictures. Without y there is one row.
    fixed:     the other arguments.

    At most 400 cells. Mistakes in the names of arguments and a wrong number of values raise StudioError at once, a value that the
    operation refuses when its cell is due.
    """
    check_choice("operation", operation, tuple(_HOME))
    function: Callable[..., Any] = getattr(importlib.import_module(f"..{_HOME[operation]}", __package__), operation)
    across, down = _axis("x", x), ("", [None]) if y is None else _axis("y", y)
    names = [across[0], *([down[0]] if y is not None else []), *fixed]
    _check_names(operation, function, names)
    if len(across[1]) * len(down[1]) > MOST:
        raise StudioError(f"{len(across[1])} x {len(down[1])} cells are more than {MOST}: give fewer values.")
    return _cells(operation, function, across, down, fixed)


def _axis(which: str, axis: object) -> tuple[str, list[Any]]:
    """Name and values of an axis."""
    if not isinstance(axis, Mapping) or len(axis) != 1 or not all(isinstance(name, str) for name in axis):
        raise StudioError(f'Give {which} as one argument with its values, such as {{"seeds": [1, 2, 3]}}, not as {shown(axis)}.')
    [(name, values)] = axis.items()
    return name, listed(f"values of {which}", values, _LONGEST)


def _check_names(operation: str, function: Callable[..., Any], names: list[str]) -> None:
    parameters = inspect.signature(function).parameters
    if unknown := next((name for name in names if name not in parameters), None):
        raise StudioError(f"{operation} has no argument {shown(unknown)}: choose from {', '.join(parameters)}.")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise StudioError(f"The argument {twice} is given twice: leave it out of one place.")
    lacking = [name for name, each in parameters.items() if each.default is each.empty and name not in names]
    if lacking:
        raise StudioError(f"{operation} needs {' and '.join(lacking)}: give it as an axis or a fixed argument.")


def _cells(
    operation: str, function: Callable[..., Any], x: tuple[str, list[Any]], y: tuple[str, list[Any]], fixed: dict[str, Any]
) -> Iterator[GridStep]:
    started = time.perf_counter()
    total = len(x[1]) * len(y[1])
    cells: list[list[Image.Image | None]] = [[None] * len(x[1]) for _ in y[1]]
    labels = drawing.labels(*x), drawing.labels(*y)
    sheet = drawing.Sheet(*labels)
    title = " against ".join([operation, *(name for name in (x[0], y[0]) if name)]).replace(" against ", ": ", 1)
    for number in range(total):
        interrupt.check()
        row, column = divmod(number, len(x[1]))
        varied = {x[0]: x[1][column], **({y[0]: y[1][row]} if y[0] else {})}
        made = _picture(function(**fixed, **varied))
        cells[row][column] = made
        sheet.put(made, row, column)
        kept, seconds = tuple(map(tuple, cells)), time.perf_counter() - started
        yield GridStep(number + 1, total, sheet.image(), {}, seconds, kept, *labels, title)


def _picture(made: Any) -> Image.Image:
    """The picture of a result that a cell shows."""
    if isinstance(made, Iterator):
        made = last(made)
    if isinstance(made, list | tuple):
        return made[0] if len(made) == 1 else sheet_of(list(made))
    found = made if isinstance(made, Image.Image) else getattr(made, "image", None) or getattr(made, "structure", None)
    assert isinstance(found, Image.Image), "every operation of the table has a picture"
    return found
