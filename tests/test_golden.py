"""Every shipped model and operation makes the pictures that it made when `golden.json` was written.

The tolerance lies above what bfloat16 and other instruction sets were seen to change, and far below any other picture.
"""

from __future__ import annotations

import itertools
import json

import golden
import numpy as np
from table import each_row

WANTED = json.loads(golden.FILE.read_text())
CASES = golden.cases()

PASS, STEPS, REGIONS = 0.75, 2.5, 6.0  # mean difference of 255: of a pass, of optimisation steps, of colours of regions


def tolerance(name: str) -> float:
    operation = name.split()[-1]
    if operation == "segment":  # a pixel on a border may fall to either side
        return REGIONS
    return STEPS if operation in ("invert", "complete") else PASS


def test_the_file_knows_every_model_and_operation():
    assert list(WANTED) == list(CASES)


@each_row("name", CASES)
def test_the_pictures_are_those_of_before(name):
    made, wanted = np.array(golden.digest(CASES[name]())), np.array(WANTED[name])
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).mean() <= tolerance(name)


def test_another_picture_is_noticed():
    names = [name for name in CASES if name.endswith(" sample")]
    for name, other in itertools.pairwise(names):
        assert np.abs(np.array(WANTED[name]) - np.array(WANTED[other])).mean() > 4 * tolerance(name)
