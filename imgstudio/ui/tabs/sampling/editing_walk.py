"""Below the parts of "Steer": the points that a visitor saved, and a walk through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import pictures, sampling
from imgstudio.studio.sampling.latents import Latent

from ...kit import freshness, layout, player
from ...kit.events import connect, request_stop, unqueued
from .editing_point import Point

FRAMES, FPS, MOST = 24, 12, 48
EMPTY = '<p class="help">Save points that you like: they are kept here, and can be walked through.</p>'
FULL = '<p class="help">A click on a point brings it back, with all its settings.</p>'


class SavedPoint(NamedTuple):
    """A point that was saved."""

    point: Point
    latent: Latent
    path: str  # of its picture
    caption: str


class SavedPoints(NamedTuple):
    """All points that were saved, and which of them is chosen."""

    saved: tuple[SavedPoint, ...] = ()
    chosen: int | None = None


class Walk(NamedTuple):
    """The components."""

    strip: gr.Gallery
    hint: gr.HTML
    remove: gr.Button
    clear: gr.Button
    button: gr.Button
    stop: gr.Button
    speed: list[Any]
    player: player.Player
    saved_points: gr.State
    mark: freshness.Mark

    @property
    def shown(self) -> list[Any]:
        """The components, in the order of what `show` returns."""
        return [self.strip, self.hint, self.remove, self.clear, self.saved_points]


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
            speed = _speed_controls()
        with gr.Column(scale=4, min_width=280, elem_classes="dated"):
            played, mark = player.build("The walk through saved points", "steer-player"), freshness.mark()
    return Walk(strip, hint, remove, clear, button, stop, speed, played, gr.State(SavedPoints()), mark)


def _speed_controls() -> list[Any]:
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
    connect(save.click, keep, [walk.saved_points, *state], walk.shown, show_progress="hidden")
    unqueued(walk.remove.click, remove, walk.saved_points, walk.shown)
    unqueued(walk.clear.click, lambda: show(SavedPoints()), None, walk.shown)
    unqueued(walk.stop.click, request_stop)
    asked = [walk.saved_points, *walk.speed, *state]
    connect(walk.button.click, walk_through, asked, walk.player.outputs, show_progress="hidden", renews=watch)


def show(saved_points: SavedPoints) -> tuple:
    """Values for `Walk.shown`."""
    tiles = [(saved.path, saved.caption) for saved in saved_points.saved]
    chosen = -1 if saved_points.chosen is None else saved_points.chosen  # Gradio leaves the mark where it is for None
    some = gr.update(interactive=bool(saved_points.saved))
    strip = gr.update(value=tiles, selected_index=chosen)
    return strip, FULL if saved_points.saved else EMPTY, some, some, saved_points


def keep(saved_points: SavedPoints, *values: Any) -> tuple:
    """Saves the point: values for `Walk.shown`."""
    if len(saved_points.saved) >= MOST:
        raise StudioError(f"{MOST} points are saved already: remove one first.")
    point = Point.of(*values)
    small = point.enlarged(pictures.shrink(point.picture(), layout.TILE), layout.TILE)
    path = layout.save_result(small, point.name("saved", len(saved_points.saved) + 1), point.settings())
    moved = ", moved" if point.moves() else ""
    saved = SavedPoint(point, point.latent(), path, point.title() + moved)
    return show(SavedPoints((*saved_points.saved, saved), len(saved_points.saved)))


def remove(saved_points: SavedPoints) -> tuple:
    """Takes the chosen point away, or else the last one."""
    place = len(saved_points.saved) - 1 if saved_points.chosen is None else saved_points.chosen
    return show(SavedPoints(tuple(saved for index, saved in enumerate(saved_points.saved) if index != place)))


def choose(event: gr.SelectData, saved_points: SavedPoints) -> tuple[Point | None, SavedPoints]:
    """A click on a point: the point, or None where it is gone already, and the saved points with that one chosen."""
    if not 0 <= event.index < len(saved_points.saved):
        return None, saved_points
    return saved_points.saved[event.index].point, saved_points._replace(chosen=event.index)


def walk_through(
    request: gr.Request, saved_points: SavedPoints, frames: float, loop: bool, fps: float, *values: Any
) -> Iterator[tuple]:
    """Through all saved points of the chosen model: values for the player."""
    point = Point.of(*values)
    stops = [saved for saved in saved_points.saved if saved.point.model == point.model]
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
