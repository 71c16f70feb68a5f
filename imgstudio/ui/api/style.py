"""The API of the tab "Style transfer"."""

from __future__ import annotations

from ...studio import style as studio_style
from ...studio.steps import last
from .files import file


def stylize(
    model: str,
    content: str,
    style: str | None = None,
    strength: float = 1.0,
    content_weight: float = 1.0,
    style_weight: float = 1.0,
    size: int = 512,
    steps: int = studio_style.STEPS,
    keep_colors: str = "none",
    mask: str | None = None,
    seed: int = 0,
) -> tuple[str, dict[str, float]]:
    """A picture in the manner of another.

    Args:
        model: Name of a model for style transfer: gatys/... optimises, fast/... has one style, magenta/any takes any.
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
        picture: A PNG file.
        losses: Those at the end of an optimisation.
    """
    shared = {"strength": strength, "size": size, "keep_colors": False if keep_colors == "none" else keep_colors, "seed": seed}
    slow = {"content_weight": content_weight, "style_weight": style_weight, "steps": steps}
    step = last(studio_style.stylize(model, content, style, mask=mask, **shared, **slow))
    return file(model, step.image, {"task": "stylize", "model": model, **shared, **slow}), dict(step.losses)
