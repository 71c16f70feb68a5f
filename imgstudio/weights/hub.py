"""Talking to the Hugging Face Hub: silence is noticed within PATIENCE seconds and remembered, and each fault has its sentence."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ..catalog.records import Hub
from ..errors import StudioError

PATIENCE = 3.0  # seconds to wait for the Hub's first answer
_MEMORY = 60.0  # seconds for which a Hub that did not answer is not asked again

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class _Unreachable(Exception):
    """No answer from the Hub. The text is the reason."""


class Absent(StudioError):
    """The repository has no such file."""


class Unlisted(StudioError):
    """Which files a repository has cannot be found out."""


class BrokenOff(Exception):
    """The connection ended too early, again and again."""


class Damaged(Exception):
    """What arrived is not what the Hub announced."""


_silence: dict[str, tuple[float, str]] = {}  # endpoint -> when it did not answer, and why
_silence_lock = threading.Lock()


def client() -> Any:
    """The client library, told to report nothing to anybody and to draw no bars unless the user asked for them."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import huggingface_hub
    import huggingface_hub.constants  # not an attribute of the package before somebody imports it
    import huggingface_hub.errors

    return huggingface_hub


def endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def listing(repo: str, revision: str = "main") -> list[str]:
    """Names of the files in a repository. Raises Unlisted."""
    source = Hub(repo=repo, filename="*", revision=revision)
    with explained(f"The files of {repo} cannot be listed", source, "name the file, as in owner/repo/file", Unlisted):
        api = client().HfApi(endpoint=endpoint())
        found = patiently(lambda: api.model_info(repo, revision=revision, timeout=PATIENCE))
        return sorted(file.rfilename for file in found.siblings or ())


@contextlib.contextmanager
def explained(what: str, source: Hub, advice: str, kind: type[StudioError] = StudioError) -> Iterator[None]:
    """Turns whatever goes wrong into a sentence: what, why, and what to do. kind: of the error, but for files that are Absent."""
    try:
        yield
    except StudioError:
        raise
    except Exception as error:  # the client library lets through many kinds, its HTTP library's among them
        log.info("%s: %s", what, source, exc_info=True)
        raise (Absent if kind is StudioError and _is_absent(error) else kind)(
            f"{what} because {_reason(error, source)}: {advice}."
        ) from error


def ask(source: Hub) -> Any:
    """The file's header: size, hash and address."""
    hub, address = client(), url(source)
    header = patiently(lambda: hub.get_hf_file_metadata(address, timeout=PATIENCE, endpoint=endpoint()))
    if not (header.commit_hash and header.etag):
        raise _remembered(_Unreachable(f"{endpoint()} does not answer as a Hub does"))
    return header


def url(source: Hub) -> str:
    """Where the Hub has a file."""
    return client().hf_hub_url(source.repo, source.filename, revision=source.revision, endpoint=endpoint())


def patiently(ask: Callable[[], Answer]) -> Answer:
    """What the Hub answers. Silence counts as an answer after PATIENCE seconds: the client itself would retry for 20.

    A daemon thread, because name look-ups know no time limit.
    """
    with _silence_lock:
        since, why = _silence.get(endpoint(), (-_MEMORY, ""))
    if time.monotonic() - since < _MEMORY:
        raise _Unreachable(why)
    outcome: list[tuple[Any, Exception | None]] = []

    def work() -> None:
        try:
            outcome.append((ask(), None))
        except Exception as error:  # handed to the asking thread
            outcome.append((None, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    answer: Any = None
    error: Exception | None = TimeoutError()
    if outcome:
        answer, error = outcome[0]
    if error is None:
        return answer
    if getattr(error, "response", None) is not None or isinstance(error, client().errors.OfflineModeIsEnabled):
        raise error  # an answer, or a setting of the user: either may change at once
    within = "" if outcome else f" within {PATIENCE:.0f} s"
    raise _remembered(_Unreachable(f"{endpoint()} does not answer{within}")) from error


def _remembered(silence: _Unreachable) -> _Unreachable:
    with _silence_lock:
        _silence[endpoint()] = (time.monotonic(), str(silence))
    return silence


def _is_absent(error: Exception) -> bool:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(error, client().errors.EntryNotFoundError) and status == 404


def _reason(error: Exception, source: Hub) -> str:
    """The end of a sentence that begins "... cannot be downloaded because"."""
    errors = client().errors
    status = getattr(getattr(error, "response", None), "status_code", None)
    page = f"{endpoint()}/{source.repo}"
    if isinstance(error, _Unreachable):
        return str(error)
    if isinstance(error, Damaged):
        return f"{page} sent a file that is not the one it announced, which was thrown away"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{page} has no revision {source.revision}"
    if _is_absent(error):
        return f"{page} has no file {source.filename}"
    if isinstance(error, errors.GatedRepoError) or status == 403:
        return f"{page} is closed to you (accept its terms there and set HF_TOKEN)"
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
        return f"{page} does not exist or is private (set HF_TOKEN if you have access)"
    if status is not None:
        return f"{endpoint()} answered with HTTP status {status}"
    if isinstance(error, OSError) and error.strerror:
        return f"the file cannot be stored here ({error.strerror})"
    return f"the connection to {endpoint()} broke off"
