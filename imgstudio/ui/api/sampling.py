"""The API of the tab "Latent sampling"."""

from __future__ import annotations

from ...studio import animation, sampling
from ...studio import seeds as seed_texts
from ..common import file_name, folder
from ..player import check_length
from .files import files


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
    return files(model, made, [str(seed) for seed in numbers], settings)


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
