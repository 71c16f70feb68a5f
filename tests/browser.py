"""A real browser for the tests that look at the page."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import page_server
import pytest

ADVANCED = ".room:visible .below .advanced:not(.bring) > button, .room:visible > .advanced > button"  # opens it
PATIENCE = 30_000  # ms for one answer of a busy machine
PAUSE = 200  # ms between two looks

LOCAL = re.compile(r"(https?://(127\.0\.0\.1|localhost)[:/])|data:|blob:|about:")


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"))), None)


@pytest.fixture(scope="session")
def driver() -> Iterator:
    """Playwright, of which a process can run one only."""
    if _chromium() is None:
        if "IMGSTUDIO_CI" in os.environ:
            pytest.fail("there is no Chromium on PATH")
        pytest.skip("there is no Chromium on PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def context(driver) -> Iterator:
    """One browser profile for all tests, so that what Gradio sends is cached."""
    browser = driver.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
    yield browser.new_context()
    browser.close()


@pytest.fixture
def open_page(context, request) -> Iterator:
    """Opens the page, and checks in the end that it was quiet: no error on the console, no request to another machine.

    tab: alone on the page, which opens faster; None: the whole page. By default it is TAB of the file of tests.
    """
    faults: list[str] = []
    pages = []

    def opened(width: int = 1440, height: int = 900, query: str = "", tab: str | None = getattr(request.module, "TAB", None)):
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: None if LOCAL.match(request.url) else faults.append(request.url))
        page.goto(page_server.address_of(tab) + query)
        page.locator(".rooms").wait_for()
        return page

    yield opened
    for page in pages:
        page.close()
    assert not faults, "\n".join(faults)


def source(page, selector: str) -> str:
    """Address of the (first) picture in an element."""
    return page.locator(f"{selector} img").first.get_attribute("src")


def boxes(page, *selectors: str) -> list[dict]:
    """Where elements are, in pixels, once they have come to rest: a picture that is still loading has no height."""
    before: list = []
    for _ in range(PATIENCE // PAUSE):
        now = [page.locator(selector).bounding_box() for selector in selectors]
        if now == before and all(box and box["height"] for box in now):
            return now
        before = now
        page.wait_for_timeout(PAUSE)
    raise AssertionError(f"{selectors} did not come to rest: {before}")


def expect_upon(page, upper: str, lower: str) -> None:
    """One element comes to lie exactly on the other."""
    for _ in range(PATIENCE // PAUSE):
        top, bottom = boxes(page, upper, lower)
        if top == pytest.approx(bottom, abs=1):
            return
    raise AssertionError(f"{upper} is at {top}, {lower} at {bottom}")
