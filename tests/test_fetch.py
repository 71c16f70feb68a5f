"""Downloads of training sets: they go on where they broke off, and keep nothing that is not what it should be."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile

import pytest
from file_server import FileServer
from table import each_row

from imgstudio.errors import StudioError
from imgstudio.train.data import archives
from imgstudio.train.data.fetch import Fetcher, Known, digest

ADDRESS = "https://example.org/set.bin"
DATA = bytes(range(256)) * 4000  # about a megabyte
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server():
    found = FileServer()
    found.files["example.org/set.bin"] = DATA
    yield found
    found.close()


@pytest.fixture
def said():
    return []


@pytest.fixture
def fetcher(server, tmp_path, said):
    return Fetcher(tmp_path / "sources", tmp_path / "sources.lock.json", said.append, server.route, pause=0.0)


def test_a_broken_download_goes_on_where_it_broke(server, fetcher):
    server.breaks = 3
    path = fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256))
    assert path.read_bytes() == DATA
    starts = [int(wanted[6:-1]) for _, wanted in server.asked[1:]]
    assert len(starts) == 3 and 0 < starts[0] < starts[1] < starts[2] < len(DATA)
    assert sorted(each.name for each in path.parent.iterdir()) == ["set.bin"]


def test_a_second_run_goes_on_and_a_third_asks_nobody(server, fetcher):
    server.breaks, server.errors = 1, []
    fetcher.folder.mkdir()
    partial = fetcher.folder / "set.bin.part"
    partial.write_bytes(DATA[:1000])
    partial.with_name("set.bin.part.version").write_text('"1"')
    assert fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256)).read_bytes() == DATA
    assert server.asked[0][1] == "bytes=1000-"
    count = len(server.asked)
    fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256))
    assert len(server.asked) == count


def test_parts_of_another_version_are_not_mixed(server, fetcher):
    fetcher.folder.mkdir()
    (fetcher.folder / "set.bin.part").write_bytes(b"x" * 1000)
    (fetcher.folder / "set.bin.part.version").write_text('"0"')
    assert fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256)).read_bytes() == DATA


def test_a_part_as_long_as_the_file_is_fetched_anew(server, fetcher):
    fetcher.folder.mkdir()
    (fetcher.folder / "set.bin.part").write_bytes(b"x" * len(DATA))
    (fetcher.folder / "set.bin.part.version").write_text('"1"')
    assert fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256)).read_bytes() == DATA


def test_a_server_without_ranges_serves_too(tmp_path):
    server = FileServer(ranges=False)
    server.files["example.org/set.bin"], server.breaks = DATA, 1
    fetcher = Fetcher(tmp_path, tmp_path / "lock.json", route=server.route, pause=0.0)
    assert fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256)).read_bytes() == DATA
    server.close()


@each_row(
    "known",
    [Known(sha256="0" * 64), Known(md5="0" * 32), Known(git="0" * 40), Known(size=len(DATA) + 1)],
)
def test_a_file_that_is_not_the_right_one_is_deleted(known, fetcher):
    with pytest.raises(StudioError, match="not the file it should be"):
        fetcher.get(ADDRESS, "set.bin", known)
    assert not list(fetcher.folder.iterdir())


def test_a_cached_file_is_checked_again(fetcher):
    path = fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256))
    path.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(StudioError, match="not the file it should be"):
        fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256))
    assert not path.exists()


def test_more_than_allowed_is_not_fetched(fetcher):
    with pytest.raises(StudioError, match="larger than"):
        fetcher.get(ADDRESS, "set.bin", Known(most=len(DATA) - 1))
    assert not (fetcher.folder / "set.bin").exists()


def test_passing_errors_are_tried_again_and_final_ones_are_not(server, fetcher):
    server.errors = [503, 429]
    fetcher.get(ADDRESS, "set.bin", Known(sha256=SHA256))
    assert len(server.asked) == 3
    with pytest.raises(StudioError, match="answered 404"):
        fetcher.get("https://example.org/gone", "gone")
    assert len(server.asked) == 4


def test_a_server_that_is_not_there_is_a_sentence(tmp_path):
    server = FileServer()
    server.close()
    fetcher = Fetcher(tmp_path, tmp_path / "lock.json", route=server.route, pause=0.0)
    with pytest.raises(StudioError, match="cannot be reached .* run the command again later"):
        fetcher.get(ADDRESS, "set.bin")


def test_only_web_addresses_are_asked(tmp_path):
    with pytest.raises(StudioError, match="no web address"):
        Fetcher(tmp_path, tmp_path / "lock.json").get("file:///etc/passwd", "x")


def test_a_file_without_a_known_hash_is_remembered_and_a_change_is_said(server, fetcher, said):
    fetcher.get(ADDRESS, "set.bin").unlink()
    entry = json.loads(fetcher.lock.read_text())[ADDRESS]
    assert entry == {"size": len(DATA), "sha256": SHA256} and not said
    server.files["example.org/set.bin"] = DATA[::-1]
    fetcher.get(ADDRESS, "set.bin")
    assert len(said) == 1 and "not what it was the first time" in said[0]
    assert json.loads(fetcher.lock.read_text())[ADDRESS]["sha256"] == hashlib.sha256(DATA[::-1]).hexdigest()


def test_an_answer_that_is_no_json_is_a_sentence(fetcher):
    with pytest.raises(StudioError, match="did not answer with JSON"):
        fetcher.json(ADDRESS)


def test_the_id_of_a_blob_is_that_of_git(tmp_path):
    (tmp_path / "a").write_bytes(b"hello\n")
    assert digest(tmp_path / "a", "git") == "ce013625030ba8dba906f756967f9e9ca394464a"  # of `git hash-object`


def tar_of(files: dict[str, bytes], *, link: bool = False) -> bytes:
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        if link:
            entry = tarfile.TarInfo("link.jpg")
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(entry)
    return found.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return found.getvalue()


@each_row(("name", "pack"), [("a.tar.gz", tar_of), ("a.zip", zip_of)])
@each_row("bad", ["../out.jpg", "/etc/out.jpg", "a/../../out.jpg"])
def test_a_name_that_leads_out_of_an_archive_is_refused(name, pack, bad, tmp_path):
    (tmp_path / name).write_bytes(pack({"a/1.jpg": b"1", bad: b"2"}))
    with pytest.raises(StudioError, match="leads out of it"):
        list(archives.members(tmp_path / name, lambda _: True))


def test_links_are_passed_over_and_wanted_files_are_read(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar_of({"a/1.jpg": b"1", "a/2.txt": b"2"}, link=True))
    assert list(archives.members(tmp_path / "a.tar.gz", lambda name: name.endswith(".jpg"))) == [("a/1.jpg", b"1")]


@pytest.mark.parametrize(("name", "pack"), [("a.tar.gz", tar_of), ("a.zip", zip_of)])
def test_files_of_an_archive_are_bounded(name, pack, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    (tmp_path / name).write_bytes(pack({"a.jpg": b"0" * 1001}))
    with pytest.raises(StudioError, match="larger than"):
        list(archives.members(tmp_path / name, lambda _: True))


@each_row(("name", "pack"), [("a.tar.gz", tar_of), ("a.zip", zip_of)])
def test_a_damaged_archive_is_a_sentence(name, pack, tmp_path):
    whole = pack({"a.jpg": bytes(range(256)) * 100})
    for data in (whole[: len(whole) // 2], b"nothing", b""):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(StudioError, match="damaged or no archive"):
            list(archives.members(tmp_path / name, lambda _: True))


@each_row("data", [b"", b"GIF89a", b"\xff\xd8\xff\xe0 no picture"])
def test_what_is_no_picture_is_a_sentence(data):
    with pytest.raises(StudioError, match="no picture"):
        archives.picture(data, "a.jpg")
