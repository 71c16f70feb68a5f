"""The part "Steer" of the tab "Latent sampling" in a real browser: pictures have to change, whatever they show."""

from __future__ import annotations

import os
import re

import pytest
from browser import PATIENCE, boxes, expect_upon, source

from imgstudio.image import read_settings
from imgstudio.studio.sampling import editing

if "IMGSTUDIO_CI" in os.environ:
    import playwright.sync_api  # not to be skipped there

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=2 * PATIENCE)

if not editing.models():
    pytest.skip("there is no model to steer", allow_module_level=True)


TAB = "sampling"


def opened(page):
    page.get_by_role("tab", name="Steer", exact=True).click()
    expect(page.locator("#steer-picture img")).to_be_visible()
    expect(page.locator("#steer-pad .pad-field")).to_have_attribute("aria-valuetext", re.compile("middle"))
    return page


@pytest.fixture
def studio(open_page):
    return opened(open_page())


def part(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def picture(page) -> str:
    return source(page, "#steer-picture")


def expect_another(page, before: str, selector: str = "#steer-picture") -> str:
    expect(page.locator(f"{selector} img").first).not_to_have_attribute("src", before)
    return source(page, selector)


def caption(page):
    return page.locator("#steer-caption")


def sheet(page) -> str:
    """The montage behind the pad."""
    return page.locator(".pad-field").evaluate("field => field.style.backgroundImage.slice(-200)")


def drag(page, x: float, y: float) -> None:
    """From where the handle is to a place in the pad, from 0 to 1, to the right and downwards; the button stays down."""
    page.locator(".pad-field").scroll_into_view_if_needed()
    (box,) = boxes(page, ".pad-field")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y, steps=4)


def test_dragging_the_pad_draws_other_pictures_live(studio):
    start = picture(studio)
    drag(studio, 0.75, 0.5)
    half = expect_another(studio, start)  # before the button is let go
    drag(studio, 0.75, 0.25)
    studio.mouse.up()
    expect(caption(studio)).to_contain_text("pad +0.50, +0.50")
    assert len({start, half, picture(studio)}) == 3
    handle, field = boxes(studio, ".pad-handle", ".pad-field")
    assert handle["x"] + handle["width"] / 2 == pytest.approx(field["x"] + 0.75 * field["width"], abs=2)


def test_the_pad_obeys_the_keyboard(studio):
    field = studio.locator(".pad-field")
    before = picture(studio)
    field.focus()
    for key in ("ArrowRight", "Shift+ArrowDown"):
        studio.keyboard.press(key)
    expect(field).to_have_attribute("aria-valuetext", "0.05 to the right, 0.25 down")
    expect(caption(studio)).to_contain_text("pad +0.05, -0.25")
    before = expect_another(studio, before)
    studio.keyboard.press("Home")
    expect(field).to_have_attribute("aria-valuetext", "in the middle")
    expect_another(studio, before)
    expect(caption(studio)).not_to_contain_text("pad")


def test_a_direction_moves_the_picture_and_the_plane_and_reset_takes_both_back(studio):
    before, plane = picture(studio), sheet(studio)
    slider = studio.locator("#steer-direction-0 input[type=range]")
    slider.focus()
    studio.keyboard.press("End")
    expect(caption(studio)).to_contain_text("+3.0")
    moved = expect_another(studio, before)
    studio.wait_for_function(
        "before => document.querySelector('.pad-field').style.backgroundImage.slice(-200) !== before", arg=plane
    )
    studio.locator("#steer-reset").click()
    expect(slider).to_have_value("0")
    expect_another(studio, moved)
    expect(caption(studio)).not_to_contain_text("+3.0")


def test_the_dice_and_a_typed_seed_set_out_anew(studio):
    drag(studio, 0.9, 0.5)
    studio.mouse.up()
    expect(caption(studio)).to_contain_text("pad +0.80")
    studio.locator("#steer-button").click()
    expect(caption(studio)).not_to_contain_text("pad")
    seed = studio.locator("#steer-seed input").input_value()
    assert seed != "5"
    expect(caption(studio)).to_contain_text(f"Seed {seed}")
    studio.locator("#steer-seed input").fill("12")
    expect(caption(studio)).to_contain_text("Seed 12")


