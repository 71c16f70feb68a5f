"""The page's HTTP API: one documented endpoint for each function of the studio. Everything else on the page is private.

Endpoints stand on components that are never shown, so that pictures travel as files. Pictures come at the net's own size.
The functions are in one file a tab; a new one is its file and a word in ENDPOINTS.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr

from ..events import COMPUTE, answering
from ..slots import PictureInput
from . import bounds, interpolation, sampling, style, texture, translation

BROUGHT = ("image", "a", "b", "c", "d", "content", "style", "mask", "texture")  # parameters that are pictures

PICTURES, PICTURE, FILE, FIGURES, TEXT = gr.Gallery, gr.Image, gr.File, gr.JSON, gr.Textbox

ENDPOINTS: dict[Callable[..., Any], tuple] = {
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


def build() -> None:
    """Adds the endpoints to the page, unseen."""
    with gr.Column(visible=False):
        for function, results in ENDPOINTS.items():
            inputs = [_field(parameter) for parameter in inspect.signature(function).parameters.values()]
            outputs = [kind(**_options(kind)) for kind in results]
            trigger = gr.Button()
            endpoint = answering(bounds.bounded(function))
            trigger.click(endpoint, inputs, outputs, api_name=function.__name__, show_progress="hidden", **COMPUTE)


def _field(parameter: inspect.Parameter) -> Any:
    """The component that a parameter's values travel through."""
    value = None if parameter.default is parameter.empty else parameter.default
    if parameter.name in BROUGHT:
        return PictureInput(type="filepath", image_mode=None, label=parameter.name)
    if parameter.name == "amounts":
        return gr.JSON(label=parameter.name)
    if isinstance(value, bool):
        return gr.Checkbox(value, label=parameter.name)
    if isinstance(value, int | float):
        return gr.Number(value, label=parameter.name, precision=0 if isinstance(value, int) else None)
    return gr.Textbox(value, label=parameter.name)


def _options(kind: type) -> dict[str, Any]:
    return {"format": "png"} if kind in (PICTURES, PICTURE) else {}
