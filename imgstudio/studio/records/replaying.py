"""A picture made again from its record. A record names operations and models of the studio, and nothing that could be opened."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any, TypeVar

from PIL import Image

from ... import catalog
from ... import image as images
from ...checks import check_count, check_flag, shown
from ...errors import StudioError
from ..notebook import Pictures
from ..steps import Step
from . import facts
from .inputs import Given
from .making import FORMAT
from .reading import record
from .sheets import enlarge, grid
from .values import LATENT, MADE, is_setting, latent, takes_picture

Kind = TypeVar("Kind")

OPERATIONS = {
    "sampling": ("sample", "walk"),
    "sampling.editing": ("mix", "edit", "pad", "generate", "feature_maps"),
    "sampling.inversion": ("invert", "complete"),
    "interpolation": ("reconstruct", "interpolate", "blend", "manifold", "traverse", "prior", "attribute", "denoise"),
    "translation": ("translate", "translation_steps"),
    "style": ("stylize",),
    "texture": ("embed", "regions_of", "segment"),
    "texture.overlays": ("overlay",),
    "texture.regions": ("merge",),
    "texture.synthesis": ("synthesize",),
    "texture.decomposition": ("decompose", "recompose"),
    "texture.retexture": ("retexture",),
    "texture.mosaic": ("mosaic",),
}
_HOME = {operation: module for module, operations in OPERATIONS.items() for operation in operations}
_BROKEN = "This record is damaged: choose the picture as it was saved, or make it anew."
_DEEPEST = 8  # records within each other
_MOST_PARTS = 4096


def replay(picture: Any, **inputs: Any) -> Image.Image | Pictures:
    """The picture made again from its record, with the same pixels on the same machine; of a film, its frames.

    picture: a picture with a record, a file of one, or what `record` returned.
    inputs:  the pictures that it was made of, by the names that the record gives them, such as content="photo.jpg"; several of
             one argument as a list, or one by one as corners_1, corners_2. Those whose own record stands in this one are made
             again, and can be left out.

    Lossy files lead to the picture as it was before it was written. Where other versions or another device give other pixels,
    a warning says so. Raises StudioError for an input that is missing, another one than recorded (by the SHA-256 of its pixels)
    or not known to the record, for weights other than those recorded, and for what is no record.
    """
    found = dict(picture) if isinstance(picture, Mapping) else record(picture)
    if found.get("record") != FORMAT:
        raise StudioError(_other_version(found))
    given = Given(found, inputs)
    try:
        made = _shown(_call(found, given, "", 0), found)
    except (KeyError, ValueError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        raise StudioError(_BROKEN) from error
    return _checked(made, found)


def _other_version(found: Mapping[str, Any]) -> str:
    if "record" not in found and "task" in found:
        return "This picture has the settings of an older version, which can be opened but not replayed: make it anew with them."
    return f"This record is of another version of the studio ({shown(found.get('record'))}): replay it with that one."


def _call(found: Mapping[str, Any], given: Given, prefix: str, depth: int) -> Any:
    """What the operation of a record returns."""
    name, settings = _plain(found, "operation", str), _plain(found, "settings", dict)
    if name not in _HOME:
        raise StudioError(f"There is no operation {shown(name)} here: replay the record with the version that wrote it.")
    if depth > _DEEPEST:
        raise StudioError(_BROKEN)
    function = getattr(importlib.import_module(f"..{_HOME[name]}", __package__), name)
    parameters = inspect.signature(function).parameters
    if surplus := next((each for each in settings if each not in parameters), None):
        raise StudioError(f"{name} has no setting {shown(surplus)} here: replay the record with the version that wrote it.")
    _check_models(_plain(found, "models", dict))
    arguments = {}
    for each, parameter in parameters.items():
        if takes_picture(str(parameter.annotation)):
            arguments |= _picture_argument(found, given, prefix, depth, parameter)
        elif each in settings:
            arguments[each] = _restored(settings[each], given, f"{prefix}{each}.", depth)
        elif each in _plain(found, "inputs", dict):
            arguments[each] = given.regions(f"{prefix}{each}", _plain(found["inputs"], each, dict))
    lacking = next((each for each, p in parameters.items() if p.default is p.empty and each not in arguments), None)
    if lacking:
        raise StudioError(f"This record lacks {shown(lacking)}, without which {name} can't be replayed: make the picture anew.")
    return function(**arguments)


def _plain(found: Mapping[str, Any], key: str, kind: type[Kind]) -> Kind:
    value = found.get(key)
    if not isinstance(value, kind):
        raise StudioError(_BROKEN)
    return value


def _check_models(recorded_models: Mapping[str, Any]) -> None:
    for name, known in recorded_models.items():
        here, there = facts.model(name), known.get("sha256") if isinstance(known, Mapping) else None
        if there is not None and here["sha256"] is not None and there != here["sha256"]:
            title = catalog.find(name).known_as
            raise StudioError(f"The weights of {title} are not those of this picture: its SHA-256 was {shown(there)}.")


def _picture_argument(
    found: Mapping[str, Any], given: Given, prefix: str, depth: int, parameter: inspect.Parameter
) -> dict[str, Any]:
    """The argument of a parameter for pictures, if the record has one: never a name of a file that it may hold."""
    name, annotation = parameter.name, str(parameter.annotation)
    settings, inputs = found["settings"], _plain(found, "inputs", dict)

    def one(key: str) -> Any:
        entry = _plain(inputs, key, dict)
        return given.picture(f"{prefix}{key}", entry, lambda: _input_again(entry, given, f"{prefix}{key}.", depth))

    if name in inputs:
        return {name: one(name)}
    if f"{name}_1" in inputs:
        count = next(number for number in range(1, len(inputs) + 2) if f"{name}_{number}" not in inputs) - 1
        return {name: [one(f"{name}_{number}") for number in range(1, count + 1)]}
    if name not in settings:
        return {}
    value = settings[name]
    if not is_setting(value, annotation, WORDS):  # a name of a file or an address, which is never opened
        raise StudioError(f"The record gives {name} as {shown(value)}, which is no picture: give the picture itself.")
    return {name: value}


WORDS = ("content", "noise", "style")  # in place of a picture to start from


def _input_again(entry: Mapping[str, Any], given: Given, prefix: str, depth: int) -> Image.Image | None:
    """An input made again from its own record; None without one."""
    own = entry.get("record")
    if not isinstance(own, Mapping) or own.get("record") != FORMAT:
        return None
    made = _shown(_call(own, given, prefix, depth + 1), own)
    return made if isinstance(made, Image.Image) else None


def _restored(value: Any, given: Given, prefix: str, depth: int) -> Any:
    """A setting as the function takes it."""
    if isinstance(value, list):
        return [_restored(each, given, prefix, depth) for each in value]
    if not isinstance(value, Mapping):
        return value
    if LATENT in value:
        return latent(value[LATENT])
    if MADE in value:
        own = value[MADE]
        made = _call(own, given, prefix, depth + 1)
        return _part_of(made, _plain(own, "part", list)) if "part" in own else made
    return dict(value)


# --- from the result of the call to what was saved ---


def _shown(made: Any, found: Mapping[str, Any]) -> Any:
    """The picture or the frames that the record is of."""
    made = _stepped(made, found)
    if "sheet" in found:
        sheet = found["sheet"]
        parts = sheet["parts"][:_MOST_PARTS]
        pictures = [_enlarged(picture, found) for picture in _pick(made, parts)]
        return grid(pictures, sheet["columns"], check_count("The gap", sheet["gap"], 0, 1000), sheet["side"])
    if "film" in found:
        parts = found["film"].get("parts")
        frames = list(_flat(made)) if parts is None else _pick(made, parts[:_MOST_PARTS])
        return Pictures(_enlarged(frame, found) for frame in frames)
    [picture] = _pick(made, [found.get("part", [])])
    return _enlarged(picture, found)


def _stepped(made: Any, found: Mapping[str, Any]) -> Any:
    """The step that the record is of, where the call makes steps; no further ones are made."""
    if not isinstance(made, Iterator) or "step" not in found:
        return made
    try:
        for step in made:
            if isinstance(step, Step) and step.done == found["step"]:
                return step
    finally:
        made.close() if hasattr(made, "close") else None
    raise StudioError(f"There is no step {shown(found['step'])} in this work: make the picture anew.")


def _pick(made: Any, parts: list[Any]) -> list[Any]:
    """Some of what a call made; of frames that are made one by one no more than are wanted."""
    if isinstance(made, Iterator):
        last = max(check_count("The frame", part[0], 0, 10**6) for part in parts)
        frames, made = made, list(islice(made, last + 1))
        frames.close() if hasattr(frames, "close") else None
    return [_part_of(made, part) for part in parts]


def _part_of(made: Any, part: list[Any]) -> Any:
    """part: numbers of lists and names of fields, from outside."""
    if isinstance(made, Step) and not part:
        made = made.image
    for key in part:
        if isinstance(key, str) and is_dataclass(made) and key in {field.name for field in fields(made)}:
            made = getattr(made, key)
        elif isinstance(key, int) and isinstance(made, list | tuple) and 0 <= key < len(made):
            made = made[key]
        else:
            raise StudioError(_BROKEN)
    return made


def _flat(made: Any) -> Iterator[Image.Image]:
    """All frames of a call."""
    for item in [made] if isinstance(made, Image.Image) else made:
        yield from _flat(item) if isinstance(item, list) else [item.image if isinstance(item, Step) else item]


def _enlarged(picture: Any, found: Mapping[str, Any]) -> Image.Image:
    if not isinstance(picture, Image.Image):
        raise StudioError(_BROKEN)
    wanted = found.get("enlarge")
    return picture if wanted is None else enlarge(picture, wanted["side"], check_flag("Smooth", wanted["smooth"]))


def _checked(made: Image.Image | Pictures, found: Mapping[str, Any]) -> Image.Image | Pictures:
    """The result, with the record that it was made from where it is bit for bit the same; else with its own and a warning."""
    known = found.get("picture")
    if isinstance(made, Image.Image) and isinstance(known, Mapping):
        if images.fingerprint(made) == known.get("sha256"):
            images.carry(made, {key: value for key, value in found.items() if key not in ("picture", "changed")})
        else:
            there = ", ".join(f"{key} {shown(found.get(key))}" for key in ("versions", "device"))
            warnings.warn(f"The pixels are not those of the original, which was made with other {there}.", stacklevel=3)
    return made
