"""Classical image-making models to play with: sample, interpolate, translate, restyle, take apart.

    import imgstudio
    imgstudio.sample("dcgan/avatars", [1, 2, 3])[0].show()

Importing this package loads nothing heavy: each public name brings in its module when it is first used.
"""

from __future__ import annotations

import importlib
import types
from typing import Any

from . import models as _models

__version__ = "0.1.0"

# Public name -> the module that defines it.
_HOME = {
    "load": "loading",
    "import_weights": "importing",
    "cached": "studio.downloads",
    "StudioError": "errors",
    "Spec": "spec",
    "Hub": "spec",
    "Embedded": "spec",
    "Direction": "spec",
    "sample": "studio.sampling",
    "walk": "studio.sampling",
    "Latent": "studio.latents",
    "mix": "studio.steering",
    "edit": "studio.steering",
    "directions": "studio.steering",
    "pad": "studio.steering",
    "feature_maps": "studio.steering",
    "invert": "studio.inversion",
    "complete": "studio.inversion",
    "reconstruct": "studio.interpolation",
    "interpolate": "studio.interpolation",
    "blend": "studio.interpolation",
    "manifold": "studio.interpolation",
    "traverse": "studio.interpolation",
    "prior": "studio.interpolation",
    "attribute": "studio.interpolation",
    "attributes": "studio.interpolation",
    "denoise": "studio.interpolation",
    "Step": "studio.steps",
    "last": "studio.steps",
    "Translation": "studio.translation",
    "translate": "studio.translation",
    "stylize": "studio.style",
    "Segmentation": "studio.texture",
    "segment": "studio.texture",
    "overlay": "studio.texture",
    "synthesize": "studio.synthesis",
    "decompose": "studio.decomposition",
    "recompose": "studio.decomposition",
    "retexture": "studio.retexture",
}

__all__ = ["models", *_HOME]


class _Models(types.ModuleType):
    """The package of the nets, callable: `imgstudio.models("sample")` lists the catalogue, `imgstudio.models.dcgan` is a module.

    The two share a name, and importing a net would otherwise hide the function.
    """

    def __call__(self, task: str | None = None) -> tuple:
        """Every model of the catalogue, or those for one task."""
        return importlib.import_module("imgstudio.catalog").models(task)


_models.__class__ = _Models
models = _models


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'imgstudio' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"imgstudio.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
