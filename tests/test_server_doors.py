"""The outer doors of a server, by raw HTTP against a real one: routes, hosts, foreign websites, proxies, headers, compression,
and who may come in."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode, urlsplit

import coroutines
import gradio as gr
import page_server
import pytest

from imgstudio import StudioError
from imgstudio.ui.server import auth, doors, headers, proxy
from imgstudio.ui.server.settings import settings

PROGRAM = "tests/doors_server.py"


def request(address: str, path: str, method: str = "GET", body: bytes | str | None = None, **more: str):
    """Status, headers and body of an answer; names of headers have underscores."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    given = {name.replace("_", "-"): value for name, value in more.items()}
    connection.putrequest(method, path, skip_host="Host" in given, skip_accept_encoding=True)
    data = body.encode() if isinstance(body, str) else body
    if data is not None:
        given["Content-Length"] = str(len(data))
    for name, value in given.items():
        connection.putheader(name, value)
    connection.endheaders(data)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


@pytest.fixture(scope="module")
def private() -> str:
    return page_server.address(PROGRAM)


@pytest.fixture(scope="module")
def public() -> str:
    return page_server.address(PROGRAM, IMGSTUDIO_PUBLIC="1")


@pytest.fixture(scope="module")
def guarded() -> str:
    return page_server.address(PROGRAM, IMGSTUDIO_AUTH="ada:love:lace, bob:hunter2")


@pytest.fixture(scope="module")
def behind() -> str:
    return page_server.address(PROGRAM, IMGSTUDIO_PROXY="127.0.0.1", GRADIO_ROOT_PATH="/studio")


# --- routes ---


CLOSED = """/monitoring /monitoring/summary /monitoring/x /openapi.json /docs /redoc /pwa_icon /pwa_icon/20000 /pwa_icon/192/x
/gradio_api/token /gradio_api/token/ /gradio_api/dev/reload /gradio_api/deep_link?session_hash=a /gradio_api/proxy=https://a.hf.space
/gradio_api/process_recording /gradio_api/custom_component/a/client/b/c.js /gradio_api/runs /gradio_api/run-history/buckets
/gradio_api/vibe-code /gradio_api/vibe-edit /gradio_api/undo-vibe-edit /gradio_api/stream/a/b/c/playlist.m3u8
/gradio_api/file/etc/passwd /gradio_api/file=http://127.0.0.1:9/a.png /gradio_api/file=HTTPS:/a.png /gradio_api/file=%20ftp://a/b"""


@pytest.mark.parametrize("path", CLOSED.split())
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_routes_that_the_page_does_not_need_are_closed(private, path, method):
    assert request(private, path, method, b"" if method == "POST" else None)[0] == 404


def test_no_address_is_fetched_for_a_visitor(private):
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.5)
        for scheme in ("http", "HTTP", "https"):
            request(private, f"/gradio_api/file={scheme}://127.0.0.1:{canary.getsockname()[1]}/a.png")
        with pytest.raises(TimeoutError):
            canary.accept()


OPEN = """/ /config /gradio_api/info /gradio_api/openapi.json /gradio_api/app_id /theme.css /favicon.ico /manifest.json
/pwa_icon/192"""


@pytest.mark.parametrize("path", OPEN.split())
def test_routes_of_the_page_and_its_clients_are_open(private, path):
    assert request(private, path)[0] == 200


# --- foreign websites and foreign names ---


JOIN = json.dumps({"data": ["a"], "fn_index": 0, "session_hash": "abcdefgh"})


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1.evil.example", "http://127.0.0.1:1", "file://"]
)
def test_a_foreign_website_can_neither_post_nor_read(private, origin):
    for path, method, body, kind in (
        ("/gradio_api/queue/join", "POST", JOIN, "text/plain"),
        ("/gradio_api/upload", "POST", "--x--", "multipart/form-data; boundary=x"),
        ("/config", "GET", None, "text/plain"),
    ):
        assert request(private, path, method, body, Origin=origin, Content_Type=kind)[0] == 403


def test_the_page_itself_may_post(private):
    answer = request(private, "/gradio_api/queue/join", "POST", JOIN, Origin=private, Content_Type="application/json")
    assert answer[0] == 200 and "event_id" in json.loads(answer[2])
    assert request(private, "/gradio_api/queue/join", "POST", JOIN, Content_Type="application/json")[0] == 200, "no browser"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "a@127.0.0.1", ""])