def test_saved_points_come_back_and_are_walked_through(studio, tmp_path):
    studio.locator("#steer-save").click()
    expect(studio.locator("#steer-saved img")).to_have_count(1)
    drag(studio, 0.75, 0.5)
    studio.mouse.up()
    expect(caption(studio)).to_contain_text("pad +0.50")
    studio.locator("#steer-save").click()
    expect(studio.locator("#steer-saved img")).to_have_count(2)
    studio.locator("#steer-saved button.thumbnail-item").first.click()
    expect(caption(studio)).not_to_contain_text("pad")
    expect(studio.locator(".pad-field")).to_have_attribute("aria-valuetext", "in the middle")
    studio.locator("#steer-pace > button").click()
    frames = studio.locator("#steer-frames input[type=number]")
    frames.fill("3")
    frames.press("Enter")
    studio.locator("#steer-walk").click()
    expect(studio.locator("#steer-player-mp4")).to_be_enabled()
    expect(studio.locator("#steer-player img")).to_be_visible()
    with studio.expect_download() as download:
        studio.locator("#steer-player-gif").click()
    assert download.value.suggested_filename.endswith(".gif")
    studio.locator("#steer-clear").click()
    expect(studio.locator("#steer-saved img")).to_have_count(0)


def test_a_click_on_the_mixing_grid_goes_there(studio, tmp_path):
    part(studio, "Mixing")
    cells = studio.locator("#steer-mix-cells button")
    expect(cells).to_have_count(19)
    grid = source(studio, "#steer-mix")
    expect_upon(studio, "#steer-mix-cells .cells", "#steer-mix img")
    studio.get_by_role("button", name="Mix of 2 and 6").click()
    expect(caption(studio)).to_contain_text("Mix of 2 and 6")
    studio.locator("#steer-crossover input[type=range]").focus()
    studio.keyboard.press("Home")
    expect(studio.locator("#steer-mix-words")).to_contain_text("Everything comes from the columns")
    expect_another(studio, grid, "#steer-mix")
    with studio.expect_download() as download:
        studio.locator("#steer-mix-cells").hover()
        studio.locator("#steer-mix").get_by_role("button", name="Download").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert read_settings(path)["task"] == "mix"


def test_feature_maps_follow_the_layer_and_the_seed(studio):
    part(studio, "Feature maps")
    expect(studio.locator("#steer-maps img")).to_be_visible()
    before = source(studio, "#steer-maps")
    studio.locator("#steer-layer input").click()
    studio.get_by_role("option").first.click()
    before = expect_another(studio, before, "#steer-maps")
    studio.locator("#steer-seed input").fill("9")
    expect_another(studio, before, "#steer-maps")


def test_a_drawn_picture_is_found_steered_from_and_completed(studio):
    part(studio, "Own picture")
    expect(studio.locator("#own-target img")).to_be_visible()
    expect(studio.locator("#own-steer")).to_be_disabled()
    before = source(studio, "#own-target")
    studio.locator("#own-dice").click()
    expect_another(studio, before, "#own-target")
    steps = studio.locator("#own-steps input[type=number]")
    steps.fill("10")
    steps.press("Enter")
    studio.locator("#own-find").click()
    expect(studio.locator("#own-steer")).to_be_enabled()
    studio.locator("#own-steer").click()
    expect(studio.locator(".pad-field")).to_be_visible()
    expect(caption(studio)).to_contain_text("found")
    part(studio, "Own picture")
    canvas = studio.locator("#own-editor canvas").first
    canvas.scroll_into_view_if_needed()
    studio.wait_for_timeout(1500)  # the editor fits its picture in
    box = canvas.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    studio.mouse.move(*middle)
    studio.mouse.down()
    studio.mouse.move(middle[0] + 30, middle[1] + 20, steps=4)
    studio.mouse.up()
    expect(studio.locator("#own-complete")).to_be_enabled()
    studio.locator("#own-complete").click()
    expect(studio.locator("#own-completions img")).to_have_count(3)
    expect(studio.get_by_text("3 completions in")).to_be_visible()
    addresses = {image.get_attribute("src") for image in studio.locator("#own-completions img").all()}
    assert len(addresses) == 3


def test_a_phone_holds_picture_and_pad_without_scrolling_sideways(open_page):
    page = opened(open_page(390, 844))
    above, below = boxes(page, "#steer-picture", ".pad-field")
    assert below["y"] + below["height"] - above["y"] < 844, "both fit on the screen at once"
    for name in ("Mixing", "Own picture", "Feature maps", "Pad and directions"):
        part(page, name)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.skipif(not any(spec.name == "stylegan2/fruits" for spec in editing.models()), reason="there is one model to steer")
def test_another_model_can_be_steered(studio):
    before = picture(studio)
    studio.locator("#steer-model input").click()
    studio.get_by_role("option", name="Fruits").first.click()
    expect(studio.locator("#steer-caption")).to_contain_text("Fruits")
    expect_another(studio, before)
    expect(studio.get_by_label("redder").first).to_be_visible()
    expect(studio.get_by_text("There is no model")).to_have_count(0)
