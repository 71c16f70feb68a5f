"""Results of the API as files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from ..kit.layout import file_name, folder, save_result


def file(model: str, picture: Image.Image, settings: dict[str, Any]) -> str:
    return save_result(picture, file_name(model, settings["task"]), settings)


def files(model: str, made: Sequence[Image.Image], captions: Sequence[str], settings: Sequence[dict]) -> list[tuple[str, str]]:
    place = folder()
    names = (file_name(model, caption) for caption in captions)
    return [
        (save_result(picture, name, each, place), caption)
        for picture, name, each, caption in zip(made, names, settings, captions)
    ]
