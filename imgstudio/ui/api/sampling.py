"""The API of the tab "Latent sampling"."""

from __future__ import annotations

from typing import Any

from ...checks import check_range, shown
from ...errors import StudioError
from ...studio import animation, sampling
from ...studio import seeds as seed_texts
from ...studio.sampling import editing, inversion
from ...studio.sampling.inversion import InversionStep
from ...studio.sampling.latents import TRUNCATION, Latent
from ...studio.steps import last
from ..kit.layout import file_name, folder
from ..kit.player import check_length
from .files import file, files


def sample(model: str, seeds: str = "0", truncation: float = TRUNCATION, label: str = "") -> list[tuple[str, str]]:
    """Pictures from seeds.

    Args:
        model: Name of a model for sampling, such as dcgan/avatars.
        seeds: Whole numbers and ranges, such as "3, 17, 20-27".
        truncation: 0 (all alike) to 1.5 (varied and sometimes odd).
        label: Class of a conditional model; empty for any.

    Returns:
        pictures: One PNG a seed, captioned with it.
    """
    numbers = seed_texts.parse(seeds)
    made = sampling.sample(model, numbers, truncation=truncation, label=label or None)
    shared = {"task": "sample", "model": model, "truncation": truncation, "label": label or None}
    settings = [{**shared, "seed": seed} for seed in numbers]
    return files(model, made, [str(seed) for seed in numbers], settings)


