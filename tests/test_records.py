"""Records: what every picture carries, in every format, and the picture made again.

That every operation on every model that comes with the studio is made again bit for bit is in test_golden, beside its pictures.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin
from table import each_row

import imgstudio
from imgstudio import Latent, StudioError, image
from imgstudio.image import metadata
from imgstudio.studio import animation, pictures, texture
from imgstudio.studio.records import facts, inputs, reading, replaying
from imgstudio.studio.texture import synthesis
from imgstudio.studio.texture.mosaic import mosaic

STILLS, FILMS = ("png", "webp", "jpg", "gif"), ("gif", "webp", "mp4")
MODEL = "dcgan/nouns"


def noise(seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    noise().save(path)
    return path


def same(a: Image.Image, b: Image.Image) -> bool:
    return a.size == b.size and a.tobytes() == b.tobytes()


# --- what is in it


def test_a_record_has_settings_models_versions_and_the_pixels():
    [picture] = imgstudio.sample(MODEL, np.int64(7), truncation=np.float32(0.5))
    found = imgstudio.record(picture)
    assert (found["task"], found["operation"]) == ("sampling", "sample")
    assert found["settings"] == {"model": MODEL, "seeds": 7, "truncation": 0.5, "label": None, "noise": 0}
    assert found["models"] == {MODEL: {"sha256": imgstudio.catalog.find(MODEL).source.sha256}}
    assert found["versions"]["imgstudio"] == imgstudio.__version__ and found["versions"]["torch"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["time"])
    assert found["picture"] == {"size": [32, 32], "sha256": image.fingerprint(picture)} or picture.size != (32, 32)
    assert "changed" not in found
    picture.paste("red", (0, 0, 2, 2))
    assert imgstudio.record(picture)["changed"] is True


def test_inputs_are_named_without_their_folder(photo):
    made = imgstudio.decompose(photo, strength=0)
    assert imgstudio.record(made.texture)["inputs"] == {
        "image": {"name": "photo.png", "size": [48, 40], "sha256": image.fingerprint(noise())}
    }
    assert str(photo.parent) not in json.dumps(imgstudio.record(made.texture))
    assert imgstudio.record(made.texture)["part"] == ["texture"]


def test_pictures_are_compared_by_their_pixels():
    first, second = (imgstudio.decompose(noise(), strength=strength).structure for strength in (0, 0.0))
    assert first == second and imgstudio.record(first)["settings"]["strength"] is not imgstudio.record(second)


def test_both_nets_of_a_translation_are_named():
    made = imgstudio.translate("cyclegan/apple2tomato", noise(), size=32)
    assert set(imgstudio.record(made.cycle)["models"]) == {"cyclegan/apple2tomato", "cyclegan/tomato2apple"}


def decorated() -> set[tuple[str, str]]:
    """Module and name of every function of the studio that is decorated with `recorded`."""
    root = Path(imgstudio.__file__).parent / "studio"
    found = set()
    for path in root.rglob("*.py"):
        module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any("recorded" in ast.unparse(each) for each in node.decorator_list):
                found.add((module, node.name))
    return found - {("records.making", "recorded")}


def test_every_operation_that_leaves_a_record_can_be_replayed_and_every_public_one_leaves_one():
    assert decorated() == set(replaying._HOME.values())
    for module, name in replaying._HOME.values():
        assert callable(getattr(importlib.import_module(f"imgstudio.studio.{module}"), name))
    others = {"models", "load", "import_weights", "cached", "directions", "attributes", "last"}  # make no pictures
    others |= {"save", "record", "replay", "grid"}
    functions = {name for name in imgstudio.__all__ if not isinstance(getattr(imgstudio, name), type)}
    assert functions - others <= {name for _, name in decorated()}


# --- files


@each_row("ending", STILLS)
def test_every_still_format_leads_to_the_picture(ending, tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "_now", iter(map(str, range(9))).__next__)
    made = mosaic(3, regions=2, size=32).image
    path = imgstudio.save(made, tmp_path / f"a.{ending}")
    assert imgstudio.record(path) == imgstudio.record(made)
    again = imgstudio.replay(path)
    assert same(again, made)
    assert imgstudio.record(again) == imgstudio.record(made), "the record of a picture made again is the first one"
    assert imgstudio.save(again, tmp_path / f"b.{ending}").read_bytes() == path.read_bytes()
    with pytest.raises(StudioError, match="no record"):
        imgstudio.record(imgstudio.save(made, tmp_path / f"c.{ending}", record=False))


@each_row("ending", FILMS)
def test_every_film_leads_to_its_frames(ending, tmp_path, monkeypatch):
    frames = list(imgstudio.walk(MODEL, [1, 2], frames=2))
    monkeypatch.setattr(facts, "_now", iter(map(str, range(9))).__next__)
    for given in (frames, imgstudio.walk(MODEL, [1, 2], frames=2)):
        path = imgstudio.save(given, tmp_path / f"a.{ending}", fps=10)
        assert imgstudio.record(path)["film"] == {"fps": 10}
        again = imgstudio.replay(path)
        assert [frame.tobytes() for frame in again] == [frame.tobytes() for frame in frames]
        assert imgstudio.record(imgstudio.save(again, tmp_path / f"again.{ending}", fps=10)) == imgstudio.record(path)
    with pytest.raises(StudioError, match="no record"):
        imgstudio.record(imgstudio.save(frames, tmp_path / f"b.{ending}", record=False))


def test_some_frames_of_a_film_are_those_frames(tmp_path):
    frames = list(imgstudio.walk(MODEL, [1, 2], frames=2))
    path = imgstudio.save([pictures.enlarge(frame, 128) for frame in frames[2:0:-1]], tmp_path / "a.gif")
    again = imgstudio.replay(path)
    assert [same(one, pictures.enlarge(other, 128)) for one, other in zip(again, frames[2:0:-1], strict=True)] == [True, True]
    mixed = imgstudio.save([frames[0], imgstudio.sample(MODEL, 9)[0]], tmp_path / "b.gif")
    with pytest.raises(StudioError, match="no record"):
        imgstudio.record(mixed)


def test_a_film_in_another_format_keeps_its_record(tmp_path):
    path = imgstudio.save(imgstudio.walk(MODEL, [1, 2], frames=2), tmp_path / "a.webp")
    assert imgstudio.record(animation.convert(path, tmp_path / "b.mp4")) == imgstudio.record(path)


def test_a_record_too_long_for_a_jpeg_is_said(tmp_path):
    made = imgstudio.sample(MODEL, 5)[0]
    image.carry(made, {**imgstudio.record(made), "settings": {"model": "x" * 70_000}})
    with pytest.raises(StudioError, match="too long for a JPEG"):
        imgstudio.save(made, tmp_path / "a.jpg")
    assert imgstudio.record(imgstudio.save(made, tmp_path / "a.webp"))["settings"]["model"] == "x" * 70_000


def test_settings_of_older_pictures_still_open(tmp_path):
    path = image.save_png(noise(), tmp_path / "old.png", {"task": "sample", "model": MODEL, "seed": 3})
    assert imgstudio.record(path) == {"task": "sample", "model": MODEL, "seed": 3}
    with pytest.raises(StudioError, match="older version"):
        imgstudio.replay(path)


def test_settings_and_record_lie_side_by_side(tmp_path):
    made = mosaic(3, regions=2, size=32).image
    path = image.save_png(made, tmp_path / "both.png", {"task": "mosaic"})
    assert image.read_settings(path) == {"task": "mosaic"} and imgstudio.record(path)["operation"] == "mosaic"


# --- again


def test_a_sheet_and_an_enlargement_are_made_again(tmp_path):
    made = imgstudio.sample(MODEL, [1, 2, 3])
    sheet = pictures.grid(made, 2, side=128)
    assert same(imgstudio.replay(imgstudio.save(sheet, tmp_path / "sheet.png")), sheet)
    for smooth in (False, True):
        large = pictures.enlarge(made[1], 128, smooth)
        assert same(imgstudio.replay(imgstudio.save(large, tmp_path / "large.gif")), large)
    mixed = pictures.grid([made[0], imgstudio.sample(MODEL, 9)[0]])
    with pytest.raises(StudioError, match="no record"):
        imgstudio.record(mixed)


def test_an_input_that_the_studio_made_needs_not_be_given(tmp_path):
    a, b = imgstudio.prior("vae/fruits", [1, 2])
    a_file = imgstudio.save(a, tmp_path / "a.png")
    made = imgstudio.interpolate("vae/fruits", a_file, b, steps=2)[1]
    assert same(imgstudio.replay(imgstudio.save(made, tmp_path / "made.webp")), made)
    a.paste("red", (0, 0, 9, 9))
    made = imgstudio.interpolate("vae/fruits", a, b, steps=2)[1]
    assert "record" not in imgstudio.record(made)["inputs"]["a"], "it was painted over since"


def test_a_step_on_the_way_is_made_again():
    steps = list(imgstudio.synthesize(noise(), size=64, method="quilting", patch=12))
    assert len(steps) > 2
    for step in (steps[1], steps[-1]):
        assert imgstudio.record(step.image)["step"] == step.done
        assert same(imgstudio.replay(step.image, image=noise()), step.image)


def test_places_in_latent_space_are_kept_to_the_bit():
    place = Latent("stylegan2/fruits", torch.randn(8, 256, generator=torch.Generator().manual_seed(0)))
    made = imgstudio.sample("stylegan2/fruits", [place, 4])[0]
    assert same(imgstudio.replay(json.loads(json.dumps(imgstudio.record(made)))), made)


def test_regions_are_found_again_with_what_was_merged(photo):
    found = texture.merge(texture.regions_of(texture.embed("gabor/texture", photo, size=48), 3), 1, 2)
    made = imgstudio.overlay(photo, found, opacity=0.3)
    names = [name for name, _ in inputs.wanted(imgstudio.record(made))]
    assert names == ["image", "segmentation.segmentation.embeddings.image"]
    assert same(imgstudio.replay(made, image=noise()), made)


def test_an_input_that_was_shrunk_first_is_taken_in_its_own_size_too(photo):
    made = imgstudio.decompose(pictures.shrink(photo, 32), method="rof").texture
    entry = imgstudio.record(made)["inputs"]["image"]
    assert (entry["name"], entry["original"]["size"]) == ("photo.png", [48, 40])
    for given in (photo, pictures.shrink(photo, 32)):
        assert same(imgstudio.replay(made, image=given), made)
    with pytest.raises(StudioError, match="another picture"):
        imgstudio.replay(made, image=noise(1))


def test_regions_that_a_person_made_are_asked_for():
    labels = np.arange(48 * 40).reshape(40, 48) // 960
    made = imgstudio.overlay(noise(), texture.from_labels(labels))
    assert same(imgstudio.replay(made, image=noise(), segmentation=texture.from_labels(labels)), made)
    others = {"segmentation": texture.from_labels(labels // 2)}
    for given, sentence in (({}, "segmentation is missing"), (others, "other regions")):
        with pytest.raises(StudioError, match=sentence):
            imgstudio.replay(made, image=noise(), **given)


def test_other_operations_are_made_again():
    made = synthesis.repeat(noise(), 2)
    assert same(imgstudio.replay(made, image=noise()), made)
    parts = imgstudio.decompose(noise(), method="rof")
    made = imgstudio.recompose(parts, 2)
    assert same(imgstudio.replay(made, image=noise()), made)


def test_what_is_missing_or_differs_is_said_in_a_sentence(photo):
    made = imgstudio.decompose(photo, strength=0).structure
    digest = image.fingerprint(noise())[:16]
    for given, sentence in (
        ({}, f"The input image is missing: give the picture 'photo.png' \\(48 x 40 pixels, SHA-256 of the pixels {digest}"),
        ({"image": noise(1)}, f"another picture than the recorded one .*recorded {digest}"),
        ({"image": photo, "style": photo}, "no input 'style': its inputs are image"),
        ({"image": "nowhere.png"}, "no picture file"),
    ):
        with pytest.raises(StudioError, match=sentence):
            imgstudio.replay(made, **given)


def test_other_weights_are_said():
    found = imgstudio.record(imgstudio.sample(MODEL, 1)[0])
    found["models"][MODEL] = {"sha256": "0" * 64}
    with pytest.raises(StudioError, match="The weights of .* are not those of this picture: their SHA-256"):
        imgstudio.replay(found)
    found["models"] = {"dinov2/texture": {"revision": "0" * 40}}
    with pytest.raises(StudioError, match="their revision was"):
        imgstudio.replay(found)


def test_other_pixels_are_said_in_a_warning():
    found = imgstudio.record(mosaic(3, regions=2, size=32).image)
    found["picture"]["sha256"] = "0" * 64
    with pytest.warns(UserWarning, match="not those of the original"):
        imgstudio.replay(found)


# --- records that anybody may have written


def hostile() -> dict[str, object]:
    """Records that are none, or lead where none may lead."""
    good = imgstudio.record(imgstudio.decompose(noise(), strength=0).structure)
    settings, entry = good["settings"], good["inputs"]["image"]
    deep: dict = {}
    for _ in range(30):
        deep = {"$made": {**good, "settings": {**settings, "strength": deep}}}
    deeper: dict = {}
    for _ in range(5000):
        deeper = {"$made": {"settings": deeper}}
    return {
        "deeper": {**good, "settings": {"image": deeper}},
        "keys": {**good, "settings": {f"key {n}": n for n in range(10_000)}},
        "inputs": {**good, "inputs": {f"image_{n}": entry for n in range(1, 10_000)}},
        "html": {**good, "operation": "<script>alert(1)</script>"},
        "html setting": {**good, "settings": {**settings, "<img src=x>": 1}},
        "digits": {**good, "settings": {**settings, "strength": int("9" * 400)}},
        "huge": {**good, "settings": {**settings, "size": 10**300}},
        "version": {**good, "record": 2},
        "version text": {**good, "record": "<b>1</b>"},
        "version list": {**good, "record": [[1]]},
        "operation": {**good, "operation": "load"},
        "dunder": {**good, "operation": "__import__"},
        "operation list": {**good, "operation": ["decompose"]},
        "path": {**good, "inputs": {}, "settings": {**settings, "image": "/etc/passwd"}},
        "address": {**good, "inputs": {}, "settings": {**settings, "image": "http://127.0.0.1/x.png"}},
        "path as entry": {**good, "inputs": {"image": "/etc/passwd"}},
        "original": {**good, "inputs": {"image": {**entry, "sha256": "0", "original": {"side": 10**30, "sha256": [1]}}}},
        "original list": {**good, "inputs": {"image": {**entry, "sha256": "0", "original": [1]}}},
        "path in entry": {**good, "inputs": {"image": {"path": "/etc/passwd", "name": "/etc/passwd", "sha256": 7, "size": "x"}}},
        "paths": {**good, "inputs": {}, "settings": {**settings, "image": ["/etc/passwd"]}},
        "model": {**good, "operation": "sample", "settings": {"model": "../../etc/passwd", "seeds": 1}, "models": {}},
        "models": {**good, "models": {"/etc/passwd": {"sha256": "0"}}},
        "models list": {**good, "models": [1]},
        "settings list": {**good, "settings": []},
        "no settings": {key: value for key, value in good.items() if key != "settings"},
        "made": {**good, "operation": "recompose", "settings": {"amount": 1, "decomposition": {"$made": 7}}, "inputs": {}},
        "made other": {**good, "operation": "recompose", "settings": {"amount": 1, "decomposition": {"$made": good}}},
        "deep": {**good, "settings": {**settings, "strength": deep}},
        "latent": {
            "record": 1,
            "operation": "sample",
            "settings": {"model": "stylegan2/fruits", "seeds": {"$latent": {"model": "x", "shape": [10**30, 1], "w": "AAAA"}}},
            "models": {},
            "inputs": {},
        },
        "part": {**good, "part": ["__class__"]},
        "part number": {**good, "part": [10**30]},
        "part text": {**good, "part": "structure"},
        "step": {**good, "step": "x", "operation": "synthesize"},
        "sheet": {**good, "sheet": {"columns": "x", "gap": -1, "side": 10**9, "parts": [["structure"]]}},
        "sheet none": {**good, "sheet": 7},
        "film": {**good, "film": {"parts": 7}},
        "enlarge": {**good, "enlarge": {"side": 10**9, "smooth": "x"}},
        "nested": {**good, "inputs": {"image": {**entry, "record": {**good, "operation": "eval"}}}},
        "own": {**good, "inputs": {"image": {**entry, "record": good}}},
    }


def test_a_hostile_record_is_answered_with_a_sentence_and_opens_nothing(tmp_path, monkeypatch):
    opened = []
    original = image.files._file
    monkeypatch.setattr(image.files, "_file", lambda source: opened.append(source) or original(source))
    given = noise()
    for name, found in hostile().items():
        with pytest.raises(StudioError) as sentence:
            kept = {} if name in ("path", "address", "paths", "own", "nested") else {"image": given}
            imgstudio.replay(found, **kept)
            pytest.fail(f"{name} was taken")
        text = str(sentence.value)
        assert len(text) < 700 and "\n" not in text and text.endswith(".") and text.isprintable(), (name, text)
    assert opened == []


@each_row("ending", STILLS)
def test_a_hostile_text_in_a_file_is_no_record(ending, tmp_path):
    texts = [
        "[" * 100_000,
        '{"record":1,"operation":"sample","settings":' + '{"a":' * 50_000,
        '{"record":1,"operation":"sample","x":' + "9" * 400 + "}",
        '{"record":1,"operation":"sample","x":' + "9" * 5000 + "}",
        '{"record":1,"operation":"sample","x":NaN}',
        '{"record":1,"operation":"sample","x":[' + "0," * 30_000 + "0]}",
        '{"record":1,"operation":["sample"]}',
        '{"record":1}',
        "Made with an editor",
        "",
    ]
    for number, text in enumerate(texts):
        if ending == "jpg" and len(text) > metadata.MOST_EXIF:
            continue
        path = tmp_path / f"{number}.{ending}"
        write(path, text)
        with pytest.raises(StudioError, match="no record"):
            imgstudio.record(path)


def write(path: Path, text: str) -> None:
    """A picture with a text where a record would be."""
    info = PngImagePlugin.PngInfo()
    info.add_text(image.png.RECORD_KEY, text)
    more = {
        ".png": {"pnginfo": info},
        ".gif": {"comment": text.encode()},
        ".webp": {"exif": metadata.exif(text)},
        ".jpg": {"exif": metadata.exif(text)},
    }
    noise(0, (8, 8)).save(path, **more[path.suffix])


def test_a_text_beyond_the_bound_is_not_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(reading.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    long = '{"record":1,"operation":"sample","x":"' + "x" * 1_100_000 + '"}'
    assert reading.parsed(long) is None
    for ending in ("gif", "webp", "png"):
        write(tmp_path / f"long.{ending}", long)
        with pytest.raises(StudioError, match="no record"):
            imgstudio.record(tmp_path / f"long.{ending}")


@each_row("ending", ("webp", "jpg", "gif", "mp4"))
def test_damaged_files_have_no_record_or_the_whole_of_it(ending, tmp_path):
    frames = list(imgstudio.walk(MODEL, [1, 2], frames=1))
    path = imgstudio.save(frames if ending == "mp4" else frames[0], tmp_path / f"whole.{ending}")
    data, known = path.read_bytes(), imgstudio.record(path)
    random = np.random.default_rng(0)
    for trial in range(60):
        cut = bytearray(data[: int(random.integers(1, len(data)))] if trial % 2 else data)
        for place in random.integers(0, len(cut), 5):
            cut[place] = int(random.integers(0, 256))
        (tmp_path / f"cut.{ending}").write_bytes(cut)
        text = metadata.read_text(tmp_path / f"cut.{ending}")
        assert text is None or isinstance(text, str)
    path.write_bytes(data)
    assert imgstudio.record(path) == known
