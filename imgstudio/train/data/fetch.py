"""Downloads for the training sets: resumable, bounded, checked by hash. The only module of `train` that knows the network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...errors import StudioError

CHUNK = 1 << 18
TIMEOUT = 30.0  # seconds without a byte
TRIES = 5
MOST = 4 << 30  # bytes of one file, where nothing closer is known
LOCK = "sources.lock.json"

_BROKEN = (HTTPException, TimeoutError, ConnectionError, urllib.error.URLError)
_PASSING = (408, 425, 429, 500, 502, 503, 504)  # answers that another try may change


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known beforehand of a file: hexadecimal digests (`git` is the id of a git blob), its size, the most it may have."""

    sha256: str | None = None
    md5: str | None = None
    git: str | None = None
    size: int | None = None
    most: int = MOST

    @property
    def hashed(self) -> bool:
        return any((self.sha256, self.md5, self.git))


@dataclass
class Fetcher:
    """Fetches into a folder, and keeps what it saw of files without a known hash in `sources.lock.json` beside the sets.

    say: takes sentences for people. route: maps an address to that to ask, for mirrors.
    """

    folder: Path
    lock: Path
    say: Callable[[str], None] = print
    route: Callable[[str], str] = field(default=lambda address: address)
    pause: float = 1.0  # seconds before the second try; twice as long before each next one

    def get(self, address: str, name: str, known: Known = Known()) -> Path:
        """The file at an address, as `folder`/name: from an earlier call, or downloaded; an interrupted download goes on."""
        path = self.folder / name
        if path.is_file() and (known.hashed or known.size is not None):
            _check(path, known, address)
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{path.name}.part")
            self._download(address, partial, known)
            _check(partial, known, address)
            if not known.hashed:
                self._remember(address, partial)
            os.replace(partial, path)
        return path

    def json(self, address: str, most: int = 64 << 20) -> Any:
        """The JSON document at an address; never kept."""
        path = self.folder / "answer.json"
        path.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._download(address, path, Known(most=most), bar=False)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise StudioError(f"{address} did not answer with JSON: its service may have changed.") from error
        finally:
            path.unlink(missing_ok=True)

    def _download(self, address: str, partial: Path, known: Known, bar: bool = True) -> None:
        """Fills `partial`, going on where it ends; broken connections are tried again as long as some try gets further."""
        tries, wait = 0, self.pause
        while True:
            before = _size(partial)
            try:
                _stream(self.route(address), partial, known, bar=bar)
                return
            except urllib.error.HTTPError as error:
                error.close()
                if error.code not in _PASSING:
                    raise StudioError(f"{address} answered {error.code} {error.reason}: it may have moved.") from error
                reason = f"it answered {error.code}"
            except _BROKEN as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
            tries = 0 if _size(partial) > before else tries + 1
            if tries >= TRIES:
                raise StudioError(f"{address} cannot be reached ({reason}): run the command again later, it goes on from here.")
            time.sleep(wait if tries else self.pause)
            wait *= 2

    def _remember(self, address: str, path: Path) -> None:
        """Writes down size and hash of a file without a published hash, and says so when they are not those of the first time."""
        entries = json.loads(self.lock.read_text(encoding="utf-8")) if self.lock.is_file() else {}
        seen = {"size": path.stat().st_size, "sha256": digest(path, "sha256")}
        first = entries.setdefault(address, seen)
        if first != seen:
            self.say(f"{address} is not what it was the first time ({first['size']} bytes then, {seen['size']} now).")
            entries[address] = seen
        partial = self.lock.with_suffix(".part")
        partial.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(partial, self.lock)


