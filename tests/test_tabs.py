"""A page of some of the tabs."""

from __future__ import annotations

import gradio as gr
import pytest

from imgstudio import ui
from imgstudio.cli.main import main
from imgstudio.errors import StudioError
from imgstudio.ui import tabs


def shown(page: gr.Blocks) -> list[str]:
    return [block.id for block in page.blocks.values() if isinstance(block, gr.Tab) and block.id in tabs.TABS]


def test_the_page_has_the_tabs_that_are_asked_for_in_its_own_order(monkeypatch):
    assert tabs.chosen() == tabs.TABS
    monkeypatch.setenv("IMGSTUDIO_TABS", " models, Style,style,")
    assert tabs.chosen() == ("style", "models")
    names = {block.elem_id for block in ui.build().blocks.values()}
    assert {"style-button", "models-table"} <= names and not {"sampling-sheet", "translation-result"} & names


def test_only_models_of_a_tab_that_is_there_can_be_tried(monkeypatch):
    monkeypatch.setenv("IMGSTUDIO_TABS", "style,models")
    table = tabs.models.catalogue()
    assert 'data-try="gatys/vgg-small"' in table and 'data-try="vae/fruits"' not in table


def test_a_name_of_no_tab_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setenv("IMGSTUDIO_TABS", "sampling,stile")
    with pytest.raises(StudioError, match="no tab with 'stile'. Did you mean 'style'\\? There are sampling, "):
        ui.build()
    assert main(["serve", "--tabs", "x"]) == 2
    assert "names no tab with 'x'" in capsys.readouterr().err
