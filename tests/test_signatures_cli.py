"""Every option of every verb, with texts that people write by mistake or on purpose. See test_signatures."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from functools import partial
from pathlib import Path

import bounds
import pytest
from bounds import FRUITS, PATH

import imgstudio
from imgstudio.cli import arguments, grids, records, sampling, verbs
from imgstudio.cli import main as program
from imgstudio.studio.texture.mosaic import mosaic

TEXTS = ("0", "-1", "1.5", "", "x", "nan", "-inf", "1e999", "9" * 20, "9" * 5000, "1,2")
NAMES = ("", "~nouser", "a" * 300, "\0")
NUMBERS = {  # the types of numeric options -> texts that may be one of them
    arguments.whole: {"0", "-1"},
    arguments.real: {"0", "-1", "1.5", "9" * 20},
    arguments.side: set(),
    arguments.columns: set(),
    arguments.fps: {"1.5"},
    arguments.amount: set(),
    verbs._seeds: {"0", "1,2"},
    verbs._numbers: {"0", "1.5", "9" * 20},
    verbs._sides: set(),
    sampling._noise: {"0"},
    sampling._layers: {"0"},
    records._input: set(),
    grids._axis: set(),
    grids._fixed: set(),
    program._port: set(),
    program._images: set(),
    program._repeats: set(),
    program._visitors: set(),
    program._seconds: set(),
}
PHOTO_FILE = PATH.good[0]
MADE_FILE = str(imgstudio.save(mosaic(1, regions=2, size=32).image, Path(tempfile.mkdtemp()) / "made.png"))
COMMANDS = {
    "sample": [FRUITS],
    "walk": [FRUITS],
    "reconstruct": [PHOTO_FILE],
    "interpolate": [PHOTO_FILE] * 2,
    "manifold": [PHOTO_FILE] * 4,
    "traverse": [PHOTO_FILE, "--dimension", "0"],
    "prior": [],
    "attribute": [PHOTO_FILE, "--amount", "apple to tomato=1"],
    "denoise": [PHOTO_FILE],
    "stylize": ["gatys/vgg-small", PHOTO_FILE, "--style", PHOTO_FILE],
    "synthesize": [PHOTO_FILE],
    "segment": [PHOTO_FILE],
    "mosaic": ["--size", "32"],
    "decompose": [PHOTO_FILE, "--size", "16"],
    "retexture": [PHOTO_FILE, "1", PHOTO_FILE],
    "mix": [FRUITS, "1", "2", "--crossover", "2"],
    "edit": [FRUITS, "1", "--amount", "redder=1"],
    "invert": [FRUITS, PHOTO_FILE],
    "complete": [FRUITS, PHOTO_FILE, PHOTO_FILE],
    "translate": ["cyclegan/apple2tomato", PHOTO_FILE],
    "record": [MADE_FILE],
    "replay": [MADE_FILE],
    "grid": ["sample", "--x", "seeds=1,2", "--set", "model=dcgan/avatars"],
    "models": [],
    "serve": [],
    "train": ["dcgan/avatars", "--data", ".", "--images", "9"],
    "ship": ["dcgan/avatars", "--data", "."],
    "art": [],
    "bench": [],
    "data": [],
    "import": ["x.pth"],
    "push": ["me/here"],
    "check": [],
}


def ended(command: list[str], capsys: pytest.CaptureFixture[str], *, net: bool = False) -> str | None:
    """What a command says that is refused; None for one that is on its way to the work."""
    try:
        with bounds.sealed(after_loading=net):
            status = program.main(command)
    except bounds.Reached:
        status = 0
    said = capsys.readouterr().err
    assert status == (2 if said else 0) and said.count("\n") <= 1, (command, status, said[:300])
    if said:
        bounds.assert_sentence(said.removeprefix("imgstudio: ").rstrip("\n"), command)
    return said or None


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_verb_takes_or_refuses_every_value(verb, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(program._RUN, verb, bounds.reached) if verb in program._RUN else None
    parser = ArgumentParser()
    program._configure(verb, parser)
    assert ended([verb, *COMMANDS[verb]], capsys) is None
    for action in parser._actions:
        kind = partial if isinstance(action.type, partial) else action.type
        assert kind in (None, str, Path, partial, arguments.zip_file, *NUMBERS), action
        for text in (TEXTS if kind in NUMBERS else NAMES) if action.option_strings and action.nargs != 0 else ():
            command = [verb, *COMMANDS[verb], f"{action.option_strings[-1]}={text}"]
            refused = ended(command, capsys, net=action.dest in ("crossover", "dimension"))
            assert refused or text in NUMBERS.get(kind, NAMES), (verb, action.dest, text[:30])


def test_every_verb_is_in_the_table():
    assert set(COMMANDS) == {*verbs.VERBS, *program._HELP}
