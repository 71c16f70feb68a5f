"""An attack by raw HTTP on a public server, by a visitor without any rights. The figures are printed: `pytest -s` shows them."""

from __future__ import annotations

import http.server
import io
import json
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attacker
import hostile
import numpy as np
import pytest
from attacker import API, Answer, Server, Visitor
from PIL import Image
from safetensors.torch import save

FILES = ("image", "imageeditor", "imageslider", "gallery", "uploadbutton", "downloadbutton", "file", "video")
MODELS = {
    "translate": "cyclegan/photo2painting",
    "stylize": "fast/udnie",
    "segment": "gabor/texture",
    "retexture": "gabor/texture",
}
STEERED = ("invert", "complete", "mix", "edit", "pad", "feature_maps", "directions")
SLOW = ["gatys/vgg-small", None, None, 1.0, 1.0, 1.0, 256, 400, "none", None, 0]  # /stylize; content and style go to 1 and 2
ROOM = 160_000_000  # bytes of the folder of a server whose disk can be filled


@pytest.fixture(scope="module")
def temp() -> Iterator[Path]:
    """A folder for a server's files: a small disk of its own where the tests may mount one."""
    folder = Path(tempfile.mkdtemp(prefix="imgstudio-test-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", folder], capture_output=True).returncode == 0
    (folder / "small").mkdir() if mounted else None
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", folder], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(temp) -> Iterator[Server]:
    settings = {"PUBLIC": "1", "SECONDS": "6", "UPLOAD_MB": "20", "FORGET_SECONDS": "2"}
    started = attacker.start(temp / "files", **{f"IMGSTUDIO_{name}": value for name, value in settings.items()})
    print("\n" + started.figures("before"))
    yield started
    print("\n" + started.figures("after"))
    started.close()


@pytest.fixture
def visitor(server) -> Visitor:
    return Visitor(server)


@pytest.fixture(scope="module")
def private(tmp_path_factory) -> Path:
    """A picture that is not the visitor's."""
    path = tmp_path_factory.mktemp("private") / "private.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)).resize((96, 96), 0).save(path)
    return path


