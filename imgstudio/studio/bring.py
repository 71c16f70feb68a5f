"""Models that a visitor brings for himself alone, from the Hub or as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import catalog
from ..errors import StudioError
from ..importing import importing
from ..spec import Spec, Task
from ..weights import Progress

__all__ = ["find", "from_files", "from_hub"]

ROOMS = {
    "sample": "Latent sampling",
    "reconstruct": "VAE interpolation",
    "translate": "Translation",
    "stylize": "Style transfer",
    "segment": "Texture",
    "features": "Texture",
}


def from_hub(repository: str, task: Task) -> Iterator[Progress | Spec]:
    """The model of "owner/repo" or "owner/repo/file": how far the download is, and last the model. Raises StudioError."""
    if not repository.strip():
        raise StudioError("Name a repository first, such as owner/repo or owner/repo/file.")
    return _brought(repository.strip(), task, here=False)


def from_files(paths: Sequence[str], task: Task) -> Iterator[Progress | Spec]:
    """The model of a file, or of both halves of an autoencoder. Raises StudioError."""
    return _brought(list(paths), task, here=True)


def _brought(source: str | list[str], task: Task, *, here: bool) -> Iterator[Progress | Spec]:
    spec = yield from importing(source, task=task, listed=False, here=here)
    if spec.task != task:
        raise StudioError(f'{spec.note or spec.title} It belongs in the tab "{ROOMS[spec.task]}": bring it there.')
    yield spec


def find(name: str) -> Spec:
    """The model of that name, also one that a visitor brought."""
    return catalog.find(name)
