"""VGG-19 of torchvision or timm: it guides style transfer, describes textures, or hands out features."""

from __future__ import annotations

import re

from torch import Tensor

from ...catalog import credits
from ...catalog.records import Task
from ...models.vgg import LAYERS
from ..checkpoint import State
from ..recognition import Mismatch, Recognised

_DEEPEST = "relu5_1"  # of VGG, the last layer that style transfer looks at


def recognise(state: State, task: Task | None) -> Recognised | None:
    """VGG-19 of torchvision or timm, with its classifier or without, of any width."""
    places, given = _places(), {key for key in state if re.fullmatch(r"features\.\d+\.weight", key)}
    if not given:
        return None
    needed = [f"features.{place}.weight" for name, place in places.items() if name <= _DEEPEST]
    missing = next((key for key in needed if key not in state), None)
    if missing or any(state[key].ndim != 4 for key in needed):
        raise Mismatch(f"it looks like a VGG, but not like VGG-19 without batch norms: {missing or needed[0]} is missing")
    firsts = [f"features.{places[f'relu{block}_1']}.weight" for block in range(1, 6)]
    widths = tuple(state[key].shape[0] for key in firsts)
    builds = {"features": "vgg:VGG", "segment": "vgg_segmenter:VGGSegmenter"}
    wanted: Task = task if task in builds else "stylize"
    use = {"features": "", "segment": " Its layers tell textures apart.", "stylize": " Its layers guide style transfer."}
    return Recognised(
        task=wanted,
        build=f"imgstudio.models.{builds.get(wanted, 'vgg:VGG')}",
        kwargs={"widths": widths},
        convert=own_keys,
        title="VGG-19",
        said=f"A VGG-19 with {', '.join(map(str, widths))} channels.{use[wanted]}",
        paper=credits.VGG,
    )


def _places() -> dict[str, int]:
    """Where in `features` the convolution of each layer of VGG-19 is: counting it, its ReLU and the poolings."""
    return {name: 2 * i + int(name[4]) - 1 for i, name in enumerate(LAYERS)}


def own_keys(state: State) -> dict[str, Tensor]:
    names = {f"features.{place}" for name, place in _places().items() if name <= _DEEPEST}
    return {key: tensor for key, tensor in state.items() if key.rpartition(".")[0] in names}
