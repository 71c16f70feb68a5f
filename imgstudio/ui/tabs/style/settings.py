"""The controls of the tab "Style transfer" that say how: those in sight, those under Advanced, and what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import gradio as gr

import imgstudio
from imgstudio.errors import StudioError
from imgstudio.studio import style

from ...kit import layout
from ...kit.sources import Source

OPTIMISE, ONE, ANY = "optimise", "one pass", "any style"
METHODS = {OPTIMISE: "Optimisation", ONE: "One pass, one style", ANY: "Any style, one pass"}
TRADE = {
    OPTIMISE: "Corrects the pixels until they have the content of one picture and the style of the other. Slow, and the finest.",
    ONE: "A feed-forward net that was trained for a single style. Fast at any size.",
    ANY: "One net for every style there is, yours too. Fast, though it follows a style less closely.",
}
VERBS = {OPTIMISE: "Paint", ONE: "Restyle", ANY: "Restyle"}

SIZE, SMALLEST, GRID = 512, 128, 32  # of the result, px
LAYERS = {
    "relu1_1": "Grain and colour",
    "relu2_1": "Brush strokes",
    "relu3_1": "Small motifs",
    "relu4_1": "Large motifs",
    "relu5_1": "Whole areas",
}
COLOURS = [("Those of the style", "style"), ("Keep the picture's", "luminance"), ("Style dyed like the picture", "match")]
STARTS = [("The picture", "content"), ("Noise", "noise"), ("The style", "style")]
OPTIMISERS = [("L-BFGS", "lbfgs"), ("Adam", "adam")]


class Controls(NamedTuple):
    """Values of the controls, in the order of `_inputs`."""

    method: str
    slow_model: str | None
    one_model: str | None
    any_model: str | None
    content: Source | None
    style: Source | None
    content_weight: float
    style_weight: float
    strength: float
    size: float
    colours: str
    second: Source | None
    mix: float
    mask: str | None
    steps: float
    optimizer: str
    start: str
    tv: float
    seed: float | None
    layers: tuple[float, ...]

    @classmethod
    def of(cls, *values: Any) -> Controls:
        fixed = len(cls._fields) - 1
        return cls(*values[:fixed], layers=tuple(values[fixed:]))

    @classmethod
    def first(cls, method: str, model: str, content: Source | None, manner: Source | None) -> Controls:
        """The values that the page opens with."""
        slow = (style.STEPS, "lbfgs", "content", 1.0, 0, (1.0,) * len(LAYERS))
        models = [model if each == method else None for each in METHODS]
        return cls(method, *models, content, manner, 1.0, 1.0, 1.0, SIZE, "style", None, 0.5, None, *slow)

    @property
    def model(self) -> str:
        """The model of the method. Each method has a drop-down of its own, so that no click can find them at odds."""
        return model_of(self.method, self.slow_model, self.one_model, self.any_model)

    @property
    def quick(self) -> bool:
        return self.method != OPTIMISE

    def styles(self) -> list[Source]:
        """One style, or two that are mixed; none for a net that has its own."""
        if self.method == ONE:
            return []
        if self.style is None:
            raise StudioError("There is no style yet: choose one from the gallery, or upload a picture.")
        return [self.style, self.second] if self.second and self.mix > 0 else [self.style]

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `stylize` beside the pictures: only what acts in this method."""
        chosen: dict[str, Any] = {"size": int(self.size), "keep_colors": False if self.colours == "style" else self.colours}
        if len(self.styles()) > 1:
            chosen["weights"] = [1 - self.mix, self.mix]
        if self.quick:
            return chosen | {"strength": self.strength}
        return chosen | {
            "content_weight": self.content_weight,
            "style_weight": self.style_weight,
            "tv_weight": self.tv,
            "steps": int(self.steps),
            "optimizer": self.optimizer,
            "start": self.start,
            "seed": layout.whole(self.seed),
            "layers": {name: weight for name, weight in zip(LAYERS, self.layers) if name in _layers_of(self.model)},
        }

    def settings(self) -> dict[str, Any]:
        """What is written into the picture, so that it can be made again."""
        titles: dict[str, Any] = self.content.record("content") if self.content else {"content": ""}
        titles |= {"styles": [each.title for each in self.styles()]}
        for key, each in zip(("style", "second_style"), self.styles()):
            titles |= each.record(key)
        return {"task": "stylize", "model": self.model, **titles, "masked": self.mask is not None, **self.options()}


def _layers_of(model: str) -> tuple[str, ...]:
    """The layers that a net for optimisation has; VGG-16 ends at relu4_1. What is wrong with a model is for `stylize` to say."""
    try:
        return style.style_layers(model)
    except StudioError:
        return tuple(LAYERS)


def shown_layers(model: str | None) -> list[Any]:
    """Only the sliders of layers that this net for optimisation has."""
    return [gr.update(visible=name in _layers_of(model or "")) for name in LAYERS]


def kinds() -> dict[str, list]:
    """The models of every method that has any, in the order of METHODS."""
    found: dict[str, list] = {method: [] for method in METHODS}
    for spec in imgstudio.models("stylize"):
        found[style.kind(spec.name)].append(spec)
    return {method: specs for method, specs in found.items() if specs}


def kind(model: str) -> str:
    """The method that a model is for."""
    return style.kind(model)


def model_of(method: str, *models: str | None) -> str:
    """Of one model a method, in the order of METHODS, that of this method."""
    return dict(zip(METHODS, models))[method]


