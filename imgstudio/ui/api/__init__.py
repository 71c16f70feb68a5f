"""The page's HTTP API: one documented endpoint for each function of the studio. Everything else on the page is private.

Endpoints stand on components that are never shown, so that pictures travel as files. Pictures come at the net's own size.
The functions are in one file a tab; a new one is its file and a word in ENDPOINTS. What its parameters and results are called
is read from its docstring (`texts`), and what may be chosen from the studio (`choices`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr

from ..kit.events import COMPUTE, as_endpoint
from ..kit.slots import PictureInput
from . import bounds, choices, interpolation, models, sampling, style, texts, texture, translation

IMAGE_PARAMETERS = ("image", "a", "b", "c", "d", "content", "style", "mask", "texture")  # parameters that are pictures

PICTURES, PICTURE, FILE, FIGURES, TEXT = gr.Gallery, gr.Image, gr.File, gr.JSON, gr.Textbox

ENDPOINTS: dict[Callable[..., Any], tuple] = {
    models.models: (FIGURES,),
    sampling.sample: (PICTURES,),
    sampling.walk: (FILE,),
    sampling.directions: (FIGURES,),
    sampling.mix: (PICTURE,),
    sampling.edit: (PICTURE,),
    sampling.pad: (PICTURE,),
    sampling.feature_maps: (PICTURES,),
    sampling.invert: (PICTURE, TEXT, FIGURES),
    sampling.complete: (PICTURE, TEXT, FIGURES),
    interpolation.reconstruct: (PICTURE, FIGURES),
    interpolation.interpolate: (PICTURES,),
    interpolation.blend: (PICTURE,),
    interpolation.manifold: (PICTURE,),
    interpolation.traverse: (PICTURES,),
    interpolation.prior: (PICTURES,),
    interpolation.attribute: (PICTURE,),
    interpolation.denoise: (PICTURE, PICTURE, FIGURES),
    translation.translate: (PICTURE, PICTURE, PICTURE, FIGURES),
    style.stylize: (PICTURE, FIGURES),
    texture.segment: (PICTURE, PICTURE, FIGURES),
    texture.decompose: (PICTURE, PICTURE),
    texture.synthesize: (PICTURE,),
    texture.retexture: (PICTURE,),
}


AT_ONCE = (models.models,)  # those that touch no net, and so wait for nobody


class ChoiceInput(gr.Dropdown):
    """A drop-down that hands any text over: whether it is one of the choices, the studio says in its own words."""

    is_template = True  # drawn on the page as gr.Dropdown is

    def preprocess(self, payload: Any) -> str | None:
        return None if payload is None else str(payload)


def build() -> None:
    """Adds the endpoints to the page, unseen."""
    with gr.Column(visible=False):
        for function, results in ENDPOINTS.items():
            labels = texts.arguments(function)
            inputs = [_field(function, each, labels[each.name]) for each in inspect.signature(function).parameters.values()]
            named = zip(results, texts.results(function), strict=True)
            outputs = [kind(label=name, **_options(kind)) for kind, name in named]
            trigger = gr.Button()
            endpoint = as_endpoint(bounds.bounded(function))
            lane = {"concurrency_id": None, "concurrency_limit": None} if function in AT_ONCE else COMPUTE
            trigger.click(endpoint, inputs, outputs, api_name=function.__name__, show_progress="hidden", **lane)


def _field(function: Callable[..., Any], parameter: inspect.Parameter, label: str) -> Any:
    """The component that a parameter's values travel through."""
    name, value = parameter.name, None if parameter.default is parameter.empty else parameter.default
    if name in IMAGE_PARAMETERS:
        return PictureInput(type="filepath", image_mode=None, label=label)
    if name == "amounts":
        return gr.JSON(choices.amounts(function), label=label)
    if isinstance(value, bool):
        return gr.Checkbox(value, label=label)
    if isinstance(value, int | float):
        return gr.Number(value, label=label, precision=0 if isinstance(value, int) else None)
    if choice := choices.of(function, name, value):
        return ChoiceInput(choice.values, value=choice.first, allow_custom_value=True, label=label)
    return gr.Textbox(value, label=label)


def _options(kind: type) -> dict[str, Any]:
    return {"format": "png"} if kind in (PICTURES, PICTURE) else {}
