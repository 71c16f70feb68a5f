"""The training sets, each made from a small copy of its source on a loopback server, in the form that the recipes read."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from file_server import FileServer
from PIL import Image
from table import each_row
from test_fetch import tar_of, zip_of

import imgstudio.cli.main as cli
from imgstudio.errors import StudioError
from imgstudio.train import ship
from imgstudio.train.data import datasets, drawn_sets, fetch, photo_sets, read, texture_sets
from imgstudio.train.data.fetch import Fetcher, Known
from imgstudio.train.features import darknet, scenes
from imgstudio.train.perceptual import TinyDarknet


def jpeg(seed: int, size: tuple[int, int] = (100, 100)) -> bytes:
    """A smooth random picture."""
    pixels = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


ANY = Known()


@pytest.fixture
def server():
    found = FileServer()
    yield found
    found.close()


@pytest.fixture
def make(server, tmp_path, monkeypatch):
    """Makes a set by its name. What a real source is pinned to is left out: sizes and hashes."""
    said: list[str] = []
    monkeypatch.setattr(photo_sets, "content_digest", Anything)

    def run(name: str) -> Path:
        fetcher = Fetcher(tmp_path / "sources", tmp_path / "lock.json", said.append, server.route, pause=0.0)
        get = fetcher.get
        fetcher.get = lambda address, file, known=ANY: get(address, file, Known(most=known.most))
        return datasets.prepare(name, tmp_path, say=said.append, fetcher=fetcher)

    run.said = said
    return run


class Anything(str):
    """Equal to any text."""

    def __new__(cls, _: object) -> Anything:
        return super().__new__(cls)

    def __ne__(self, other: object) -> bool:
        return False


def contents(path: Path) -> dict[str, Image.Image]:
    with tarfile.open(path) as tar:
        return {m.name: Image.open(io.BytesIO(tar.extractfile(m).read())) for m in tar if m.name.endswith(".jpg")}


def github(repository: str, commit: str) -> str:
    return f"codeload.github.com/{repository}/tar.gz/{commit}"


def test_hands_keep_their_digit_and_their_name(server, make):
    files = {f"x/Dataset/{d}/IMG_{d}00{i}.JPG": jpeg(i, (100, 100)) for d in range(10) for i in range(2)}
    address = github("ardamavi/Sign-Language-Digits-Dataset", "4b09433ef9d5c60602e8805bb54b8aa2428527f8")
    server.files[address] = tar_of({**files, "x/README.md": b"no picture", "x/Examples/a.JPG": jpeg(5)})
    path = make("hands")
    found = contents(path)
    assert sorted(found) == sorted(name[10:].lower() for name in files)
    assert {each.size for each in found.values()} == {(64, 64)}
    assert read(path, size=64).classes == tuple("0123456789")
    assert any("Apache-2.0" in text for text in make.said) and any("2062 pictures were expected" in text for text in make.said)


def test_clothing_is_numbered_over_all_its_parts(server, make):
    files = {
        f"x/{part}/{kind}/{i}.jpg": jpeg(i, (40, 70)) for part in ("test", "train") for kind in ("hat", "dress") for i in (1, 2)
    }
    address = github("alexeygrigorev/clothing-dataset-small", "11961516512414bf9f6c150a832cfd21b54a6b54")
    server.files[address] = tar_of(files)
    found = contents(make("clothing"))
    assert list(found)[:3] == ["dress/00000.jpg", "dress/00001.jpg", "hat/00002.jpg"] and "dress/00004.jpg" in found
    assert {each.size for each in found.values()} == {(128, 128)}


def test_fruits_are_of_the_known_varieties_and_as_many_of_each(server, make, monkeypatch):
    monkeypatch.setattr(photo_sets, "FRUITS_EACH", 3)
    files = {
        f"x/{part}/{v}/r_{i}_100.jpg": jpeg(i) for part in ("Training", "Test") for v in photo_sets.VARIETIES for i in (1, 2)
    }
    server.files[github(*photo_sets.FRUITS)] = tar_of({**files, "x/Training/Banana 1/1_100.jpg": jpeg(1)})
    found = contents(make("fruits"))
    kinds = [name.partition("__")[0] for name in found]
    assert len(set(kinds)) == 52 and "Apple/Apple_Pink_Lady_1" in kinds and "Tomato/Tomato_Cherry_Red_2" in kinds
    assert all(kinds.count(kind) == 2 for kind in kinds) and len(set(found)) == 104  # both parts have the same names


def test_objects_leave_out_two_kinds_and_most_of_the_large_ones(server, make, monkeypatch):
    monkeypatch.setattr(photo_sets, "OBJECTS_EACH", 3)
    kinds = {"ant": 2, "watch": 5, "BACKGROUND_Google": 2, "Faces_easy": 2}
    files = {f"101/{k}/image_{i:04d}.jpg": jpeg(i, (60, 40)) for k, count in kinds.items() for i in range(count)}
    server.files[photo_sets.CALTECH[8:]] = zip_of({"caltech-101/101_ObjectCategories.tar.gz": tar_of(files)})
    found = contents(make("objects"))
    assert sorted(name.split("/")[0] for name in found) == ["ant", "ant", "watch", "watch", "watch"]


def test_flowers_get_the_folders_that_the_recipes_know(server, make):
    kinds = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
    files = {f"flower_photos/{kind}/{i}.jpg": jpeg(i, (320, 300)) for kind in kinds for i in range(2)}
    server.files[photo_sets.FLOWERS[8:]] = tar_of({**files, "flower_photos/LICENSE.txt": b"CC BY"})
    found = contents(make("flowers"))
    assert {name.split("/")[0] for name in found} == {"daisy", "dandelion", "roses", "sunflower", "tulips"}
    assert {min(each.size) for each in found.values()} == {240}


def test_every_single_picture_is_pinned_and_named_as_recipes_name_it():
    rows = photo_sets.singles("")
    names = {row.name for row in rows}
    assert len(rows) == len(names) == 119 and all(len(row.commit) == len(row.blob) == 40 for row in rows)
    painted = {recipe.painting for recipe in ship.find("fast/scream").RECIPES.values()}
    prefixes = [source.prefix for source in ship.find("cyclegan/photo2painting").RECIPES["cyclegan/photo2painting"].b]
    assert painted <= names and all(any(name.startswith(prefix) for name in names) for prefix in prefixes)
    assert all(" " not in row.address and row.address.startswith("https://") for row in rows)


def test_photographs_and_paintings_have_the_sizes_of_the_table(server, make):
    for row in photo_sets.singles(""):
        server.files[row.address[8:]] = jpeg(int(row.blob[:4], 16), (row.size[0] // 8, row.size[1] // 8))
    old = {f"x/Titian/Titian_{i}.jpg": jpeg(i, (400, 300)) for i in (1, 2, 10, 18)}
    server.files[github(*photo_sets.TITIAN)] = tar_of(old)
    photographs, paintings = make("photos"), contents(make("paintings"))
    sizes = {row.name: row.size for row in photo_sets.singles("")}
    assert {name: each.size for name, each in contents(photographs).items()}.items() <= sizes.items()
    assert sorted(name for name in paintings if "old" in name) == [f"oldmaster/000{i}.jpg" for i in (1, 2, 3)]
    assert len([name for name in paintings if name.startswith("impressionist/")]) == 14
    assert scenes.read_crops(photographs, 64, most=1).names  # SOURCES.tsv is no picture
    with tarfile.open(photographs) as tar:
        assert b"CC BY-SA 4.0" in tar.extractfile("photo/SOURCES.tsv").read()


def test_a_repository_with_other_pictures_is_refused(server, tmp_path):
    address = github("ardamavi/Sign-Language-Digits-Dataset", "4b09433ef9d5c60602e8805bb54b8aa2428527f8")
    server.files[address] = tar_of({"x/Dataset/0/IMG_1.JPG": jpeg(1)})
    fetcher = Fetcher(tmp_path / "sources", tmp_path / "lock.json", route=server.route)
    with pytest.raises(StudioError, match="does not hold the pictures it should"):
        datasets.prepare("hands", tmp_path, say=lambda _: None, fetcher=fetcher)
    assert not (tmp_path / "hands64.tar").exists()


def test_what_no_repacking_changes_is_what_git_says():
    """Of two files that `git hash-object` knows as ce0136... and e69de2..."""
    lines = "ce013625030ba8dba906f756967f9e9ca394464a a\ne69de29bb2d1d6434b8b29ae775ad8c2e48c5391 b\n"
    expected = hashlib.sha256(lines.encode()).hexdigest()
    assert photo_sets.content_digest([("b", b""), ("a", b"hello\n")]) == expected


def asset(name: str, link: str) -> dict:
    zipped = {"downloads": [{"attribute": "2K-PNG", "downloadLink": "x"}, {"attribute": "1K-JPG", "downloadLink": link}]}
    return {"assetId": name, "downloadFolders": {"default": {"downloadFiletypeCategories": {"zip": zipped}}}}


@pytest.fixture
def catalogue(server):
    """Four materials of ambientCG and two of Poly Haven."""
    names = ("Asphalt003", "Wood026", "Wood001", "Bricks002", "Cheese001")
    pages = [[asset(name, f"https://ambientcg.com/get/{name}.zip") for name in names], []]
    for page, assets in enumerate(pages):
        server.files[texture_sets.CATALOGUE.format(offset=100 * page)[8:]] = json.dumps({"foundAssets": assets}).encode()
    for i, name in enumerate(names):
        maps = {f"{name}_1K-JPG_Color.jpg": jpeg(i, (1024, 1024)), f"{name}_1K-JPG_NormalGL.jpg": b"none"}
        server.files[f"ambientcg.com/get/{name}.zip"] = zip_of(maps)
    for name in texture_sets.HAVEN_MATERIALS:
        entry = {"url": f"https://dl.polyhaven.org/{name}.jpg", "size": 1, "md5": "0" * 32}
        server.files[f"api.polyhaven.com/files/{name}"] = json.dumps({"Diffuse": {"1k": {"jpg": entry}}}).encode()
        server.files[f"dl.polyhaven.org/{name}.jpg"] = jpeg(9, (1024, 1024))
    return server


def test_textures_are_crops_of_materials_and_tiles(catalogue, make):
    path = make("textures")
    found = contents(path)
    assert sum(name.startswith("materials/Asphalt003/") for name in found) == 14
    assert {each.size for name, each in found.items() if name.startswith("materials/")} == {(320, 320)}
    tiles = ["tiles128/Bricks/Bricks002.jpg", "tiles128/Wood/Wood001.jpg"]
    assert sorted(name for name in found if name.startswith("tiles")) == tiles
    assert "materials/ph_factory_wall/0000.jpg" in found and not any("Cheese" in name for name in found)
    assert any("does not list" in text and "Bricks008" in text for text in make.said)


ELSEWHERE = ["http://ambientcg.com/a.zip", "https://evil.example/ambientcg.com.zip", "https://ambientcg.com.evil.example/a"]


@each_row("link", ELSEWHERE)
def test_a_service_of_textures_cannot_lead_elsewhere(link, catalogue, make):
    address = texture_sets.CATALOGUE.format(offset=0)[8:]
    catalogue.files[address] = json.dumps({"foundAssets": [asset("Asphalt003", link)]}).encode()
    with pytest.raises(StudioError, match="not its own"):
        make("textures")


def test_categories_are_names_without_their_numbers():
    assert [texture_sets.category(name) for name in ("PavingStones012", "Bricks076C", "Rock053_mossy")] == [
        *("PavingStones", "Bricks", "Rock")
    ]


# --- sets that are drawn


def part(top: int, right: int, bottom: int, left: int, *runs: int) -> dict:
    return {"data": "0x" + bytes([0, top, right, bottom, left, *runs]).hex()}


def test_characters_are_put_together_from_runs():
    body, none = part(20, 12, 21, 8, 3, 1, 1, 0, 4, 2), part(0, 0, 0, 0)
    parts = {
        "palette": ["", "ff0000", "0000ff"],
        "bgcolors": ["d5d7e1"],
        "images": {"bodies": [body], "accessories": [none], "heads": [part(1, 3, 1, 1, 2, 2)], "glasses": [none]},
    }
    image = drawn_sets.characters(parts, 2)[1]
    assert image.shape == (32, 32, 3) and image[0, 0].tolist() == [0xD5, 0xD7, 0xE1]
    assert image[20, 8:11].tolist() == [[255, 0, 0]] * 3 and image[20, 11].tolist() == [0xD5, 0xD7, 0xE1]
    assert image[21, 8:12].tolist() == image[1, 1:3].tolist() * 2 == [[0, 0, 255]] * 4


@each_row("bad", [part(0, 33, 0, 0, 33, 1), part(31, 2, 33, 0, 2, 1, 2, 1), part(0, 4, 0, 0, 3, 1)])
def test_a_part_that_does_not_fit_is_a_sentence(bad):
    with pytest.raises(StudioError, match="does not fit"):
        drawn_sets.unpacked(bad["data"], np.zeros((4, 3), np.uint8))


def test_images_are_written_in_the_form_that_recipes_read(tmp_path):
    drawn_sets.write_images(np.full((3, 64, 64, 3), 9, np.uint8), tmp_path / "a.npz")
    assert len(read(tmp_path / "a.npz", size=32)) == 3 and [each.name for each in tmp_path.iterdir()] == ["a.npz"]


def test_sets_from_packages_name_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "which", lambda _: None)
    for name in ("avatars", "nouns"):
        with pytest.raises(StudioError, match="install Node.js"):
            datasets.prepare(name, tmp_path, say=lambda _: None)


@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm")
def test_a_package_with_another_hash_is_refused(tmp_path):
    """The real client packs a package of this machine."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "package.json").write_text('{"name": "a", "version": "1.0.0"}')
    packed = tmp_path / "out"
    fetch.npm(("pack", str(tmp_path / "package")), packed)
    file = packed / "a-1.0.0.tgz"
    assert fetch.npm_pack("a@1.0.0", packed, fetch.digest(file, "sha256")) == file
    with pytest.raises(StudioError, match="hash differs"):
        fetch.npm_pack("a@1.0.0", packed, "0" * 64)
    assert not file.exists()
    with pytest.raises(StudioError, match="npm could not fetch"):
        fetch.npm(("pack", str(tmp_path / "nothing")), packed)


