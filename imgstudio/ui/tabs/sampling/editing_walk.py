"""Below the parts of "Steer": the points that a visitor saved, and a walk through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import pictures, sampling
from imgstudio.studio.sampling.latents import Latent

from ...kit import freshness, layout, player
from ...kit.events import connect, instant, request_stop
from .editing_point import Point

FRAMES, FPS, MOST = 24, 12, 48
EMPTY = '<p class="help">Save points that you like: they are kept here, and can be walked through.</p>'
FULL = '<p class="help">A click on a point brings it back, with all its settings.</p>'


class Saved(NamedTuple):
    """A point that was saved."""

    point: Point
    latent: Latent
    path: str  # of its picture
    caption: str


class Shelf(NamedTuple):
    """All points that were saved, and which of them is chosen."""

    saved: tuple[Saved, ...] = ()
    chosen: int | None = None


class Walk(NamedTuple):
    """The components."""

    strip: gr.Gallery
    hint: gr.HTML
    remove: gr.Button
    clear: gr.Button
    button: gr.Button
    stop: gr.Button
    pace: list[Any]
    player: player.Player
    shelf: gr.State
    mark: freshness.Mark

    @property
    def shown(self) -> list[Any]:
        """The components, in the order of what `show` returns."""
        return [self.strip, self.hint, self.remove, self.clear, self.shelf]


def build() -> Walk:
    """The band."""
    with gr.Row(elem_classes="hanging band"):
        with gr.Column(scale=5, min_width=300):
            gr.HTML("<h2>A walk through saved points</h2>")
            hint = gr.HTML(EMPTY)
            strip = layout.strip("Saved points", 6, elem_id="steer-saved", elem_classes=["sheet"])
            with gr.Row(elem_classes="buttons"):
                button = gr.Button("Walk", size="md", min_width=100, elem_id="steer-walk")
                stop = gr.Button("Stop", size="md", min_width=60, elem_id="steer-walk-stop")
                remove = gr.Button("Remove", size="md", min_width=80, interactive=False, elem_id="steer-remove")
                clear = gr.Button("Clear", size="md", min_width=70, interactive=False, elem_id="steer-clear")
            pace = _pace()
        with gr.Column(scale=4, min_width=280, elem_classes="dated"):
            played, mark = player.build("The walk through saved points", "steer-player"), freshness.mark()
    return Walk(strip, hint, remove, clear, button, stop, pace, played, gr.State(Shelf()), mark)


def _pace() -> list[Any]:
    with gr.Accordion("Pace", open=False, elem_classes="advanced", elem_id="steer-pace"):
        return [
            gr.Slider(
                2,
                120,
                FRAMES,
                step=1,
                label="Frames per leg",
                info="Pictures from one point to the next.",
                elem_id="steer-frames",
            ),
            gr.Checkbox(True, label="Come back to the start", elem_classes="tick"),
            gr.Slider(4, 30, FPS, step=1, label="Frames per second", info="How fast the animation plays."),
        ]


def wire(walk: Walk, save: gr.Button, state: list[Any], watch: freshness.Watch) -> None:
    """Connects all but a click on a point, which changes the other controls. state: components that make up a `Point`. watch: of
    the film."""
    connect(save.click, keep, [walk.shelf, *state], walk.shown, show_progress="hidden")
    instant(walk.remove.click, remove, walk.shelf, walk.shown)
    instant(walk.clear.click, lambda: show(Shelf()), None, walk.shown)
    instant(walk.stop.click, request_stop)
    asked = [walk.shelf, *walk.pace, *state]
    connect(walk.button.click, stroll, asked, walk.player.outputs, show_progress="hidden", renews=watch)


def show(shelf: Shelf) -> tuple:
    """Values for `Walk.shown`."""
    tiles = [(saved.path, saved.caption) for saved in shelf.saved]
    chosen = -1 if shelf.chosen is None else shelf.chosen  # Gradio leaves the mark where it is for None
    some = gr.update(interactive=bool(shelf.saved))
    strip = gr.update(value=tiles, selected_index=chosen)
    return strip, FULL if shelf.saved else EMPTY, some, some, shelf


def keep(shelf: Shelf, *values: Any) -> tuple:
    """Saves the point: values for `Walk.shown`."""
    if len(shelf.saved) >= MOST:
        raise StudioError(f"{MOST} points are saved already: remove one first.")
    point = Point.of(*values)
    small = point.enlarged(pictures.shrink(point.picture(), layout.TILE), layout.TILE)
    path = layout.keep(small, point.name("saved", len(shelf.saved) + 1), point.settings())
    moved = ", moved" if point.moves() else ""
    saved = Saved(point, point.latent(), path, point.told() + moved)
    return show(Shelf((*shelf.saved, saved), len(shelf.saved)))


def remove(shelf: Shelf) -> tuple:
    """Takes the chosen point away, or else the last one."""
    place = len(shelf.saved) - 1 if shelf.chosen is None else shelf.chosen
    return show(Shelf(tuple(saved for index, saved in enumerate(shelf.saved) if index != place)))


def choose(event: gr.SelectData, shelf: Shelf) -> tuple[Point | None, Shelf]:
    """A click on a point: the point, or None where it is gone already, and the shelf with that one chosen."""
    if not 0 <= event.index < len(shelf.saved):
        return None, shelf
    return shelf.saved[event.index].point, shelf._replace(chosen=event.index)


def stroll(request: gr.Request, shelf: Shelf, frames: float, loop: bool, fps: float, *values: Any) -> Iterator[tuple]:
    """Through all saved points of the chosen model: values for the player."""
    point = Point.of(*values)
    stops = [saved for saved in shelf.saved if saved.point.model == point.model]
    if len(stops) < 2:
        raise StudioError('A walk needs two points of this model: press "Save this one" at places that you like.')
    total = int(frames) * (len(stops) if loop else len(stops) - 1) + (not loop)
    player.check_length(total)
    places = [saved.latent for saved in stops]
    noise = point.noise()
    yield from player.play(
        sampling.walk(point.model, places, frames=int(frames), loop=loop, noise=noise),
        lambda frame: point.enlarged(pictures.shrink(frame, player.SIDE), player.SIDE),
        request,
        name=layout.file_name(point.model, "walk"),
        fps=int(fps),
        total=total,
        title=f"{layout.find(point.model).title}: {len(stops)} points",
    )
