"""A class at a page: many visitors at once over HTTP, and how long each waits, beside the same visitor alone."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ..errors import StudioError

PATIENCE = 300  # seconds for one answer
MOVE = 0.5  # seconds between two moves of a hand
PAUSE = 2.0  # seconds between two results of one visitor
ALONE = 15  # seconds for which each kind of visitor is measured alone
GATYS_STEPS = 60
DRAGGED = ("sampling-truncation", "morph-t", "steer-direction-0")  # sliders, and where each goes
ENDS = {"sampling-truncation": (0.3, 1.2), "morph-t": (0.0, 1.0), "steer-direction-0": (-2.0, 2.0)}
CLASS = {"drag": 20, "one pass": 4, "gatys": 2, "segment": 2, "translate": 2}  # of thirty


@dataclass
class Times:
    """What one kind of visitor waited for, in seconds, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def at(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Page:
    """One visitor's page: a session with its stream of messages."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, secrets.token_hex(6)
        self._answers: dict[str, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._stream: Any = None

    def _post(self, way: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.url}/gradio_api/{way}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def upload(self, picture: Image.Image) -> dict[str, Any]:
        """A picture as a value for a picture's parameter."""
        written, edge = io.BytesIO(), secrets.token_hex(8)
        picture.save(written, "PNG")
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        body = head.encode() + written.getvalue() + f"\r\n--{edge}--\r\n".encode()
        kind = {"content-type": f"multipart/form-data; boundary={edge}"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/gradio_api/upload", body, kind)) as answer:
            return {"path": json.load(answer)[0], "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, *data: Any) -> Any:
        """The answer of an endpoint. Raises StudioError where it is an error."""
        event = self._post(f"call/{endpoint}", {"data": data})["event_id"]
        name, last = "", ("", None)
        with urllib.request.urlopen(f"{self.url}/gradio_api/call/{endpoint}/{event}", timeout=PATIENCE) as stream:
            for line in stream:
                if line.startswith(b"event: "):
                    name = line[7:].decode().strip()
                elif line.startswith(b"data: ") and name != "heartbeat":
                    last = name, json.loads(line[6:])
        if last[0] != "complete":
            raise StudioError(str(last[1]))
        return last[1]

    def press(self, function: int, data: list[Any]) -> None:
        """An event of the page's own, and its answer. Raises StudioError where it is an error or does not come."""
        body = {"data": data, "fn_index": function, "session_hash": self.session}
        event = self._post("queue/join", body)["event_id"]
        message, until = None, time.monotonic() + PATIENCE
        while message is None:
            if time.monotonic() > until:
                raise StudioError("no answer")
            with self._news:
                if self._stream is None:  # the server ends it when nothing is left to send
                    self._stream = urllib.request.urlopen(f"{self.url}/gradio_api/queue/data?session_hash={self.session}")
                    threading.Thread(target=self._listen, daemon=True).start()
                self._news.wait_for(lambda: event in self._answers or self._stream is None, 1.0)
                message = self._answers.pop(event, None)
        if not message["success"]:
            raise StudioError(str(message["output"]))

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            for line in self._stream:
                message = json.loads(line[6:]) if line.startswith(b"data: ") else {}
                if message.get("msg") == "process_completed":
                    with self._news:
                        self._answers[message["event_id"]] = message
                        self._news.notify_all()
        with self._news:
            self._stream = None
            self._news.notify_all()


class Studio:
    """What a page offers, as its script sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        with urllib.request.urlopen(f"{url}/config", timeout=PATIENCE) as answer:
            self.config = json.load(answer)
        self.parts = {each["id"]: each for each in self.config["components"]}
        self.picture = Image.effect_noise((512, 384), 60).convert("RGB")

    def values(self, dependency: dict[str, Any]) -> list[Any]:
        return [self.parts[number]["props"].get("value") for number in dependency["inputs"]]

    def slider(self, elem_id: str) -> tuple[dict[str, Any], int, dict[str, Any] | None]:
        """The event of a slider, the place of its value among the event's inputs, and the event that follows it."""
        number = next(each for each, part in self.parts.items() if part["props"].get("elem_id") == elem_id)
        event = next(each for each in self.config["dependencies"] if [number, "input"] in map(list, each["targets"]))
        after = [each for each in self.config["dependencies"] if each.get("trigger_after") == event["id"]]
        return event, event["inputs"].index(number), after[0] if after else None

    def endpoint(self, name: str, *first: Any) -> list[Any]:
        """Values for an endpoint: these, and the rest as they are at first."""
        found = next(each for each in self.config["dependencies"] if each["api_name"] == name)
        return [*first, *self.values(found)[len(first) :]]


# --- what each kind of visitor does


def _drag(studio: Studio, leaving: threading.Event, times: Times, number: int) -> None:
    """Two moves a second; while an answer is awaited, the newest move waits, as in the page."""
    name = DRAGGED[number % len(DRAGGED)]
    event, place, after = studio.slider(name)
    page, hand = Page(studio.url), random.Random(number)
    values = studio.values(event)
    moved = time.monotonic() + hand.random() * MOVE
    while not leaving.wait(max(0.0, moved - time.monotonic())):
        values[place] = round(hand.uniform(*ENDS[name]), 2)
        _timed(times, moved, lambda: page.press(event["id"], values))
        if after is not None:
            threading.Thread(target=_quietly, args=(page.press, after["id"], studio.values(after)), daemon=True).start()
        moved = max(moved + MOVE, time.monotonic() - MOVE)  # of moves made meanwhile the newest counts


def _results(endpoint: str, *first: Any) -> Callable[..., None]:
    """A visitor who asks for one result after the other. PICTURE among the first values stands for one of theirs."""

    def work(studio: Studio, leaving: threading.Event, times: Times, _: int) -> None:
        page = Page(studio.url)
        sent = page.upload(studio.picture)
        data = studio.endpoint(endpoint, *(sent if value is PICTURE else value for value in first))
        while not leaving.is_set():
            _timed(times, time.monotonic(), lambda: page.call(endpoint, *data))
            leaving.wait(PAUSE)

    return work


PICTURE = object()
VISITORS: dict[str, Callable[..., None]] = {
    "drag": _drag,
    "one pass": _results("stylize", "fast/starry-night", PICTURE, None, 1, 1, 1, 512, 10),
    "gatys": _results("stylize", "gatys/vgg-small", PICTURE, PICTURE, 1, 1, 1, 256, GATYS_STEPS),
    "segment": _results("segment", "gabor/texture", PICTURE),
    "translate": _results("translate", "cyclegan/photo2painting", PICTURE),
}


def _timed(times: Times, since: float, work: Callable[[], Any]) -> None:
    try:
        work()
        times.seconds.append(time.monotonic() - since)
    except (StudioError, OSError) as error:
        times.errors.append(str(error))


def _quietly(work: Callable[..., Any], *values: Any) -> None:
    with contextlib.suppress(StudioError, OSError):
        work(*values)


def play(studio: Studio, counts: dict[str, int], seconds: float) -> dict[str, Times]:
    """So many visitors of each kind at once for a while. Kind -> what they waited for."""
    leaving, found = threading.Event(), {kind: Times() for kind in counts}
    threads = [
        threading.Thread(target=VISITORS[kind], args=(studio, leaving, found[kind], number), daemon=True)
        for kind, count in counts.items()
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    leaving.wait(seconds)
    leaving.set()
    for thread in threads:
        thread.join(PATIENCE)
    return found


# --- the report


def counts_of(visitors: int) -> dict[str, int]:
    """How many of each kind are in a class of so many: at least one."""
    whole = sum(CLASS.values())
    return {kind: max(1, round(visitors * count / whole)) for kind, count in CLASS.items()}


def report(visitors: int, seconds: float, url: str | None = None) -> Iterator[str]:
    """Lines of a table: each kind of visitor alone, and in the class. url: of a page that runs; None starts one."""
    with contextlib.ExitStack() as stack:
        address, process = (url.rstrip("/"), None) if url else stack.enter_context(_served())
        studio = Studio(address)
        before = _digest(studio)
        yield f"{visitors} visitors for {seconds:g} s; seconds from a move or a click to its answer"
        yield f"{'':10} {'alone p50':>10} {'p95':>7} {'class p50':>10} {'p95':>7} {'answers':>8} {'errors':>7}"
        alone = {kind: play(studio, {kind: 1}, ALONE)[kind] for kind in CLASS}
        memory = [_resident(process)]
        found = play(studio, counts_of(visitors), seconds)
        memory.append(_resident(process))
        for kind, times in found.items():
            first = alone[kind]
            yield (
                f"{kind:10} {first.at(0.5):10.2f} {first.at(0.95):7.2f} {times.at(0.5):10.2f} {times.at(0.95):7.2f} "
                f"{len(times.seconds):8} {len(times.errors):7}"
            )
        yield f"the same seed gave {'the same' if _digest(studio) == before else 'OTHER'} pixels before and after"
        if all(memory):
            yield f"memory {memory[0]:.0f} MB before and {memory[1]:.0f} MB after"
        for kind, sentences in {kind: set(times.errors) for kind, times in found.items() if times.errors}.items():
            yield f"{kind}: {'; '.join(sorted(sentences))[:300]}"


def _digest(studio: Studio) -> str:
    page = Page(studio.url)
    [item] = page.call("sample", *studio.endpoint("sample", "stylegan2/avatars", "7"))[0]
    with urllib.request.urlopen(f"{studio.url}/gradio_api/file={item['image']['path']}") as answer:
        pixels = Image.open(io.BytesIO(answer.read())).convert("RGB").tobytes()  # a file holds the time, too
    return hashlib.sha256(pixels).hexdigest()


@contextlib.contextmanager
def _served() -> Iterator[tuple[str, subprocess.Popen]]:
    """A page of its own, in another process, open to as many visitors as this machine plays."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        more = {"GRADIO_TEMP_DIR": folder, "IMGSTUDIO_WAITING_ADDRESS": "200"}
        command = [sys.executable, "-m", "imgstudio", "serve", "--port", str(port)]
        process = subprocess.Popen(command, env={**os.environ, **more}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(address, process)
            yield address, process
        finally:
            process.terminate()
            process.wait()


def _wait_for(address: str, process: subprocess.Popen) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=10):
            return
        time.sleep(0.3)
    raise StudioError("The page did not start: run `python -m imgstudio serve`, which says why.")


def _resident(process: subprocess.Popen | None) -> float:
    """Megabytes that a process has in memory; 0 where this system does not tell."""
    statm = Path(f"/proc/{process.pid}/statm") if process else None
    if statm is None or not statm.exists():
        return 0.0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