def restored(saved: dict[str, Any]) -> dict[str, Any]:
    """Settings of a restyled picture as values of the controls."""
    if not isinstance(name := saved["model"], str) or layout.find(name).task != "stylize":
        raise ValueError(name)
    method = kind(name)
    colours = saved.get("keep_colors") or "style"
    weights = saved.get("weights") or [0.5, 0.5]
    layers = saved.get("layers") or {}
    if saved.get("masked"):
        gr.Info("Only a region of it was restyled, and a picture does not keep which: paint it again.")
    return {**saved, **layers, "method": method, method: gr.update(value=name), "colours": colours, "mix": weights[-1]}


def made_of(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a result, of the chosen method, models and pictures: a net of one style takes no other."""
    method = chosen["method"]
    kept = {"model": chosen[method] or "", "picture": chosen["picture"]}
    return kept if method == ONE else kept | {"style": chosen["style"], "second style": chosen["second style"]}


def opening(kinds: Mapping[str, list]) -> tuple[str, Any]:
    """The method and the model that the tab opens with: quick ones, for which nobody has to wait. kinds: at least one."""
    method = next((each for each in (ANY, ONE) if each in kinds), OPTIMISE)
    return method, layout.first_ready(kinds[method])


def method_choices(models: Mapping[str, str], size: float, steps: float) -> list[tuple[str, str]]:
    """The methods in words, with the time that each takes on this device. models: by method."""
    times = {method: style.expected_seconds(model, int(size), int(steps)) for method, model in models.items()}
    return [(f"{METHODS[method]} · {duration(seconds)}", method) for method, seconds in times.items()]


def duration(seconds: float) -> str:
    """A time that nobody has measured yet, for people."""
    if seconds < 0.95:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 90:
        return f"{seconds if seconds < 20 else 5 * round(seconds / 5):.0f} s"
    return f"{seconds / 60:.0f} min"


class Weights(NamedTuple):
    """The two or three controls that matter."""

    content: gr.Slider
    style: gr.Slider
    strength: gr.Slider


def weights(method: str) -> Weights:
    slow = method == OPTIMISE
    content = gr.Slider(
        0,
        10,
        1,
        step=0.1,
        label="Content weight",
        info="Weight of the content loss.",
        visible=slow,
        elem_id="style-content-weight",
    )
    manner = gr.Slider(
        0, 10, 1, step=0.1, label="Style weight", info="Weight of the style loss.", visible=slow, elem_id="style-style-weight"
    )
    strength = gr.Slider(
        0, 1, 1, step=0.05, label="Strength", info="0 is the picture as it was.", visible=not slow, elem_id="style-strength"
    )
    return Weights(content, manner, strength)


def size_control(model: str) -> tuple[gr.Slider, gr.HTML]:
    """The slider, and the line under it that says what that size needs."""
    slider = gr.Slider(
        SMALLEST, most(model), SIZE, step=GRID, label="Size", info="Longer side of the result, in pixels.", elem_id="style-size"
    )
    return slider, gr.HTML(memory(model, SIZE))


def most(model: str) -> int:
    """The largest size to offer: what the memory allows, in whole steps of the slider."""
    return max(SIZE, style.largest_size(model) // GRID * GRID)


def memory(model: str, size: float) -> str:
    """The memory that a square picture of this size needs, for people."""
    return f'<p class="help">Needs up to {style.memory_needed(model, int(size)) / 1e9:.1f} GB of memory.</p>'


def colours() -> gr.Radio:
    return gr.Radio(COLOURS, value="style", label="Colours", info="Where the colours come from.", elem_id="style-colours")


def mix() -> gr.Slider:
    return gr.Slider(
        0, 1, 0.5, step=0.05, label="Share of the second style", info="0 is the first style alone.", elem_id="style-mix"
    )


class OptimisationControls(NamedTuple):
    """What acts in an optimisation only."""

    column: gr.Column
    controls: list[Any]  # in the order of `Controls`
    layers: list[gr.Slider]
    steps: gr.Slider
    seed: gr.Number
    dice: gr.Button


def optimisation_controls(method: str, model: str | None) -> OptimisationControls:
    """model: the net for optimisation that is chosen first."""
    known = _layers_of(model or "")
    with gr.Column(visible=method == OPTIMISE, elem_classes="slow") as column:
        steps = gr.Slider(
            20, 1000, style.STEPS, step=10, label="Steps", info="Corrections of the picture.", elem_id="style-steps"
        )
        optimizer = gr.Radio(OPTIMISERS, value="lbfgs", label="Optimiser", info="L-BFGS gets further in the same time.")
        start = gr.Radio(STARTS, value="content", label="Start from", info="What the canvas shows at first.")
        tv = gr.Slider(
            0, 10, 1, step=0.1, label="Smoothness", info="Weight of the total variation: against grain.", elem_id="style-tv"
        )
        seed, dice = layout.seed_row(0, "style", info="Of the noise; each number is another picture.")
        with gr.Accordion("What counts as style", open=False, elem_classes="advanced"):
            layers = [
                gr.Slider(0, 4, 1, step=0.1, label=title, info=f"Weight of {name}.", visible=name in known)
                for name, title in LAYERS.items()
            ]
    return OptimisationControls(column, [steps, optimizer, start, tv, seed], layers, steps, seed, dice)
