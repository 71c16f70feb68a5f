"""Models that a visitor imports for this session alone, from the Hub or as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import catalog
from ..catalog.records import Spec, Task
from ..errors import StudioError
from ..importing import Looking, importing
from ..weights import Progress

__all__ = ["find", "from_files", "from_hub"]

TABS = {
    "sample": "Latent sampling",
    "reconstruct": "VAE interpolation",
    "translate": "Translation",
    "stylize": "Style transfer",
    "segment": "Texture",
    "features": "Texture",
}


def from_hub(repository: str, task: Task, *, limit: float | None = None) -> Iterator[Progress | Looking | Spec]:
    """The model of "owner/repo" or "owner/repo/file": how far the download is, and last the model.

    limit: MB that a file may have; None for any. Raises StudioError.
    """
    if not isinstance(repository, str) or not repository.strip():
        raise StudioError("Name a repository first, such as owner/repo or owner/repo/file.")
    return _import(repository.strip(), task, limit, here=False)


def from_files(paths: Sequence[str], task: Task, *, limit: float | None = None) -> Iterator[Progress | Looking | Spec]:
    """The model of a file, or of both halves of an autoencoder; limit as of `from_hub`. Raises StudioError."""
    return _import(list(paths or ()), task, limit, here=True)


def _import(source: str | list[str], task: Task, limit: float | None, *, here: bool) -> Iterator[Progress | Looking | Spec]:
    most = None if limit is None else int(limit * 1e6)
    spec = yield from importing(source, task=task, listed=False, here=here, limit=most)
    if spec.task != task:
        raise StudioError(f'{spec.note or spec.title} It belongs in the tab "{TABS[spec.task]}": import it there.')
    yield spec


def find(name: str) -> Spec:
    """The model of that name, also an imported one."""
    return catalog.find(name)
