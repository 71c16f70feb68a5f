"""The command line among other programs: its version, its lists for programs, words that are misspelt, pipes and bars."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from PIL import Image

import imgstudio
from imgstudio.cli import output
from imgstudio.cli.main import CLOSED, main
from imgstudio.studio.steps import Step

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-m", "imgstudio"]


def test_the_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"imgstudio {imgstudio.__version__}\n"


def test_the_catalogue_for_programs(capsys):
    assert main(["models", "--json", "--task", "sample"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found] == [spec.name for spec in imgstudio.models("sample")]
    [fruits] = [entry for entry in found if entry["name"] == "stylegan2/fruits"]
    assert fruits["labels"] == ["apple", "cherry", "tomato"] and "redder" in fruits["directions"]
    assert fruits["size"] == 9809266 and fruits["weights"] == "embedded"


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        (["smaple"], "There is no verb 'smaple': did you mean sample?"),
        (["stylise", "a.png"], "There is no verb 'stylise': did you mean stylize?"),
        (["sample", "dcgan/avatar"], "There is no model 'dcgan/avatar': did you mean dcgan/avatars?"),
        (["models", "--task", "segmnt"], "There is no task 'segmnt': did you mean segment?"),
        (["paint"], "There is no verb 'paint': choose one of sample, walk,"),
    ],
    ids=" ".join,
)
def test_a_misspelt_word_is_answered_with_the_right_one(command, meant, capsys):
    assert main(command) == 2
    written = capsys.readouterr().err
    assert written.startswith(f"imgstudio: {meant}") and written.count("\n") == 1


def test_a_reader_that_has_seen_enough_ends_the_program_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*PROGRAM, "models"], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (CLOSED, "")


def steps(count: int = 3):
    for done in range(1, count + 1):
        yield Step(done, count, Image.new("RGB", (4, 4)), {"style": 0.5})


def test_nothing_but_results_where_there_is_no_terminal(capsys):
    assert [step.done for step in output.with_progress(steps())] == [1, 2, 3]
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))  # a new one has no columns to draw in
    with open(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        for _ in output.with_progress(steps()):
            time.sleep(0.15)  # it is drawn ten times a second at most
        drawn = os.read(leader, 10_000).decode()
    os.close(leader)
    assert "2/3" in drawn and "style=0.5" in drawn


def test_the_video_library_is_imported_for_an_mp4_alone(tmp_path):
    code = (
        "import sys\nfrom PIL import Image\nfrom imgstudio.studio import animation\n"
        "frames = [Image.new('RGB', (16, 16), c) for c in ('red', 'blue')]\n"
        "animation.save(frames, 'a.gif')\nassert 'av' not in sys.modules\n"
        "animation.save(frames, 'a.mp4')\nassert 'av' in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
