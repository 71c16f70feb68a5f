"""What holds in all tabs: results of another model are marked, a phone shows a result at once, fingers find their targets."""

from __future__ import annotations

import os
import re

import pytest
from browser import PATIENCE, boxes, source

if "IMGSTUDIO_CI" in os.environ:
    import playwright.sync_api  # not to be skipped there

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=PATIENCE)

# Tab, part of it -> what shows a result there.
RESULTS = {
    ("Latent sampling", "Samples"): "#sampling-sheet",
    ("Latent sampling", "Steer"): "#steer-picture",
    ("VAE interpolation", "Morph"): "#morph-picture",
    ("Translation", None): "#translation-result",
    ("Style transfer", None): "#style-result",
    ("Texture", "Regions"): "#regions-result",
    ("Texture", "Structure and texture"): "#structure-result",
    ("Texture", "New texture"): "#growth-result",
    ("Models", None): "#models-table tbody",
}
NAMES = [" - ".join(filter(None, place)) for place in RESULTS]

# Visible targets below 24 px a side. One with a label around it is as large as that; links in running text may be small.
SMALL = """() => [...document.querySelectorAll('button, input, a, summary, [role=tab], select, textarea')].filter((e) => {
  if (!e.checkVisibility({visibilityProperty: true}) || e.closest('.visually-hidden, p') || e.type === 'file') return false;
  const r = (e.closest('label') || e).getBoundingClientRect();
  return r.width > 0 && r.height > 0 && Math.min(r.width, r.height) < 24;
}).map((e) => `${e.tagName} ${e.id} ${e.closest('[id]')?.id} ${e.textContent} ${e.getBoundingClientRect().height}`)"""


def tab(page, name: str, part: str | None = None) -> None:
    page.get_by_role("tab", name=name, exact=True).first.click()
    if part:
        page.get_by_role("tab", name=part, exact=True).click()


def choose(page, elem_id: str, title: str) -> None:
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=title).first.click()


def mark(page, elem_id: str):
    """The line that says that a result is out of date."""
    return page.locator(f".dated:has(#{elem_id}) .stale")


# --- results of another model


def test_each_vae_opens_with_its_own_pictures(open_page):
    page = open_page(tab="interpolation")
    tab(page, "VAE interpolation")
    for title, name in (("Fruits, VAE", "vae-fruits"), ("Drawn heads, VAE", "vae-avatars")):  # and back again
        choose(page, "vae-model", title)
        for letter in "AB":
            expect(page.locator(f"#slot-{letter} img")).to_have_attribute("src", re.compile(name))
        expect(page.locator("#morph-picture img")).to_have_attribute("src", re.compile(name))


def test_a_walk_of_another_model_is_marked_until_that_model_is_back(open_page):
    page = open_page(tab="sampling")
    assert mark(page, "walk-player").count() == 0
    choose(page, "sampling-model", "Pixel-art characters")
    expect(mark(page, "walk-player")).to_contain_text("Out of date: made by Drawn heads")
    expect(mark(page, "sampling-sheet")).to_have_count(0)  # that was drawn anew
    choose(page, "sampling-model", "Drawn heads, StyleGAN2, 128 px")
    expect(mark(page, "walk-player")).to_have_count(0)


def test_samples_and_classes_of_a_model_that_is_not_here_are_no_longer_those_of_the_last(open_page):
    page = open_page(tab="sampling")
    choose(page, "sampling-model", "Fruits, conditional GAN")
    expect(page.locator("#sampling-class")).to_be_visible()
    expect(page.locator("#sampling-class")).to_contain_text("tomato")
    page.locator("#sampling-model input").click()
    page.get_by_role("option", name="Written digits").click()
    expect(page.locator("#sampling-fetch")).to_be_visible()
    expect(mark(page, "sampling-sheet")).to_contain_text("Download the chosen model")
    expect(page.locator("#sampling-class")).to_be_hidden()


def test_a_translation_by_another_pair_is_marked_where_the_pair_is_not_here(open_page):
    page = open_page(tab="translation")
    tab(page, "Translation")
    expect(page.locator("#translation-result img").first).to_be_visible()
    page.locator("#translation-pair input").click()
    page.get_by_role("option").last.click()
    expect(page.locator("#translation-fetch")).to_be_visible()
    expect(mark(page, "translation-result")).to_contain_text("Out of date: made by Photograph to painting")


# --- the one button


def test_sample_draws_something_new_after_a_click_on_a_picture(open_page):
    page = open_page(tab="sampling")
    seed = page.locator("#sampling-seed input").input_value()
    page.locator("#sampling-sheet button.thumbnail-item").nth(7).click()
    expect(page.locator("#sampling-caption")).to_contain_text("Seed 7")
    expect(page.locator("#sampling-fresh input")).to_be_checked()
    assert page.locator("#sampling-seed input").input_value() == seed
    for _ in range(2):
        before = source(page, "#sampling-sheet")
        page.locator("#sampling-button").click()
        expect(page.locator("#sampling-sheet img").first).not_to_have_attribute("src", before)


def test_sample_says_why_nothing_changes(open_page):
    page = open_page(tab="sampling")
    page.locator("#sampling-fresh input").uncheck()
    page.locator("#sampling-button").click()
    expect(page.get_by_test_id("toast-text").first).to_contain_text("pictures of seed 0 already")


# --- models


def test_models_are_found_by_text_task_and_licence_and_tried(open_page):
    page = open_page()
    tab(page, "Models")
    rows = page.locator("#models-table tbody tr:visible")
    every = rows.count()
    page.locator("#models-search textarea, #models-search input").first.fill("hands vae")
    expect(page.locator("#models-count")).to_have_text(re.compile(rf"[1-9]\d* of {every} models"))
    assert all("hands" in text.lower() for text in rows.all_inner_texts())
    page.locator("#models-search textarea, #models-search input").first.fill("")
    choose(page, "models-task", "Translation")
    expect(rows.first).to_contain_text("Translation")
    assert 0 < rows.count() < every
    choose(page, "models-task", "All tasks")
    page.locator('#models-table [data-try="vae/fruits"]').click()
    slow = 3 * PATIENCE  # the whole page follows
    expect(page.locator("#vae-model input")).to_have_value(re.compile("Fruits"), timeout=slow)
    expect(page.locator("#slot-A img")).to_have_attribute("src", re.compile("vae-fruits"), timeout=slow)


# --- a phone


def test_a_phone_shows_a_result_on_the_first_screen_of_every_part(open_page):
    page = open_page(390, 844)
    for place, result in RESULTS.items():
        tab(page, *place)
        [box] = boxes(page, result)
        assert box["y"] + min(box["height"], 240) < 844, f"{place}: {box} is not in sight"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, place


@pytest.mark.parametrize("width", [390, 1440])
def test_every_target_is_large_enough_and_no_part_hides_behind_a_menu(open_page, width):
    page = open_page(width, 844)
    for place in RESULTS:
        tab(page, *place)
        page.wait_for_timeout(500)
        assert page.evaluate(SMALL) == [], place
        expect(page.locator(".overflow-menu:visible")).to_have_count(0)
