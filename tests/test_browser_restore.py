"""A picture that was saved in a part of the page brings its settings back there."""

from __future__ import annotations

import os
import re

import pytest
from browser import ADVANCED, PATIENCE
from test_browser_page import tab

if "IMGSTUDIO_CI" in os.environ:
    import playwright.sync_api  # not to be skipped there

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=PATIENCE)

# Tab, part -> the control that is moved after a picture was saved, its download, and the button that opens the settings again.
PARTS = {
    ("Translation", None): ("#translation-strength", "#translation-download", "#translation-restore"),
    ("Style transfer", None): ("#style-strength", "#style-download", "#style-restore"),
    ("Texture", "Structure and texture"): ("#structure-amount", "#structure-download", "#structure-restore"),
    ("Texture", "New texture"): ("#growth-size", "#growth-download", "#growth-restore"),
}
FOLDERS = {"Translation": "translation", "Style transfer": "style", "Texture": "texture"}


@pytest.mark.parametrize("place", PARTS, ids=[" - ".join(filter(None, place)) for place in PARTS])
def test_a_saved_picture_brings_the_settings_of_a_part_back(open_page, tmp_path, place):
    control, download, restore = PARTS[place]
    page = open_page(tab=FOLDERS[place[0]])
    tab(page, *place)
    number = page.locator(f"{control} input[type=number]")
    before = number.input_value()
    with page.expect_download() as saved:
        page.locator(download).click()
    path = tmp_path / "saved.png"
    saved.value.save_as(path)
    page.locator(f"{control} input[type=range]").focus()
    page.keyboard.press("Home")
    expect(number).not_to_have_value(before)
    page.locator(ADVANCED).first.click()
    with page.expect_file_chooser() as chooser:
        page.locator(restore).click()
    chooser.value.set_files(path)
    expect(number).to_have_value(before)
    assert page.get_by_test_id("toast-text").count() == 0


def test_a_morph_brings_its_model_place_and_pictures_back(open_page, tmp_path):
    page = open_page(tab="interpolation")
    tab(page, "VAE interpolation")
    page.locator("#morph-picture").hover()
    with page.expect_download() as saved:
        page.locator("#morph-picture a[download]").click()
    path = tmp_path / "morph.png"
    saved.value.save_as(path)
    page.locator(ADVANCED).first.click()
    with page.expect_file_chooser() as chooser:
        page.locator("#vae-restore").click()
    chooser.value.set_files(path)
    expect(page.locator("#morph-t input[type=number]")).to_have_value("0.5")
    expect(page.locator("#slot-A img")).to_have_attribute("src", re.compile("vae-avatars-seed-32"))
