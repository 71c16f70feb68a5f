"""Every shipped model and operation makes the pictures that it made when `golden.json` was written.

The tolerance lies above what bfloat16 and other instruction sets were seen to change, and far below any other picture.
"""

from __future__ import annotations

import itertools
import json

import golden
import numpy as np
from PIL import Image
from table import each_row

import imgstudio
from imgstudio.image import fingerprint
from imgstudio.studio.records import inputs

WANTED = json.loads(golden.FILE.read_text())
CASES = golden.cases()

PASS, STEPS, REGIONS = 0.75, 2.5, 6.0  # mean difference of 255: of a pass, of optimisation steps, of colours of regions


SLOW = ("stylegan2/avatars invert", "stylegan2/avatars complete")  # as of the fruits, and four times as long
SOURCES = [
    *(golden.scene(side, phase) for side in (64, 96) for phase in (0.0, 1.0)),
    golden._half().convert("RGB"),
    golden.two_textures(),
]


def replayed(picture: Image.Image) -> Image.Image:
    """The picture made again from its record alone, as it stands in a file, and the inputs."""
    record = json.loads(json.dumps(imgstudio.record(picture)))
    known = {fingerprint(source): source for source in SOURCES}
    return imgstudio.replay(record, **{name: known[entry["sha256"]] for name, entry in inputs.wanted(record)})


def tolerance(name: str) -> float:
    operation = name.split()[-1]
    if operation == "segment":  # a pixel on a border may fall to either side
        return REGIONS
    return STEPS if operation in ("invert", "complete") else PASS


def test_the_file_knows_every_model_and_operation():
    assert list(WANTED) == list(CASES)


@each_row("name", CASES)
def test_the_pictures_are_those_of_before_and_made_again_bit_for_bit(name):
    pictures = list(CASES[name]())
    made, wanted = np.array(golden.digest(pictures)), np.array(WANTED[name])
    assert made.shape == wanted.shape
    assert name in SLOW or replayed(pictures[-1]).tobytes() == pictures[-1].tobytes()
    assert np.abs(made - wanted).mean() <= tolerance(name)


def test_another_picture_is_noticed():
    names = [name for name in CASES if name.endswith(" sample")]
    for name, other in itertools.pairwise(names):
        assert np.abs(np.array(WANTED[name]) - np.array(WANTED[other])).mean() > 4 * tolerance(name)
