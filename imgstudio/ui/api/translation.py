"""The API of the tab "Translation"."""

from __future__ import annotations

from ...studio import pictures
from ...studio import translation as studio_translation
from . import bounds
from .files import file


def translate(
    model: str, image: str, strength: float = 1.0, size: int = 0, cycle: bool = True
) -> tuple[str, str | None, str | None, dict[str, float]]:
    """A picture in another domain, and back again.

    Args:
        model: Name of a model for translation, such as cyclegan/sim2real.
        image: The picture.
        strength: 0 (the picture as it was) to 1.
        size: Longer side of the result in pixels; 0 leaves the picture as large as it is, up to what the server allows.
        cycle: Whether it is also translated back.

    Returns:
        translation: A PNG file.
        cycle: The picture after the way there and back, as a PNG file; none where nothing leads back.
        errors: A heat map of where that differs from the picture, as a PNG file; none where nothing leads back.
        figures: The mean difference, from 0 to 255; empty where nothing leads back.
    """
    picture = pictures.read(image)
    made = studio_translation.translate(model, picture, cycle=cycle, size=bounds.side(size, picture), strength=strength)
    settings = {"task": "translate", "model": model, "strength": strength, "size": size}
    translated = file(model, made.image, settings)
    if made.cycle is None:
        return translated, None, None, {}
    errors = studio_translation.error_map(picture, made.cycle)
    return (
        translated,
        file(f"{model}-back", made.cycle, settings),
        file(f"{model}-error", errors, settings),
        {"cycle": made.cycle_error},
    )