def test_a_name_that_somebody_pointed_here_is_refused(private, host):
    status, _, body = request(private, "/config", Host=host)
    assert status == 421 and b"IMGSTUDIO_HOSTS" in body


@pytest.mark.parametrize("host", ["localhost:80", "LOCALHOST", "[::1]:7860", "192.168.1.7:7860", "lab-pc", "lab-pc.local"])
def test_names_that_nobody_else_can_point_here_are_known(private, host):
    assert request(private, "/config", Host=host)[0] == 200


def test_names_of_the_settings_are_known(monkeypatch):
    monkeypatch.setenv("IMGSTUDIO_HOSTS", "studio.example.org, other.example.org")
    monkeypatch.setenv("GRADIO_ROOT_PATH", "https://third.example.org/studio")
    assert {"studio.example.org", "other.example.org", "third.example.org"} <= doors.own_names()


def test_a_public_server_serves_under_any_name_and_to_other_websites(public):
    assert request(public, "/config", Host="studio.example.org")[0] == 200
    answer = request(public, "/gradio_api/queue/join", "POST", JOIN, Origin="https://a.example", Content_Type="application/json")
    assert answer[0] == 200


# --- proxies ---


def test_what_anybody_says_of_a_proxy_is_not_believed(private):
    told = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https", "X_Gradio_Server": "http://evil.example/"}
    for path in ("/", "/config", "/gradio_api/info"):
        status, _, body = request(private, path, **told)
        assert status == 200 and b"evil.example" not in body
    assert json.loads(request(private, "/config", **told)[2])["root"] == private


class _Below(BaseHTTPRequestHandler):
    """A reverse proxy that serves a page below /studio."""

    target = ""
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        given = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        given |= {"X-Forwarded-Host": self.headers["Host"], "X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.9"}
        connection = http.client.HTTPConnection(self.target, timeout=60)
        connection.request(self.command, self.path.removeprefix("/studio"), self.rfile.read(length), given)
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        while block := answer.read1(65536):
            self.wfile.write(block)
            self.wfile.flush()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def below(behind):
    handler = type("Handler", (_Below,), {"target": urlsplit(behind).netloc})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/studio"
    server.shutdown()
    server.server_close()


def test_a_trusted_proxy_below_a_path_works(below):
    assert json.loads(request(below, "/studio/config")[2])["root"] == below
    origin = below.removesuffix("/studio")
    joined = request(below, "/studio/gradio_api/queue/join", "POST", JOIN, Origin=origin, Content_Type="application/json")
    assert joined[0] == 200
    _, given, events = request(below, "/studio/gradio_api/queue/data?session_hash=abcdefgh")
    assert given["content-type"].startswith("text/event-stream") and b"process_completed" in events
    assert request(below, "/studio/monitoring/summary")[0] == 404
    foreign = request(below, "/studio/gradio_api/queue/join", "POST", JOIN, Origin="http://evil.example")
    assert foreign[0] == 403


def seen(trust, client, **told) -> dict:
    """A request as it is behind the middleware."""
    found: dict = {}

    async def app(scope, receive, send) -> None:
        found.update(scope)

    given = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in told.items()]
    scope = {"type": "http", "client": (client, 5), "scheme": "http", "headers": given}
    coroutines.run(proxy.Proxy(app, trust)(scope, None, None))
    return found


