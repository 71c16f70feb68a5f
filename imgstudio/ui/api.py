"""The page's HTTP API: one documented endpoint for each function of the studio. Everything else on the page is private.

Endpoints stand on components that are never shown, so that pictures travel as files. Pictures come at the net's own size.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from PIL import Image

from ..studio import animation, interpolation, pictures, sampling
from ..studio import seeds as seed_texts
from ..studio import style as studio_style
from ..studio.steps import last
from .common import file_name, folder, keep
from .events import COMPUTE, answering
from .player import check_length
from .slots import PictureInput


def sample(model: str, seeds: str = "0", truncation: float = 0.7, label: str = "") -> list[tuple[str, str]]:
    """Pictures from seeds.

    Args:
        model: Name of a model for sampling, such as dcgan/avatars.
        seeds: Whole numbers and ranges, such as "3, 17, 20-27".
        truncation: 0 (all alike) to 1.5 (varied and sometimes odd).
        label: Class of a conditional model; empty for any.

    Returns:
        One PNG a seed, captioned with it.
    """
    numbers = seed_texts.parse(seeds)
    made = sampling.sample(model, numbers, truncation=truncation, label=label or None)
    shared = {"task": "sample", "model": model, "truncation": truncation, "label": label or None}
    settings = [{**shared, "seed": seed} for seed in numbers]
    return _files(model, made, [str(seed) for seed in numbers], settings)


def walk(
    model: str,
    seeds: str = "0-3",
    frames: int = 24,
    truncation: float = 0.7,
    loop: bool = True,
    label: str = "",
    fps: int = 12,
    format: str = "webp",
) -> str:
    """An animation that walks through the latent space from seed to seed.

    Args:
        model: Name of a model for sampling.
        seeds: At least two whole numbers, such as "3, 17, 42".
        frames: Pictures from one seed to the next.
        truncation: 0 (all alike) to 1.5 (varied and sometimes odd).
        loop: Whether it comes back to the first seed.
        label: Class of a conditional model; empty for that of the first seed.
        fps: Frames a second.
        format: gif, webp or mp4.

    Returns:
        The animation's file.
    """
    numbers = seed_texts.parse(seeds)
    check_length(frames * len(numbers))
    steps = sampling.walk(model, numbers, frames=frames, truncation=truncation, loop=loop, label=label or None)
    return str(animation.save(steps, folder() / f"{file_name(model, 'walk')}.{format}", fps=fps))


def reconstruct(model: str, image: str) -> tuple[str, dict[str, float]]:
    """A picture through a VAE's bottleneck and back.

    Args:
        model: Name of a VAE, such as vae/fruits.
        image: The picture; its middle square is used.

    Returns:
        The reconstruction, and its PSNR in dB, the length of its code and the KL divergence in nats.
    """
    made = interpolation.reconstruct(model, image)
    figures = {"psnr": made.psnr, "latent_norm": made.latent_norm, "kl": made.kl}
    return _file(model, made.image, {"task": "reconstruct", "model": model}), figures


def interpolate(model: str, a: str, b: str, steps: int = 8, curve: str = "slerp") -> list[tuple[str, str]]:
    """Pictures from A to B, both included.

    Args:
        model: Name of a VAE.
        a: The first picture.
        b: The last picture.
        steps: How many pictures.
        curve: slerp (arc) or lerp (straight line).

    Returns:
        PNG files, captioned with their place between 0 and 1.
    """
    made = interpolation.interpolate(model, a, b, steps=steps, curve=curve)
    places = [index / (len(made) - 1) for index in range(len(made))]
    settings = [{"task": "interpolate", "model": model, "t": t, "curve": curve} for t in places]
    return _files(model, made, [f"{t:.3f}" for t in places], settings)


def blend(model: str, a: str, b: str, t: float = 0.5, curve: str = "slerp") -> str:
    """The picture at one place between A and B.

    Args:
        model: Name of a VAE.
        a: The picture at t = 0.
        b: The picture at t = 1.
        t: The place, from 0 to 1.
        curve: slerp (arc) or lerp (straight line).

    Returns:
        A PNG file.
    """
    settings = {"task": "interpolate", "model": model, "t": t, "curve": curve}
    return _file(model, interpolation.blend(model, a, b, t, curve=curve), settings)


def manifold(model: str, a: str, b: str, c: str, d: str, size: int = 7) -> str:
    """A sheet of mixtures of four pictures.

    Args:
        model: Name of a VAE.
        a: The picture in the upper left corner.
        b: The picture in the upper right corner.
        c: The picture in the lower left corner.
        d: The picture in the lower right corner.
        size: Pictures a side.

    Returns:
        One PNG file with size x size pictures.
    """
    rows = interpolation.manifold(model, [a, b, c, d], size=size)
    sheet = pictures.grid([picture for row in rows for picture in row], size)
    return _file(model, sheet, {"task": "manifold", "model": model, "size": size})


def traverse(model: str, image: str, dimension: int = 0, span: float = 3.0, steps: int = 7) -> list[tuple[str, str]]:
    """A picture with one number of its latent code set to values from -span to span.

    Args:
        model: Name of a VAE.
        image: The picture.
        dimension: Which number of the code, from 0.
        span: How far, in standard deviations.
        steps: How many pictures.

    Returns:
        PNG files, captioned with the value.
    """
    made = interpolation.traverse(model, image, dimension=dimension, span=span, steps=steps)
    values = [span * (2 * index / (len(made) - 1) - 1) for index in range(len(made))]
    settings = [{"task": "traverse", "model": model, "dimension": dimension, "value": value} for value in values]
    return _files(model, made, [f"{value:+.2f}" for value in values], settings)


def prior(model: str, seeds: str = "0") -> list[tuple[str, str]]:
    """New pictures that a VAE invents from seeds.

    Args:
        model: Name of a VAE.
        seeds: Whole numbers and ranges, such as "3, 17, 20-27".

    Returns:
        One PNG a seed, captioned with it.
    """
    numbers = seed_texts.parse(seeds)
    settings = [{"task": "prior", "model": model, "seed": seed} for seed in numbers]
    return _files(model, interpolation.prior(model, numbers), [str(seed) for seed in numbers], settings)


def attribute(model: str, image: str, amounts: dict[str, float]) -> str:
    """A picture moved along named latent directions.

    Args:
        model: Name of a VAE that was trained with labels.
        image: The picture.
        amounts: How far along each direction, such as {"apple to tomato": 1.0}.

    Returns:
        A PNG file.
    """
    made = interpolation.attribute(model, image, amounts or {})
    return _file(model, made, {"task": "attribute", "model": model, "amounts": amounts})


def denoise(model: str, image: str, noise: float = 0.3, seed: int = 0) -> tuple[str, str, dict[str, float]]:
    """A picture with noise added, and with the noise taken out again by a VAE.

    Args:
        model: Name of a VAE.
        image: The clean picture.
        noise: Standard deviation of the noise, 1 is black to white.
        seed: Of the noise.

    Returns:
        The noisy picture, the cleaned one, and the PSNR of both against the original in dB.
    """
    made = interpolation.denoise(model, image, noise=noise, seed=seed)
    settings = {"task": "denoise", "model": model, "noise": noise, "seed": seed}
    figures = {"psnr_noisy": made.psnr_noisy, "psnr": made.psnr}
    return _file(model, made.noisy, settings), _file(model, made.image, settings), figures


def stylize(
    model: str,
    content: str,
    style: str | None = None,
    strength: float = 1.0,
    content_weight: float = 1.0,
    style_weight: float = 1.0,
    size: int = 512,
    steps: int = 300,
    keep_colors: str = "none",
    mask: str | None = None,
    seed: int = 0,
) -> tuple[str, dict[str, float]]:
    """A picture in the manner of another.

    Args:
        model: Name of a model for style transfer: gatys/... optimises, fast/... has one style, adain/... takes any.
        content: The picture that is restyled.
        style: The picture whose manner is borrowed; none for a model that has its own style.
        strength: 0 (the picture as it was) to 1.
        content_weight: How much the forms of the content count; gatys only.
        style_weight: How much the style counts; gatys only.
        size: Longer side of the result in pixels.
        steps: Of the optimisation; gatys only.
        keep_colors: none, luminance (keep those of the content) or match (dye the style like the content).
        mask: A picture, white where the style is wanted; none for everywhere.
        seed: Of the noise.

    Returns:
        A PNG file, and the losses at the end of an optimisation.
    """
    shared = {"strength": strength, "size": size, "keep_colors": False if keep_colors == "none" else keep_colors, "seed": seed}
    slow = {"content_weight": content_weight, "style_weight": style_weight, "steps": steps}
    step = last(studio_style.stylize(model, content, style, mask=mask, **shared, **slow))
    return _file(model, step.image, {"task": "stylize", "model": model, **shared, **slow}), dict(step.losses)


def _file(model: str, picture: Image.Image, settings: dict[str, Any]) -> str:
    return keep(picture, file_name(model, settings["task"]), settings)


def _files(model: str, made: Sequence[Image.Image], captions: Sequence[str], settings: Sequence[dict]) -> list[tuple[str, str]]:
    place = folder()
    names = (file_name(model, caption) for caption in captions)
    return [(keep(picture, name, each, place), caption) for picture, name, each, caption in zip(made, names, settings, captions)]


BROUGHT = ("image", "a", "b", "c", "d", "content", "style", "mask")  # parameters that are pictures

PICTURES, PICTURE, FILE, FIGURES = gr.Gallery, gr.Image, gr.File, gr.JSON

ENDPOINTS: dict[Callable[..., Any], tuple] = {
    sample: (PICTURES,),
    walk: (FILE,),
    reconstruct: (PICTURE, FIGURES),
    interpolate: (PICTURES,),
    blend: (PICTURE,),
    manifold: (PICTURE,),
    traverse: (PICTURES,),
    prior: (PICTURES,),
    attribute: (PICTURE,),
    denoise: (PICTURE, PICTURE, FIGURES),
    stylize: (PICTURE, FIGURES),
}


def build() -> None:
    """Adds the endpoints to the page, unseen."""
    with gr.Column(visible=False):
        for function, results in ENDPOINTS.items():
            inputs = [_field(parameter) for parameter in inspect.signature(function).parameters.values()]
            outputs = [kind(**_options(kind)) for kind in results]
            trigger = gr.Button()
            trigger.click(answering(function), inputs, outputs, api_name=function.__name__, show_progress="hidden", **COMPUTE)


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
