"""Mosaics: as many regions as asked for, exact truth, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from table import each_row

from imgstudio import StudioError
from imgstudio.ops.texture import mosaics
from imgstudio.ops.texture.patterns import PATTERNS
from imgstudio.studio.texture.mosaic import MOST, mosaic


@each_row("regions", [1, 2, 5, 8])
def test_regions_are_connected_ordered_and_none_is_tiny(regions):
    for seed in range(3):
        found = mosaics.partition(60, 80, regions, np.random.default_rng(seed))
        nothing, *counts = np.bincount(found.ravel())
        assert nothing == 0 and len(counts) == regions
        assert counts == sorted(counts, reverse=True)
        assert min(counts) * regions > 0.25 * 60 * 80
        assert all(ndimage.label(found == region)[1] == 1 for region in range(1, regions + 1))


@each_row("name", PATTERNS)
def test_patterns_have_contrast_and_follow_their_seed(name):
    first, second, other = (PATTERNS[name](64, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (64, 64)
    assert 0 <= first.min() < first.max() <= 1
    assert first.std() > 0.05
    assert (first == second).all()
    assert (first != other).any()


@each_row("grey", [False, True])
def test_the_same_seed_makes_the_same_mosaic(grey):
    one, same, other = (mosaic(seed, regions=3, size=64, grey=grey) for seed in (4, 4, 5))
    assert one.image.tobytes() == same.image.tobytes()
    assert (one.labels == same.labels).all()
    assert one.image.tobytes() != other.image.tobytes()
    assert one.image.size == (64, 64)
    assert one.labels.dtype == np.int32


def test_grey_regions_differ_in_texture_only():
    made = mosaic(1, regions=6, size=128, grey=True)
    pixels = np.asarray(made.image).astype(float)
    assert (pixels[..., 0] == pixels[..., 1]).all()
    inside = [pixels[..., 0][made.labels == region] for region in range(1, 7)]
    assert np.ptp([values.mean() for values in inside]) < 6
    assert np.ptp([values.std() for values in inside]) < 8


def test_every_texture_at_once():
    made = mosaic(0, regions=MOST, size=256)
    assert np.unique(made.labels).tolist() == list(range(1, MOST + 1))


@each_row(
    ("options", "message"),
    [
        ({"regions": 0}, "number of regions"),
        ({"regions": MOST + 1}, f"to {MOST}"),
        ({"size": 16}, "size is a whole number from 32"),
        ({"seed": -1}, "seed"),
        ({"regions": MOST, "size": 31}, "size"),
    ],
)
def test_mosaics_that_cannot_be(options, message):
    with pytest.raises(StudioError, match=message):
        mosaic(**{"seed": 0, **options})
