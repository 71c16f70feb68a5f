"""Weights from the Hugging Face Hub: the real client against a Hub on the loopback."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator

import huggingface_hub.constants
import pytest
import torch
from hub_server import HubServer

import imgstudio
from imgstudio import StudioError, weights
from imgstudio.spec import Hub

REPO, FILE = "someone/nets", "small.safetensors"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "_silence", {})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.close()


@pytest.fixture
def hub_model(hub, small_model):
    """A model whose file lies in a repository of the loopback Hub."""

    def make(name: str = "test/hub", *, revision: str = COMMIT, hashed: bool = True):
        embedded = small_model("test/scratch")
        data = embedded.path.read_bytes()
        hub.put(REPO, FILE, data, revision)
        digest = hashlib.sha256(data).hexdigest() if hashed else None
        return small_model(name, hub=Hub(repo=REPO, filename=FILE, revision=revision, sha256=digest), task="features")

    return make


def failure(name: str) -> str:
    with pytest.raises(StudioError) as caught:
        imgstudio.load(name)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("revision", [COMMIT, "main"])
def test_downloads_once_and_computes_the_same(hub, hub_model, linked, revision):
    hub.linked = linked
    model = hub_model(revision=revision)
    net = imgstudio.load("test/hub")
    z = torch.randn(2, 8)
    torch.testing.assert_close(net(z), model.net.eval()(z), atol=2e-3, rtol=0)
    asked = len(hub.requests)
    hub.close()
    weights.locate(model.spec)
    assert len(hub.requests) == asked, "a file in the cache must not touch the network"
    hub.close = lambda: None  # for the fixture


def test_a_download_that_breaks_off_is_resumed_or_can_be_repeated(hub, hub_model):
    model = hub_model()
    hub.breaks = 1
    try:
        path = weights.locate(model.spec)
    except StudioError as error:  # older clients do not resume
        assert "broke off" in str(error)
        path = weights.locate(model.spec)
    weights.verify(model.spec, path)
    assert hub.count("GET") == 2


def test_a_short_body_is_noticed(hub, hub_model):
    hub_model(hashed=False)
    hub.short = 100
    assert "broke off" in failure("test/hub")
    hub.short = 0
    assert imgstudio.load("test/hub") is not None, "the failed download must not be kept"


def test_a_wrong_file_is_noticed_and_never_used(hub, hub_model):
    model = hub_model(revision="main")
    good = hub.files[REPO]["main"][FILE]
    hub.put(REPO, FILE, good[:-1] + bytes([good[-1] ^ 1]))
    assert "not the expected one" in failure("test/hub")
    hub.put(REPO, FILE, good)
    weights.verify(model.spec, weights.locate(model.spec))  # fetched again, because the cached one is wrong


def test_a_damaged_cache_heals(hub, hub_model):
    model = hub_model()
    path = weights.locate(model.spec).resolve()
    path.write_bytes(path.read_bytes()[:50])
    weights.verify(model.spec, weights.locate(model.spec))


def test_damage_without_a_hash_is_noticed(hub, hub_model):
    hub_model(hashed=False)
    hub.put(REPO, FILE, b"\x10\0\0\0\0\0\0\0 not safetensors", COMMIT)
    assert "damaged" in failure("test/hub")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda hub: hub.files.clear(), "does not exist or is private"),
        (lambda hub: hub.files[REPO][COMMIT].clear(), f"has no file {FILE}"),
        (lambda hub: hub.files[REPO].clear(), f"has no revision {COMMIT}"),
        (lambda hub: hub.closed.add(REPO), "accept its terms"),
        (lambda hub: setattr(hub, "status", 401), "HF_TOKEN"),
        (lambda hub: setattr(hub, "status", 403), "accept its terms"),
        (lambda hub: setattr(hub, "status", 503), "HTTP status 503"),
        (lambda hub: setattr(hub, "foreign", True), "does not answer as a Hub does"),
    ],
    ids=["repository", "file", "revision", "gated", "401", "403", "503", "foreign"],
)
def test_each_refusal_has_its_sentence(hub, hub_model, spoil, words):
    hub_model()
    spoil(hub)
    started = time.monotonic()
    text = failure("test/hub")
    assert time.monotonic() - started < 2
    assert words in text
    assert "test/hub" in text
    assert "use features/vgg-small" in text  # the embedded model for the same task


def test_a_closed_port_is_noticed_at_once(hub_model, monkeypatch):
    hub_model()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    started = time.monotonic()
    text = failure("test/hub")
    assert time.monotonic() - started < 3.5
    assert f"{endpoint} does not answer" in text
    assert "use features/vgg-small" in text  # the embedded model for the same task


def test_a_cache_that_cannot_be_written_is_named(hub, hub_model, tmp_path, monkeypatch):
    hub_model()
    (tmp_path / "file").touch()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    assert "cannot be stored here (Not a directory)" in failure("test/hub")


def test_silence_is_noticed_in_three_seconds_and_remembered(hub, hub_model, monkeypatch):
    hub_model()
    hub.silent.set()
    started = time.monotonic()
    assert "does not answer" in failure("test/hub")
    assert time.monotonic() - started < 4
    asked = len(hub.requests)
    started = time.monotonic()
    failure("test/hub")
    assert time.monotonic() - started < 0.5
    assert len(hub.requests) == asked
    hub.silent.clear()
    monkeypatch.setattr(weights, "_MEMORY", 0.0)  # a minute later
    assert imgstudio.load("test/hub") is not None


def test_offline_mode_is_named(hub, hub_model, monkeypatch):
    hub_model()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in failure("test/hub")
    assert hub.requests == []


@pytest.mark.parametrize("revision", ["main", "v1"])
def test_embedded_files_from_a_repository(hub, small_model, monkeypatch, revision):
    model = small_model("test/embedded")
    hub.put("me/weights", model.path.name, model.path.read_bytes(), revision)
    model.path.unlink()
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS", "me/weights" if revision == "main" else f"me/weights@{revision}")
    assert imgstudio.load("test/embedded") is not None
    hub.put("me/weights", model.path.name, b"other", revision)
    assert weights.sha256(weights.locate(model.spec)) == model.spec.source.sha256


def test_embedded_files_from_a_repository_keep_their_hash(hub, small_model, monkeypatch):
    model = small_model("test/embedded")
    hub.put("me/weights", model.path.name, model.path.read_bytes()[:-4] + b"evil")
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS", "me/weights")
    assert "not the expected one" in failure("test/embedded")


@pytest.mark.parametrize("setting", ["weights", "a/b/c", "/", "a/"])
def test_a_malformed_setting_is_explained(small_model, monkeypatch, setting):
    small_model("test/embedded")
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS", setting)
    assert "owner/repo" in failure("test/embedded")


def test_the_client_reports_to_nobody():
    assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