def photograph(side: int = 96) -> bytes:
    buffer = io.BytesIO()
    y, x = np.mgrid[0:side, 0:side] / side
    Image.fromarray(np.rint(np.stack([x, y, (x + y) / 2], -1) * 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def uploaded(visitor: Visitor, content: bytes | None = None, name: str = "photograph.png") -> dict:
    return {"path": visitor.upload(name, content or photograph()), "meta": {"_type": "gradio.FileData"}}


def endpoints(visitor: Visitor) -> dict[str, list[dict]]:
    return {name.strip("/"): found["parameters"] for name, found in visitor.json(f"{API}/info")["named_endpoints"].items()}


def usual(endpoint: str, parameters: list[dict], picture: Any) -> list:
    """Values for an endpoint as its description has them, and a picture wherever one is wanted."""
    model = MODELS.get(endpoint, "stylegan2/fruits" if endpoint in STEERED else "vae/fruits")

    def value(parameter: dict) -> Any:
        if parameter["component"] == "Image":
            return picture
        if parameter["parameter_name"] == "model":
            return model if endpoint not in ("sample", "walk") else "dcgan/avatars"
        return parameter["parameter_default"]

    return [value(parameter) for parameter in parameters]


def handlers(visitor: Visitor) -> list[tuple[int, list[dict]]]:
    """Numbers of the handlers of the page and the components they read."""
    config = visitor.json("/config")
    components = {component["id"]: component for component in config["components"]}
    return [(found["id"], [components[i] for i in found["inputs"]]) for found in config["dependencies"] if found["backend_fn"]]


def disguised(path: Path | str) -> list[Any]:
    """A path of the server as it may stand in a request."""
    text, meta = str(path), {"_type": "gradio.FileData"}
    return [
        {"path": text},
        {"path": text, "meta": meta},
        {"path": "x.png", "url": f"file://{text}"},
        {"path": text, "url": f"{API}/file={text}", "orig_name": "x.png"},
        {"path": "../" * 12 + text.lstrip("/")},
        text,
    ]


def told(answer: Answer) -> list:
    """What a visitor learns, without what differs from job to job."""
    kept = []
    for name, value in answer.events:
        if isinstance(value, dict):
            output = value.get("output") or {}
            value = [value.get("log"), value.get("success"), output.get("data"), output.get("error")] if "msg" in value else value
        kept.append((name, value))
    return kept


def files(value: Any) -> Iterator[str]:
    """Addresses of files anywhere in an answer."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value.get("url") or f"{API}/file={value['path']}"
        for inner in value.values():
            yield from files(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from files(inner)


def leaked(visitor: Visitor, answer: Answer, private: Path) -> bool:
    """Whether a file of the answer shows the private picture."""
    wanted = np.asarray(Image.open(private).convert("L").resize((12, 12), Image.Resampling.BOX), float).ravel()
    for address in files([value for _, value in answer.events]):
        status, content = visitor.request(re.sub(r"^https?://[^/]+", "", address))
        if status != 200:
            continue
        try:
            seen = np.asarray(Image.open(io.BytesIO(content)).convert("L").resize((12, 12), Image.Resampling.BOX), float).ravel()
        except OSError:
            continue
        if seen.std() and np.corrcoef(wanted, seen)[0, 1] > 0.8:
            return True
    return False


def without_paths(text: str) -> bool:
    return not re.search(r"/(tmp|root|home|work|usr|var)/[\w.-]+", text) and "Traceback" not in text


# --- pictures of the server


def test_no_parameter_of_an_endpoint_opens_a_file_of_the_server(visitor, private):
    own, tried = uploaded(visitor), 0
    for endpoint, parameters in endpoints(visitor).items():
        for place, parameter in enumerate(parameters):
            if parameter["component"] != "Image":
                continue
            for payload in disguised(private):
                data = usual(endpoint, parameters, own)
                answer = visitor.call(endpoint, [*data[:place], payload, *data[place + 1 :]])
                assert answer.name in ("error", "refused"), (endpoint, parameter["parameter_name"], payload)
                assert private.name not in answer.text and without_paths(answer.text), answer.text
                assert not re.search(r'\{"error": null\}', answer.text), (endpoint, payload)
                tried += 1
    print(f"\n{tried} requests for a private picture by endpoints")
    assert tried > 100


def test_no_handler_of_the_page_opens_a_file_of_the_server(visitor, private):
    tried = 0
    for number, components in handlers(visitor):
        for place, component in enumerate(components):
            if component["type"] not in FILES:
                continue
            data = [None if part["type"] == "state" else part["props"].get("value") for part in components]
            for payload in disguised(private)[:2]:
                if component["type"] == "imageeditor":
                    payload = {"background": payload, "layers": [payload], "composite": payload}
                elif component["type"] in ("gallery", "uploadbutton", "imageslider"):
                    payload = [payload, payload]
                answer = visitor.handle(number, [*data[:place], payload, *data[place + 1 :]])
                assert not leaked(visitor, answer, private), (number, component["props"].get("elem_id"), payload)
                tried += 1
    print(f"\n{tried} requests for a private picture by handlers of the page")
    assert tried > 50


def test_no_answer_tells_whether_a_file_exists(visitor, private, tmp_path):
    text = tmp_path / "private.txt"
    text.write_text("no picture")
    paths = [private, text, tmp_path, tmp_path / "missing.png", "/dev/zero", "/proc/self/environ", "/etc/passwd", "relative.png"]
    answers = {json.dumps(told(visitor.call("decompose", [{"path": str(path)}, 0.5, "rtv", 64]))) for path in paths}
    assert len(answers) == 1, answers


def test_no_address_is_visited(visitor):
    hits: list[str] = []

    class Canary(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is the library's
            hits.append(self.path)
            self.send_response(404)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    canary = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=canary.serve_forever, daemon=True).start()
    address, own = f"http://127.0.0.1:{canary.server_port}/x.png", uploaded(visitor)
    for endpoint, parameters in endpoints(visitor).items():
        for place, parameter in enumerate(parameters):
            if parameter["component"] == "Image":
                for payload in ({"path": address}, {"url": address}, {"path": address, "url": address}, address):
                    data = usual(endpoint, parameters, own)
                    answer = visitor.call(endpoint, [*data[:place], payload, *data[place + 1 :]])
                    assert answer.name in ("error", "refused"), (endpoint, payload)
    for path in (f"{API}/proxy={address}", f"{API}/file={address}", f"{API}/proxy={address}?x=.hf.space"):
        assert visitor.request(path)[0] >= 400
    canary.shutdown()
    assert hits == []


def test_files_are_not_served_by_walking_up(visitor, private):
    known = uploaded(visitor)["path"]
    ways = [str(private), "/etc/passwd", "app.py", "imgstudio/ui/__init__.py", "README.md", "weights/README.md"]
    ways += [f"{Path(known).parent}/../../../../../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd"]
    for way in ways:
        for route in (f"{API}/file=", f"{API}/file/", "/file=", "/static/", "/assets/", "/svelte/", "/theme.css/../"):
            status, content = visitor.request(f"{route}{way}")
            assert status >= 400 or (b"root:" not in content and b"import" not in content[:400]), (route, way)


# --- files that visitors send


def test_malformed_pictures_leave_a_server_that_works(server, visitor):
    random.seed(0)
    before, sentences = server.memory, set()
    for number, (name, content) in enumerate(malformed(300)):
        answer = visitor.call("decompose", [uploaded(visitor, content, f"{number}{name}"), 0.5, "rof", 32])
        assert without_paths(answer.text), answer.text
        if answer.name == "error":
            sentence = answer.value.get("error") if isinstance(answer.value, dict) else answer.value
            assert sentence and "Something went wrong" not in sentence, (number, name, answer.text)
            sentences.add(re.sub(r"\d+\S*", "N", sentence))
    print(f"\n{server.figures('after 300 malformed pictures')}; {len(sentences)} kinds of sentences")
    assert server.memory - before < 1_000_000_000
    assert visitor.call("decompose", [uploaded(visitor), 0.5, "rof", 32]).name == "complete"


def malformed(count: int) -> Iterator[tuple[str, bytes]]:
    """Pictures with bytes changed, cut off, doubled, and headers that promise too much."""
    kinds = {".png": "PNG", ".jpg": "JPEG", ".gif": "GIF", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".ico": "ICO"}
    picture = Image.open(io.BytesIO(photograph(48)))
    for number in range(count):
        ending, kind = list(kinds.items())[number % len(kinds)]
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        content = bytearray(buffer.getvalue())
        way = number // len(kinds) % 4
        if way == 0:
            for _ in range(1 + number % 9):
                content[random.randrange(len(content))] = random.randrange(256)
        elif way == 1:
            del content[random.randrange(1, len(content)) :]
        elif way == 2:
            place = random.randrange(8, min(64, len(content) - 4))
            content[place : place + 4] = random.choice(
                [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\xff\xff", b"\0\0\0\0"]
            )
        else:
            place = random.randrange(len(content))
            content[place:place] = content[: random.randrange(len(content))]
        yield ending, bytes(content)


def bring(visitor: Visitor, name: str, content: bytes) -> tuple[Answer, list[str]]:
    """Sends a file of weights to the handler of an upload, and returns what it says to the visitor."""
    config = visitor.json("/config")
    upload = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "sampling-bring-upload")
    number = next(found["id"] for found in config["dependencies"] if [upload, "upload"] in found["targets"])
    answer = visitor.handle(number, [[uploaded(visitor, content, name)], None, None], trigger=upload)
    lines = [output for _, message in answer.events for output in (message.get("output") or {}).get("data") or []]
    return answer, [re.sub(r"<[^>]+>", "", line) for line in lines if isinstance(line, str) and "<p" in line]


def test_hostile_weights_leave_a_server_that_works(server, visitor):
    before, longest, count = server.memory, 0.0, 0
    for group in hostile.GROUPS[:4]:
        for name, content in group():
            if len(content) > 15_000_000 or not re.fullmatch(r"[\w.-]{1,80}", name):
                continue
            computed = server.computed
            answer, lines = bring(visitor, name, content)
            assert lines and "Looking at it" not in lines[-1], (name, answer.text)
            assert without_paths(" ".join(lines)) and "Something went wrong" not in answer.text, (name, lines)
            longest, count = max(longest, server.computed - computed), count + 1
    print(f"\n{count} hostile files of weights: {longest:.1f} s of computing at most; {server.figures('after')}")
    assert count >= 100 and server.memory - before < 1_000_000_000
    assert visitor.call("sample", ["dcgan/avatars", "5", 0.7, ""]).name == "complete"


def test_a_model_of_one_visitor_is_not_listed_for_another(server):
    one, other = Visitor(server), Visitor(server)
    answer, lines = bring(one, "mine.safetensors", save(hostile.nets()["dcgan"]))
    assert "own/mine" in answer.text, lines
    assert "own/mine" not in other.request("/config")[1].decode() + json.dumps(other.json(f"{API}/info"))
    for guess in ("own/mine", "own/mine-000000000000"):
        refused = other.call("sample", [guess, "1", 0.7, ""])
        assert refused.name == "error" and "own/" not in refused.text.replace(guess, "")


# --- turns


def slow(visitor: Visitor) -> list:
    own = uploaded(visitor)
    return [SLOW[0], own, own, *SLOW[3:]]


def test_more_work_than_is_allowed_is_refused_before_it_begins(server, visitor):
    data = slow(visitor)
    for place, value in ((7, 3000), (7, 10**9), (6, 100_000), (7, -1), (7, float("1e400")), (0, "no/model"), (3, "much")):
        answer = visitor.call("stylize", [*data[:place], value, *data[place + 1 :]])
        assert answer.name in ("error", "refused") and without_paths(answer.text), (place, value, answer.text)
        assert '"error": null' not in answer.text, (place, value)


def test_a_caller_who_has_gone_keeps_nobody_waiting(server):
    one, other = Visitor(server), Visitor(server)
    status, _ = one.post("stylize", slow(one))  # and never asks for the result
    assert status == 200
    assert other.call("sample", ["dcgan/avatars", "1", 0.7, ""]).name == "complete"
    quiet(server)


def quiet(server: Server) -> None:
    """Waits, 15 s at most, until the server computes nothing any more."""
    for _ in range(15):
        if server.busy() < 0.25:
            return
    raise AssertionError(f"the server goes on computing: {server.busy()} processors")


def test_one_visitor_does_not_fill_the_queue(server):
    one, other = Visitor(server), Visitor(server)
    data = slow(one)
    posts = [one.post("stylize", data) for _ in range(65)]
    refused = [answer for status, answer in posts if status != 200]
    assert len(refused) >= 55
    assert all(without_paths(json.dumps(answer)) and len(json.dumps(answer)) > 30 for answer in refused)
    print(f"\n{len(refused)} of 65 posts refused: {json.dumps(refused[-1])}")
    assert other.call("sample", ["dcgan/avatars", "2", 0.7, ""]).name == "complete"
    quiet(server)


def test_cancelled_work_ends(server):
    visitor, threads = Visitor(server), []
    data, number = (
        slow(visitor),
        next(found["id"] for found in visitor.json("/config")["dependencies"] if found["api_name"] == "stylize"),
    )
    before = server.threads
    for _ in range(15):
        one = Visitor(server)
        status, event = one.join(number, data)
        if status != 200:
            continue
        listening = threading.Thread(target=one.request, args=(f"{API}/queue/data?session_hash={one.session}",), daemon=True)
        listening.start()
        time.sleep(0.4)
        assert one.cancel(event, number) == 200
        threads.append(server.threads)
    time.sleep(5)
    print(f"\nthreads: {before} before, at most {max(threads)} during fifteen cancels, {server.threads} after 5 s")
    assert server.threads <= before + 5
    quiet(server)


def test_others_work_cannot_be_cancelled_nor_read(server):
    one, other = Visitor(server), Visitor(server)
    number = next(found["id"] for found in one.json("/config")["dependencies"] if found["api_name"] == "stylize")
    results: list[Answer] = []
    data = ["fast/udnie", uploaded(one), None, 1.0, 1.0, 1.0, 256, 10, "none", None, 0]
    working = threading.Thread(target=lambda: results.append(one.call("stylize", data)))
    working.start()
    for guess in ("", "0", "null", "x" * 32, other.session):
        assert other.cancel(guess, number) in (200, 400, 404, 422)
        assert other.cancel("", number, session=guess) in (200, 400, 404, 422)
    working.join()
    assert results[0].name == "complete"


# --- the disk


def test_a_full_disk_is_a_sentence_and_heals(server, visitor, temp):
    if not (temp / "small").is_dir():
        pytest.skip("no small disk can be mounted here")
    filler = temp / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    answer = visitor.call("sample", ["dcgan/avatars", "0-15", 0.7, ""])
    try:
        upload = visitor.upload("big.png", photograph(900))
    except ValueError as error:
        upload = str(error)
    filler.unlink()
    assert answer.name in ("error", "refused") and without_paths(answer.text), answer.text
    assert "Something went wrong" not in answer.text and "error" in answer.text
    assert without_paths(upload.removeprefix(str(temp))) or Path(upload).exists()
    assert visitor.call("sample", ["dcgan/avatars", "3", 0.7, ""]).name == "complete"


def test_an_emptied_folder_heals(server, temp):
    shutil.rmtree(temp / "files", ignore_errors=True)
    visitor = Visitor(server)
    assert visitor.request("/")[0] == 200
    missing = [address for address in opening_pictures(visitor) if visitor.request(address)[0] != 200]
    assert missing == []
    assert visitor.call("sample", ["dcgan/avatars", "4", 0.7, ""]).name == "complete"
    assert visitor.call("decompose", [uploaded(visitor), 0.5, "rof", 32]).name == "complete"


def opening_pictures(visitor: Visitor) -> list[str]:
    """Addresses of what the page shows before the first click."""
    values = [component["props"].get("value") for component in visitor.json("/config")["components"]]
    return [re.sub(r"^https?://[^/]+", "", address) for address in files(values)]
