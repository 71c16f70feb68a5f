"""Weights from the Hugging Face Hub: the real client against a Hub on the loopback."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import torch
from hub_server import HubServer
from table import each_row

import imgstudio
from imgstudio import StudioError, weights
from imgstudio.catalog.records import Hub
from imgstudio.cli import hub as cli_hub
from imgstudio.cli.main import main
from imgstudio.studio import downloads

REPO, FILE = "someone/nets", "small.safetensors"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights.hub, "_silence", {})


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


@each_row("linked", [False, True])
@each_row("revision", [COMMIT, "main"])
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


# --- downloads ---


SOURCE = Hub(repo=REPO, filename="large.bin", revision=COMMIT)
LARGE = bytes(range(256)) * 4000  # a megabyte


class Enough(Exception):
    """Raised to stop a download."""


@pytest.fixture
def large(hub) -> HubServer:
    hub.put(REPO, SOURCE.filename, LARGE, COMMIT)
    return hub


def stop_halfway(server: HubServer) -> None:
    """Asks for the large file, and stops when half of it is there."""
    server.halted.set()

    def watch(state: weights.Progress) -> None:
        assert state.total == len(LARGE)
        if state.done >= len(LARGE) // 2:
            raise Enough

    with pytest.raises(Enough):
        weights.fetch(SOURCE, name="test/large", progress=watch)
    server.halted.clear()


def test_a_download_tells_its_size_and_speed(large):
    large.halted.set()
    seen = []
    for state in weights.fetching(SOURCE, name="test/large"):
        seen.append(state)
        if state.done:
            large.halted.clear()
    half = next(state for state in seen if state.done)
    assert (half.done, half.total) == (len(LARGE) // 2, len(LARGE))
    assert half.speed > 0
    assert half.text.startswith("0.5 of 1.0 MB, ")


def test_a_stopped_download_is_not_used_and_goes_on_where_it_ended(large):
    stop_halfway(large)
    assert weights.present(SOURCE) is None
    assert weights.fetch(SOURCE, name="test/large").read_bytes() == LARGE
    [rest] = large.ranges
    assert int(rest.removeprefix("bytes=").rstrip("-")) >= len(LARGE) // 2


def test_several_who_ask_for_one_file_download_it_once(large):
    large.halted.set()
    paths, started = [], threading.Barrier(4)

    def visit(leaves: bool) -> None:
        waited = []

        def watch(state: weights.Progress) -> None:
            if not waited:
                waited.append(started.wait(10))  # until all four are under way
            if leaves:
                raise Enough

        with contextlib.suppress(Enough):
            paths.append(weights.fetch(SOURCE, name="test/large", progress=watch))

    visitors = [threading.Thread(target=visit, args=(number == 0,)) for number in range(4)]
    for visitor in visitors:
        visitor.start()
    visitors[0].join()  # one who goes away leaves the others their download
    large.halted.clear()
    for visitor in visitors[1:]:
        visitor.join()
    assert large.count("GET") == 1
    assert len(paths) == 3 and {path.read_bytes() for path in paths} == {LARGE}


def test_what_arrives_otherwise_than_announced_is_thrown_away(large):
    large.announced[SOURCE.filename] = "0" * 64
    with pytest.raises(StudioError, match="sent a file that is not the one it announced.*thrown away"):
        weights.fetch(SOURCE, name="test/large")
    assert weights.present(SOURCE) is None
    large.announced.clear()
    assert weights.fetch(SOURCE, name="test/large").read_bytes() == LARGE


def test_a_leftover_that_cannot_be_right_is_not_continued(large, tmp_path):
    stop_halfway(large)
    [part] = tmp_path.rglob("*.incomplete")
    part.write_bytes(LARGE + LARGE)
    assert weights.fetch(SOURCE, name="test/large").read_bytes() == LARGE


def test_a_full_disk_is_named(large, tmp_path):
    stop_halfway(large)
    [part] = tmp_path.rglob("*.incomplete")
    part.unlink()
    part.symlink_to("/dev/full")
    with pytest.raises(StudioError, match=r"stored here \(No space left on device\)"):
        weights.fetch(SOURCE, name="test/large")


def test_a_token_of_the_environment_opens_what_is_gated(large, monkeypatch):
    large.tokens[REPO] = "hf_secret"
    with pytest.raises(StudioError, match="accept its terms there and set HF_TOKEN"):
        weights.fetch(SOURCE, name="test/large")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert weights.fetch(SOURCE, name="test/large").read_bytes() == LARGE


def test_what_is_downloaded_is_listed_and_cleared(hub, hub_model):
    model = hub_model()
    assert imgstudio.cached() == ()
    with pytest.raises(StudioError, match="has not been downloaded"):
        downloads.clear("test/hub")
    weights.locate(model.spec)
    [entry] = imgstudio.cached()
    assert (entry.models, entry.repo, entry.size) == (("test/hub",), REPO, model.spec.size)
    assert downloads.clear("test/hub") == model.spec.size
    assert imgstudio.cached() == () and weights.present(model.spec.source) is None
    weights.verify(model.spec, weights.locate(model.spec))  # comes again
    with pytest.raises(StudioError, match="comes with the studio"):
        downloads.clear("features/vgg-small")


def test_the_command_line_shows_downloads_and_clears_them(hub, hub_model, monkeypatch, capsys):
    model = hub_model()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    hub.halted.set()
    threading.Timer(1.0, hub.halted.clear).start()
    with cli_hub.bar():
        weights.locate(model.spec)
    assert re.search(r"\r0\.0 of 0\.0 MB, \d\.\d MB a second", capsys.readouterr().err)
    assert main(["models", "--task", "features"]) == 0
    assert f"{REPO}, downloaded" in capsys.readouterr().out
    assert main(["models", "--clear", "test/hub"]) == 0
    assert capsys.readouterr().out == "0.0 MB freed.\n"
    assert main(["models", "--clear", "test/hub"]) == 2


def test_clearing_removes_what_a_stopped_download_left(large, tmp_path):
    stop_halfway(large)
    assert weights.clear(SOURCE) >= len(LARGE) // 2
    assert not list(tmp_path.rglob("*.incomplete"))


def test_the_page_downloads_nothing_by_the_way(hub, hub_model):
    hub_model()
    with downloads.refused(), pytest.raises(StudioError, match=r"Small \(test/hub\) is not on this machine yet: press Download"):
        imgstudio.load("test/hub")
    assert hub.requests == []
    assert [spec.name for spec in downloads.missing("test/hub")] == ["test/hub"]
    for state in downloads.download("test/hub"):
        assert state.done <= state.total
    assert downloads.missing("test/hub") == ()
    with downloads.refused():
        assert imgstudio.load("test/hub") is not None


def test_a_way_back_is_downloaded_too(hub, small_model):
    sources = {}
    for name, inverse in (("test/there", "test/back"), ("test/back", "test/there")):
        filename = f"{name.partition('/')[2]}.safetensors"
        data = small_model("test/scratch").path.read_bytes()
        hub.put(REPO, filename, data, COMMIT)
        sources[name] = Hub(repo=REPO, filename=filename, revision=COMMIT, sha256=hashlib.sha256(data).hexdigest())
        small_model(name, hub=sources[name], task="translate", inverse=inverse)
    assert {spec.name for spec in downloads.missing("test/there")} == set(sources)
    for _ in downloads.download("test/there"):
        pass
    assert all(weights.present(source) for source in sources.values())


# --- faults ---


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
)
def test_each_refusal_has_its_sentence(hub, hub_model, spoil, words):
    hub_model()
    spoil(hub)
    started = time.monotonic()
    text = failure("test/hub")
    assert time.monotonic() - started < 2
    assert words in text
    assert "test/hub" in text
    assert "(features/vgg-small), which is here" in text  # the embedded model for the same task


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
    assert "(features/vgg-small), which is here" in text  # the embedded model for the same task


def test_a_cache_that_cannot_be_written_is_named(hub, hub_model, tmp_path, monkeypatch):
    hub_model()
    (tmp_path / "file").touch()
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
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
    monkeypatch.setattr(weights.hub, "_MEMORY", 0.0)  # a minute later
    assert imgstudio.load("test/hub") is not None


def test_offline_mode_is_named(hub, hub_model, monkeypatch):
    hub_model()
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_OFFLINE", True)
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


def test_the_files_of_a_repository_are_listed(hub):
    hub.put(REPO, "b/model.bin", b"b")
    hub.put(REPO, "a.safetensors", b"a")
    assert weights.listing(REPO) == ["a.safetensors", "b/model.bin"]
    with pytest.raises(StudioError, match=r"cannot be listed because .*/someone/nets has no revision v9: .*\.$"):
        weights.listing(REPO, "v9")
    with pytest.raises(StudioError, match="nobody/here does not exist or is private"):
        weights.listing("nobody/here")


def test_the_client_reports_to_nobody():
    assert weights.hub.client().constants.HF_HUB_DISABLE_TELEMETRY


def test_a_download_has_a_limit_before_it_begins(hub, hub_model):
    model = hub_model()
    source = model.spec.source
    with pytest.raises(StudioError, match="may be downloaded here"):
        list(weights.fetching(source, name="test/hub", limit=10))
    assert weights.present(source) is None and weights.stored(source) == 0
    list(weights.fetching(source, name="test/hub", limit=10**9))
    assert weights.present(source) is not None
    with pytest.raises(StudioError, match="may be downloaded here"):
        list(weights.fetching(source, name="test/hub", limit=10))


def test_a_missing_list_and_a_missing_file_are_told_apart_by_their_kind(hub, hub_model):
    hub_model()
    with pytest.raises(weights.Absent):
        list(weights.fetching(Hub(repo=REPO, filename="none.bin", revision=COMMIT), name="none"))
    with pytest.raises(weights.Unlisted):
        weights.listing("nobody/nothing")
