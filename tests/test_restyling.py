"""The scores and the sheet of `python -m imgstudio bench --restyling`."""

from __future__ import annotations

import pytest
from PIL import Image

from imgstudio.bench import restyling


@pytest.fixture(scope="module")
def pictures():
    """A photograph and an artwork, small."""
    photograph, artwork = restyling.contents()["cat"], restyling.styles()["wave"]
    return photograph.resize((192, 128)), artwork.resize((192, 128))


def test_a_picture_is_at_no_distance_from_itself(pictures):
    photograph, artwork = pictures
    assert restyling.distances(artwork, artwork, artwork, "features/vgg-small") == pytest.approx((0, 0), abs=1e-6)
    style, content = restyling.distances(photograph, photograph, artwork, "features/vgg-small")
    assert style > 0.2 and content == 0


def test_a_blend_lies_between_content_and_style(pictures):
    photograph, artwork = pictures
    between = [Image.blend(photograph, artwork, share) for share in (0.0, 0.5, 1.0)]
    rows = [restyling.distances(picture, photograph, artwork, "features/vgg-small") for picture in between]
    assert rows[0][0] > rows[1][0] > rows[2][0]
    assert rows[0][1] < rows[1][1] < rows[2][1]


def test_the_sheet_has_a_cell_for_every_picture(pictures):
    photograph, artwork = pictures
    block = restyling.Block(["one", "two"], [Image.new("RGB", (60, 90), "red")] * 4, [artwork, artwork])
    page = restyling.sheet({"method": block, "other": restyling.Block(["one"], [artwork] * 2, [])}, [photograph] * 2)
    step = restyling.SHOWN + restyling.GAP
    assert page.width == restyling.GAP + 3 * step
    top = restyling.GAP + restyling.HEAD + restyling.SHOWN // 2 + restyling.GAP
    for row in range(2):
        for column in (1, 2):
            x, y = restyling.GAP + column * step + 5, top + row * step + 5
            assert page.getpixel((x, y)) == (255, 0, 0)


def test_the_artworks_of_the_sheet_are_shipped():
    assert len(restyling.styles()) == 6 and len(restyling.contents()) == 4
