"""A picture made again from its record. A record names operations and models of the studio, and nothing that could be opened."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Mapping
from typing import Any, TypeVar

from PIL import Image

from ... import catalog
from ... import image as images
from ...checks import shown
from ...errors import StudioError
from ..notebook import Pictures
from . import facts
from .inputs import Given
from .making import FORMAT
from .parts import BROKEN, check, part_of, shown_part
from .reading import bounded, record
from .values import LATENT, MADE, is_setting, latent, takes_picture

Kind = TypeVar("Kind")

OPERATIONS = {
    "sampling": ("sample", "walk"),
    "sampling.editing": ("mix", "edit", "pad", "generate", "feature_maps"),
    "sampling.inversion": ("invert", "complete"),
    "interpolation": ("reconstruct", "interpolate", "blend", "manifold", "traverse", "prior", "attribute", "denoise"),
    "translation": ("translate", "translation_steps", "error_map"),
    "style": ("stylize",),
    "texture": ("embed", "regions_of", "segment"),
    "texture.overlays": ("overlay", "label_map"),
    "texture.regions": ("merge",),
    "texture.synthesis": ("synthesize", "repeat"),
    "texture.decomposition": ("decompose", "recompose"),
    "texture.retexture": ("retexture",),
    "texture.mosaic": ("mosaic",),
}
_HOME = {operation: (module, operation) for module, operations in OPERATIONS.items() for operation in operations}
_HOME["blend_translation"] = "translation", "blend"
_DEEPEST = 8  # records within each other


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
    if not bounded(found):
        raise StudioError(BROKEN)
    check(found)
    given = Given(found, inputs)
    try:
        made = shown_part(_call(found, given, "", 0), found)
    except (KeyError, ValueError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        raise StudioError(BROKEN) from error
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
        raise StudioError(BROKEN)
    module, attribute = _HOME[name]
    function = getattr(importlib.import_module(f"..{module}", __package__), attribute)
    parameters = inspect.signature(function).parameters
    if surplus := next((each for each in settings if each not in parameters), None):
        raise StudioError(f"{name} has no setting {shown(surplus)} here: replay the record with the version that wrote it.")
    _check_models(_plain(found, "models", dict))
    arguments: dict[str, Any] = {}
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
        raise StudioError(BROKEN)
    return value


def _check_models(recorded_models: Mapping[str, Any]) -> None:
    for name, known in recorded_models.items():
        here = facts.model(name)
        for key, word in (("sha256", "SHA-256"), ("revision", "revision")):
            there = known.get(key) if isinstance(known, Mapping) else None
            if there is not None and here.get(key) is not None and there != here[key]:
                title = catalog.find(name).known_as
                raise StudioError(f"The weights of {title} are not those of this picture: their {word} was {shown(there)}.")


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
    check(own)
    made = shown_part(_call(own, given, prefix, depth + 1), own)
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
        own = _plain(value, MADE, dict)
        check(own)
        made = _call(own, given, prefix, depth + 1)
        return part_of(made, own["part"]) if "part" in own else made
    return dict(value)


def _carry_over(frame: Image.Image, found: Mapping[str, Any]) -> None:
    """Gives a frame of a film, whose record tells no pixels, the record of the film where versions and device are the same."""
    own = images.carried(frame) or {}
    if all(own.get(key) == found.get(key) for key in ("versions", "device")):
        call = {key: value for key, value in found.items() if key != "film"}
        images.carry(frame, {**call, **{key: own[key] for key in ("part", "step") if key in own}})


def _checked(made: Image.Image | Pictures, found: Mapping[str, Any]) -> Image.Image | Pictures:
    """The result, with the record that it was made from where it is bit for bit the same; else with its own and a warning."""
    known = found.get("picture")
    if isinstance(made, Pictures):
        for frame in made:
            _carry_over(frame, found)
    elif isinstance(made, Image.Image) and isinstance(known, Mapping):
        if images.fingerprint(made) == known.get("sha256"):
            images.carry(made, {key: value for key, value in found.items() if key not in ("picture", "changed")})
        else:
            there = ", ".join(f"{key} {shown(found.get(key))}" for key in ("versions", "device"))
            warnings.warn(f"The pixels are not those of the original, which was made with other {there}.", stacklevel=3)
    return made
