"""What would break if the project were started as a Hugging Face Space: `problems`."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from .. import catalog
from ..catalog.records import Hub

LARGEST = 10_000_000  # bytes of a file that the Hub takes without git-lfs
PYTHONS = ("3.10", "3.12")  # of ZeroGPU
TORCHES = ("2.8.0", "2.9.1", "2.10.0", "2.11.0")  # of ZeroGPU
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
FIELDS = ("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "short_description")
MORE_FIELDS = ("license", "tags", "models", "thumbnail")
_LONGEST = 60  # characters of a short description
_IGNORED = {".git", "__pycache__", "runs", ".gradio", ".pytest_cache", ".ruff_cache"}
_PATIENCE = 300  # seconds for the page to be built


def problems(root: Path) -> list[str]:
    """What would break, a sentence each; empty if nothing would. root: the folder that becomes the Space."""
    front = front_matter(root)
    if front is None:
        found = ["README.md has no front matter: begin it with --- and the fields of a Space."]
    else:
        found = [*_missing(front), *_wrong(front, root), *_unlisted(front)]
    found += [*_requirements(root, front or {}), *_large_files(root)]
    app = root / str((front or {}).get("app_file", "app.py"))
    return [*found, *(_start(app) if app.is_file() else ())]


def front_matter(root: Path) -> dict[str, Any] | None:
    """The fields at the head of README.md; None without any."""
    path = root / "README.md"
    match = re.match(r"---\n(.*?)\n---\n", path.read_text(encoding="utf-8"), re.DOTALL) if path.is_file() else None
    try:
        fields = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        return None
    return fields if isinstance(fields, dict) else None


def _missing(front: dict[str, Any]) -> Iterator[str]:
    for name in (*FIELDS, *MORE_FIELDS):
        if not front.get(name):
            yield f"README.md: the front matter has no {name}."


def _wrong(front: dict[str, Any], root: Path) -> Iterator[str]:
    if front.get("sdk", "gradio") != "gradio":
        yield f"README.md: sdk is {front['sdk']!r}, not gradio."
    for name in ("colorFrom", "colorTo"):
        if front.get(name) and front[name] not in COLOURS:
            yield f"README.md: {name} is {front[name]!r}: choose one of {', '.join(COLOURS)}."
    if str(front.get("python_version", PYTHONS[0])) not in PYTHONS:
        yield f"README.md: python_version is {front['python_version']}: ZeroGPU has {' and '.join(PYTHONS)}."
    if len(str(front.get("short_description", ""))) > _LONGEST:
        yield f"README.md: short_description is longer than {_LONGEST} characters."
    for name in ("app_file", "thumbnail"):
        value = str(front.get(name) or "")
        if value and "://" not in value and not (root / value).is_file():
            yield f"README.md: {name} is {value}, which is not there."
    for line in front.get("preload_from_hub") or ():
        if not re.fullmatch(r"[\w.-]+/[\w.-]+ [^\s]+( [0-9a-f]{40})?", str(line)):
            yield f'README.md: preload_from_hub has {line!r}: write "owner/repo file1,file2", and a commit if you like.'


def _unlisted(front: dict[str, Any]) -> Iterator[str]:
    repositories = {spec.source.repo for spec in catalog.SPECS if isinstance(spec.source, Hub)}
    for repo in sorted(repositories - set(front.get("models") or repositories)):
        yield f"README.md: models lacks {repo}, which the catalogue has."


def _requirements(root: Path, front: dict[str, Any]) -> Iterator[str]:
    path = root / "requirements.txt"
    if not path.is_file():
        yield "There is no requirements.txt."
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            yield f"requirements.txt: {text!r} is no requirement."
            continue
        if wanted.name == "torch" and not any(wanted.specifier.contains(Version(each)) for each in TORCHES):
            yield f"requirements.txt: {text} leaves out every version that ZeroGPU has ({', '.join(TORCHES)})."
        if wanted.name == "gradio" and front.get("sdk_version") and not wanted.specifier.contains(str(front["sdk_version"])):
            yield f"requirements.txt: {text} leaves out sdk_version {front['sdk_version']} of README.md."


def _large_files(root: Path) -> Iterator[str]:
    patterns = _lfs_patterns(root)
    for path in _files(root):
        name = path.relative_to(root).as_posix()
        kept = any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(path.name, pattern) for pattern in patterns)
        if path.stat().st_size > LARGEST and not kept:
            size = path.stat().st_size / 1e6
            yield f"{name} has {size:.1f} MB, and the Hub takes 10: put it under git-lfs, or into a repository of models."


def _lfs_patterns(root: Path) -> list[str]:
    path = root / ".gitattributes"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [line.split()[0] for line in lines if "filter=lfs" in line]


def _files(root: Path) -> list[Path]:
    """What would be uploaded: the files that git knows or would take; without git, all but caches and environments."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
        paths = [root / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        parts = [(path, path.relative_to(root).parts) for path in root.rglob("*")]
        paths = [path for path, names in parts if not any(name in _IGNORED or name.startswith(".venv") for name in names)]
    return sorted(path for path in paths if path.is_file())


_PRELUDE = """
import os, runpy, socket, sys
def refuse(address):
    host = address[0] if isinstance(address, tuple) else address
    if host not in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None):
        print("NETWORK", host, flush=True)
        os._exit(3)
sys.addaudithook(lambda event, args: refuse(args[1]) if event == "socket.connect"
                 else refuse(args[0]) if event == "socket.getaddrinfo" else None)
sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[1])))
runpy.run_path(sys.argv[1], run_name="app")
"""


def _start(app: Path) -> Iterator[str]:
    """Imports the app as a Space does, and tells of requests to other machines and of errors."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PRELUDE, app.name], cwd=app.parent, capture_output=True, text=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        yield f"{app.name} is not ready after {_PATIENCE} s."
        return
    asked = re.search(r"^NETWORK (.*)$", done.stdout, re.MULTILINE)
    if asked:
        yield f"{app.name} asks {asked[1]} for something when it is imported: a Space has to start without the network."
    elif done.returncode:
        yield f"{app.name} cannot be imported: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
