"""The weights as a repository of the Hub: what goes there, and that it comes back the same. The real client, a loopback Hub."""

from __future__ import annotations

import json

import huggingface_hub
import pytest
from hub_server import HubServer

import imgstudio
from imgstudio import catalog, loading, weights
from imgstudio.cli.main import main
from imgstudio.weights import card

REPO = "me/weights"
DRAWN = catalog.find("dcgan/nouns")


@pytest.fixture
def hub(monkeypatch, tmp_path) -> HubServer:
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", "hf_writer")
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights.hub, "_silence", {})
    yield server
    server.close()


@pytest.fixture
def one_model(monkeypatch):
    """A catalogue with two models in it, so that little has to travel."""
    monkeypatch.setattr(catalog, "SPECS", (DRAWN, catalog.find("fast/udnie")))


def test_the_weights_go_there_and_come_back_the_same(hub, one_model, monkeypatch, tmp_path, capsys):
    before = imgstudio.sample(DRAWN.name, [3, 4])
    assert main(["push", REPO]) == 0
    assert f"are at {hub.url}/{REPO}/commit/" in capsys.readouterr().out
    there = hub.files[REPO]["main"]
    assert set(there) == {"README.md", "dcgan-nouns.safetensors", "fast-udnie.safetensors"}
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS", REPO)
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path / "nothing"))
    monkeypatch.setattr(loading, "_nets", {})
    after = imgstudio.sample(DRAWN.name, [3, 4])
    assert [a.tobytes() for a in before] == [b.tobytes() for b in after]


def test_a_second_push_to_the_same_place_is_fine(hub, one_model):
    assert main(["push", REPO]) == main(["push", REPO]) == 0


def test_a_dry_run_shows_all_and_asks_nobody(hub, capsys):
    assert main(["push", REPO, "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert hub.requests == []
    for spec in catalog.SPECS:
        if isinstance(spec.source, imgstudio.Embedded):
            assert spec.source.filename in shown and spec.name in shown and spec.licence in shown
    assert "license:" in shown and f"IMGSTUDIO_WEIGHTS={REPO}" in shown


def test_the_card_has_data_licences_and_scores():
    text = card.text(REPO)
    fields = huggingface_hub.ModelCard(text).data.to_dict()
    assert {"cc-by-4.0", "cc0-1.0"} <= set(fields["license"])
    assert "Adventurer" in text and "## Generators" in text and "sliced" in text.lower()


def test_a_wrong_file_is_not_uploaded(hub, one_model, monkeypatch, tmp_path, capsys):
    for name in ("dcgan-nouns.safetensors", "fast-udnie.safetensors"):
        (tmp_path / name).write_bytes((weights.folder() / name).read_bytes()[:-1] + b"!")
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path))
    assert main(["push", REPO]) == 2
    assert "not the expected one" in capsys.readouterr().err
    assert hub.requests == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda hub, monkeypatch: monkeypatch.delenv("HF_TOKEN"), "there is no token: make one with write access"),
        (lambda hub, monkeypatch: hub.readers.add("hf_writer"), "your token may not write there"),
        (lambda hub, monkeypatch: setattr(hub, "status", 500), "HTTP status 500"),
        (lambda hub, monkeypatch: monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9"), "does not answer"),
    ],
    ids=["no token", "reader", "500", "nobody"],
)
def test_each_refusal_has_its_sentence(hub, one_model, monkeypatch, tmp_path, capsys, spoil, words):
    monkeypatch.setattr(weights.hub.client().constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    spoil(hub, monkeypatch)
    assert main(["push", REPO]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


@pytest.mark.parametrize("repo", ["weights", "a/b/c"])
def test_a_repository_is_owner_and_name(hub, one_model, capsys, repo):
    assert main(["push", repo]) == 2
    assert "owner/repo" in capsys.readouterr().err
    assert json.dumps(hub.requests) == "[]"
