"""The tab "Translation" in a real browser."""

from __future__ import annotations

import os
import zipfile

import pytest
from browser import PATIENCE
from PIL import Image

if "IMGSTUDIO_CI" in os.environ:
    import playwright.sync_api  # not to be skipped there

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=PATIENCE)

TAB = "translation"
RESULT = "#translation-result img"


@pytest.fixture
def studio(open_page):
    return opened(open_page())


def opened(page):
    page.get_by_role("tab").first.wait_for()
    page.get_by_role("tab", name="Translation", exact=True).click()
    expect(page.locator("#translation-button")).to_be_visible()
    return page


@pytest.fixture
def files(tmp_path) -> list[str]:
    paths = [tmp_path / f"{name}.png" for name in ("One", "two!", "three")]
    for path, colour in zip(paths, ("teal", "orange", "olive")):
        gradient = Image.linear_gradient("L").convert("RGB").resize((60, 40))
        Image.blend(gradient, Image.new("RGB", (60, 40), colour), 0.5).save(path)
    return [str(path) for path in paths]


def result(page) -> str:
    return page.locator(RESULT).last.get_attribute("src")


def line(page):
    return page.locator("#translation-result ~ .facts-line .facts")


def upload(page, button: str, paths) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(paths)


@pytest.fixture
def orchard(studio):
    """The pair of apples and tomatoes, whose pictures are small."""
    before = result(studio)
    studio.locator("#translation-pair input").click()
    studio.get_by_role("option", name="Apple ↔ tomato").click()
    expect(studio.get_by_role("radio", name="Apple to tomato")).to_be_checked()
    expect(studio.locator(RESULT).last).not_to_have_attribute("src", before)
    return studio


def test_an_upload_is_translated_and_the_direction_swapped(studio, files):
    expect(studio.locator("#translation-strip img")).to_have_count(4)  # before any click
    before = result(studio)
    upload(studio, "#translation-picture-upload", files[0])
    expect(studio.locator(RESULT).last).not_to_have_attribute("src", before)
    expect(line(studio)).to_contain_text("576 × 384 px")
    before = result(studio)
    studio.locator("#translation-swap").click()
    expect(studio.get_by_role("radio", name="Painting to photograph")).to_be_checked()
    expect(studio.locator(RESULT).last).not_to_have_attribute("src", before)
    expect(line(studio)).to_contain_text("Painting to photograph")
    before = result(studio)
    strength = studio.locator("#translation-strength input[type=number]")
    strength.fill("0.5")
    strength.press("Enter")
    expect(studio.locator(RESULT).last).not_to_have_attribute("src", before)


def test_three_files_come_back_as_a_zip(studio, files):
    upload(studio, "#translation-many", files)
    expect(studio.locator("#translation-zip")).to_be_enabled()
    with studio.expect_download() as download:
        studio.locator("#translation-zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == [*(f"{name}-photo2painting.png" for name in ("One", "two", "three")), "records.json"]
        assert archive.testzip() is None


def test_the_sampled_picture_comes_over(open_page):
    studio = opened(open_page(tab=None))
    before = result(studio)
    studio.locator("#translation-sampled").click()
    expect(studio.locator(RESULT).last).not_to_have_attribute("src", before)
    expect(line(studio)).to_contain_text("576 × 576 px")


def test_the_examples_follow_the_direction(studio):
    chosen = studio.locator("#translation-pictures .selected")
    expect(chosen).to_contain_text("Lion")
    studio.locator("#translation-swap").click()
    expect(chosen).to_contain_text("Night over the Lake")


def test_the_examples_follow_the_pair(orchard):
    chosen = orchard.locator("#translation-pictures .selected")
    expect(chosen).to_contain_text("Apple 1")
    orchard.locator("#translation-swap").click()
    expect(chosen).to_contain_text("Tomato 1")
    expect(line(orchard)).to_contain_text("256 × 256 px")
    orchard.locator("#translation-pictures button", has_text="Apple 2").click()
    expect(chosen).to_contain_text("Apple 2")