def test_only_who_sits_at_the_server_counts_as_its_owner(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setenv("IMGSTUDIO_PROXY", "10.0.0.0/8, 127.0.0.1")
    listed = proxy.trusted()
    monkeypatch.delenv("IMGSTUDIO_PROXY")
    nobody = proxy.trusted()

    def owner(trust, client, **told) -> bool:
        return proxy.is_local(gr.Request(_Asked(seen(trust, client, **told)["client"])))

    assert owner(nobody, "127.0.0.1") and owner(nobody, "::1") and owner(nobody, "::ffff:127.0.0.1")
    assert not owner(nobody, "192.168.1.7") and not owner(nobody, "192.168.1.7", X_Forwarded_For="127.0.0.1")
    for trust in (nobody, listed):  # a visitor of a proxy on this machine, whatever the visitor claims
        for claim in ("203.0.113.9", "127.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9, 127.0.0.1", "nonsense", ""):
            assert not owner(trust, "127.0.0.1", X_Forwarded_For=claim), claim
        assert not owner(trust, "127.0.0.1", Forwarded="for=127.0.0.1")
    assert not owner(listed, "10.1.2.3", X_Forwarded_For="127.0.0.1")
    assert seen(listed, "10.1.2.3", X_Forwarded_For="9.9.9.9, 203.0.113.9")["client"][0] == "203.0.113.9"
    assert seen(listed, "11.1.2.3", X_Forwarded_For="203.0.113.9")["client"][0] == "11.1.2.3"


class _Asked:
    def __init__(self, client) -> None:
        self.client = type("Address", (), {"host": client[0]})()


@pytest.mark.parametrize("text", ["yes please", "10.0.0.1;10.0.0.2", "proxy.example.org"])
def test_a_proxy_that_cannot_be_read_is_a_sentence(monkeypatch, text):
    monkeypatch.setenv("IMGSTUDIO_PROXY", text)
    with pytest.raises(StudioError, match="IMGSTUDIO_PROXY"):
        proxy.trusted()


# --- headers and compression ---


def test_every_answer_has_the_headers(private):
    here = "/gradio_api/file=" + os.path.abspath(__file__)
    for path in ("/", "/config", "/theme.css", "/no/such/page", "/monitoring", here):
        _, found, _ = request(private, path)
        assert found["x-content-type-options"] == "nosniff" and found["referrer-policy"] == "same-origin", path
        assert "camera=(self)" in found["permissions-policy"]
        policy = dict(part.strip().partition(" ")[::2] for part in found["content-security-policy"].split(";"))
        assert policy["default-src"] in ("'self'", "'none'")
        assert not re.search(r"https?:", found["content-security-policy"].partition("frame-ancestors")[0]), "no other hosts"
    assert request(private, "/", Host="evil.example")[1]["x-content-type-options"] == "nosniff"


def test_files_run_nothing_on_our_origin(private, tmp_path):
    markup = {"page.html": "text/html", "drawing.svg": "image/svg+xml"}
    for name, kind in markup.items():
        body = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        body += "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>\r\n--x--\r\n"
        status, _, answer = request(private, "/gradio_api/upload", "POST", body, Content_Type="multipart/form-data; boundary=x")
        assert status == 200
        status, found, _ = request(private, f"/gradio_api/file={json.loads(answer)[0]}")
        assert status == 200 and found["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize(("open_", "given", "expected"), [
    (True, None, "*"), (False, None, headers.NEAR), (False, "*", "*"),
    (True, "https://a.example, self", "https://a.example 'self'"),
])  # fmt: skip
def test_who_may_frame_the_page(monkeypatch, open_, given, expected):
    monkeypatch.delenv("IMGSTUDIO_FRAMES", raising=False)
    if given:
        monkeypatch.setenv("IMGSTUDIO_FRAMES", given)
    assert headers.frames(open_=open_) == expected


def test_frames_that_cannot_be_read_are_a_sentence(monkeypatch):
    monkeypatch.setenv("IMGSTUDIO_FRAMES", "https://a.example; script-src *")
    with pytest.raises(StudioError, match="IMGSTUDIO_FRAMES"):
        headers.frames(open_=True)


@pytest.mark.parametrize("path", ["/", "/config", "/theme.css"])
@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br", "br;q=0.5, gzip;q=0.8"])
def test_the_page_is_compressed(private, path, accepted):
    plain = request(private, path)[2]
    _, found, body = request(private, path, Accept_Encoding=accepted)
    assert found["content-encoding"] == "gzip" and int(found["content-length"]) == len(body) < len(plain) / 2
    assert len(gzip.decompress(body)) == len(plain) and "accept-encoding" in found["vary"].lower()


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "zstd"])
def test_who_takes_no_gzip_gets_none(private, accepted):
    assert "content-encoding" not in request(private, "/config", Accept_Encoding=accepted)[1]


def test_streams_of_events_arrive_as_they_come(private):
    body = json.dumps({"data": ["a"], "fn_index": 0, "session_hash": "streamed"})
    request(private, "/gradio_api/queue/join", "POST", body, Content_Type="application/json")
    connection = http.client.HTTPConnection(urlsplit(private).netloc, timeout=60)
    connection.request("GET", "/gradio_api/queue/data?session_hash=streamed", headers={"Accept-Encoding": "gzip, br"})
    answer = connection.getresponse()
    assert answer.getheader("content-encoding") is None
    blocks = []
    while block := answer.read1(65536):
        blocks.append(block)
    assert len(blocks) > 2 and b"process_generating" in b"".join(blocks[:-1]), "not all at once"
    connection.close()


