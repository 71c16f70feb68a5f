"""Clearing downloads beside other programs that use the same cache, and files that change under their name: the real client, the
layouts that it makes itself, and a Hub on the loopback."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hub_server import HubServer

from imgstudio import StudioError, weights
from imgstudio.catalog.records import Hub
from imgstudio.weights import cache, known

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DATA = bytes(range(256)) * 40
HASH = "ab" * 32  # of the shared store, which has hashes of its own


@pytest.fixture
def client():
    return weights.hub.client()


def source(repo: str, filename: str = "model.bin", revision: str = COMMIT) -> Hub:
    return Hub(repo=repo, filename=filename, revision=revision)


def fetched(hub: HubServer, place: Hub, data: bytes = DATA) -> Path:
    hub.put(place.repo, place.filename, data, place.revision)
    return weights.fetch(place, name="test/file")


def shared(client, *places: Hub) -> Path:
    """Moves what was downloaded into the client's shared store, by the client's own code; where the bytes are then."""
    store = pytest.importorskip("huggingface_hub.utils._shared_blobs", reason="this client shares nothing")
    folder = client.constants.HF_HUB_CACHE
    for place in places:
        [pointer] = cache._pointers(place)
        blob = cache._blob(pointer)
        link = dict(blob_path=str(blob), xet_hash=HASH, cache_dir=folder, expected_size=blob.stat().st_size)
        if place is not places[0]:
            blob.unlink()
        publish = store.publish_blob_to_shared_store if place is places[0] else store.try_link_from_shared_store
        assert publish(**link, **({"replace_existing": False} if place is places[0] else {}))
        assert blob.is_symlink() and pointer.is_file()
    return store.shared_blob_path(folder, HASH)


def test_clearing_one_of_two_repositories_that_share_a_file_leaves_the_other(patient_hub, client):
    one, other = source("someone/one"), source("someone/other")
    kept = fetched(patient_hub, other)
    fetched(patient_hub, one)
    bytes_ = shared(client, one, other)
    assert weights.clear(one) == 0, "nothing is free as long as the other repository leads there"
    assert weights.present(one) is None and weights.stored(one) == 0
    assert kept.read_bytes() == DATA and bytes_.is_file()
    assert weights.clear(other) == len(DATA)
    assert not bytes_.exists(), "the last one takes the bytes along"


def test_a_link_that_leads_out_of_the_cache_is_never_followed(patient_hub, tmp_path):
    place = source("someone/one")
    [pointer] = [fetched(patient_hub, place)]
    blob, elsewhere = cache._blob(pointer), tmp_path / "elsewhere.bin"
    blob.rename(elsewhere)
    blob.symlink_to(elsewhere)
    weights.clear(place)
    assert elsewhere.read_bytes() == DATA and weights.present(place) is None


def test_clearing_takes_one_file_of_a_repository_in_all_its_versions(patient_hub):
    first, newer, neighbour = source("a/b"), source("a/b", revision="main"), source("a/b", "neighbour.bin")
    fetched(patient_hub, first)
    fetched(patient_hub, newer, DATA[::-1])
    path = fetched(patient_hub, neighbour, b"mine")
    assert weights.clear(first) == 2 * len(DATA)
    assert weights.present(first) is None and weights.present(newer) is None
    assert path.read_bytes() == b"mine" and weights.present(neighbour) == path


@pytest.mark.parametrize("readable", [True, False])
def test_clients_without_a_shared_store_and_folders_they_cannot_read_are_cleared_too(patient_hub, monkeypatch, client, readable):
    one, neighbour = source("a/b"), source("a/b", "copy.bin")
    fetched(patient_hub, one)
    path = fetched(patient_hub, neighbour)  # the same bytes, hence the same blob
    if readable:
        monkeypatch.delattr(inspect.getmodule(client.scan_cache_dir).HFCacheInfo, "delete_files", raising=False)
    else:
        (cache.folder_of("a/b") / "refs").mkdir(exist_ok=True)
        (cache.folder_of("a/b") / "refs" / "gone").write_text("f" * 40)
    weights.clear(one)
    assert weights.present(one) is None and path.read_bytes() == DATA
    assert weights.clear(neighbour) == len(DATA) and not list(cache.folder_of("a/b").glob("blobs/*"))


def test_what_another_process_downloads_is_left_alone(patient_hub, monkeypatch):
    monkeypatch.setattr(cache, "_PATIENCE", 0.2)
    place = source("someone/one")
    blob = cache._blob(fetched(patient_hub, place))
    lock = cache.lock_of(place.repo, blob.name)
    part = blob.with_name(f"{'c' * 64}.incomplete")
    part.write_bytes(b"half")
    program = "import sys, filelock\nlocks = [filelock.FileLock(path) for path in sys.argv[1:]]\n" \
        "[lock.acquire() for lock in locks]\nprint('held', flush=True)\nsys.stdin.read()"  # fmt: skip
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(lock), str(cache.lock_of(place.repo, "c" * 64))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StudioError, match="is being downloaded just now"):
            weights.clear(place)
        assert weights.present(place) and part.exists()
    finally:
        other.communicate("")
    assert weights.clear(place) == len(DATA) + len(b"half")


def test_clearing_while_another_visitor_waits_for_the_download_is_a_sentence(patient_hub, monkeypatch):
    monkeypatch.setattr(cache, "_PATIENCE", 0.2)
    place, seen, arrived = source("someone/one"), threading.Event(), []
    patient_hub.put(place.repo, place.filename, DATA * 100, COMMIT)
    patient_hub.halted.set()

    def visit() -> None:
        arrived.append(weights.fetch(place, name="test/file", progress=lambda state: state.done and seen.set()))

    visitor = threading.Thread(target=visit)
    visitor.start()
    assert seen.wait(60)
    with pytest.raises(StudioError, match="is being downloaded just now, perhaps by somebody else"):
        weights.clear(place)
    patient_hub.halted.clear()
    visitor.join(60)
    assert arrived[0].read_bytes() == DATA * 100


# --- looking, and files that change ---


def test_looking_at_a_damaged_file_deletes_nothing_and_a_download_replaces_only_ours(patient_hub, client):
    import hashlib

    one, other = source("someone/one"), source("someone/other")
    path, foreign = fetched(patient_hub, one), fetched(patient_hub, other)
    bytes_ = shared(client, one, other)
    bytes_.write_bytes(DATA[:-1] + b"?")
    expected = Hub(**{**vars(one), "sha256": hashlib.sha256(DATA).hexdigest()})
    before = sorted(Path(client.constants.HF_HUB_CACHE).rglob("*"))
    assert weights.present(expected) is None and weights.present(one) is None
    assert sorted(Path(client.constants.HF_HUB_CACHE).rglob("*")) == before
    assert weights.fetch(expected, name="test/file").read_bytes() == DATA
    assert path.read_bytes() == DATA and foreign.read_bytes() == bytes_.read_bytes() != DATA


def test_a_file_that_changed_under_its_name_is_said_and_not_used(patient_hub):
    place = source("someone/one", revision="main")
    fetched(patient_hub, place)
    weights.clear(place)
    with pytest.raises(StudioError, match="model.bin of someone/one has changed on the Hub since it was first downloaded here"):
        fetched(patient_hub, place, DATA[::-1])
    assert weights.present(place) is None, "neither later, without a question"
    assert len(json.loads(known.place().read_text())) == 1
    assert weights.forget(place) and not weights.forget(place)
    assert weights.fetch(place, name="test/file").read_bytes() == DATA[::-1]


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '{"a": 1}'])
def test_an_unreadable_memory_stops_no_download(patient_hub, text):
    place = source("someone/one")
    known.place().write_text(text)
    assert fetched(patient_hub, place).read_bytes() == DATA
    assert known.digest(place)


# --- a fresh process, and the client's private names ---


LIST = "import imgstudio; print(imgstudio.cached())"
CLEAR = "from imgstudio.cli.main import main; main(['models', '--clear', 'dinov2/texture'])"


@pytest.mark.parametrize("program", [LIST, CLEAR])
def test_downloads_are_listed_and_cleared_in_a_fresh_process(program, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0 and "Traceback" not in found.stderr, found.stderr
    assert found.stdout == "()\n" or "has not been downloaded: there is nothing to clear." in found.stderr


def test_the_client_has_what_is_used_of_it(client):
    from huggingface_hub.utils import WeakFileLock, build_hf_headers, get_session, hf_raise_for_status

    assert callable(WeakFileLock) and callable(build_hf_headers) and callable(get_session) and callable(hf_raise_for_status)
    assert Path(client.constants.HF_HUB_CACHE) and client.constants.HF_HUB_OFFLINE in (True, False)
    named = "OfflineModeIsEnabled RevisionNotFoundError EntryNotFoundError GatedRepoError RepositoryNotFoundError CacheNotFound"
    assert all(issubclass(getattr(client.errors, name), Exception) for name in named.split())
    assert {"timeout", "endpoint"} <= set(inspect.signature(client.get_hf_file_metadata).parameters)
    assert {"revision", "endpoint", "etag_timeout"} <= set(inspect.signature(client.hf_hub_download).parameters)
    assert {"revision"} <= set(inspect.signature(client.try_to_load_from_cache).parameters)
    fields = set(inspect.getmodule(client.scan_cache_dir).CachedFileInfo.__dataclass_fields__)
    assert {"file_path", "blob_path"} <= fields
