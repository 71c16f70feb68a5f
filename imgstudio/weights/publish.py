"""Uploading files to a repository of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..catalog.records import Hub
from ..errors import StudioError
from . import hub


def push(repo: str, files: Mapping[str, Path | bytes], *, message: str) -> str:
    """Uploads files, by their names there, as one commit to a repository of models, which is made if it is not there yet.
    Returns the commit's address. Raises StudioError."""
    target = Hub(repo=repo, filename="*", revision="main")
    what = f"The weights cannot be uploaded to {repo}"
    library = hub.client()
    if library.get_token() is None:
        raise StudioError(f"{what} because there is no token: make one with write access at {_tokens()} and set HF_TOKEN.")
    api = library.HfApi(endpoint=hub.endpoint())
    operations = [library.CommitOperationAdd(path_in_repo=name, path_or_fileobj=data) for name, data in files.items()]
    with hub.explained(what, target, "try again once that has changed"):
        try:
            hub.patiently(api.whoami)
            api.create_repo(repo, exist_ok=True)
            return api.create_commit(repo, operations, commit_message=message).commit_url
        except library.errors.HfHubHTTPError as error:
            if error.response.status_code not in (401, 403):
                raise
            raise StudioError(
                f"{what} because your token may not write there: make one with write access at {_tokens()} and set HF_TOKEN."
            ) from error


def _tokens() -> str:
    return f"{hub.endpoint()}/settings/tokens"
