"""Files of weights: find them, check them, read and write them. The only place that talks to the Hugging Face Hub.

Files are safetensors, float16 on disk and float32 in memory, with the net's arguments as JSON in the metadata. For a Hub
repository that has nothing else, PyTorch files are read as plain tensors; nothing in them is ever executed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .errors import StudioError
from .spec import Embedded, Hub, Spec

PATIENCE = 3.0  # seconds to wait for the Hub's first answer
_MEMORY = 60.0  # seconds for which a Hub that did not answer is not asked again

log = logging.getLogger(__name__)


# --- where a file is ---


def folder() -> Path:
    """The folder of the embedded files: IMGSTUDIO_WEIGHTS_DIR, or `weights/` beside the package."""
    return Path(os.environ.get("IMGSTUDIO_WEIGHTS_DIR") or Path(__file__).resolve().parent.parent / "weights")


def locate(spec: Spec, *, instead: str | None = None) -> Path:
    """The file of a model on this machine, downloaded if it has to be.

    instead: the model to recommend should this one be out of reach. Raises StudioError.
    """
    source = _effective(spec.source)
    if isinstance(source, Hub):
        return _from_hub(spec, source, instead)
    path = folder() / source.filename
    if not path.is_file():
        raise StudioError(
            f"The weights of {spec.name} are missing at {path}: restore the file, or set IMGSTUDIO_WEIGHTS_DIR to its folder."
        )
    return path


def _effective(source: Embedded | Hub) -> Embedded | Hub:
    """IMGSTUDIO_WEIGHTS=owner/repo[@revision] moves the embedded files to a Hub repository, under the same hashes."""
    setting = os.environ.get("IMGSTUDIO_WEIGHTS")
    if not setting or isinstance(source, Hub):
        return source
    repo, _, revision = setting.partition("@")
    try:
        return Hub(repo=repo, filename=source.filename, revision=revision or "main", sha256=source.sha256)
    except ValueError as error:
        raise StudioError(f"IMGSTUDIO_WEIGHTS is {setting!r}: it has to be owner/repo or owner/repo@revision.") from error


# --- whether it is the right one ---


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file; remembered until the file changes."""
    stat = path.stat()
    return _sha256(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, modified: int, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def verify(spec: Spec, path: Path) -> None:
    """Raises StudioError unless the file is the one that the catalogue names."""
    expected = spec.source.sha256
    if expected is None or sha256(path) == expected:
        return
    found = path.stat().st_size
    if found < spec.size:
        problem = f"is incomplete ({found:,} of {spec.size:,} bytes)"
    else:
        problem = f"is not the expected one (SHA-256 {sha256(path)[:12]}..., expected {expected[:12]}...)"
    raise StudioError(f"The file of {spec.name} {problem}: delete {path} and get it again.")


# --- what is in it ---


def read(path: Path, only: Callable[[str], bool] | None = None) -> dict[str, Any]:
    """The tensors of a file by name, floating ones as float32, on the CPU. Raises StudioError if it is damaged.

    only: says by its name whether a tensor is wanted; of a safetensors file, the others never get into memory.
    """
    state = (_read_safetensors if path.suffix == ".safetensors" else _read_torch)(path, only or (lambda name: True))
    return {name: _full(value) for name, value in state.items()}


def _full(value: Any) -> Any:
    return value.float() if isinstance(value, Tensor) and value.is_floating_point() else value


def _read_safetensors(path: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if wanted(name)}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise StudioError(f"{path} is damaged or incomplete: delete it and get it again.") from error


def _read_torch(path: Path, wanted: Callable[[str], bool]) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise StudioError(f"{path} holds more than tensors, or is damaged, and is not opened: choose another file.") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise StudioError(f"{path} is damaged or incomplete: delete it and get it again.") from error
    if not isinstance(state, dict):
        raise StudioError(f"{path} holds no tensors by name: choose another file.")
    return {name: value for name, value in state.items() if wanted(name)}


def read_config(path: Path) -> dict[str, Any]:
    """What `write` stored as `config`; empty for files of other makers."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get("config", "{}"))
    except (SafetensorError, ValueError) as error:
        raise StudioError(f"{path} is damaged or incomplete: delete it and get it again.") from error


def write(path: Path, state: Mapping[str, Tensor], config: dict[str, Any] | None = None) -> str:
    """Writes tensors by name, floating ones as float16, and returns the file's SHA-256.

    The file appears whole or not at all. The same tensors give the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(
            {name: _compact(state[name]) for name in sorted(state)},
            partial,
            metadata={"config": json.dumps(config or {}, sort_keys=True)},
        )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return sha256(path)


def _compact(tensor: Tensor) -> Tensor:
    """float16, unless a value is too large for it."""
    tensor = tensor.detach().cpu().contiguous().clone()  # a clone, because the format holds no shared memory
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if torch.equal(half.isfinite(), tensor.isfinite()) else tensor.float()


# --- the Hugging Face Hub ---


class _Unreachable(Exception):
    """No answer from the Hub. The text is the reason."""


_silence: dict[str, tuple[float, str]] = {}  # endpoint -> when it did not answer, and why
_silence_lock = threading.Lock()


def _hub() -> Any:
    """The client library, told to report nothing to anybody and to draw no bars unless the user asked for them."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import huggingface_hub
    import huggingface_hub.errors

    return huggingface_hub


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def _from_hub(spec: Spec, source: Hub, instead: str | None) -> Path:
    """The file in the Hub's cache on this machine; without any request if it is there and right."""
    cached = _hub().try_to_load_from_cache(source.repo, source.filename, revision=source.revision)
    spoilt = False
    if isinstance(cached, str):
        spoilt = source.sha256 is not None and sha256(Path(cached)) != source.sha256
        if not spoilt:
            return Path(cached)
    try:
        _ask(source)
        return _download(source, again=spoilt)
    except StudioError:
        raise
    except Exception as error:  # the client library lets through many kinds, its HTTP library's among them
        log.info("download of %s failed", spec.name, exc_info=True)
        advice = f"use {instead}, which is here already" if instead else "try again once that has changed"
        raise StudioError(f"{spec.name} cannot be downloaded because {_reason(error, source)}: {advice}.") from error


def _ask(source: Hub) -> None:
    """Asks for the file's header, and takes silence for an answer after PATIENCE seconds: the client itself would retry for 20.

    A daemon thread, because name look-ups know no time limit.
    """
    hub, endpoint = _hub(), _endpoint()
    with _silence_lock:
        since, why = _silence.get(endpoint, (-_MEMORY, ""))
    if time.monotonic() - since < _MEMORY:
        raise _Unreachable(why)
    url = hub.hf_hub_url(source.repo, source.filename, revision=source.revision, endpoint=endpoint)
    outcome: list[Exception | None] = []

    def ask() -> None:
        try:
            header = hub.get_hf_file_metadata(url, timeout=PATIENCE, endpoint=endpoint)
            outcome.append(None if header.commit_hash else _Unreachable(f"{endpoint} does not answer as a Hub does"))
        except Exception as error:  # handed to the asking thread
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    error = outcome[0] if outcome else TimeoutError()
    if error is None:
        return
    if getattr(error, "response", None) is not None or isinstance(error, hub.errors.OfflineModeIsEnabled):
        raise error  # an answer, or a setting of the user: either may change at once
    within = "" if outcome else f" within {PATIENCE:.0f} s"
    why = str(error) if isinstance(error, _Unreachable) else f"{endpoint} does not answer{within}"
    with _silence_lock:
        _silence[endpoint] = (time.monotonic(), why)
    raise _Unreachable(why) from error


def _download(source: Hub, *, again: bool) -> Path:
    path = _hub().hf_hub_download(
        source.repo,
        source.filename,
        revision=source.revision,
        endpoint=_endpoint(),
        etag_timeout=PATIENCE,
        force_download=again,
    )
    return Path(path)


def _reason(error: Exception, source: Hub) -> str:
    """The end of a sentence that begins "... cannot be downloaded because"."""
    errors = _hub().errors
    status = getattr(getattr(error, "response", None), "status_code", None)
    page = f"{_endpoint()}/{source.repo}"
    if isinstance(error, _Unreachable):
        return str(error)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{page} has no revision {source.revision}"
    if isinstance(error, errors.EntryNotFoundError) and status == 404:
        return f"{page} has no file {source.filename}"
    if isinstance(error, errors.GatedRepoError) or status == 403:
        return f"{page} is closed to you (accept its terms there and set HF_TOKEN)"
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
        return f"{page} does not exist or is private (set HF_TOKEN if you have access)"
    if status is not None:
        return f"{_endpoint()} answered with HTTP status {status}"
    if isinstance(error, OSError) and error.strerror:
        return f"the file cannot be stored here ({error.strerror})"
    return f"the connection to {_endpoint()} broke off"
