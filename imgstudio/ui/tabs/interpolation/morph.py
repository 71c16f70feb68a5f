"""The first view of the tab "VAE interpolation": the way from A to B, by hand, as a strip and as a film."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.studio import interpolation, pictures

from ...kit import freshness, layout, player, slots
from ...kit.events import Stopwatch

STEPS = 8  # pictures of a filmstrip
FRAMES, FPS = 24, 12
LARGE = 512  # side of the morph, px
CURVES = [("Arc (slerp)", "slerp"), ("Straight line (lerp)", "lerp")]
WAYS = {"slerp": "keeps its distance from the middle of the latent space.", "lerp": "takes the short cut through the middle."}


class Morph(NamedTuple):
    """The components of the view."""

    tab: gr.Tab
    picture: gr.Image
    line: gr.HTML
    strips: tuple[gr.Gallery, ...]  # in the order of CURVES
    t: gr.Slider
    curve: gr.Radio
    player: player.Player
    mark: freshness.Mark
    film_mark: freshness.Mark

    @property
    def outputs(self) -> list[Any]:
        return [self.picture, self.line, *self.strips]


def build(shown: tuple | None, film: player.Film | None) -> Morph:
    """shown: values for `Morph.outputs` at first. film: the animation that plays there at first."""
    picture, line, *rows = shown or (None, "", None, None)
    with gr.Tab("Morph", id="morph") as tab:
        with gr.Row(elem_classes="hanging"):
            with gr.Column(min_width=280, elem_classes="dated"):
                picture = layout.result("Between A and B", value=picture, elem_id="morph-picture", alt_text="Between A and B")
                line, mark = layout.facts_line(line), freshness.mark()
                t = gr.Slider(0, 1, 0.5, step=0.01, label="From A to B", info="0 is A, 1 is B.", elem_id="morph-t")
                curve = gr.Radio(CURVES, value="slerp", label="Path", info="How the way runs through the latent space.")
            with gr.Column(min_width=280, elem_classes="dated"):
                played, film_mark = player.build("The morph as an animation", "morph-player", film), freshness.mark()
        strips = []
        for (title, name), value in zip(CURVES, rows):
            gr.HTML(f"<p><strong>{title}</strong> {WAYS[name]}</p>", elem_classes="strip-title")
            strips.append(layout.strip(title, STEPS, value=value, elem_id=f"strip-{name}", elem_classes=["film", "sheet"]))
    return Morph(tab, picture, line, tuple(strips), t, curve, played, mark, film_mark)


def blend(model: str, a: str, b: str, look: str, t: float, curve: str) -> tuple[str, str]:
    """Values for (the picture at t, its fact line)."""
    watch = Stopwatch()
    picture = interpolation.blend(model, a, b, t, curve=curve)
    line = layout.facts(f"t = {t:.2f}", watch.seconds, f"{picture.width} × {picture.height} px")
    settings = {"task": "interpolate", "model": model, "t": t, "curve": curve, **slots.provenance(a=a, b=b)}
    large = layout.enlarged(picture, model, look, LARGE)
    return layout.save_result(large, layout.file_name(model, "morph", f"{t:.2f}"), settings), line


def whole(model: str, a: str, b: str, look: str, t: float, curve: str) -> tuple:
    """Values for `Morph.outputs`."""
    return *blend(model, a, b, look, t, curve), *(_strip(model, a, b, look, name) for _, name in CURVES)


def _strip(model: str, a: str, b: str, look: str, curve: str) -> list:
    frames = interpolation.interpolate(model, a, b, steps=STEPS, curve=curve, side=layout.TILE)
    places = [i / (STEPS - 1) for i in range(STEPS)]
    shared = {"task": "interpolate", "model": model, "curve": curve, **slots.provenance(a=a, b=b)}
    settings = [{**shared, "t": t} for t in places]
    return layout.show_strip(zip(frames, [f"{t:.2f}" for t in places], settings), model, look)


def jump(event: gr.SelectData, model: str, a: str, b: str, look: str, curve: str) -> tuple:
    """A click on a filmstrip: values for (slider, picture, fact line)."""
    t = round(event.index / (STEPS - 1), 2)
    return t, *blend(model, a, b, look, t, curve)


def animate(
    request: gr.Request, model: str, a: str, b: str, look: str, curve: str, frames: float, fps: float, back: bool
) -> Iterator[tuple]:
    """Values for (sub-tabs, player): the morph as a film."""
    count = int(frames)
    steps = (interpolation.blend(model, a, b, i / (count - 1), curve=curve) for i in range(count))
    for played in player.play(
        steps,
        lambda frame: layout.enlarged(pictures.shrink(frame, player.SIDE), model, look, player.SIDE),
        request,
        name=layout.file_name(model, "morph"),
        fps=int(fps),
        total=count,
        title=layout.find(model).title,
        closing=there_and_back if back else list,
    ):
        yield gr.Tabs(selected="morph"), *played


def there_and_back(frames: list) -> list:
    """Adds the way back, so that the film can repeat without a jump."""
    return frames + frames[-2:0:-1]


def opening_film(model: str, a: str, b: str) -> player.Film:
    """The animation that plays before the first click."""
    frames = interpolation.interpolate(model, a, b, steps=FRAMES)
    film = there_and_back([layout.enlarged(frame, model, "auto", player.SIDE) for frame in frames])
    return player.film(film, layout.file_name(model, "morph"), FPS, layout.find(model).title)
