"""The values of the controls of "Steer", which decide a latent vector, and its picture."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from imgstudio.errors import StudioError
from imgstudio.studio import sampling
from imgstudio.studio.sampling import editing
from imgstudio.studio.sampling.directions import offered
from imgstudio.studio.sampling.latents import Latent

from ...kit import layout
from ...kit.events import Stopwatch
from .sheet import ANY

LARGE = 512  # side of the picture, px
SLIDERS = 8  # directions on the page
LONGEST = 10  # layers of the deepest net that comes with the studio
FARTHEST = 3.0  # standard deviations to either side
MIDDLE = (0.0, 0.0)


class Base(NamedTuple):
    """What lies in the middle of the pad."""

    title: str = ""  # what it is, for people; empty for the picture of the seed in the box
    latent: Latent | None = None


class Point(NamedTuple):
    """Values of the controls, in the order of `Outputs.state`."""

    model: str
    label: str | None
    seed: float | None
    truncation: float
    noisy: bool
    noise_seed: float | None
    look: str
    base: Base
    pad: Sequence[float]
    named: bool  # directions move the layers that they were named for
    first: float  # or else those from here, counted from 1,
    last: float  # to here
    amounts: tuple[float, ...] = ()

    @classmethod
    def of(cls, *values: Any) -> Point:
        fixed = len(cls._fields) - 1
        return cls(*values[:fixed], tuple(values[fixed:]))

    # --- where it is

    def class_name(self) -> str | None:
        """The chosen class; None for any, and for a model without classes."""
        return self.label if self.label in (layout.find(self.model).labels or ()) else None

    def chosen(self) -> dict[str, Any]:
        """Options of the studio's functions that find a place."""
        return {"truncation": self.truncation, "label": self.class_name()}

    def noise(self) -> int | None:
        return layout.whole(self.noise_seed) if self.noisy else None

    def layers(self) -> tuple[int, int] | None:
        if self.named:
            return None
        finest = depth(self.model)
        first, last = sorted(min(int(layer), finest) - 1 for layer in (self.first, self.last))
        return first, last

    def wanted(self) -> dict[str, float]:
        """Direction -> standard deviations, of the sliders that are not in the middle."""
        return {name: amount for name, amount in zip(directions(self.model), self.amounts) if amount}

    def start(self) -> int | Latent:
        return layout.whole(self.seed) if self.base.latent is None else self.base.latent

    def plane(self) -> Latent:
        """The middle of the pad: the start, moved by the sliders."""
        return editing.edit_latent(self.model, self.start(), self.wanted(), layers=self.layers(), **self.chosen())

    def latent(self) -> Latent:
        return editing.pad_latent(self.model, self.plane(), *self.pad)

    def picture(self) -> Image.Image:
        return editing.generate(self.latent(), noise=self.noise())

    def draw(self, places: Sequence[Latent]) -> list[Image.Image]:
        """Pictures of other places, with this one's noise."""
        return sampling.sample(self.model, places, noise=self.noise())

    # --- descriptions of it

    def settings(self) -> dict[str, Any]:
        """All that is needed to make the picture again."""
        latent = self.base.latent
        kept: dict[str, Any] = {"task": "steer", "model": self.model}
        kept |= {"seed": layout.whole(self.seed)} if latent is None else {"base": latent.text(), "told": self.base.title}
        kept |= {"truncation": self.truncation, "noise": self.noise(), "pad": list(self.pad), "amounts": self.wanted()}
        layers = self.layers()
        return kept | ({"label": self.class_name()} if self.class_name() else {}) | ({"layers": layers} if layers else {})

    def key(self, *, pad: bool = True) -> str:
        """The same for the same picture; without `pad`, for the same plane."""
        kept = self.settings()
        return json.dumps(kept if pad else {**kept, "pad": None})

    def title(self) -> str:
        """What the picture is, for people: "Seed 5"."""
        return self.base.title or f"Seed {layout.whole(self.seed)}"

    def moves(self) -> str:
        """How far from there it is, for people."""
        x, y = self.pad
        parts = [f"pad {x:+.2f}, {y:+.2f}"] if (x, y) != MIDDLE else []
        return ", ".join([*parts, *(f"{name} {amount:+.1f}" for name, amount in self.wanted().items())])

    def name(self, *parts: Any) -> str:
        """Of a file."""
        return layout.file_name(self.model, self.title().lower(), *parts)

    def enlarged(self, picture: Image.Image, side: int) -> Image.Image:
        return layout.enlarged(picture, self.model, self.look, side)


def directions(model: str) -> tuple[str, ...]:
    """The model's first directions; none where it can't be loaded."""
    try:
        return offered(editing.directions(model))[:SLIDERS]
    except StudioError:
        return ()


def depth(model: str) -> int:
    """How many layers a model has, or a likely number where it can't be loaded."""
    try:
        return len(editing.layers(model))
    except StudioError:
        return 8


def show(point: Point) -> tuple[str, str, str]:
    """Values for (picture, caption, fact line)."""
    watch, place = Stopwatch(), point.latent()
    picture = editing.generate(place, noise=point.noise())
    line = layout.facts("1 picture", watch.seconds, f"{picture.width} × {picture.height} px", f"truncation {point.truncation:g}")
    path = layout.save_result(point.enlarged(picture, LARGE), point.name("steered"), point.settings() | {"latent": place.text()})
    return path, caption(point), line


def caption(point: Point) -> str:
    title = ", ".join([layout.find(point.model).title, *([point.class_name()] if point.class_name() else [])])
    moves = f"<br>{html.escape(moves)}" if (moves := point.moves()) else ""
    return f'<p class="caption"><strong>{html.escape(point.title())}</strong> {html.escape(title)}{moves}</p>'


def classes(model: str) -> list[str]:
    return [ANY, *(layout.find(model).labels or ())]


def control_updates(point: Point) -> list[Any]:
    """The point as updates for `Outputs.state`: the controls also get what the model offers."""
    names, count = directions(point.model), depth(point.model)
    label = gr.update(choices=classes(point.model), value=point.class_name() or ANY, visible=len(classes(point.model)) > 1)
    # A slider never gets shorter: what the page sends at that moment may still be beyond its new end, and would be refused.
    layers = [gr.update(maximum=max(count, LONGEST), value=min(int(layer), count)) for layer in (point.first, point.last)]
    amounts = [*point.amounts, *[0.0] * SLIDERS][:SLIDERS]
    sliders = [
        gr.update(value=amount, label=name or "Direction", visible=bool(name)) for name, amount in zip(padded(names), amounts)
    ]
    fixed = [point.model, label, *point[2:7], point.base, list(point.pad), point.named, *layers]
    return [*fixed, *sliders]


def padded(names: Sequence[str]) -> list[str]:
    """SLIDERS names, the last ones empty where there are fewer."""
    return [*names, *[""] * SLIDERS][:SLIDERS]


def reset(point: Point) -> Point:
    """Back in the middle, with all sliders at zero."""
    return point._replace(pad=MIDDLE, amounts=(0.0,) * SLIDERS)
