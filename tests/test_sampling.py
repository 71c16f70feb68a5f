"""`sample` and `walk`, on every sampling model of the catalogue."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from table import each_row

import imgstudio
from imgstudio import StudioError, catalog

MODELS = [spec.name for spec in catalog.models("sample") if spec.embedded]
CONDITIONAL = [spec.name for spec in catalog.models("sample") if spec.labels]
PLAIN = [spec.name for spec in catalog.models("sample") if spec.embedded and not spec.labels]


def pixels(image):
    return np.asarray(image, dtype=np.int16)


@each_row("model", MODELS)
def test_a_seed_gives_one_picture_alone_and_in_a_grid(model):
    grid = imgstudio.sample(model, range(9))
    for alone in (5, [5], np.int64(5), np.arange(5, 6)):
        assert np.array_equal(pixels(imgstudio.sample(model, alone)[0]), pixels(grid[5]))
    assert len({image.tobytes() for image in grid}) == 9


@pytest.mark.parametrize("model", MODELS[:1])
def test_a_seed_gives_the_same_picture_in_a_second_process(model, tmp_path):
    code = f"import imgstudio; imgstudio.sample({model!r}, 3)[0].save({str(tmp_path / 'there.png')!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    here = imgstudio.sample(model, 3)[0]
    assert np.array_equal(pixels(here), pixels(imgstudio.image.read(tmp_path / "there.png")))


@each_row("model", MODELS)
def test_truncation_zero_is_one_picture_and_less_is_less_varied(model):
    label = 0 if model in CONDITIONAL else None
    first, *others = imgstudio.sample(model, range(4), truncation=0, label=label)
    assert all(np.array_equal(pixels(first), pixels(other)) for other in others)

    def variety(psi):
        return np.stack([pixels(i) for i in imgstudio.sample(model, range(8), truncation=psi, label=label)]).std(axis=0).mean()

    assert variety(0.3) < variety(1.0)


@each_row("model", CONDITIONAL)
def test_the_class_decides_the_picture(model):
    labels = catalog.find(model).labels
    by_name = [imgstudio.sample(model, 1, label=label)[0].tobytes() for label in labels]
    by_number = [imgstudio.sample(model, 1, label=i)[0].tobytes() for i in range(len(labels))]
    assert by_name == by_number and len(set(by_name)) == len(labels)
    assert imgstudio.sample(model, 1, label=labels[1].upper())[0].tobytes() == by_name[1]
    assert imgstudio.sample(model, 1)[0].tobytes() == by_name[1]  # without a label the seed chooses
    with pytest.raises(StudioError, match=labels[0]):
        imgstudio.sample(model, 1, label="spoon")


@each_row("model", MODELS)
def test_a_walk_passes_through_its_seeds_and_moves_in_small_steps(model):
    label = 0 if model in CONDITIONAL else None
    frames = list(imgstudio.walk(model, [3, 8], frames=12, loop=False, label=label))
    ends = imgstudio.sample(model, [3, 8], label=label)
    assert len(frames) == 13
    assert abs(pixels(frames[0]) - pixels(ends[0])).max() <= 2 and abs(pixels(frames[-1]) - pixels(ends[1])).max() <= 2
    steps = [abs(pixels(a) - pixels(b)).mean() for a, b in itertools.pairwise(frames)]
    assert max(steps) < abs(pixels(ends[0]) - pixels(ends[1])).mean()
    assert len(list(imgstudio.walk(model, [3, 8], frames=3, label=label))) == 6


def test_a_walk_is_made_as_it_is_watched():
    frames = imgstudio.walk(MODELS[0], [1, 2], frames=240)
    assert next(frames).size == next(frames).size
