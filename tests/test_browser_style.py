"""The tab "Style transfer" in a real browser."""

from __future__ import annotations

import io
import os
import re

import pytest
from browser import ADVANCED, PATIENCE, boxes, source
from PIL import Image, ImageChops

import imgstudio
from imgstudio.image import read_settings
from imgstudio.ui.tabs.style.settings import ANY, METHODS, ONE, OPTIMISE, kinds

if "IMGSTUDIO_CI" in os.environ:
    import playwright.sync_api  # not to be skipped there

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=PATIENCE)

if not imgstudio.models("stylize"):
    pytest.skip("there is no model for style transfer", allow_module_level=True)

TAB = "style"
PAIR = "#style-result img"


@pytest.fixture
def studio(open_page):
    return opened(open_page)


def opened(open_page, *args):
    """The page with this tab open."""
    page = open_page(*args)
    page.get_by_role("tab", name="Style transfer", exact=True).click()
    expect(page.locator("#style-button")).to_be_visible()
    return page


def choose(page, method: str) -> None:
    """Chooses a method, and waits until the page shows its controls."""
    if method not in kinds():
        pytest.skip(f"there is no model for {METHODS[method]!r}")
    page.locator("#style-method label", has_text=METHODS[method]).click()
    expect(page.locator("#style-style-weight" if method == OPTIMISE else "#style-strength")).to_be_visible()


def set_number(page, selector: str, value: str) -> None:
    """Types a number. A busy page may drop what is typed into a field that has just appeared: then once more."""
    box, slider = page.locator(f"{selector} input[type=number]"), page.locator(f"{selector} input[type=range]")
    for _ in range(4):
        box.fill(value)
        box.press("Enter")
        page.wait_for_timeout(300)
        if slider.input_value() == value:
            break
    expect(slider).to_have_value(value)


def small(page, steps: str = "20") -> None:
    """Settings under which everything is quick."""
    page.locator(ADVANCED).click()
    set_number(page, "#style-size", "128")
    if page.locator("#style-steps").is_visible():
        set_number(page, "#style-steps", steps)
    else:
        page.locator("#style-button").click()
        expect(line(page)).to_contain_text(re.compile(r"\b128\b"))
        page.wait_for_timeout(500)  # and what else this set going has ended


def line(page):
    return page.locator("#style-result ~ .facts-line .facts")


def pictures(page) -> list[Image.Image]:
    """What hangs left and right of the line."""
    addresses = [each.get_attribute("src") for each in page.locator(PAIR).all()]
    return [Image.open(io.BytesIO(page.request.get(address).body())).convert("RGB") for address in addresses]


