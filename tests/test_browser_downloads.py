"""Downloads in a real browser: size and licence before, progress and Stop on the way, pictures after, and clearing it again; and
a model that a visitor brings."""

from __future__ import annotations

import re
from pathlib import Path

import page_server
import pytest
from browser import PATIENCE, source

TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> str:
    return page_server.address(str(TESTS / "download_server.py"), str(tmp_path_factory.mktemp("cache") / "hub"))


@pytest.fixture
def visit(context, served):
    """Opens the page, as often as there are visitors."""
    pages = []

    def opened():
        page = context.new_page()
        pages.append(page)
        page.set_default_timeout(3 * PATIENCE)
        page.goto(served)
        page.locator(".rooms").wait_for()
        return page

    yield opened
    for page in pages:
        page.close()


def choose(page, elem_id: str, title: str) -> None:
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=title).click()


def test_a_model_is_offered_fetched_used_and_cleared(visit):
    page = visit()
    line = page.locator(".model-line").first
    before = source(page, "#sampling-large")
    choose(page, "sampling-model", "From far away")
    button, halt = page.locator("#sampling-fetch"), page.locator("#sampling-fetch-stop")
    button.wait_for()
    assert re.fullmatch(r"Download 2\.4 MB · MIT", button.inner_text().strip())
    assert "not downloaded yet" in line.inner_text()

    button.click()
    told = page.locator(".fetching-line").first
    told.get_by_text(re.compile(r"1\.2 of 2\.4 MB, \d+\.\d MB a second")).wait_for()
    halt.click()
    told.get_by_text("goes on from there").wait_for()

    button.click()
    button.wait_for(state="hidden")
    line.get_by_text("downloaded", exact=True).wait_for()
    page.wait_for_function("before => document.querySelector('#sampling-large img').src !== before", arg=before)

    page.get_by_role("tab", name="Models").click()
    page.locator("td").get_by_text("someone/nets, downloaded, 2.4 MB").wait_for()
    choose(page, "models-hub", "From far away (test/faraway)")
    page.locator("#models-clear").click()
    page.locator("td").get_by_text("someone/nets, not downloaded yet").wait_for()
    page.locator("#models-fetch").get_by_text("Download 2.4 MB · MIT").wait_for()
    page.locator("#models-clear").wait_for(state="hidden")


def test_a_repository_is_brought_recognised_and_seen_by_nobody_else(visit):
    page, other = visit(), visit()
    before = source(page, "#sampling-large")
    page.locator("#sampling-bring > button").click()
    page.locator("#sampling-bring-repository input").fill("anyone/nothing")
    page.locator("#sampling-bring-button").click()
    page.locator(".brought").first.get_by_text("does not exist or is private").wait_for()

    page.locator("#sampling-bring-repository input").fill("anyone/dreams")
    page.locator("#sampling-bring-button").click()
    page.locator(".brought").first.get_by_text(re.compile("DCGAN.*32")).wait_for()
    page.wait_for_function("before => document.querySelector('#sampling-large img').src !== before", arg=before)
    assert page.locator("#sampling-model input").input_value().startswith("dreams")
    page.locator(".facts").first.get_by_text("32 × 32 px").wait_for()

    other.locator("#sampling-model input").click()
    titles = other.get_by_role("option").all_inner_texts()
    assert len(titles) > 3 and not any("dreams" in title for title in titles)
