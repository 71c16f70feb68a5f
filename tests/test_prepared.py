"""What the page opens with is stored: it is what the weights make, and it gives way where they would make something else."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgstudio import ui
from imgstudio.studio import animation
from imgstudio.ui.kit import layout, player, prepared, sources
from imgstudio.ui.kit.theme import ASSETS
from imgstudio.ui.server import opening

NUMBER = re.compile(r"\d+(?:\.\d+)?")
CLUSTERS = "regions."  # a pixel between two textures goes to one or the other by the last bit
COLOUR = re.compile(r"#[0-9a-f]{6}")
HASH = re.compile(r"[0-9a-f]{32}")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """Everything, made from the weights."""
    place = tmp_path_factory.mktemp("opening")
    ui.build()  # what a process keeps of an earlier page is made anew, too
    ui.write_opening(place)
    return place


def test_what_is_stored_is_what_the_weights_make(fresh):
    assert {path.name for path in fresh.glob("*.json")} == {path.name for path in prepared.FOLDER.glob("*.json")}
    for path in fresh.glob("*.json"):
        compare(read(path), read(prepared.FOLDER / path.name), fresh, path.stem)
    stored = {entry["file"] for path in prepared.FOLDER.glob("*.json") for entry in entries(read(path)) if "file" in entry}
    assert stored == {path.name for path in prepared.FOLDER.iterdir() if path.suffix != ".json"}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def entries(value: Any) -> list[dict]:
    """All dicts in it."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(entry for child in children for entry in entries(child))]


def compare(made: Any, kept: Any, fresh: Path, where: str) -> None:
    """The same values; pictures and figures within the rounding of another processor."""
    assert type(made) is type(kept), where
    if isinstance(made, dict):
        assert made.keys() == kept.keys(), where
        if "file" in made:
            alike(Image.open(fresh / made["file"]), Image.open(prepared.FOLDER / kept["file"]), where)
            made, kept = {"title": made["title"]}, {"title": kept["title"]}
        for key in made:
            compare(made[key], kept[key], fresh, f"{where}.{key}")
    elif isinstance(made, list):
        assert len(made) == len(kept), where
        for index, (one, other) in enumerate(zip(made, kept)):
            compare(one, other, fresh, f"{where}.{index}")
    elif isinstance(made, str) and made.startswith("data:image"):
        alike(*(Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))) for text in (made, kept)), where)
    elif isinstance(made, str) and not HASH.fullmatch(made):
        if where.startswith(CLUSTERS):
            made, kept = (COLOUR.sub("", text) for text in (made, kept))
        assert NUMBER.sub("#", made) == NUMBER.sub("#", kept), where
        if where.startswith(CLUSTERS):
            return
        figures = [[float(number) for number in NUMBER.findall(text)] for text in (made, kept)]
        assert figures[0] == pytest.approx(figures[1], rel=0.02, abs=0.11), where
    elif isinstance(made, float):
        assert made == pytest.approx(kept, rel=1e-3), where
    elif not isinstance(made, str):
        assert made == kept, where


def alike(one: Image.Image, other: Image.Image, where: str) -> None:
    assert (one.size, getattr(one, "n_frames", 1)) == (other.size, getattr(other, "n_frames", 1)), where
    a, b = (np.asarray(image.convert("RGB"), dtype=float) for image in (one, other))
    if where.startswith(CLUSTERS):
        assert (abs(a - b).max(axis=-1) > 16).mean() < 0.2, where
    else:
        assert abs(a - b).mean() < 2, where


def test_nothing_is_made_where_it_is_stored(monkeypatch):
    def make():
        raise AssertionError("it was made")

    start = prepared.opening("walk", make, "stylegan2/avatars")
    assert isinstance(start, player.Film) and Path(start.files["webp"]).read_bytes()[:4] == b"RIFF"
    assert layout.is_result(start.files["webp"])
    monkeypatch.setattr(prepared, "FOLDER", Path("nowhere"))
    with pytest.raises(AssertionError, match="it was made"):
        prepared.opening("walk", make, "stylegan2/avatars")


@pytest.mark.parametrize("spoilt", ["weights", "picture", "json", "kind"])
def test_what_does_not_fit_any_more_is_made(tmp_path, monkeypatch, spoilt):
    monkeypatch.setattr(prepared, "FOLDER", tmp_path)
    held = sources.source(ASSETS / "styles" / "wave.jpg", "Wave")
    with prepared.writing(tmp_path):
        assert prepared.opening("test", lambda: (held, 1.5, [None, {"a": True}]), "dcgan/avatars")[0] == held
    found, number, rest = prepared.opening("test", lambda: None, "dcgan/avatars")
    assert (found.title, found.path, found.digest, number, rest) == ("Wave", held.path, held.digest, 1.5, [None, {"a": True}])
    assert Path(found.shown).read_bytes() == Path(held.shown).read_bytes() and found.shown != held.shown
    path = tmp_path / "test.json"
    text = path.read_text()
    digest = read(path)["models"]["dcgan/avatars"]
    changes = {
        "weights": (digest, "0" * 64),
        "picture": (held.digest, "0" * 32),
        "json": ("{", ""),
        "kind": (":Source", ":Sauce"),
    }
    path.write_text(text.replace(*changes[spoilt]))
    assert prepared.opening("test", lambda: "made", "dcgan/avatars") == "made"


def test_only_what_can_be_read_back_is_stored(tmp_path):
    for value in (object(), Path("x"), __file__):
        with prepared.writing(tmp_path), pytest.raises(TypeError):
            prepared.opening("test", lambda value=value: value)


def test_other_formats_of_a_film_are_written_when_somebody_asks():
    frames = [Image.new("RGB", (32, 32), (60 * index, 90, 120)) for index in range(4)]
    playing = animation.save(frames, layout.folder() / "film.webp", fps=10)
    for kind in ("gif", "mp4"):
        path = Path(player._offered({"webp": str(playing)}, kind))
        assert path.read_bytes() == b"" and opening.holds(path)
        opening.restore()  # of everything writes nothing that nobody asked for
        assert path.read_bytes() == b""
        opening.restore(path)
        assert path.stat().st_size > 100
    with Image.open(playing.with_suffix(".gif")) as film:
        assert film.n_frames == 4 and film.info["duration"] == 100