def upload(page, button: str, path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(path)


def result(page) -> str:
    return page.locator(PAIR).last.get_attribute("src")


def expect_another_result(page, before: str) -> None:
    expect(page.locator(PAIR).last).not_to_have_attribute("src", before)


# --- before any click


@pytest.mark.parametrize("method", METHODS)
def test_only_the_controls_that_act_are_shown(studio, method):
    choose(studio, method)
    shown = {
        "#style-content-weight": method == OPTIMISE,
        "#style-style-weight": method == OPTIMISE,
        "#style-strength": method != OPTIMISE,
        "#style-style": method != ONE,
        "#style-gallery": method != ONE,
    }
    for selector, expected in shown.items():
        expect(studio.locator(selector)).to_be_visible(visible=expected)
    expect(studio.locator(f"#style-model-{method.replace(' ', '-')} input")).not_to_have_value("")
    expect(studio.locator("#style-method label", has_text=METHODS[method])).to_contain_text(re.compile(r"· [\d.]+ (s|min)"))


# --- the quick methods


def test_a_click_on_a_style_restyles_at_once(studio):
    choose(studio, ANY)
    small(studio)
    before = result(studio)
    tile = studio.locator("#style-gallery button.thumbnail-item").nth(2)
    title = tile.locator(".caption-label").inner_text()
    tile.click()
    expect_another_result(studio, before)
    expect(line(studio)).to_contain_text(title)


@pytest.mark.parametrize("method", [ONE, ANY])
def test_strength_goes_from_the_picture_itself_to_the_style(studio, method):
    choose(studio, method)
    small(studio)
    strength = studio.locator("#style-strength input[type=range]")
    before = result(studio)
    strength.focus()
    studio.keyboard.press("Home")
    expect(studio.locator("#style-strength input[type=number]")).to_have_value("0")
    expect_another_result(studio, before)
    studio.wait_for_timeout(500)
    content, untouched = pictures(studio)
    assert ImageChops.difference(content, untouched).getextrema() == ((0, 0),) * 3
    before = result(studio)
    strength.focus()
    studio.keyboard.press("End")
    expect_another_result(studio, before)


# --- painting


def test_a_painting_grows_is_stopped_downloaded_and_continued(studio, tmp_path):
    choose(studio, OPTIMISE)
    small(studio, "1000")
    before = result(studio)
    studio.locator("#style-button").click()
    expect(line(studio)).to_contain_text(re.compile(r"step \d+ of 1000 .* left"))
    expect_another_result(studio, before)
    before = result(studio)
    expect_another_result(studio, before)  # it is seen to change
    expect(studio.locator("#style-curves canvas, #style-curves svg").first).to_be_visible()
    studio.locator("#style-stop").click()
    expect(line(studio)).to_contain_text("stopped")
    done = int(re.match(r"(\d+) steps", line(studio).inner_text())[1])
    assert 0 < done < 1000

    with studio.expect_download() as download:
        studio.locator("#style-download").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    settings = read_settings(saved)
    assert (settings["task"], settings["steps"], settings["size"], saved.suffix) == ("stylize", done, 128, ".png")
    assert ImageChops.difference(Image.open(saved), pictures(studio)[1]).getbbox() is None

    set_number(studio, "#style-steps", "20")
    studio.locator("#style-again").click()
    expect(line(studio)).to_contain_text(f"{done + 20} steps")


def test_stop_in_the_first_step_keeps_a_picture(studio):
    choose(studio, OPTIMISE)
    studio.locator("#style-button").click()
    studio.locator("#style-stop").click()
    studio.wait_for_timeout(300)
    studio.locator("#style-stop").click()  # should the first click have come before the work began
    expect(line(studio)).to_contain_text("stopped")
    expect(studio.locator("#style-download")).to_be_enabled()


def test_two_visitors_at_once_both_get_their_picture(open_page):
    ann, bob = opened(open_page), opened(open_page)
    before = {page: result(page) for page in (ann, bob)}
    for page in (ann, bob):
        choose(page, OPTIMISE)
        small(page)
    ann.locator("#style-pictures button.thumbnail-item").nth(1).click()
    expect(ann.locator("#style-pictures .thumbnail-item.selected .caption-label")).to_have_text("Tower")
    for page in (ann, bob):
        page.locator("#style-button").click()
    for page in (ann, bob):
        expect(line(page)).to_contain_text("20 steps")
        expect_another_result(page, before[page])
    assert pictures(ann)[1].size != pictures(bob)[1].size


def test_stop_takes_a_painting_out_of_the_queue(open_page):
    """A second result of one visitor waits for the first."""
    page = open_page(tab=None)
    page.get_by_role("tab", name="Texture", exact=True).click()
    page.get_by_role("tab", name="New texture", exact=True).click()
    page.locator("#growth-method label").last.click()
    page.locator("#growth-button").click()
    growing = page.locator("#growth-result ~ .facts-line .facts")
    expect(growing).to_contain_text(re.compile(r"step \d+ of"))
    page.get_by_role("tab", name="Style transfer", exact=True).click()
    choose(page, OPTIMISE)
    small(page)
    before = result(page)
    page.locator("#style-button").click()
    waiting = page.locator("#style-result ~ .facts-line").get_by_text(re.compile(r"queue: \d/\d"))
    expect(waiting).to_be_visible()
    page.locator("#style-stop").click()
    expect(waiting).to_be_hidden()
    page.get_by_role("tab", name="Texture", exact=True).click()
    page.locator("#growth-stop").click()
    expect(growing).to_contain_text("stopped")
    page.get_by_role("tab", name="Style transfer", exact=True).click()
    page.wait_for_timeout(1000)  # in which it would begin
    assert result(page) == before
    page.locator("#style-button").click()
    expect(line(page)).to_contain_text("20 steps")


# --- what is brought


def test_an_upload_takes_the_place_of_a_picture(studio, tmp_path):
    choose(studio, ANY)
    small(studio)
    Image.radial_gradient("L").resize((300, 200)).save(tmp_path / "gradient.png")
    before = result(studio)
    upload(studio, "#style-picture-upload", tmp_path / "gradient.png")
    expect(studio.locator("#style-picture img")).to_have_attribute("src", re.compile("gradient"))
    expect_another_result(studio, before)
    expect(line(studio)).to_contain_text("128 × 85 px")


def test_a_bad_file_gets_a_sentence_and_the_picture_stays(studio, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    before, hung = result(studio), source(studio, "#style-picture")
    upload(studio, "#style-picture-upload", tmp_path / "bad.png")
    expect(studio.get_by_test_id("toast-text")).to_contain_text("bad.png is not a picture that can be read")
    expect(studio.locator("#style-picture img")).to_have_attribute("src", hung)
    assert result(studio) == before


def test_a_painted_region_limits_the_style(studio):
    choose(studio, ANY)
    small(studio)
    before = result(studio)
    studio.locator("#style-region-door > button").click()
    canvas = studio.locator("#style-region canvas").first
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    studio.wait_for_timeout(1500)  # the editor fits its picture in
    box = canvas.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    studio.mouse.move(*middle)
    studio.mouse.down()
    studio.mouse.move(middle[0] + 12, middle[1] + 12, steps=5)
    studio.mouse.up()
    expect_another_result(studio, before)
    studio.wait_for_timeout(500)
    content, restyled = pictures(studio)
    changed = ImageChops.difference(content, restyled).getbbox()
    assert changed is not None
    left, top, right, bottom = changed
    assert 0 < left < right < content.width and 0 < top < bottom < content.height


# --- other screens


def test_a_phone_shows_the_picture_after_the_button_without_scrolling_sideways(open_page):
    page = opened(open_page, 390, 844)
    above, below = boxes(page, "#style-button", "#style-result")
    assert 0 < below["y"] - above["y"] - above["height"] < 120
    page.locator(ADVANCED).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
