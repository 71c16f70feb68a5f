"""Classical image-making models to play with: sample, interpolate, translate, restyle, take apart.

    import imgstudio
    imgstudio.sample("dcgan/avatars", [1, 2, 3])[0].show()

Importing this package loads nothing heavy: each public name brings in its module when it is first used.
"""

from __future__ import annotations

import importlib
import types
from typing import TYPE_CHECKING, Any

from . import models as _models

if TYPE_CHECKING:
    # For editors and checkers, which do not run `__getattr__`: the same names from the same modules as in _HOME.
    from .catalog.records import Direction, Embedded, Hub, Spec, Task
    from .errors import StudioError
    from .importing import import_weights
    from .loading import load
    from .studio.downloads import cached
    from .studio.grids import grid
    from .studio.interpolation import attribute, attributes, blend, denoise, interpolate, manifold, prior, reconstruct, traverse
    from .studio.records.reading import record
    from .studio.records.replaying import replay
    from .studio.records.saving import save
    from .studio.sampling import sample, walk
    from .studio.sampling.editing import directions, edit, feature_maps, mix, pad
    from .studio.sampling.inversion import complete, invert
    from .studio.sampling.latents import Latent
    from .studio.steps import Step, last
    from .studio.style import stylize
    from .studio.texture import Segmentation, overlay, segment
    from .studio.texture.decomposition import decompose, recompose
    from .studio.texture.retexture import retexture
    from .studio.texture.synthesis import synthesize
    from .studio.translation import Translation, translate

__version__ = "0.2.0"

# Public name -> the module that defines it.
_HOME = {
    "load": "loading",
    "import_weights": "importing",
    "cached": "studio.downloads",
    "StudioError": "errors",
    "Spec": "catalog.records",
    "Hub": "catalog.records",
    "Embedded": "catalog.records",
    "Direction": "catalog.records",
    "sample": "studio.sampling",
    "walk": "studio.sampling",
    "Latent": "studio.sampling.latents",
    "mix": "studio.sampling.editing",
    "edit": "studio.sampling.editing",
    "directions": "studio.sampling.editing",
    "pad": "studio.sampling.editing",
    "feature_maps": "studio.sampling.editing",
    "invert": "studio.sampling.inversion",
    "complete": "studio.sampling.inversion",
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
    "synthesize": "studio.texture.synthesis",
    "decompose": "studio.texture.decomposition",
    "recompose": "studio.texture.decomposition",
    "retexture": "studio.texture.retexture",
    "save": "studio.records.saving",
    "record": "studio.records.reading",
    "replay": "studio.records.replaying",
    "grid": "studio.grids",
}

__all__ = [
    "models",
    "load",
    "import_weights",
    "cached",
    "StudioError",
    "Spec",
    "Hub",
    "Embedded",
    "Direction",
    "sample",
    "walk",
    "Latent",
    "mix",
    "edit",
    "directions",
    "pad",
    "feature_maps",
    "invert",
    "complete",
    "reconstruct",
    "interpolate",
    "blend",
    "manifold",
    "traverse",
    "prior",
    "attribute",
    "attributes",
    "denoise",
    "Step",
    "last",
    "Translation",
    "translate",
    "stylize",
    "Segmentation",
    "segment",
    "overlay",
    "synthesize",
    "decompose",
    "recompose",
    "retexture",
    "save",
    "record",
    "replay",
    "grid",
]


class _Models(types.ModuleType):
    """The package of the nets, callable: `imgstudio.models("sample")` lists the catalogue, `imgstudio.models.dcgan` is a module.

    The two share a name, and importing a net would otherwise hide the function.
    """

    def __call__(self, task: Task | None = None) -> tuple[Spec, ...]:
        """Every model of the catalogue, or those for one task."""
        from . import catalog

        return catalog.models(task)


if TYPE_CHECKING:
    models: _Models
else:
    _models.__class__ = _Models
    models = _models

    def __getattr__(name: str) -> Any:  # hidden from checkers, for whom it would make every misspelt name an `Any`
        if name not in _HOME:
            raise AttributeError(f"module 'imgstudio' has no attribute {name!r}")
        value = getattr(importlib.import_module(f"imgstudio.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
