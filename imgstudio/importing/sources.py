"""From what a person names, a path or a repository, to files on this machine."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .. import weights
from ..catalog.records import Hub, Local
from ..checks import shown
from ..errors import StudioError

ENDINGS = (".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".model", ".tar")
USUAL = (  # names of a repository's one file of weights, the best first
    "model.safetensors", "diffusion_pytorch_model.safetensors", "pytorch_model.safetensors", "pytorch_model.bin",
    "diffusion_pytorch_model.bin", "model.bin", "generator.safetensors", "generator.pth", "generator.pt", "generator.bin",
    "netG.pth", "G.pth", "model.pth", "model.pt", "model.ckpt",
)  # fmt: skip
_REPO = re.compile(r"(?P<repo>[\w-][\w.-]*/[\w.-]+)(?:/(?P<file>[^@\s]+))?(?:@(?P<revision>[^@\s]+))?")
LONGEST = 500  # letters in the name of a file of a repository
_HALVES = re.compile(r"encoder|decoder", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """A file on this machine, and where it came from."""

    path: Path
    source: Hub | Local
    stem: str  # to name the model after

    @property
    def origin(self) -> str:
        """For people."""
        if isinstance(self.source, Hub):
            return f"{self.source.repo.partition('/')[0]} (https://huggingface.co/{self.source.repo})"
        return f"a file of yours, {self.path.name}"


Steps: TypeAlias = Generator[weights.Progress, None, list[Place]]


def find(source: str | Path, limit: int | None = None) -> Steps:
    """The file that is meant, or both halves of an autoencoder that comes in two; yields how far a download is.

    limit: bytes that a download may have. Raises StudioError.
    """
    _require_text(source)
    try:
        path = Path(source).expanduser()
        if path.is_dir():
            return _in_folder(path, limit)
        if path.is_file():
            return [_local(each, limit) for each in _with_other_half(path)]
        other = path.exists()
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or a home folder of nobody
        other = False
    if other:
        raise StudioError(
            f"{_shown(source)} is a device, not a file: give the path of a file, or owner/repo, or owner/repo/file."
        )
    return (yield from find_in_hub(source, limit))


def find_in_hub(source: str | Path, limit: int | None = None) -> Steps:
    """`find`, but never a file of this machine."""
    _require_text(source)
    name = str(source).strip().removeprefix("https://huggingface.co/")
    found = _REPO.fullmatch(name) if len(name) <= LONGEST else None
    if found is None:
        raise StudioError(f"There is no file at {_shown(source)}: give the path of one, or owner/repo, or owner/repo/file.")
    return (yield from _in_repository(found["repo"], found["file"], found["revision"] or "main", limit))


def _require_text(source: object) -> None:
    if not isinstance(source, str | Path):
        raise StudioError(
            f"A file or repository is named by a text such as owner/repo or model.pth, not by {shown(source)}: give its name."
        )


def _shown(source: str | Path) -> str:
    """For a sentence: without what would break it."""
    return weights.printable(str(source))


def _local(path: Path, limit: int | None) -> Place:
    path, size = path.resolve(), path.stat().st_size
    if limit is not None and size > limit:
        sizes = f"{size / 1e6:.0f} MB, and {limit / 1e6:.0f} MB are allowed here"
        raise StudioError(f"{weights.printable(path.name)} has {sizes}: choose a smaller file.")
    return Place(path, Local(path=str(path), sha256=weights.sha256(path)), path.stem)


# --- halves ---


def other_half(name: str) -> str | None:
    """The name of the decoder's file for that of the encoder, and the other way round."""
    swapped = _HALVES.sub(lambda word: _like(word[0], "decoder" if word[0].lower() == "encoder" else "encoder"), name)
    return swapped if swapped != name else None


def _like(word: str, other: str) -> str:
    return other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other


def _with_other_half(path: Path) -> list[Path]:
    other = other_half(path.name)
    return [path, path.with_name(other)] if other and path.with_name(other).is_file() else [path]


# --- folders and repositories ---


def _in_folder(folder: Path, limit: int | None) -> list[Place]:
    files = {path.name: path for path in sorted(folder.iterdir()) if path.suffix in ENDINGS}
    return [_local(files[name], limit) for name in choose(list(files), folder.name or "The folder")]


def choose(names: list[str], where: str) -> list[str]:
    """Of the names in a folder or repository, the one to take, or both of a pair. Raises StudioError that names several."""
    weighty = [name for name in names if name.endswith(ENDINGS)]
    usual = next((name for name in USUAL if name in weighty), None)
    if usual:
        return [usual]
    pairs = [[name, other_half(name)] for name in weighty if "encoder" in name.lower() and other_half(name) in weighty]
    if len(weighty) == 1 or len(pairs) == 1:
        return pairs[0] if pairs else weighty
    if not weighty:
        raise StudioError(f"{where} has no file of weights that ends with {', '.join(ENDINGS)}: choose another one.")
    shown = ", ".join(weighty[:8]) + (", ..." if len(weighty) > 8 else "")
    raise StudioError(f"{where} has several files of weights, so name one, as in {where}/{weighty[0]}: {shown}.")


def _in_repository(repo: str, file: str | None, revision: str, limit: int | None) -> Steps:
    if file is not None:
        names = [file, *_other_half_in(repo, file, revision)]
    else:
        try:
            names = choose(weights.listing(repo, revision), repo)
        except weights.Unlisted as error:
            return (yield from _first_usual(repo, revision, limit, error))
    places = []
    for name in names:
        places.append((yield from _fetched(repo, name, revision, limit)))  # noqa: PERF401
    return places


def _other_half_in(repo: str, file: str, revision: str) -> list[str]:
    other = other_half(file)
    try:
        return [other] if other and other in weights.listing(repo, revision) else []
    except weights.Unlisted:
        return []


def _first_usual(repo: str, revision: str, limit: int | None, problem: StudioError) -> Steps:
    """The first file with a usual name that is there: some mirrors list nothing."""
    for name in USUAL:
        try:
            return [(yield from _fetched(repo, name, revision, limit))]
        except weights.Absent:
            continue
        except StudioError as error:
            raise problem from error
    raise problem


def _fetched(repo: str, name: str, revision: str, limit: int | None) -> Generator[weights.Progress, None, Place]:
    try:
        source = Hub(repo=repo, filename=name, revision=revision)
    except ValueError as error:
        raise StudioError(f"{repo}/{name} is no file of a repository: write it like owner/repo/file.") from error
    path = yield from weights.fetching(source, name=f"{repo}/{name}", limit=limit)
    return Place(path, source, repo.partition("/")[2] if name in USUAL else Path(name).stem)
