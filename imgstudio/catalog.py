"""The one table of every model. New weights for a known net are one entry here; nothing else has to change."""

from __future__ import annotations

from typing import Any

from .errors import StudioError
from .spec import TASKS, Embedded, Spec, Task


def _own(name: str, task: Task, title: str, build: str, *, sha256: str, size: int, licence: str, data: str, **more: Any) -> Spec:
    """Weights that this project trained. The file in `weights/` is named after the model: dcgan-nouns.safetensors.

    `more` are further fields of Spec, such as `paper` and `labels`; `kwargs` are the arguments of `build`.
    """
    return Spec(
        name=name,
        task=task,
        title=title,
        build=f"imgstudio.models.{build}",
        source=Embedded(filename=f"{name.replace('/', '-')}.safetensors", sha256=sha256),
        size=size,
        licence=licence,
        origin="trained by this project",
        data=data,
        **more,
    )


_DCGAN = "Radford, Metz and Chintala 2015, https://arxiv.org/abs/1511.06434"

_CGAN = "Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784"
_VAE = "Kingma and Welling 2013, https://arxiv.org/abs/1312.6114"

_FRUITS = "Photographs of fruits: Fruits-360 by Mihai Oltean (CC BY-SA 4.0)"
_HANDS = "Photographs of hands showing digits: Mavi, https://arxiv.org/abs/2011.08927 (Apache-2.0)"
_AVATARS = 'Drawn heads: "Adventurer" by Lisa Wischofsky, remixed by DiceBear (CC BY 4.0), colours and size changed'

SPECS: tuple[Spec, ...] = (
    _own(
        "dcgan/avatars",
        "sample",
        "Drawn heads, DCGAN, 64 px",
        "dcgan:Generator",
        kwargs={"size": 64},
        sha256="02a1c715ff6c952aaeb9c8c9604a217a57563f006838400b0a8c2b4bf5f7217a",
        size=7618534,
        licence="CC-BY-4.0",
        data=_AVATARS,
        paper=_DCGAN,
    ),
    _own(
        "cgan/fruits",
        "sample",
        "Fruits, conditional GAN, 64 px",
        "dcgan:Generator",
        kwargs={"size": 64, "channels": 48, "classes": 3},
        sha256="5c8f6acd0c449d64e3883cc5a722a04b9a84c1537b06b8c2ecf43b5e25d39e2a",
        size=6256590,
        licence="CC-BY-SA-4.0",
        data=_FRUITS,
        paper=_CGAN,
        labels=("apple", "cherry", "tomato"),
    ),
    _own(
        "vae/avatars",
        "reconstruct",
        "Drawn heads, VAE, 64 px",
        "vae:VAE",
        kwargs={"size": 64, "groups": 12},
        sha256="ee4d965a9cad98a3e69f63b3de02e67c68d93c125b007b08eafc5fa2eb42b234",
        size=9239584,
        licence="CC-BY-4.0",
        data=_AVATARS,
        paper=_VAE,
        labels=(
            *(f"ground/{c} ground" for c in ("blue", "purple", "pink", "peach", "white", "lavender", "yellow", "mint")),
            *(f"skin/{c} skin" for c in ("dark", "brown", "tan", "light")),
        ),
    ),
    _own(
        "vae/fruits",
        "reconstruct",
        "Fruits, VAE, 64 px",
        "vae:VAE",
        kwargs={"size": 64, "groups": 3},
        sha256="6459947dabe5da4c15d94e8313ea979e26afa342eb10daf1ce4bc8c12affbb1e",
        size=9237848,
        licence="CC-BY-SA-4.0",
        data=_FRUITS,
        paper=_VAE,
        labels=("fruit/apple", "fruit/cherry", "fruit/tomato"),
    ),
    _own(
        "vae/hands",
        "reconstruct",
        "Hands, VAE, 64 px",
        "vae:VAE",
        kwargs={"size": 64, "groups": 10},
        sha256="60fe9a23bd9b93938ea722f6440e5d3ec8e51d4b783514e8147ead503dd4423b",
        size=9239200,
        licence="Apache-2.0",
        data=_HANDS,
        paper=_VAE,
        labels=tuple(f"digit/digit {digit}" for digit in range(10)),
    ),
)

_registered: dict[str, Spec] = {}  # models added while the process runs, by name


def register(spec: Spec) -> Spec:
    """Makes a model usable by its name in this process. It may replace an earlier one, but none of the table."""
    if any(known.name == spec.name for known in SPECS):
        raise StudioError(f"{spec.name} is the name of a model of this studio: choose another name.")
    _registered[spec.name] = spec
    return spec


def unregister(name: str) -> None:
    """Forgets a model that `register` added."""
    _registered.pop(name, None)


def models(task: Task | None = None) -> tuple[Spec, ...]:
    """Every model, or those for one task, in the order of the table."""
    if task is not None and task not in TASKS:
        raise StudioError(f"There is no task {task!r}: choose one of {', '.join(TASKS)}.")
    return tuple(spec for spec in (*SPECS, *_registered.values()) if task in (None, spec.task))


def find(name: str) -> Spec:
    """The model of that name."""
    for spec in models():
        if spec.name == name:
            return spec
    raise StudioError(f"There is no model {name!r}: choose one of {', '.join(spec.name for spec in models())}.")


def default(task: Task) -> Spec | None:
    """The model to offer first: the first embedded one of that task."""
    return next((spec for spec in models(task) if spec.embedded), None)