# --- names and passwords ---


def login(address: str, name: str, password: str, **more: str):
    form = urlencode({"username": name, "password": password})
    return request(address, "/login", "POST", form, Content_Type="application/x-www-form-urlencoded", **more)


def test_only_who_has_a_password_comes_in(guarded):
    assert request(guarded, "/config")[0] == 401
    assert request(guarded, "/gradio_api/queue/join", "POST", JOIN, Content_Type="application/json")[0] == 401
    assert login(guarded, "ada", "hunter2")[0] == 400
    status, found, _ = login(guarded, "ada", "love:lace")
    assert status == 200
    cookie = re.search(r"access-token-unsecure-[^;]+", found["set-cookie"])[0]
    assert request(guarded, "/config", Cookie=cookie)[0] == 200


def test_guessing_is_bounded(guarded):
    found = {login(guarded, "bob", f"guess {number}", X_Forwarded_For="203.0.113.77")[0] for number in range(auth.GUESSES + 1)}
    assert found == {400, 429}
    assert login(guarded, "bob", "hunter2", X_Forwarded_For="203.0.113.77")[0] == 429
    assert login(guarded, "bob", "hunter2", X_Forwarded_For="203.0.113.78")[0] == 200, "others are let in"


def test_accounts_come_from_a_setting_or_a_file(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGSTUDIO_AUTH", "ada:love:lace, bob:hunter2")
    assert auth.accounts() == [("ada", "love:lace"), ("bob", "hunter2")]
    file = tmp_path / "class.txt"
    file.write_text("# a class\nada:a, b\n\nbob:c\n")
    monkeypatch.setenv("IMGSTUDIO_AUTH", str(file))
    assert auth.accounts() == [("ada", "a, b"), ("bob", "c")]
    monkeypatch.delenv("IMGSTUDIO_AUTH")
    assert auth.accounts() is None


@pytest.mark.parametrize(
    "text", ["secret", "ada:", ":secret", "ada:secret,secret", "ada:secret,ada:other", "/no/such/secret", ","]
)
def test_accounts_that_cannot_be_read_are_a_sentence_without_a_password(monkeypatch, text):
    monkeypatch.setenv("IMGSTUDIO_AUTH", text)
    with pytest.raises(StudioError, match="IMGSTUDIO_AUTH") as caught:
        auth.accounts()
    assert "secret" not in str(caught.value)


def test_a_server_with_a_wrong_setting_does_not_start():
    found = subprocess.run(
        [sys.executable, PROGRAM], cwd=page_server.ROOT, capture_output=True, text=True, timeout=240,
        env={**os.environ, "IMGSTUDIO_AUTH": "ada secret", "PYTHONPATH": str(page_server.ROOT)},
    )  # fmt: skip
    assert found.returncode == 1 and "IMGSTUDIO_AUTH cannot be read" in found.stderr
    assert "secret" not in found.stderr and "Traceback" not in found.stderr


# --- Clear ---


def models_tab(monkeypatch, public: str) -> gr.Blocks:
    from imgstudio.ui.tabs import models

    monkeypatch.setenv("IMGSTUDIO_PUBLIC", public)
    settings.cache_clear()
    try:
        with gr.Blocks() as demo, gr.Tabs(), gr.Tab("Models"):
            models.build()
        return demo
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_nothing_can_be_cleared_on_a_public_server(monkeypatch):
    private, public = models_tab(monkeypatch, "0").config, models_tab(monkeypatch, "1").config
    assert "models-clear" in json.dumps(private["components"], default=str)
    assert "models-clear" not in json.dumps(public["components"], default=str)
    assert len(public["dependencies"]) == len(private["dependencies"]) - 1


@pytest.mark.parametrize(("client", "owner"), [("127.0.0.1", True), ("192.168.1.7", False), (proxy.PROXIED, False)])
def test_only_the_owner_clears(monkeypatch, client, owner):
    from imgstudio.ui.tabs import models

    cleared = []
    monkeypatch.setattr(models.downloads, "clear", lambda name: cleared.append(name) or 5)
    asked = gr.Request(_Asked((client, 0)))
    if owner:
        assert models._clear(asked, "dinov2/texture", 1) == 2
    else:
        with pytest.raises(StudioError, match="Only who runs this server can clear downloads"):
            models._clear(asked, "dinov2/texture", 1)
    assert bool(cleared) == owner
