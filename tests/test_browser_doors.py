"""The security headers in a real browser: everything that the page needs still works under them, also in a frame."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import page_server
import pytest
from browser import PATIENCE, _chromium
from PIL import Image


@pytest.fixture(scope="module")
def camera(driver) -> Iterator:
    """A browser whose camera shows a test pattern."""
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = driver.chromium.launch(executable_path=_chromium(), args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def page(camera) -> Iterator:
    """A page that in the end has had nothing on its console."""
    faults: list[str] = []
    opened = camera.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    opened.close()
    assert faults == []


@pytest.fixture(scope="module")
def address() -> str:
    return page_server.address("tests/doors_server.py")


def answered(place) -> None:
    """Presses the button, and waits for the last of the answers."""
    place.locator("#go").click()
    place.wait_for_function("document.querySelector('#answer textarea').value.trim().endsWith('2')")


def test_uploads_the_camera_and_streams_work(page, address, tmp_path):
    page.goto(address)
    answered(page)
    picture = tmp_path / "small.png"
    Image.new("RGB", (40, 30), (200, 30, 60)).save(picture)
    page.locator("input[type=file]").first.set_input_files(picture)
    page.get_by_text("small").first.wait_for()
    page.get_by_role("button", name="Capture from camera").or_(page.locator("button[aria-label*=ebcam]")).first.click()
    page.get_by_text("Click to Access Webcam").or_(page.locator("button[title*=ebcam]")).first.click()
    page.locator("video").first.wait_for()
    page.wait_for_function("document.querySelector('video')?.videoWidth > 0")
    page.locator("button[aria-label='capture photo']").click()
    page.wait_for_function("[...document.querySelectorAll('img')].some(i => i.src.includes('/file=') && i.naturalWidth > 100)")


def test_an_uploaded_page_runs_no_script(page, address):
    page.goto(address)
    body = "<title>before</title><script>document.title = 'after'</script>"
    [name] = page.evaluate(
        """async body => {
            const form = new FormData();
            form.append("files", new File([body], "page.svg", {type: "image/svg+xml"}));
            return await (await fetch("/gradio_api/upload", {method: "POST", body: form})).json();
        }""",
        f"<svg xmlns='http://www.w3.org/2000/svg'>{body}</svg>",
    )
    source = f"{address}/gradio_api/file={name}"
    ran = page.evaluate(
        """source => new Promise(done => {
            const frame = document.createElement("iframe");
            frame.onload = () => { try { done(frame.contentDocument?.title ?? "opaque") } catch { done("opaque") } };
            setTimeout(() => done("downloaded"), 3000);
            frame.src = source;
            document.body.append(frame);
        })""",
        source,
    )
    assert ran != "after"


class _Course(BaseHTTPRequestHandler):
    """A page of somebody else's with the studio in a frame."""

    framed = ""

    def do_GET(self) -> None:
        body = f'<link rel="icon" href="data:,"><iframe src="{self.framed}" width="800" height="600"></iframe>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_the_page_works_in_a_frame_of_another_server(page, address):
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Course,), {"framed": address}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.frame_locator("iframe").locator("#go").wait_for()
        answered(page.frames[1])
    finally:
        server.shutdown()
        server.server_close()
