"""The part "Mixing" of "Steer": coarse styles from one picture, fine styles from another (Karras et al. 2019, figure 3)."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from imgstudio.errors import StudioError
from imgstudio.studio import pictures, seeds
from imgstudio.studio.sampling import editing
from imgstudio.studio.sampling.latents import Latent

from ...kit import layout
from ...kit.events import Stopwatch
from ...kit.theme import ASSETS
from .editing_point import Base, Point

HERE = "here"  # stands for the point at hand among the seeds
ROWS, COLUMNS = "1, 2, 3", "4, 6, 8, 9"
MOST = 8  # rows, and columns
SIDE, GAP, MARGIN = 1120, 8, 20  # of the sheet, px; between cells, and between the sources and the mixtures
SMALLEST = 64


class Cell(NamedTuple):
    """A picture of the sheet."""

    place: Latent
    title: str  # of a source, what was written in the box
    source: bool = True


class Grid(NamedTuple):
    """The sheet that is shown there, row by row, from its upper left corner, where there is no picture."""

    cells: tuple[Cell | None, ...] = ()


class Mixing(NamedTuple):
    """The components."""

    tab: gr.Tab
    sheet: gr.Image
    layer: gr.HTML
    line: gr.HTML
    words: gr.HTML
    rows: gr.Textbox
    columns: gr.Textbox
    crossover: gr.Slider
    grid: gr.State

    @property
    def controls(self) -> list[Any]:
        return [self.rows, self.columns, self.crossover]

    @property
    def outputs(self) -> list[Any]:
        """The components, in the order of what `mix` returns."""
        return [self.sheet, self.layer, self.line, self.words, self.crossover, self.grid]


def build(count: int) -> Mixing:
    """count: of layers."""
    with gr.Tab("Mixing", id="mix") as tab:
        with gr.Column(elem_classes="stack"):
            sheet = layout.result("Mixing grid", elem_id="steer-mix", alt_text="Mixing grid")
            layer = gr.HTML(
                "", js_on_load=(ASSETS / "cells.js").read_text(encoding="utf-8"), elem_id="steer-mix-cells", elem_classes="lens"
            )
        line = layout.facts_line()
        crossover = gr.Slider(
            0,
            count,
            count // 2,
            step=1,
            label="Crossover",
            info="How many layers, from the coarsest on, follow the rows.",
            elem_id="steer-crossover",
        )
        words = gr.HTML(explained(count // 2, count), elem_id="steer-mix-words")
        with gr.Row():
            rows = gr.Textbox(
                ROWS, label="Rows: coarse", info=f'Seeds, or "{HERE}" for the point at hand.', elem_id="steer-rows", min_width=180
            )
            columns = gr.Textbox(
                COLUMNS, label="Columns: fine", info="A click on a picture goes there.", elem_id="steer-columns", min_width=180
            )
        grid = gr.State(Grid())  # in here: anything but a tab, put among tabs, would mix up their titles
    return Mixing(tab, sheet, layer, line, words, rows, columns, crossover, grid)


def explained(crossover: int, count: int) -> str:
    """What comes from where, in words."""
    share = crossover / max(count, 1)
    if share in (0, 1):
        words = f"Everything comes from the {'rows' if share else 'columns'}."
    elif share <= 0.34:
        words = "The rows give pose and outline only; all else comes from the columns."
    elif share <= 0.67:
        words = "The rows give pose and shape; the columns give parts, colours and strokes."
    else:
        words = "The rows give pose, shape and parts; the columns give colours and strokes only."
    return f'<p class="help">{words}</p>'


def parse(text: str, point: Point) -> list[tuple[int | Latent, str]]:
    """What to mix, and what each is called: "here, 3, 7-9"."""
    found: list[tuple[int | Latent, str]] = []
    for part in filter(None, re.split(r"[,;\s]+", text.strip())):
        if part.casefold() == HERE:
            found.append((point.latent(), HERE))
        else:
            found += [(seed, str(seed)) for seed in seeds.parse(part)]
    if not 1 <= len(found) <= MOST:
        raise StudioError(f"Mixing takes from 1 to {MOST} seeds a side, such as 1, 2, 3; there are {len(found)}.")
    return found


def mix(rows: str, columns: str, crossover: float, *values: Any) -> tuple:
    """Values for `Mixing.outputs`."""
    watch, point = Stopwatch(), Point.of(*values)
    count = len(editing.layers(point.model))
    crossover = min(int(crossover), count)
    coarse, fine = (_places(parse(text, point), point) for text in (rows, columns))
    cells: list[Cell | None] = [None, *fine]
    for a in coarse:
        mixtures = [editing.mix_latent(point.model, a.place, b.place, crossover=crossover) for b in fine]
        cells += [a, *(Cell(place, f"Mix of {a.title} and {b.title}", False) for place, b in zip(mixtures, fine))]
    made = iter(point.draw([cell.place for cell in cells if cell]))
    sheet, boxes = _arrange([next(made) if cell else None for cell in cells], len(fine) + 1, point)
    line = layout.facts(f"{len(coarse) * len(fine)} mixtures", watch.seconds)
    settings = {**point.settings(), "task": "mix", "rows": rows, "columns": columns, "crossover": crossover}
    path = layout.save_result(sheet, layout.file_name(point.model, "mixing"), settings)
    slider = gr.update(maximum=count, value=crossover)
    return path, _layer(cells, boxes, sheet.size), line, explained(crossover, count), slider, Grid(tuple(cells))


def _places(sources: Sequence[tuple[int | Latent, str]], point: Point) -> list[Cell]:
    """The sources with their styles, truncated as the point is."""
    return [Cell(editing.edit_latent(point.model, source, {}, **point.chosen()), title) for source, title in sources]


Box = tuple[int, int, int, int]  # left, top, width, height, px


def _arrange(made: Sequence[Image.Image | None], columns: int, point: Point) -> tuple[Image.Image, list[Box]]:
    """The pictures as one, the first row and column a little apart, and where each of them is."""
    rows, side = len(made) // columns, max(SMALLEST, (SIDE - MARGIN) // columns - GAP)

    def offset(index: int) -> int:
        return index * (side + GAP) + (MARGIN if index else 0)

    sheet = Image.new("RGB", (offset(columns) - GAP, offset(rows) - GAP), "white")
    boxes = []
    for index, picture in enumerate(made):
        row, column = divmod(index, columns)
        boxes.append((offset(column), offset(row), side, side))
        if picture:
            sheet.paste(point.enlarged(pictures.shrink(picture, side), side), boxes[-1][:2])
    return sheet, boxes


def _layer(cells: Sequence[Cell | None], boxes: Sequence[Box], size: tuple[int, int]) -> str:
    """A button on each picture; the sources show their names."""
    names = ("left", "top", "width", "height")
    buttons = []
    for index, (cell, box) in enumerate(zip(cells, boxes)):
        if cell is None:
            continue
        style = ";".join(f"{name}:{100 * value / size[i % 2]:.3f}%" for i, (name, value) in enumerate(zip(names, box)))
        label = html.escape(cell.title)
        shown = f"<span>{label}</span>" if cell.source else ""
        buttons.append(f'<button type="button" data-cell="{index}" style="{style}" aria-label="{label}">{shown}</button>')
    return f'<div class="cells" style="aspect-ratio:{size[0]}/{size[1]}">{"".join(buttons)}</div>'


def chosen(event: gr.SelectData, grid: Grid) -> Base | None:
    """A click on a picture: what lies there; None for the point at hand itself."""
    cell = grid.cells[event.index] if 0 <= event.index < len(grid.cells) else None
    if cell is None or cell.title == HERE:
        return None
    return Base(f"Seed {cell.title}" if cell.source else cell.title, cell.place)
