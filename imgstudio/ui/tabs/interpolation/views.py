"""The views of the tab "VAE interpolation" beside the morph: each shows another property of the model.

A view's `run` takes (model, A, B, look, the view's own controls) and returns values for its `outputs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.studio import interpolation, pictures
from imgstudio.studio.sampling.directions import offered

from ...kit import freshness, layout, slots
from ...kit.events import Stopwatch

DIRECTIONS = 4  # sliders for latent arithmetic
STEPS = 7  # pictures along one dimension
CELL = 96  # side of a picture on the four-corner sheet, px
LARGE = 448  # side of a single result, px


class View(NamedTuple):
    """One sub-tab. controls: its own inputs; moving one of `live` runs the view again; kept: key of the settings that its
    pictures carry -> control, of those that are restored from a picture as they are."""

    name: str
    tab: gr.Tab
    run: Callable[..., Any]
    controls: list[Any]
    live: list[Any]
    outputs: list[Any]
    mark: freshness.Mark
    kept: dict[str, Any] = {}  # noqa: RUF012


def hint(text: str) -> gr.HTML:
    return gr.HTML(f'<p class="help">{text}</p>')


# --- a sheet between four corners


def corners(lower: dict[str, tuple[str | None, int]]) -> tuple[View, dict[str, slots.Slot]]:
    """lower: path and seed of the pictures in the lower corners, by letter. Returns their slots too."""
    with gr.Tab("Four corners", id="corners") as tab, gr.Row(elem_classes="hanging"):
        with gr.Column(scale=5, min_width=280, elem_classes="dated"):
            sheet = layout.result("Between four pictures", elem_id="corners-sheet", alt_text="Sheet between four pictures")
            line, mark = layout.facts_line(), freshness.mark()
        with gr.Column(scale=3, min_width=240):
            hint("A and B are the upper corners, C and D in the lower ones. All others are mixtures of the four.")
            with gr.Row(elem_classes="slots"):
                made = {letter: slots.build(letter, *start) for letter, start in lower.items()}
            size = gr.Slider(3, 11, 7, step=1, label="Pictures a side", info="How fine the sheet is.", elem_id="corners-size")
    controls = [*(slot.picture for slot in made.values()), size]
    return View("corners", tab, manifold, controls, [size], [sheet, line], mark, {"size": size}), made


def manifold(model: str, a: str, b: str, look: str, c: str, d: str, size: float) -> tuple:
    """Values for (sheet, fact line)."""
    watch = Stopwatch()
    rows = interpolation.manifold(model, [a, b, c, d], size=int(size), side=CELL)
    line = layout.facts(f"{int(size)} × {int(size)} pictures", watch.seconds)
    cells = [layout.enlarged(picture, model, look, CELL) for row in rows for picture in row]
    sheet = pictures.grid(cells, int(size))
    settings = {"task": "manifold", "model": model, "size": int(size), **slots.provenance(a=a, b=b, c=c, d=d)}
    return layout.save_result(sheet, layout.file_name(model, "corners"), settings), line


# --- one latent dimension


def dimension() -> View:
    with gr.Tab("One dimension", id="dimension") as tab:
        hint("The code of A is kept, but for one of its numbers, which goes from left to right.")
        with gr.Column(elem_classes="dated"):
            row = layout.strip("Along one dimension", STEPS, elem_id="dimension-strip", elem_classes=["film"])
            line, mark = layout.facts_line(), freshness.mark()
        with gr.Row(elem_classes="hanging"):
            rank = gr.Slider(1, 32, 1, step=1, label="Dimension", info="1 tells most about a picture.", elem_id="dimension-rank")
            span = gr.Slider(0.5, 6, 3, step=0.5, label="Span", info="How far it goes to either side, in standard deviations.")
    return View("dimension", tab, traverse, [rank, span], [rank, span], [row, line], mark, {"rank": rank, "span": span})


def traverse(model: str, a: str, b: str, look: str, rank: float, span: float) -> tuple:
    """Values for (strip, fact line)."""
    watch = Stopwatch()
    order = interpolation.dimensions(model)
    number = order[min(int(rank), len(order)) - 1] if order else 0  # without any, `traverse` says why
    made = interpolation.traverse(model, a, dimension=number, span=span, steps=STEPS)
    line = layout.facts(f"{STEPS} pictures", watch.seconds, f"dimension {number} of {len(order)}")
    places = [span * (2 * i / (STEPS - 1) - 1) for i in range(STEPS)]
    shared = {"task": "traverse", "model": model, "dimension": number, "span": span, **slots.provenance(a=a)}
    settings = [{**shared, "value": round(place, 3)} for place in places]
    return layout.show_strip(zip(made, [f"{place:+.1f}" for place in places], settings), model, look), line


# --- there and back


def reconstruction() -> View:
    with gr.Tab("Reconstruction", id="reconstruction") as tab:
        hint("Through the bottleneck and back: what the net keeps of each picture, and what it loses.")
        with gr.Column(elem_classes="dated"):
            row = layout.strip("Originals and reconstructions", 4, elem_id="reconstruction-strip", elem_classes=["film"])
            line, mark = layout.facts_line(), freshness.mark()
    return View("reconstruction", tab, reconstruct, [], [], [row, line], mark)


def reconstruct(model: str, a: str, b: str, look: str) -> tuple:
    """Values for (originals and reconstructions, fact line)."""
    watch, items = Stopwatch(), []
    for letter, source in (("A", a), ("B", b)):
        made = interpolation.reconstruct(model, source)
        caption = f"{letter} again: PSNR {made.psnr:.1f} dB" + ("" if made.kl is None else f", KL {made.kl:.0f} nats")
        seen = interpolation.net_input(model, source)
        items += [
            (seen, letter, {}),
            (made.image, caption, {"task": "reconstruct", "model": model, **slots.provenance(**{letter.lower(): source})}),
        ]
    line = layout.facts("2 pictures", watch.seconds, f"{items[0][0].width} × {items[0][0].height} px")
    return layout.show_strip(items, model, look, LARGE), line


# --- latent arithmetic


def arithmetic(model: str | None) -> View:
    """model: the one whose directions are offered at first."""
    names = offered(interpolation.attributes(model)) if model else ()
    with gr.Tab("Attributes", id="attributes", visible=bool(names)) as tab, gr.Row(elem_classes="hanging"):
        with gr.Column(scale=5, min_width=280, elem_classes="dated"):
            row = layout.strip("A, and A changed", 2, elem_id="attributes-strip", elem_classes=["film"])
            line, mark = layout.facts_line(), freshness.mark()
        with gr.Column(scale=3, min_width=240):
            hint("What tells, say, a tomato from an apple is a direction in the latent space. Here it is added to the code of A.")
            chosen = gr.Dropdown(
                list(names),
                value=list(names[:DIRECTIONS]),
                multiselect=True,
                max_choices=DIRECTIONS,
                label="Directions",
                info=f"Up to {DIRECTIONS} at a time.",
                elem_id="attributes-chosen",
            )
            sliders = [
                gr.Slider(-2, 2, 0, step=0.05, label=name or "Direction", visible=bool(name), elem_id=f"attributes-{index}")
                for index, name in enumerate(_padded(names))
            ]
    return View("attributes", tab, change, [chosen, *sliders], sliders, [row, line], mark)


def _padded(names: Any) -> list[str]:
    """The first DIRECTIONS names, filled up with empty ones."""
    return [*names, *[""] * DIRECTIONS][:DIRECTIONS]


def change(model: str, a: str, b: str, look: str, chosen: list[str], *amounts: float) -> tuple:
    """Values for (A and A changed, fact line)."""
    watch = Stopwatch()
    wanted = {name: amount for name, amount in zip(chosen, amounts) if name in interpolation.attributes(model)}
    before, after = (interpolation.attribute(model, a, each) for each in ({}, wanted))
    line = layout.facts("2 pictures", watch.seconds)
    changes = ", ".join(f"{name} {amount:+.2f}" for name, amount in wanted.items() if amount)
    settings = {"task": "attribute", "model": model, "amounts": wanted, **slots.provenance(a=a)}
    return layout.show_strip([(before, "A", {}), (after, changes or "A", settings)], model, look, LARGE), line


def offer_directions(chosen: list[str], amounts: Mapping[str, float] | None = None) -> list:
    """Updates for the sliders: one for each chosen direction, at its amount, or at zero."""
    values = [(name, (amounts or {}).get(name, 0)) for name in _padded(chosen)]
    return [gr.update(label=name or "Direction", value=value, visible=bool(name)) for name, value in values]


def offer_model(model: str, amounts: Mapping[str, float] | None = None) -> list:
    """Updates for (sub-tab, chooser, sliders) of latent arithmetic. amounts: of an opened picture, by direction."""
    names = offered(interpolation.attributes(model))
    amounts = {name: amount for name, amount in (amounts or {}).items() if name in names}
    chosen = list(amounts or names)[:DIRECTIONS]
    return [gr.update(visible=bool(names)), gr.update(choices=list(names), value=chosen), *offer_directions(chosen, amounts)]


# --- denoising


def denoising() -> View:
    with gr.Tab("Denoising", id="denoising") as tab:
        hint("Noise has no place in the latent space: what comes back from there is clean.")
        with gr.Column(elem_classes="dated"):
            row = layout.strip("Denoising", 3, elem_id="denoising-strip", elem_classes=["film"])
            line, mark = layout.facts_line(), freshness.mark()
        with gr.Row(elem_classes="hanging"):
            noise = gr.Slider(0, 1, 0.2, step=0.02, label="Noise", info="1 buries the picture.", elem_id="denoising-noise")
            seed = gr.Slider(0, 20, 0, step=1, label="Noise seed", info="Another grain of the same strength.")
    return View("denoising", tab, denoise, [noise, seed], [noise, seed], [row, line], mark, {"noise": noise, "seed": seed})


def denoise(model: str, a: str, b: str, look: str, noise: float, seed: float) -> tuple:
    """Values for (clean, noisy and cleaned picture, fact line)."""
    watch = Stopwatch()
    made = interpolation.denoise(model, a, noise=noise, seed=int(seed))
    line = layout.facts("1 picture", watch.seconds, f"noise {noise:.2f}")
    settings = {"task": "denoise", "model": model, "noise": noise, "seed": int(seed), **slots.provenance(a=a)}
    items = [
        (interpolation.net_input(model, a, side=interpolation.SIDE), "A", {}),
        (made.noisy, f"A with noise: {made.psnr_noisy:.1f} dB", settings),
        (made.image, f"Cleaned: {made.psnr:.1f} dB", settings),
    ]
    return layout.show_strip(items, model, look, LARGE), line
