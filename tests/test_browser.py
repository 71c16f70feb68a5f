"""The page in a real browser: what a visitor does, and that nothing leaves the machine while they do it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from browser import ADVANCED, PATIENCE, boxes, source
from PIL import Image

from imgstudio.image import read_settings

if "IMGSTUDIO_CI" in os.environ:
    import playwright.sync_api  # not to be skipped there

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect

expect.set_options(timeout=PATIENCE)


TAB = "sampling"


@pytest.fixture
def page(open_page):
    page = open_page()
    expect(page.locator("#sampling-sheet img").first).to_be_visible()
    return page


@pytest.fixture
def vae(open_page):
    """The second tab."""
    page = open_page(tab="interpolation")
    page.get_by_role("tab", name="VAE interpolation").click()
    expect(page.locator("#morph-picture img")).to_be_visible()
    return page


def captions(page) -> list[str]:
    return page.locator("#sampling-sheet .caption-label").all_inner_texts()


def expect_another(page, selector: str, before: str) -> None:
    expect(page.locator(f"{selector} img").first).not_to_have_attribute("src", before)


def facts(page):
    """The fact line under the sheet of samples."""
    return page.locator("#sampling-sheet ~ .facts-line .facts")


# --- before any click


def test_pictures_hang_there_before_any_click(page):
    assert captions(page) == [str(seed) for seed in range(24)]
    expect(page.locator("#sampling-caption")).to_contain_text("Seed 4")
    assert "24 pictures" in facts(page).inner_text()
    for selector in ("#sampling-sheet", "#sampling-large", "#walk-player"):
        picture = page.locator(f"{selector} img").first
        picture.scroll_into_view_if_needed()
        page.wait_for_function("picture => picture.naturalWidth > 100", arg=picture.element_handle())


def test_a_morph_hangs_there_before_any_click(vae):
    for selector in ("#slot-A", "#slot-B", "#morph-picture", "#morph-player"):
        expect(vae.locator(f"{selector} img")).to_be_visible()
    for strip in ("#strip-slerp", "#strip-lerp"):
        expect(vae.locator(f"{strip} img")).to_have_count(8)


def test_every_model_is_in_the_table(open_page):
    page = open_page(tab=None)
    options = page.locator("#sampling-model input").input_value()
    page.get_by_role("tab", name="Models").click()
    expect(page.locator(".catalogue tbody tr", has_text=options).first).to_be_visible()
    assert page.locator(".catalogue td[data-column=Licence]:empty").count() == 0


# --- sampling


def test_a_seed_that_is_typed_changes_the_captions(page):
    page.locator("#sampling-seed input").fill("100")
    expect(page.locator("#sampling-sheet .caption-label").first).to_have_text("100")
    assert captions(page) == [str(seed) for seed in range(100, 124)]
    expect(page.locator("#sampling-caption")).to_contain_text("Seed 100")
    expect(page.locator("#sampling-fresh input")).not_to_be_checked()
    page.locator("#sampling-button").click()  # keeps the seed that was typed, and says so
    expect(page.get_by_test_id("toast-text").first).to_contain_text("pictures of seed 100 already")
    assert captions(page)[0] == "100"


def test_button_and_dice_draw_new_seeds(page):
    for button in ("#sampling-button", "#sampling-dice"):
        before = page.locator("#sampling-seed input").input_value()
        page.locator(button).click()
        expect(page.locator("#sampling-seed input")).not_to_have_value(before)
        expect(page.locator("#sampling-sheet .caption-label").first).to_have_text(
            page.locator("#sampling-seed input").input_value()
        )


def test_the_last_position_of_a_slider_is_never_lost(page):
    before = source(page, "#sampling-large")
    page.locator("#sampling-truncation input[type=range]").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(facts(page)).to_contain_text("truncation 1.1")
    expect_another(page, "#sampling-large", before)
    assert captions(page)[0] == "0"


def test_an_example_moves_the_slider_and_the_pictures(page):
    before = source(page, "#sampling-large")
    page.get_by_role("button", name="All alike").click()
    expect(page.locator("#sampling-truncation input[type=number]")).to_have_value("0.1")
    expect(facts(page)).to_contain_text("truncation 0.1")
    expect_another(page, "#sampling-large", before)


def test_a_click_on_a_picture_chooses_it(page):
    page.locator("#sampling-sheet button.thumbnail-item").nth(5).click()
    expect(page.locator("#sampling-caption")).to_contain_text("Seed 5")
    expect(page.locator("#sampling-seed input")).to_have_value("0")
    expect(page.locator("#walk-seeds textarea")).to_have_value("5")
    page.locator("#sampling-sheet button.thumbnail-item").nth(9).click()
    expect(page.locator("#walk-seeds textarea")).to_have_value("5, 9")
    assert captions(page)[0] == "0"


def test_a_saved_picture_brings_its_settings_back(page, tmp_path):
    page.locator("#sampling-sheet button.thumbnail-item").nth(3).click()
    expect(page.locator("#sampling-caption")).to_contain_text("Seed 3")
    page.locator("#sampling-large").hover()
    with page.expect_download() as download:
        page.locator("#sampling-large a[download]").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    settings = read_settings(saved)
    assert (settings["seed"], settings["truncation"], saved.suffix) == (3, 0.7, ".png")

    page.locator("#sampling-seed input").fill("500")
    expect(page.locator("#sampling-caption")).to_contain_text("Seed 500")
    page.locator(ADVANCED).click()
    with page.expect_file_chooser() as chooser:
        page.locator("#sampling-restore").click()
    chooser.value.set_files(saved)
    expect(page.locator("#sampling-seed input")).to_have_value("3")
    expect(page.locator("#sampling-caption")).to_contain_text("Seed 3")


def test_another_model_draws_the_same_seeds(page):
    chooser = page.locator("#sampling-model input")
    before = source(page, "#sampling-large")
    chooser.click()
    page.get_by_role("option", name="Pixel-art characters").click()
    expect_another(page, "#sampling-large", before)
    assert captions(page)[0] == "0"


def test_stop_keeps_what_was_walked(page):
    before = source(page, "#walk-player")
    page.locator("#walk-seeds textarea").fill("0-29")
    page.locator("#walk-button").click()
    line = page.locator("#walk-player ~ .facts-line .facts")
    expect(line).to_contain_text("of 720")
    page.locator("#walk-stop").click()
    expect(line).to_contain_text("stopped")
    frames = int(re.match(r"(\d+) frames", line.inner_text())[1])
    assert 0 < frames < 720
    expect_another(page, "#walk-player", before)
    expect(page.locator("#walk-player-mp4")).to_be_enabled()
    with page.expect_download() as download:
        page.locator("#walk-player-mp4").click()
    assert download.value.suggested_filename.endswith(".mp4")
    assert Path(download.value.path()).stat().st_size > 1000


def test_a_list_that_is_no_list_gets_a_sentence(page):
    before = source(page, "#walk-player")
    page.locator("#walk-seeds textarea").fill("three")
    page.locator("#walk-button").click()
    expect(page.get_by_test_id("toast-text")).to_contain_text("'three' is not a seed")
    assert source(page, "#walk-player") == before


# --- interpolation


def test_the_slider_between_two_pictures_is_live(vae):
    before = source(vae, "#morph-picture")
    vae.locator("#morph-t input[type=range]").focus()
    for _ in range(10):
        vae.keyboard.press("ArrowRight")
    expect(vae.locator("#morph-picture ~ .facts-line .facts")).to_contain_text("t = 0.60")
    expect_another(vae, "#morph-picture", before)
    vae.locator("#strip-slerp button.thumbnail-item").last.click()
    expect(vae.locator("#morph-t input[type=number]")).to_have_value("1")


def test_an_upload_takes_the_place_of_a_picture(vae, tmp_path):
    Image.radial_gradient("L").resize((300, 200)).save(tmp_path / "gradient.png")
    strip = source(vae, "#strip-slerp")
    with vae.expect_file_chooser() as chooser:
        vae.locator("#slot-A-upload").click()
    chooser.value.set_files(tmp_path / "gradient.png")
    expect(vae.locator("#slot-A img")).to_have_attribute("src", re.compile("picture.png"))
    expect_another(vae, "#strip-slerp", strip)


def test_a_bad_file_gets_a_sentence_and_the_picture_stays(vae, tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    before = source(vae, "#slot-B")
    with vae.expect_file_chooser() as chooser:
        vae.locator("#slot-B-upload").click()
    chooser.value.set_files(tmp_path / "bad.png")
    expect(vae.get_by_test_id("toast-text")).to_contain_text("bad.png is not a picture that can be read")
    expect(vae.locator("#slot-B img")).to_have_attribute("src", before)


def test_every_view_is_drawn_when_it_is_opened(vae):
    strip = source(vae, "#strip-slerp")
    for name in vae.locator(".views > .tab-wrapper").get_by_role("tab").all_inner_texts()[1:]:
        vae.get_by_role("tab", name=name, exact=True).click()
        panel = vae.locator(".views .tabitem:visible")
        expect(panel.locator(".facts").first).to_contain_text(" in ")
        expect(panel.locator("img").first).to_be_visible()
    vae.locator("#slot-A-dice").click()  # while another view is open
    vae.get_by_role("tab", name="Morph", exact=True).click()
    expect_another(vae, "#strip-slerp", strip)


def test_the_morph_is_animated(vae):
    before = source(vae, "#morph-player")
    vae.locator("#morph-button").click()
    expect(vae.locator("#morph-player img")).to_have_attribute("src", re.compile(r"morph\.webp"))
    expect_another(vae, "#morph-player", before)


# --- other screens


def test_a_phone_shows_everything_without_scrolling_sideways(open_page):
    page = open_page(390, 844, tab=None)
    for tab, button, picture in (
        ("Latent sampling", "#sampling-button", "#sampling-sheet"),
        ("VAE interpolation", "#morph-button", "#morph-picture"),
        ("Models", None, None),
    ):
        page.get_by_role("tab", name=tab, exact=True).click()
        if button:
            expect(page.locator(picture)).to_be_visible()
            above, below = boxes(page, button, picture)
            assert 0 < below["y"] - above["y"] - above["height"] < 120  # nothing but the views' tabs in between
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
