"""Walks through the latent space from seed to seed, below the sheet of the tab "Latent sampling"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.studio import pictures, sampling, seeds

from ...kit import freshness, layout, player
from ...kit.events import connect, request_stop, unqueued
from .sheet import Controls, Gallery

FRAMES, FPS = 24, 12
OPENING = (4, 8, 20, 23)  # seeds of the walk that plays before anybody asked


class WalkControls(NamedTuple):
    """The components."""

    seeds: gr.Textbox
    frames: gr.Slider
    loop: gr.Checkbox
    fps: gr.Slider
    button: gr.Button
    stop: gr.Button
    clear: gr.Button
    player: player.Player
    mark: freshness.Mark


def build(film: player.Film | None) -> WalkControls:
    """film: what plays at first."""
    with gr.Row(elem_classes="hanging band"):
        with gr.Column(scale=5, min_width=300):
            gr.HTML("<h2>A walk between seeds</h2>")
            listed = gr.Textbox(
                label="Seeds to visit",
                info="Click pictures to add them, or type. Empty: from the chosen picture to its neighbours.",
                placeholder="3, 17, 42",
                elem_id="walk-seeds",
            )
            with gr.Row(elem_classes="buttons"):
                button = gr.Button("Walk", size="md", min_width=100, elem_id="walk-button")
                stop = gr.Button("Stop", size="md", min_width=60, elem_id="walk-stop")
                clear = gr.Button("Clear the list", size="md", min_width=100, elem_id="walk-clear")
            with gr.Accordion("Pace", open=False, elem_classes="advanced", elem_id="walk-pace"):
                frames = gr.Slider(
                    2,
                    120,
                    FRAMES,
                    step=1,
                    label="Frames per leg",
                    info="Pictures from one seed to the next.",
                    elem_id="walk-frames",
                )
                fps = gr.Slider(4, 30, FPS, step=1, label="Frames per second", info="How fast the animation plays.")
                loop = gr.Checkbox(True, label="Come back to the start", elem_classes="tick")
        with gr.Column(scale=4, min_width=280, elem_classes="dated"):
            played, mark = player.build("The walk", "walk-player", film), freshness.mark()
    return WalkControls(listed, frames, loop, fps, button, stop, clear, played, mark)


def opening(spec: imgstudio.Spec, truncation: float) -> player.Film | None:
    """The walk that plays before anybody asked; None where it can't be made, such as without weights."""
    try:
        steps = sampling.walk(spec.name, OPENING, frames=FRAMES // 2, truncation=truncation)
        frames = [layout.enlarged(frame, spec.name, "auto", player.SIDE) for frame in steps]
        return player.film(frames, layout.file_name(spec.name, "walk"), FPS, f"{spec.title}: {_shortened(OPENING)}")
    except StudioError:
        return None


def wire(walk_controls: WalkControls, state: list, watch: freshness.Watch) -> None:
    """Connects the events. state: components whose values make up `Controls`. watch: of the film."""
    pace = [walk_controls.seeds, walk_controls.frames, walk_controls.loop, walk_controls.fps]
    outputs = [walk_controls.seeds, *walk_controls.player.outputs]
    connect(
        [walk_controls.button.click, walk_controls.seeds.submit],
        walk,
        [*pace, *state],
        outputs,
        show_progress="hidden",
        renews=watch,
    )
    unqueued(walk_controls.stop.click, request_stop)
    unqueued(walk_controls.clear.click, lambda: "", None, walk_controls.seeds)


def walk(request: gr.Request, text: str, frames: float, loop: bool, fps: float, *values: Any) -> Iterator[tuple]:
    """Values for the list of seeds and the player."""
    controls = Controls(*values)
    stops = seeds.parse(text)
    if len(stops) < 2:
        stops = route(controls.gallery, stops)
    total = int(frames) * (len(stops) if loop else len(stops) - 1) + (not loop)
    player.check_length(total)
    steps = sampling.walk(
        controls.model,
        stops,
        frames=int(frames),
        truncation=controls.truncation,
        loop=loop,
        label=controls.class_name(),
    )
    for played in player.play(
        steps,
        lambda frame: controls.enlarged(pictures.shrink(frame, player.SIDE), player.SIDE),
        request,
        name=controls.name("walk", *stops[:6]),
        fps=int(fps),
        total=total,
        title=f"{layout.find(controls.model).title}: {_shortened(stops)}",
    ):
        yield ", ".join(map(str, stops)), *played


def added(text: str, seed: int) -> str:
    """The list of seeds with one more at its end, unless it is there already."""
    listed = [part.strip() for part in text.split(",") if part.strip()]
    return ", ".join(listed if listed[-1:] == [str(seed)] else [*listed, str(seed)])


def route(gallery: Gallery, listed: Sequence[int]) -> list[int]:
    """For a list too short for a walk: from its seed, or the chosen picture, to the next ones of the sheet."""
    start = listed[0] if listed else gallery.chosen
    others = [seed for seed in gallery.seeds if seed > start] + [seed for seed in gallery.seeds if seed < start]
    return [start, *(others or [start + 1, start + 2])[:3]]


def _shortened(stops: Sequence[int], most: int = 8) -> str:
    """The first seeds as text."""
    return ", ".join(map(str, stops[:most])) + (" ..." if len(stops) > most else "")