def walk(
    model: str,
    seeds: str = "0-3",
    frames: int = 24,
    truncation: float = TRUNCATION,
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
        animation: The file.
    """
    numbers, format = seed_texts.parse(seeds), animation.check_format(format)
    fps = check_range("The number of frames a second", fps, 1, animation.MOST_FPS)
    check_length(frames * len(numbers))
    steps = sampling.walk(model, numbers, frames=frames, truncation=truncation, loop=loop, label=label or None)
    return str(animation.save(steps, folder() / f"{file_name(model, 'walk')}.{format}", fps=fps))


# --- StyleGAN2: a point is a seed, or the text of a place that /invert or /complete found


def directions(model: str) -> list[str]:
    """Names of the latent directions of a StyleGAN2, for /edit.

    Args:
        model: Name of a StyleGAN2, such as stylegan2/fruits.

    Returns:
        names: Those that the model's directions have.
    """
    return list(editing.directions(model))


def mix(
    model: str,
    coarse: str = "0",
    fine: str = "1",
    crossover: int = 4,
    truncation: float = TRUNCATION,
    label: str = "",
    noise: int = 0,
) -> str:
    """Style mixing: pose and shape from one picture, colours and strokes from another.

    Args:
        model: Name of a StyleGAN2, such as stylegan2/fruits.
        coarse: Seed, or place that /invert found, for the coarse layers.
        fine: Seed or place for the fine layers.
        crossover: How many layers, from the coarsest on, follow the first one.
        truncation: 0 (all alike) to 1.5 (varied and sometimes odd); of seeds only.
        label: Class of a conditional model; empty for any.
        noise: Seed of the fine noise; -1 for none.

    Returns:
        picture: A PNG file.
    """
    points, shared = [_point(model, text) for text in (coarse, fine)], _shared(truncation, label, noise)
    made = editing.mix(model, *points, crossover=crossover, **shared)
    return file(model, made, {"task": "mix", "model": model, "coarse": coarse, "fine": fine, "crossover": crossover, **shared})


def edit(
    model: str,
    seed: str = "0",
    amounts: dict[str, float] | None = None,
    layers: str = "",
    truncation: float = TRUNCATION,
    label: str = "",
    noise: int = 0,
) -> str:
    """A picture moved along latent directions.

    Args:
        model: Name of a StyleGAN2, such as stylegan2/fruits.
        seed: Seed, or place that /invert found.
        amounts: Standard deviations along names of /directions, such as {"component 1": 1.5}.
        layers: First and last layer to move, from 0, such as "0-3"; empty for those that each direction was named for.
        truncation: 0 (all alike) to 1.5 (varied and sometimes odd); of seeds only.
        label: Class of a conditional model; empty for any.
        noise: Seed of the fine noise; -1 for none.

    Returns:
        picture: A PNG file.
    """
    shared, amounts = _shared(truncation, label, noise), amounts or {}
    made = editing.edit(
        model, _point(model, seed), amounts, layers=seed_texts.layers(layers) if layers.strip() else None, **shared
    )
    settings = {"task": "edit", "model": model, "seed": seed, "amounts": amounts, "layers": layers, **shared}
    return file(model, made, settings)


def pad(
    model: str, seed: str = "0", x: float = 0.0, y: float = 0.0, truncation: float = TRUNCATION, label: str = "", noise: int = 0
) -> str:
    """A point of the plane that the two strongest directions span.

    Args:
        model: Name of a StyleGAN2, such as stylegan2/fruits.
        seed: Seed, or place that /invert found: what lies in the middle.
        x: From -1 to 1, to the right.
        y: From -1 to 1, upwards.
        truncation: 0 (all alike) to 1.5 (varied and sometimes odd); of seeds only.
        label: Class of a conditional model; empty for any.
        noise: Seed of the fine noise; -1 for none.

    Returns:
        picture: A PNG file.
    """
    shared = _shared(truncation, label, noise)
    made = editing.pad(model, _point(model, seed), x, y, **shared)
    return file(model, made, {"task": "pad", "model": model, "seed": seed, "x": x, "y": y, **shared})


def feature_maps(
    model: str, seed: str = "0", layer: int = 0, count: int = 16, truncation: float = TRUNCATION, label: str = "", noise: int = 0
) -> list[tuple[str, str]]:
    """A look inside: the channels of a layer that vary most over a picture.

    Args:
        model: Name of a StyleGAN2, such as stylegan2/fruits.
        seed: Seed, or place that /invert found.
        layer: From 0, the coarsest, on.
        count: How many channels.
        truncation: 0 (all alike) to 1.5 (varied and sometimes odd); of seeds only.
        label: Class of a conditional model; empty for any.
        noise: Seed of the fine noise; -1 for none.

    Returns:
        channels: One grey PNG a channel, the strongest first.
    """
    shared = _shared(truncation, label, noise)
    made = editing.feature_maps(model, _point(model, seed), layer, count=count, **shared)
    settings = {"task": "feature_maps", "model": model, "seed": seed, "layer": layer, **shared}
    return files(model, made, [str(index + 1) for index in range(len(made))], [settings] * len(made))


def invert(model: str, image: str, steps: int = inversion.STEPS, seed: int = 0) -> tuple[str, str, dict[str, float]]:
    """A picture's place in the latent space of a StyleGAN2.

    Args:
        model: Name of a StyleGAN2, such as stylegan2/fruits.
        image: The picture; its middle square is used, at the model's size.
        steps: Of the search.
        seed: Of where the search begins.

    Returns:
        picture: What was found, as a PNG file.
        place: Its place, as the text that goes for a seed in /mix, /edit, /pad and /feature_maps.
        losses: Those at the end, with the PSNR in dB.
    """
    return _found(model, last(inversion.invert(model, image, steps=steps, seed=seed, every=steps)), "invert", seed)


def complete(model: str, image: str, mask: str, steps: int = inversion.STEPS, seed: int = 0) -> tuple[str, str, dict[str, float]]:
    """A picture whose covered part is filled in by a StyleGAN2.

    Args:
        model: Name of a StyleGAN2, such as stylegan2/fruits.
        image: The picture; its middle square is used, at the model's size.
        mask: A picture, white over what is to be filled in.
        steps: Of the search.
        seed: Each number is another completion.

    Returns:
        picture: The completed one, as a PNG file.
        place: Its place, as the text that goes for a seed in /mix, /edit, /pad and /feature_maps.
        losses: Those of what was not covered.
    """
    return _found(model, last(inversion.complete(model, image, mask, steps=steps, seed=seed, every=steps)), "complete", seed)


def _point(model: str, text: str) -> int | Latent:
    text = text.strip()
    if len(text) < 100 and text.isdecimal():
        return int(text)
    if len(text) < 100:
        raise StudioError(f"{shown(text)} is neither a seed nor a place: write a whole number, or what /invert gave.")
    return Latent.from_text(model, text)


def _shared(truncation: float, label: str, noise: int) -> dict[str, Any]:
    return {"truncation": truncation, "label": label or None, "noise": None if noise == -1 else noise}


def _found(model: str, step: InversionStep, task: str, seed: int) -> tuple[str, str, dict[str, float]]:
    place = step.latent.text()
    settings = {"task": task, "model": model, "steps": step.done, "seed": seed, "latent": place}
    return file(model, step.image, settings), place, dict(step.losses)