# --- Tiny Darknet


def darknet_file(version: tuple[int, int] = (0, 2)) -> tuple[bytes, dict[str, torch.Tensor]]:
    """A file of random numbers in the form of Darknet, and what it says."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape, _ in darknet._layout():
        numbers = torch.randn(shape, generator=generator) * 0.1
        state[name] = numbers.abs() + 0.5 if name.endswith("running_var") else numbers
    header = struct.pack("<3iq", *version, 5, 1) if version >= (0, 2) else struct.pack("<4i", *version, 5, 1)
    return header + b"".join(each.numpy().astype("<f4").tobytes() for each in state.values()), state


@each_row("version", [(0, 1), (0, 2)])
def test_tiny_darknet_is_converted_and_read(version, server, make):
    data, state = darknet_file(version)
    server.files["pjreddie.com/media/files/tiny.weights"] = data
    path = make("tiny-darknet")
    made = torch.load(path, weights_only=True)
    assert made.keys() == state.keys() and all(torch.equal(made[name], state[name]) for name in state)
    assert made["conv3.weight"].shape == (16, 32, 1, 1) and made["conv16.bias"].shape == (1000,)
    features = TinyDarknet.from_file(path, 15)(torch.zeros(1, 3, 64, 64))
    assert len(features) == 15 and all(each.isfinite().all() for each in features)


SPOILT = [lambda d: d[:-4], lambda d: d + b"\0" * 4, lambda d: b"", lambda d: b"\xff" * len(d), lambda d: d[:500]]


@each_row("spoil", SPOILT)
def test_another_file_than_tiny_darknet_is_a_sentence(spoil, tmp_path):
    (tmp_path / "a.weights").write_bytes(spoil(darknet_file()[0]))
    with pytest.raises(StudioError, match="a.weights"):
        darknet.read(tmp_path / "a.weights")


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    (tmp_path / "a.weights").write_bytes(darknet_file()[0][:-4] + struct.pack("<f", float("nan")))
    with pytest.raises(StudioError, match="not finite"):
        darknet.read(tmp_path / "a.weights")


# --- the verb


def test_every_file_that_a_recipe_reads_can_be_made():
    known = {each.file for each in datasets.DATASETS}
    assert {file for recipe in ship.RECIPE_MODULES for file in ship.files(recipe)} <= known
    assert len({each.name for each in datasets.DATASETS}) == len(datasets.DATASETS)


def test_sets_are_listed_with_what_they_are_for(capsys):
    assert cli.main(["data"]) == 0
    text = capsys.readouterr().out
    for each in datasets.DATASETS:
        assert f"{each.name}: " in text and each.licence in text and each.source in text and each.fidelity in text
    assert "dcgan/nouns" in text and "no recipe" not in text


def test_an_unknown_set_is_a_sentence(capsys, tmp_path):
    assert cli.main(["data", "cats", "--out", str(tmp_path)]) == 2
    assert "choose one of avatars, nouns" in capsys.readouterr().err


def test_a_set_that_is_there_is_left_alone(capsys, tmp_path):
    (tmp_path / "hands64.tar").write_bytes(b"mine")
    assert cli.main(["data", "hands", "--out", str(tmp_path)]) == 0
    assert "is there already" in capsys.readouterr().out and (tmp_path / "hands64.tar").read_bytes() == b"mine"


def test_training_names_the_command_that_makes_what_is_missing(capsys, tmp_path):
    for verb in ("train", "ship"):
        more = ["--images", "8"] if verb == "train" else []
        assert cli.main([verb, "vae/hands", "--data", str(tmp_path), *more]) == 2
        assert "imgstudio data hands --out" in capsys.readouterr().err
    (tmp_path / "hands64.tar").write_bytes(b"")
    assert cli.main(["train", "vae/hands", "--data", str(tmp_path), "--images", "8"]) == 2
    assert "imgstudio data tiny-darknet --out" in capsys.readouterr().err


def test_what_a_set_is_made_with_is_package_data():
    root = Path(__file__).parent.parent
    kept = re.search(r"package-data\]\nimgstudio = \[(.*)\]", (root / "pyproject.toml").read_text()).group(1)
    others = [path for path in (root / "imgstudio" / "train" / "data").iterdir() if path.is_file() and path.suffix != ".py"]
    assert others and all(f'"train/data/*{path.suffix}"' in kept for path in others)


def test_a_damaged_source_leaves_no_set(server, make, tmp_path):
    server.files[github(*photo_sets.FRUITS)] = b"no archive"
    with pytest.raises(StudioError, match="damaged or no archive"):
        make("fruits")
    assert not (tmp_path / "fruits64.tar").exists()


def test_the_catalogue_says_how_the_heads_of_stylegan2_were_trained():
    from imgstudio import catalog

    assert "no discriminator" in catalog.find("stylegan2/avatars").origin
    assert ship.find("stylegan2/avatars").RECIPES["stylegan2/avatars"].distill.pretrain_images == 10**9  # which is why


def test_every_file_of_weights_has_a_row_with_its_command():
    root = Path(__file__).parent.parent / "weights"
    lines = (root / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if "imgstudio train " in line]
    converted = {each.file: each.name for each in datasets.DATASETS if each.file.endswith(".safetensors")}
    for path in root.glob("*.safetensors"):
        if path.name in converted:
            command = f"`python -m imgstudio data {converted[path.name]} --out weights`"
            assert sum(f"`{path.name}`" in line and command in line for line in lines) == 1, path.name
        else:
            assert sum(f"`{path.name}`" in row for row in rows) == 1, path.name
    for row in rows:
        recipe = re.search(r"imgstudio train (\S+) ", row).group(1)
        assert recipe in ship.RECIPE_MODULES and len(row.split(" | ")) == 7
        for set_name in re.findall(r"`([a-z-]+)`", row.split(" | ")[1]):
            assert datasets.find(set_name)
    never = {re.search(r"imgstudio train (\S+) ", row).group(1) for row in rows if "**no**" in row}
    assert never == {"stylegan2/avatars", "stylegan2/fruits", "cyclegan/photo2painting"}
