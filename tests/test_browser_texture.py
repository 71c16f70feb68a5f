"""The tab "Texture" in a real browser."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile

import numpy as np
import pytest
from browser import ADVANCED, PATIENCE, boxes, expect_upon
from PIL import Image, ImageChops
from scipy import ndimage

import imgstudio
from imgstudio.image import read_settings

if "IMGSTUDIO_CI" in os.environ:
    import playwright.sync_api  # not to be skipped there

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=PATIENCE)

if not imgstudio.models("segment"):
    pytest.skip("there is no model for segmentation", allow_module_level=True)

TAB = "texture"
PARTS = {"Regions": "#regions-button", "Structure and texture": "#structure-button", "New texture": "#growth-button"}
PICTURES = {"Regions": "#regions-result", "Structure and texture": "#structure-result", "New texture": "#growth-result"}


@pytest.fixture
def studio(open_page):
    return opened(open_page)


def opened(open_page, *args, part: str = "Regions"):
    """The page with this part of the tab open."""
    page = open_page(*args)
    page.get_by_role("tab", name="Texture", exact=True).click()
    page.get_by_role("tab", name=part, exact=True).click()
    expect(page.locator(PARTS[part])).to_be_visible()
    if part == "Regions":
        expect(page.locator("#regions-lens canvas[data-ready]")).to_be_visible()
    return page


def facts(page, selector: str = ".stack"):
    """The fact line under a picture."""
    return page.locator(f"{selector} ~ .facts-line .facts")


def rows(page):
    return page.locator("#regions-table tbody tr")


def fetched(page, selector: str, which: str = "first") -> Image.Image:
    """The (first or last) picture in an element."""
    address = getattr(page.locator(f"{selector} img"), which).get_attribute("src")
    return Image.open(io.BytesIO(page.request.get(address).body())).convert("RGB")


def expect_another(page, selector: str, before: str) -> None:
    expect(page.locator(f"{selector} img").last).not_to_have_attribute("src", before)


def shown(page, selector: str) -> str:
    return page.locator(f"{selector} img").last.get_attribute("src")


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


def upload(page, button: str, path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(button).click()
    chooser.value.set_files(path)


def upload_striped(page, tmp_path, name: str = "striped.png", width: int = 160) -> None:
    """A picture of three textures, 160 x 96 px, in place of the one that hangs there."""
    y, x = np.mgrid[:96, :width]
    grey = np.where(x < width // 2, 128 + 100 * np.sin(x * 1.6), 128 + 100 * np.sin(y * 0.7))
    grey[64:] = 90
    Image.fromarray(grey.astype(np.uint8)).save(tmp_path / name)
    upload(page, "#regions-picture-upload", tmp_path / name)
    expect(facts(page)).to_contain_text(f"{width} × 96 px")


def in_regions(page, tmp_path, count: int = 3) -> None:
    """The striped picture in so many regions."""
    upload_striped(page, tmp_path)
    set_number(page, "#regions-count", str(count))
    expect(rows(page)).to_have_count(count)


def choose(page, region: int) -> None:
    """A click on a row of the table."""
    rows(page).nth(region - 1).click()
    expect(rows(page).nth(region - 1)).to_have_class(re.compile("chosen"))


def export(page, name: str, folder):
    with page.expect_download() as download:
        page.locator(f"#regions-export-{name}").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


# --- before any click


# --- regions


def test_an_upload_is_taken_apart_and_grouped_anew_without_the_net(studio, tmp_path):
    upload_striped(studio, tmp_path)
    expect(facts(studio)).not_to_contain_text("without running the net again")
    before, chosen = shown(studio, "#regions-result"), rows(studio).count()
    set_number(studio, "#regions-count", str(chosen + 2))
    expect(rows(studio)).to_have_count(chosen + 2)
    expect(facts(studio)).to_contain_text("without running the net again")
    expect_another(studio, "#regions-result", before)
    expect(studio.locator("#regions-auto input")).not_to_be_checked()
    studio.locator("#regions-auto input").click()
    expect(rows(studio)).to_have_count(chosen)
    expect(studio.locator("#regions-count input[type=range]")).to_have_value(str(chosen))


def test_the_mouse_points_at_regions_and_picks_them(studio, tmp_path):
    in_regions(studio, tmp_path)
    canvas = studio.locator("#regions-lens canvas")
    canvas.scroll_into_view_if_needed()
    expect_upon(studio, "#regions-lens canvas", "#regions-result img")
    (layer,) = boxes(studio, "#regions-lens canvas")
    names = set()
    for x, y in ((0.25, 0.3), (0.75, 0.3), (0.5, 0.9)):
        canvas.hover(position={"x": layer["width"] * x, "y": layer["height"] * y})
        expect(studio.locator("#regions-lens output")).to_be_visible()
        names.add(studio.locator("#regions-lens output").inner_text())
        expect(studio.locator("#regions-table tr.pointed")).to_have_count(1)
    assert len(names) == 3
    canvas.click(position={"x": layer["width"] * 0.5, "y": layer["height"] * 0.9})
    number = re.search(r"Region (\d)", studio.locator("#regions-lens output").inner_text())[1]
    expect(studio.locator("#regions-hint")).to_contain_text(f"region {number}")
    expect(studio.locator("#fill-button")).to_have_text(f"Fill region {number}")
    expect(studio.locator("#regions-table tr.chosen")).to_have_count(1)
    canvas.click(position={"x": layer["width"] * 0.5, "y": layer["height"] * 0.9})
    expect(studio.locator("#regions-table tr.chosen")).to_have_count(0)


def test_two_regions_are_merged_and_parted_again(studio, tmp_path):
    in_regions(studio, tmp_path)
    expect(studio.locator("#regions-merge")).to_be_disabled()
    choose(studio, 1)
    choose(studio, 3)
    before = shown(studio, "#regions-result")
    studio.get_by_role("button", name="Merge 1 and 3").click()
    expect(rows(studio)).to_have_count(2)
    expect_another(studio, "#regions-result", before)
    studio.locator("#regions-undo").click()
    expect(rows(studio)).to_have_count(3)
    expect(studio.locator("#regions-undo")).to_be_disabled()


def test_views_and_opacity_are_drawn_live(studio, tmp_path):
    in_regions(studio, tmp_path)
    sizes = set()
    for view in ("Borders", "Labels", "Side by side", "Original", "Overlay"):
        before = shown(studio, "#regions-result")
        studio.locator("#regions-view label", has_text=view).click()
        expect_another(studio, "#regions-result", before)
        sizes.add(fetched(studio, "#regions-result").size)
        expect_upon(studio, "#regions-lens canvas", "#regions-result img")
    assert sizes == {(720, 432), (1440, 432)}
    studio.locator("#regions-numbers input").click()
    studio.wait_for_timeout(500)
    before = shown(studio, "#regions-result")
    studio.locator("#regions-opacity input[type=range]").focus()
    studio.keyboard.press("End")
    expect_another(studio, "#regions-result", before)
    studio.wait_for_timeout(800)
    colours = fetched(studio, "#regions-result").getcolors()
    assert len(colours) == 4  # one a region, and the borders


def test_what_is_exported_can_be_read_again(studio, tmp_path):
    in_regions(studio, tmp_path)
    labels = Image.open(export(studio, "labels", tmp_path))
    assert labels.size == (160, 96) and np.unique(np.asarray(labels)).tolist() == [1, 2, 3]
    areas = np.bincount(np.asarray(labels).ravel()).tolist()[1:]
    assert Image.open(export(studio, "overlay", tmp_path)).size == (160, 96)
    with zipfile.ZipFile(export(studio, "cutouts", tmp_path)) as archive:
        pieces = [name for name in archive.namelist() if name.endswith(".png")]
        assert [int((np.asarray(Image.open(archive.open(name)))[..., 3] > 0).sum()) for name in pieces] == areas
    lines = export(studio, "csv", tmp_path).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    coco = json.loads(export(studio, "coco", tmp_path).read_text(encoding="utf-8"))
    assert [each["area"] for each in coco["annotations"]] == areas


@pytest.mark.parametrize("grey", [False, True])
def test_a_mosaic_is_scored_against_its_exact_regions(studio, grey):
    if grey:
        studio.locator("#regions-grey input").click()
    studio.locator("#regions-mosaic").click()
    expect(studio.locator("#regions-score .score")).to_contain_text("mean IoU")
    first = studio.locator("#regions-score .score").inner_text()
    assert 0 < float(re.search(r"mean IoU ([\d.]+)", first)[1]) <= 1
    picture = np.asarray(fetched(studio, "#regions-picture"), np.int16)
    assert bool((picture.max(axis=2) - picture.min(axis=2)).max() < 8) == grey
    set_number(studio, "#regions-count", "9")
    expect(studio.locator("#regions-score .score")).not_to_have_text(first)
    studio.locator("#regions-pictures button.thumbnail-item").first.click()
    expect(studio.locator("#regions-score .score")).to_have_count(0)


def test_a_region_is_filled_and_the_rest_stays(studio, tmp_path):
    in_regions(studio, tmp_path)
    expect(studio.locator("#fill-button")).to_be_disabled()
    choose(studio, 2)
    studio.locator("#fill-gallery button.thumbnail-item").nth(1).click()
    expect(studio.locator("#fill-texture img")).to_have_attribute("src", re.compile("Grass"))
    before = shown(studio, "#fill-result")
    studio.get_by_role("button", name="Fill region 2").click()
    expect(facts(studio, "#fill-result")).to_contain_text("Grass")
    expect_another(studio, "#fill-result", before)
    with studio.expect_download() as download:
        studio.locator("#fill-download").click()
    filled, plain = Image.open(download.value.path()), Image.open(tmp_path / "striped.png").convert("RGB")
    changed = np.asarray(ImageChops.difference(filled, plain)).any(axis=2)
    labels = np.asarray(Image.open(export(studio, "labels", tmp_path)))
    far = ndimage.binary_erosion(labels != 2, iterations=4, border_value=1)  # beyond the soft edge
    assert changed[labels == 2].mean() > 0.8 and not changed[far].any()
    studio.locator("#fill-again").click()
    expect(studio.locator("#fill-download")).to_be_disabled()


# --- structure and texture


def test_texture_is_taken_away_and_brought_out(open_page, tmp_path):
    page = opened(open_page, part="Structure and texture")
    before = shown(page, "#structure-result")
    slider = page.locator("#structure-amount input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    expect_another(page, "#structure-result", before)
    page.wait_for_timeout(800)
    without = fetched(page, "#structure-result", "last")
    assert ImageChops.difference(without, fetched(page, "#structure-structure")).getbbox() is None
    set_number(page, "#structure-amount", "1")
    page.wait_for_timeout(800)
    whole = fetched(page, "#structure-result", "last")
    assert ImageChops.difference(whole, fetched(page, "#structure-result", "first")).getbbox() is None
    parts = [np.asarray(fetched(page, f"#structure-{part}"), np.int16) for part in ("structure", "texture")]
    assert np.array_equal(parts[0] + parts[1] - 128, np.asarray(whole))


def test_another_picture_is_taken_apart_at_once(open_page):
    page = opened(open_page, part="Structure and texture")
    page.locator("#structure-method label").last.click()
    expect(facts(page, "#structure-result")).to_contain_text("Total variation (1992)")
    before = shown(page, "#structure-result")
    page.locator("#structure-pictures button.thumbnail-item").first.click()
    expect_another(page, "#structure-result", before)
    expect(page.locator("#structure-download")).to_be_enabled()


# --- new texture


def test_a_sample_grows_at_once_and_is_tiled(open_page, tmp_path):
    page = opened(open_page, part="New texture")
    set_number(page, "#growth-size", "128")
    before = shown(page, "#growth-result")
    page.locator("#growth-gallery button.thumbnail-item").first.click()
    expect_another(page, "#growth-result", before)
    expect(facts(page, "#growth-result")).to_contain_text("128 × 128 px · seed 0 · Brick")
    assert fetched(page, "#growth-tiled").size == (256, 256)
    with page.expect_download() as download:
        page.locator("#growth-download").click()
    assert read_settings(download.value.path())["seamless"] is True


def test_an_optimised_texture_is_seen_to_grow_and_stopped(open_page):
    page = opened(open_page, part="New texture")
    set_number(page, "#growth-size", "128")
    page.locator("#growth-method label").last.click()
    page.locator(ADVANCED).click()
    set_number(page, "#growth-steps", "500")
    before = shown(page, "#growth-result")
    page.locator("#growth-button").click()
    expect(facts(page, "#growth-result")).to_contain_text(re.compile(r"step \d+ of 500"))
    expect_another(page, "#growth-result", before)
    page.locator("#growth-stop").click()
    expect(facts(page, "#growth-result")).to_contain_text("stopped")
    expect(page.locator("#growth-download")).to_be_enabled()


# --- other screens


@pytest.mark.parametrize(("part", "query"), [*zip(PARTS, ("?__theme=light", "?__theme=dark", ""))])
def test_a_phone_shows_the_picture_after_the_button_without_scrolling_sideways(open_page, part, query):
    page = opened(open_page, 390, 844, query, part=part)
    above, below = boxes(page, PARTS[part], PICTURES[part])
    assert 0 < below["y"] - above["y"] - above["height"] < 120
    page.locator(ADVANCED).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