def _stream(address: str, partial: Path, known: Known, *, bar: bool) -> None:
    """One try: asks for what is missing (Range, tied to the same version by If-Range) and appends it."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise StudioError(f"{address} is no web address.")
    start, tag = _size(partial), _tag(partial)
    if start and not tag:  # nothing ties the bytes at hand to what is there now
        start = 0
    headers = {"User-Agent": "imgstudio-data", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": tag}
    try:
        answer: HTTPResponse = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and start:  # the bytes at hand are all, or of another version
            error.close()
            _forget(partial)
            return _stream(address, partial, known, bar=bar)
        raise
    with answer:
        if start and answer.status == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise ConnectionError("the server sent another part than was asked for")
        start = start if answer.status == 206 else 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        _bounded(total or 0, known, address)
        _tag_path(partial).write_text(_validator(answer), encoding="utf-8")
        with partial.open("ab" if start else "wb") as file, progress(total, partial.name[:-5], start, shown=bar) as shown:
            done = start
            while chunk := answer.read(CHUNK):
                done += len(chunk)
                _bounded(done, known, address)
                file.write(chunk)
                shown.update(len(chunk))
        if total is not None and done < total:
            raise ConnectionError(f"the connection broke after {done} of {total} bytes")
    _tag_path(partial).unlink(missing_ok=True)
    return None


def _validator(answer: HTTPResponse) -> str:
    """What names the version of a file: a strong ETag or a date, or nothing."""
    etag = answer.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _bounded(size: int, known: Known, address: str) -> None:
    most = known.most if known.size is None else known.size
    if size > most:
        raise StudioError(f"{address} is larger than the {most} bytes it should have: nothing of it was kept.")


def _check(path: Path, known: Known, address: str) -> None:
    """Compares a file with what is known of it; a file that differs is deleted."""
    wanted = {"sha256": known.sha256, "md5": known.md5, "git": known.git}
    fits = known.size is None or _size(path) == known.size
    fits = fits and all(digest(path, kind) == value for kind, value in wanted.items() if value)
    if not fits:
        _forget(path)
        raise StudioError(f"{address} is not the file it should be (size or hash differ): it was deleted, try again later.")


def digest(path: Path, kind: str) -> str:
    """Hexadecimal digest of a file: "sha256", "md5", or "git", the id under which git stores it."""
    found = hashlib.new("sha1" if kind == "git" else kind, usedforsecurity=False)
    if kind == "git":
        found.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _tag_path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.version")


def _tag(partial: Path) -> str:
    path = _tag_path(partial)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    _tag_path(path).unlink(missing_ok=True)


def progress(total: int | None, label: str, start: int = 0, *, unit: str = "B", shown: bool = True) -> Any:
    """A bar on a terminal, nothing elsewhere; `update(n)` moves it on."""
    from tqdm import tqdm

    hidden = None if shown else True  # None: hidden unless stderr is a terminal
    return tqdm(
        total=total, initial=start, desc=label, unit=unit, unit_scale=unit == "B", leave=False, disable=hidden, file=sys.stderr
    )


def npm(arguments: Iterable[str], folder: Path) -> None:
    """Runs the npm client in a folder; no script of a package runs."""
    client = shutil.which("npm")
    if client is None:
        raise StudioError("This set comes from npm packages: install Node.js 18 or newer with npm, then run the command again.")
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    done = subprocess.run([client, *arguments, *quiet], cwd=folder, capture_output=True, text=True, timeout=900)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise StudioError(f"npm could not fetch {' '.join(arguments)}: {reason[:200]}.")


def npm_pack(package: str, folder: Path, sha256: str) -> Path:
    """The archive of a package "name@version", checked by its hash."""
    file = folder / f"{package.lstrip('@').replace('/', '-').replace('@', '-')}.tgz"
    if not file.is_file():
        npm(("pack", package), folder)
    if not file.is_file() or digest(file, "sha256") != sha256:
        file.unlink(missing_ok=True)
        raise StudioError(f"The npm package {package} is not the one it should be (its hash differs): it was deleted.")
    return file


def npm_install(packages: dict[str, str], folder: Path) -> Path:
    """Installs packages, "name@version" to integrity ("sha512-..."), below a folder. Returns the folder with node_modules."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    npm(("install", *packages), folder)
    entries = json.loads((folder / "node_modules" / ".package-lock.json").read_text(encoding="utf-8"))["packages"]
    for package, integrity in packages.items():
        entry = entries.get(f"node_modules/{package.rpartition('@')[0]}", {})
        if entry.get("integrity") != integrity:
            shutil.rmtree(folder / "node_modules")
            raise StudioError(f"The npm package {package} is not the one it should be (its hash differs): it was deleted.")
    return folder


def pip_download(requirement: str, sha256: str, folder: Path) -> Path:
    """The wheel of "name==version" by the pip client, checked by its hash; nothing of it is installed or run."""
    folder.mkdir(parents=True, exist_ok=True)
    name, _, version = requirement.partition("==")
    stem = f"{name.replace('-', '_')}-{version}-"
    file = next(folder.glob(f"{stem}*.whl"), None)
    if file is None:
        options = ("--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet", "--dest", ".")
        client = [sys.executable, "-m", "pip", "download", requirement, *options]
        done = subprocess.run(client, cwd=folder, capture_output=True, text=True, timeout=900)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise StudioError(f"pip could not fetch {requirement}: {reason[:200]}.")
        file = next(folder.glob(f"{stem}*.whl"), None)
    if file is None or digest(file, "sha256") != sha256:
        if file is not None:
            file.unlink()
        raise StudioError(f"The package {requirement} is not the one it should be (its hash differs): it was deleted.")
    return file
