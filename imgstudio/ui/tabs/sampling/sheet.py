"""The pictures of the tab "Latent sampling", and the values of the controls that decide it."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

import gradio as gr
from PIL import Image

from imgstudio.studio import sampling

from ...kit import layout
from ...kit.events import Stopwatch

LARGE = 512  # side of the chosen picture, px
ANY = "any"  # choice of the class chooser: each seed has its own class


class Gallery(NamedTuple):
    """The pictures that are shown now."""

    seeds: tuple[int, ...]
    chosen: int


class Controls(NamedTuple):
    """Values of the controls that decide what the pictures look like, and what is shown there now."""

    model: str
    label: str | None
    seed: float | None
    count: float
    truncation: float
    look: str
    gallery: Gallery

    def page(self) -> Gallery:
        """The pictures that these controls ask for."""
        first = layout.whole(self.seed)
        return Gallery(tuple(range(first, first + int(self.count))), first)

    def class_name(self) -> str | None:
        """The chosen class; None for any, and for a model without classes."""
        return self.label if self.label in (layout.find(self.model).labels or ()) else None

    def settings(self, seed: int) -> dict[str, Any]:
        """All that is needed to make a picture again."""
        kept = {"task": "sample", "model": self.model, "seed": seed, "truncation": self.truncation}
        return kept | ({"label": self.class_name()} if self.class_name() else {})

    def name(self, *parts: Any) -> str:
        """Of a file."""
        return layout.file_name(self.model, *([self.class_name()] if self.class_name() else []), *parts)

    def enlarged(self, picture: Image.Image, side: int) -> Image.Image:
        return layout.enlarged(picture, self.model, self.look, side)

    def sample(self, seeds: list[int]) -> list[Image.Image]:
        return sampling.sample(self.model, seeds, truncation=self.truncation, label=self.class_name())


def show(controls: Controls, gallery: Gallery) -> tuple:
    """Values for (sheet, large picture, its caption, fact line, gallery)."""
    watch = Stopwatch()
    seeds = list(dict.fromkeys((*gallery.seeds, gallery.chosen)))
    made = dict(zip(seeds, controls.sample(seeds)))
    chosen = made[gallery.chosen]
    many = f"{len(made)} pictures" if len(made) > 1 else "1 picture"
    line = layout.facts(many, watch.seconds, f"{chosen.width} × {chosen.height} px", f"truncation {controls.truncation:g}")
    items = [(made[seed], f"{seed}", controls.settings(seed)) for seed in gallery.seeds]
    tiles = layout.show_strip(items, controls.model, controls.look)
    marked = gallery.seeds.index(gallery.chosen) if gallery.chosen in gallery.seeds else None
    return gr.update(value=tiles, selected_index=marked), *large(controls, gallery.chosen, chosen), line, gallery


def large(controls: Controls, seed: int, picture: Image.Image) -> tuple[str, str]:
    """Values for (large picture, its caption)."""
    path = layout.save_result(controls.enlarged(picture, LARGE), controls.name("seed", seed), controls.settings(seed))
    return path, caption(controls, seed)


def caption(controls: Controls, seed: int) -> str:
    """What is written under the large picture."""
    title = ", ".join([layout.find(controls.model).title, *([controls.class_name()] if controls.class_name() else [])])
    return f'<p class="caption"><strong>Seed {seed}</strong> {html.escape(title)}</p>'
