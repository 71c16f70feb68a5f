"""What is kept for open pages: little, bounded, and not for longer than a visitor stays."""

from __future__ import annotations

import time
from pathlib import Path

import gradio as gr
import pytest

from imgstudio.ui.server import files, opening, sessions, visitors
from imgstudio.ui.server.settings import settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An upload folder of its own, and visitors of its own."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    known = visitors.Visitors()
    for module in (visitors, sessions):
        monkeypatch.setattr(module, "visitors", known)
    return tmp_path / "cache"


@pytest.fixture
def holder() -> sessions.Sessions:
    with gr.Blocks() as page:
        gr.State({"kept": []})
        gr.Textbox("a")
    holder = sessions.Sessions()
    holder.set_blocks(page)
    holder.capacity = 5
    return holder


def test_a_session_keeps_its_states_and_no_copy_of_the_page(holder):
    state, text = list(holder.blocks.blocks)[:2]
    first, second = holder["first"], holder["second"]
    first[state]["kept"].append(1)
    first[text] = holder.blocks.blocks[text]
    first._update_value_in_config(text, "x" * 1000)
    assert (first[state], second[state]) == ({"kept": [1]}, {"kept": []})
    assert not first.config_values and not second.config_values


def test_the_number_of_sessions_is_bounded_and_open_pages_stay_longest(holder):
    with sessions.visitors.connected("open page"):
        mine = holder["open page"]
        for number in range(50):
            holder[f"passing {number}"]
        assert len(holder.session_data) == 5
        assert holder["open page"] is mine


def test_a_visitor_who_has_left_is_forgotten_and_one_who_has_not_is_kept(holder, monkeypatch):
    now = time.monotonic()
    with sessions.visitors.connected("stays"):
        with sessions.visitors.connected("leaves"):
            for name in ("stays", "leaves", "never came"):
                holder[name]
        monkeypatch.setattr(visitors.time, "monotonic", lambda: now + settings().forget_seconds + 5)
        holder.delete_all_expired_state()
        assert set(holder.session_data) == {"stays", "never came"}
        monkeypatch.setattr(visitors.time, "monotonic", lambda: now + 10 * settings().forget_seconds + 5)
        holder.delete_all_expired_state()
        assert set(holder.session_data) == {"stays"}


def test_nobody_is_forgotten_at_work(holder, monkeypatch):
    now = time.monotonic()
    with sessions.visitors.at_work("busy"):
        holder["busy"]
        monkeypatch.setattr(visitors.time, "monotonic", lambda: now + 10_000)
        holder.delete_all_expired_state()
        assert "busy" in holder.session_data


def test_each_visitor_has_a_folder_whose_name_tells_nothing_of_the_session(folder):
    places = []
    for session in ("visit-x", "visit-x", "visit-y"):
        with sessions.visitors.at_work(session):
            places.append(visitors.folder().parent)
    assert places[0] == places[1] != places[2]
    assert not any(name in str(place) for place in places for name in ("visit-x", "visit-y"))


def test_a_dragged_control_keeps_only_its_latest_results(folder):
    draw = visitors.replacing(lambda: visitors.folder())
    other = visitors.replacing(lambda: visitors.folder())
    with sessions.visitors.at_work("drags") as visitor:
        kept = other()
        made = [draw() for _ in range(20)]
        visitors._remover.submit(int).result()  # what was to be removed is removed
        assert [path for path in made if path.exists()] == made[-visitors.RECENT :]
        assert kept.exists()
        steps = visitors.replacing(lambda: (yield visitors.folder()))
        made = [path for _ in range(20) for path in steps()]
        visitors._remover.submit(int).result()
        assert [path for path in made if path.exists()] == made[-visitors.RECENT :]
    assert visitor.folder.exists()


def test_the_oldest_files_of_a_visitor_are_removed_first(folder):
    with sessions.visitors.at_work("much"):
        made = []
        for number in range(6):
            made.append(visitors.folder())
            (made[-1] / "a.png").write_bytes(bytes(1000))
            stamp = 1_000_000 + number
            visitors.os.utime(made[-1], (stamp, stamp))
        visitors._bound(made[0].parent, 2500)
    assert [path.exists() for path in made] == [False] * 4 + [True] * 2


def test_a_name_means_a_regular_file_of_the_folder_or_nothing(folder, tmp_path):
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "b.png").write_bytes(b"picture")
    (tmp_path / "c.png").write_bytes(b"private")
    (folder / "link.png").symlink_to(tmp_path / "c.png")
    (folder / "inner.png").symlink_to(folder / "a" / "b.png")
    real = folder.resolve() / "a" / "b.png"
    for name in ("a/b.png", str(folder / "a/b.png"), "./a//b.png", "inner.png"):
        assert files.readable(name) == real
    for name in (
        "link.png",
        "../c.png",
        "a/../a/b.png",
        "a",
        "",
        ".",
        "~",
        str(tmp_path / "c.png"),
        "a\0",
        "x" * 9999,
        None,
        3,
    ):
        assert files.readable(name) is None, name


def test_files_have_names_on_their_way_out_and_paths_on_their_way_in(folder):
    (folder / "a b").mkdir(parents=True)
    path = folder / "a b" / "ä.png"
    path.write_bytes(b"picture")
    sent = {"path": str(path), "url": f"http://x/gradio_api/file={path}", "meta": {"_type": "gradio.FileData"}, "orig_name": None}
    out = files.outgoing([{"image": sent, "caption": "c"}])
    assert str(folder) not in str(out)
    assert out[0]["image"]["path"] == "a b/ä.png" and out[0]["image"]["url"] == "http://x/gradio_api/file=a%20b/%C3%A4.png"
    back = files.incoming(gr.Gallery(), out)
    assert back[0]["caption"] == "c" and back[0]["image"]["path"] == str(path.resolve())


def test_the_opening_files_come_back(folder):
    path = visitors.folder() / "a.png"
    path.write_bytes(b"picture")
    kept = opening.Opening()
    kept.keep([path])
    visitors.shutil.rmtree(folder)
    kept.restore()
    assert path.read_bytes() == b"picture" and [each.name for each in path.parent.iterdir()] == ["a.png"]
