"""One default for an argument, wherever it can be given; and what is told alike in all places."""

from __future__ import annotations

import inspect

import gradio as gr
import pytest
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import StudioError, ui
from imgstudio.cli.main import main
from imgstudio.ui import api

OVER_HTTP = {"None": ("", 0, None), "False": (False, "none")}  # what stands for a default that has no form of its own there


@each_row("endpoint", api.ENDPOINTS)
def test_an_endpoint_has_the_defaults_of_its_function(endpoint):
    function = inspect.signature(getattr(imgstudio, endpoint.__name__)).parameters
    for name, parameter in inspect.signature(endpoint).parameters.items():
        default = function[name].default if name in function else parameter.empty
        if parameter.empty not in (default, parameter.default):
            assert parameter.default in OVER_HTTP.get(str(default), (default,)), name


def test_many_translations_of_which_one_fails_end_with_a_status_that_says_so(translations, tmp_path, capsys):
    there, _ = translations(channels=4, blocks=1)
    Image.new("RGB", (16, 16)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no picture")
    command = ["translate", there, str(tmp_path / "good.png"), str(tmp_path / "bad.png"), "--out", str(tmp_path / "made.zip")]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert "1 of 2 were not translated" in printed.err and "bad.png" in printed.err and (tmp_path / "made.zip").exists()
    assert main([*command[:3], "--out", str(tmp_path / "made.zip")]) == 0


@pytest.mark.parametrize("port", ["", "99999", "0", "-1", "http", "8" * 99])
def test_a_port_that_is_none_is_a_sentence(port, monkeypatch):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(StudioError, match="PORT"):
        ui.launch(gr.Blocks())
