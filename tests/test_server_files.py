"""Files of a running page, attacked by raw HTTP: nobody reads what is not theirs, and nothing of an honest visitor is lost."""

from __future__ import annotations

import base64
import http.server
import io
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import page_server
import pytest
from PIL import Image
from stranger import API, Stranger, refusal, result

from imgstudio.ui.server import files

TEXTS = ("textbox", "dropdown")  # components of parameters that are words
PIXELS = Image.effect_noise((48, 40), 60).convert("RGB")


def png(picture: Image.Image = PIXELS) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def data_address(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("upload-folder") / "cache"


@pytest.fixture(scope="module")
def stranger(cache) -> Stranger:
    return Stranger(page_server.address(GRADIO_TEMP_DIR=str(cache), IMGSTUDIO_UPLOAD_MB="5", OMP_NUM_THREADS="1"))


@pytest.fixture(scope="module")
def private(tmp_path_factory, cache, stranger) -> dict[str, str]:
    """Places outside of the upload folder, and ways there."""
    folder = tmp_path_factory.mktemp("private")
    (folder / "private.png").write_bytes(png())
    (folder / "notes.txt").write_text("secret")
    (cache / "link.png").symlink_to(folder / "private.png")
    (cache / "way").symlink_to(folder)
    os.mkfifo(cache / "pipe.png")
    return {
        "picture": str(folder / "private.png"),
        "no picture": str(folder / "notes.txt"),
        "folder": str(folder),
        "missing": str(folder / "missing.png"),
        "link": str(cache / "link.png"),
        "link by name": "link.png",
        "linked folder": "way/private.png",
        "up": os.path.relpath(folder / "private.png", cache),
        "up from a path": f"{cache}/../{folder.name}/private.png",
        "home": "~/private.png",
        "nul": f"{folder}/private.png\0.png",
        "long": "a" * 5000,
        "long parts": "/".join(["a" * 300] * 3),
        "the folder itself": str(cache),
        "pipe": "pipe.png",
        "file address": f"file:{folder}/private.png",
        "device": "/dev/zero",
        "source": str(page_server.ROOT / "app.py"),
    }


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """An address of a server on the loopback, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(png())

        do_HEAD = do_POST = do_GET

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def shapes(kind: str, name: str) -> list:
    """Ways to send the name of a file for a component of that kind."""
    plain, full = {"path": name}, {"path": name, "meta": {"_type": "gradio.FileData"}}
    if kind == "imageeditor":
        return [{"background": each, "layers": [each], "composite": each} for each in (plain, full)]
    if kind == "uploadbutton":
        return [plain, full, [plain], [full], [name], name]
    return [plain, full, name, {"path": None, "url": name}]


# --- pictures that are not theirs


def test_no_parameter_of_the_api_reads_a_file_outside_or_tells_whether_it_exists(stranger, private):
    attacked = 0
    for dependency, place in stranger.places(of_files=True):
        if dependency["api_visibility"] != "public":
            continue
        answers = set()
        for title, name in private.items():
            for sent in shapes("image", name)[: 4 if title in ("picture", "missing", "link") else 1]:
                values = stranger.defaults(dependency)
                values[place] = sent
                answers.add(stranger.call(dependency["api_name"], values))
        attacked += 1
        assert len(answers) == 1, answers
        assert refusal(answers.pop()) == files.NOT_UPLOADED
    assert attacked >= 20


def test_no_handler_of_the_page_reads_a_file_outside_or_tells_whether_it_exists(stranger, private):
    attacked = 0
    for dependency, place in stranger.places(of_files=True):
        if dependency["api_visibility"] == "public":
            continue
        kind = stranger.components[dependency["inputs"][place]]["type"]
        for name in ("picture", "missing", "link", "up"):
            for sent in shapes(kind, private[name])[:2]:
                values = stranger.defaults(dependency)
                values[place] = sent
                assert stranger.event(dependency, values)["error"] == files.NOT_UPLOADED, (dependency["id"], kind, sent)
        attacked += 1
    assert attacked >= 50


def test_no_other_parameter_of_the_api_takes_a_file(stranger, private, canary):
    address, asked = canary
    attacked = 0
    for dependency, place in stranger.places(of_files=False):
        if dependency["api_visibility"] != "public":
            continue
        answers = []
        for name in (private["picture"], private["missing"], f"{address}/x.png"):
            values = stranger.defaults(dependency)
            values[place] = {"path": name, "meta": {"_type": "gradio.FileData"}}
            answers.append(refusal(stranger.call(dependency["api_name"], values)))
        assert set(answers) <= {files.NO_FILES_HERE, files.NOT_UPLOADED}, (dependency["api_name"], answers)
        attacked += 1
    assert attacked > 60
    assert asked == []


def test_texts_of_the_api_are_never_opened_as_files(stranger, private):
    for dependency, place in stranger.places(of_files=False):
        kind = stranger.components[dependency["inputs"][place]]["type"]
        if dependency["api_visibility"] != "public" or kind not in TEXTS:
            continue
        answers = []
        for name in (private["picture"], private["missing"]):
            values = stranger.defaults(dependency)
            for other, each in enumerate(dependency["inputs"]):
                if stranger.components[each]["type"] == "image":
                    values[other] = {"path": data_address(png())}
            values[place] = name
            answer = stranger.call(dependency["api_name"], values)
            assert b"event: error" in answer, (dependency["api_name"], place)
            answers.append(refusal(answer).replace(Path(name).name, "NAME"))  # of a long path the end alone is shown
        assert answers[0] == answers[1], dependency["api_name"]


def test_no_address_is_asked_for_anything(stranger, canary):
    address, asked = canary
    for dependency, place in stranger.places(of_files=True):
        kind = stranger.components[dependency["inputs"][place]]["type"]
        values = stranger.defaults(dependency)
        if dependency["api_visibility"] == "public":
            for sent in shapes(kind, f"{address}/x.png"):
                values[place] = sent
                assert refusal(stranger.call(dependency["api_name"], values)) == files.NO_ADDRESSES
        else:
            values[place] = shapes(kind, f"{address}/x.png")[1]
            assert stranger.event(dependency, values)["error"] == files.NO_ADDRESSES
    for way in (f"file={address}/x.png", f"file/{address}/x.png", f"proxy={address}/x.png"):
        assert stranger.get(f"{API}/{way}")[0] == 404
    assert asked == []


# --- the route of files


def test_the_route_of_files_serves_nothing_else_and_tells_nothing(stranger, private):
    answers = {stranger.file(name) for title, name in private.items() if title != "file address"}
    root = page_server.ROOT
    for name in (
        root / "README.md",
        root / "app.py",
        "README.md",
        "app.py",
        "weights",
        root / "imgstudio/ui/__init__.py",
        ".git/HEAD",
    ):
        answers.add(stranger.file(str(name)))
    assert len(answers) == 1
    status, body = answers.pop()
    assert status == 404 and "such file" in json.loads(body)["detail"]


def test_routes_that_the_page_does_not_need_are_closed(stranger):
    for way in (
        "deep_link?session_hash=x",
        "proxy=https://a.hf.space/x",
        "stream/a/b/1/playlist.m3u8",
        "custom_component/a/client/b/c.js",
    ):
        assert stranger.get(f"{API}/{way}")[0] == 404
    for way in ("process_recording", "vibe-edit", "vibe-code", "stream/x", "stream/x/close"):
        assert stranger.post(f"{API}/{way}", b"{}")[0] == 404


def test_the_page_names_no_folder_of_the_server(stranger, cache):
    for way in ("/", "/config", f"{API}/info", "/gradio_api/openapi.json"):
        status, body = stranger.get(way)
        assert status == 200
        for folder in (str(cache), str(page_server.ROOT), str(Path.home()) + "/"):
            assert folder.encode() not in body, (way, folder)


# --- honest visitors


def test_a_data_address_works_in_every_picture_parameter(stranger):
    """Models and methods are unknown in all of these, so that nothing is computed: the sentence is not about the picture."""
    tried = 0
    for dependency, place in stranger.places(of_files=True):
        if dependency["api_visibility"] != "public":
            continue
        for sent in ({"url": data_address(png())}, {"path": data_address(png(), "image/jpeg")}, data_address(png())):
            kinds = [stranger.components[each]["type"] for each in dependency["inputs"]]
            values = ["unknown" if kind in TEXTS else value for kind, value in zip(kinds, stranger.defaults(dependency))]
            values[place] = sent
            answer = stranger.call(dependency["api_name"], values)
            for sentence in (files.NOT_UPLOADED, files.NO_ADDRESSES, files.NO_DATA):
                assert sentence.encode() not in answer, answer
        tried += 1
    assert tried >= 20


def test_what_was_uploaded_and_what_came_out_can_be_sent_in(stranger, cache):
    name = stranger.upload("my picture.png", png())
    assert not os.path.isabs(name)
    assert stranger.file(name)[1] == png()
    first = result(stranger.call("decompose", [{"path": name}, 0.01, "rof", 48]))
    assert str(cache) not in json.dumps(first)
    assert first[0]["url"].startswith(f"{stranger.address}{API}/file={first[0]['path']}")
    picture = Image.open(io.BytesIO(stranger.file(first[0]["path"])[1]))
    assert picture.size == PIXELS.size
    again = result(stranger.call("decompose", [first[0], 0.01, "rof", 48]))
    assert again[0]["path"] != first[0]["path"]


def test_a_data_address_gives_the_same_result_as_an_upload(stranger):
    name = stranger.upload("a.png", png())
    results = [
        result(stranger.call("decompose", [sent, 0.02, "rof", 48])) for sent in ({"path": name}, {"url": data_address(png())})
    ]
    pictures = [Image.open(io.BytesIO(stranger.file(each[0]["path"])[1])) for each in results]
    assert pictures[0].tobytes() == pictures[1].tobytes()


def test_the_opening_pictures_are_served_by_their_names(stranger):
    served = 0
    for component in stranger.config["components"]:
        value = component["props"].get("value")
        for each in value if isinstance(value, list) else [value]:
            found = each.get("image", each) if isinstance(each, dict) else {}
            if isinstance(found, dict) and "path" in found:
                assert stranger.file(found["path"])[0] == 200, found
                served += 1
    assert served > 100


# --- malformed values


@pytest.mark.parametrize(
    "sent",
    [
        5,
        [],
        {},
        {"path": 7},
        {"path": ["a"]},
        True,
        "aGVsbG8=",
        "data:",
        "data:image/png;base64,%%%",
        "data:text/plain,hello",
        [[[]]],
    ],
)
def test_a_value_that_is_no_picture_ends_in_a_sentence(stranger, sent):
    answer = refusal(stranger.call("decompose", [sent, 0.5, "rof", 48]))
    assert answer and answer.endswith(".")


def test_too_few_values_end_in_a_sentence(stranger):
    for dependency in stranger.config["dependencies"]:
        if dependency["backend_fn"] and len(dependency["inputs"]) > 1:
            if dependency["api_visibility"] == "public":
                assert "values" in refusal(stranger.call(dependency["api_name"], [None]))
            else:
                assert "values" in stranger.event(dependency, [None])["error"]


def test_what_is_too_large_is_refused_before_it_is_read(stranger):
    large = data_address(bytes(5_500_000))
    assert "too large" in refusal(stranger.call("decompose", [{"url": large}, 0.5, "rof", 48]))
    status, body = stranger.post(f"{API}/call/decompose", b'{"data": ["' + b"A" * 9_000_000 + b'"]}')
    assert status == 413 and b"too large" in body


def test_malformed_pictures_over_http_end_in_sentences(stranger):
    whole = png()
    for data in (
        whole[:40],
        whole[:-30],
        whole[:16] + b"\x7f\xff\xff\xff" * 2 + whole[24:],
        b"GIF89a",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"",
    ):
        answer = refusal(stranger.call("decompose", [{"path": data_address(data)}, 0.5, "rof", 48]))
        assert "picture" in answer, (data[:20], answer)


# --- what is painted


def editor(stranger: Stranger) -> tuple[dict, int]:
    """An event that takes a drawing alone, and the component."""
    for dependency, place in stranger.places(of_files=True):
        component = dependency["inputs"][place]
        if stranger.components[component]["type"] == "imageeditor" and len(dependency["inputs"]) == 1:
            return dependency, component
    raise AssertionError("there is no editor on the page")


def paint(stranger: Stranger, component: int, name: str, index: str, data: bytes) -> int:
    """Sends one layer of a drawing, as the page does before the event; the status."""
    fields = {
        "type": "layer",
        "index": index,
        "id": name,
        "component_id": component,
        "session_hash": "x",
        "fn_name": "accept_blobs",
    }
    start = "--frontier\r\nContent-Disposition: form-data; name="
    body = "".join(f'{start}"{key}"\r\n\r\n{value}\r\n' for key, value in fields.items())
    body += f'{start}"file"; filename="blob"\r\n\r\n'
    whole = body.encode() + data + b"\r\n--frontier--\r\n"
    return stranger.post(f"{API}/component_server", whole, "multipart/form-data; boundary=frontier")[0]


def test_a_drawing_is_bounded_and_only_a_picture(stranger):
    dependency, component = editor(stranger)
    painted = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    painted.paste((255, 0, 0, 200), (4, 4, 20, 20))
    assert paint(stranger, component, "huge", "1000000000", png(painted)) == 200  # a list of so many places would be 8 GB
    assert paint(stranger, component, "good", "0", png(painted)) == 200
    assert paint(stranger, component, "n" * 10_000, "0", png(painted)) == 400
    output = stranger.event(dependency, [{"background": None, "layers": [], "composite": None, "id": "good"}])
    assert "error" not in output
    assert paint(stranger, component, "bad", "0", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n") == 200
    output = stranger.event(dependency, [{"background": None, "layers": [], "composite": None, "id": "bad"}])
    assert "not a picture" in output["error"]
