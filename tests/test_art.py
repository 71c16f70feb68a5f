"""The artworks that the studio draws itself, and the files of them in assets/styles."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from table import each_row

from imgstudio import art
from imgstudio.art import flowers
from imgstudio.errors import StudioError

ROOT = Path(__file__).parent.parent
LIBRARY = {"__init__", "sheet", "brush", "flowers"}  # modules of the package that are no artworks
make = functools.cache(art.make)  # for pictures that more than one test looks at
FILES = sorted((ROOT / "assets" / "styles").iterdir())


def test_there_are_many_and_every_one_has_a_module_and_a_title_of_its_own():
    assert len(art.NAMES) >= 14
    assert len(set(art.NAMES.values())) == len(art.NAMES)
    modules = {path.stem for path in Path(art.__file__).parent.glob("*.py")}
    assert set(art.NAMES) == modules - LIBRARY


@pytest.mark.slow
@pytest.mark.parametrize("name", art.NAMES)
def test_an_artwork_is_a_full_picture_that_only_its_seed_decides(name):
    first, again, other = make(name, 0, 96), art.make(name, 0, 96), art.make(name, 1, 96)
    assert first.mode == "RGB"
    assert max(first.size) == 96 and min(first.size) >= 64
    assert first.tobytes() == again.tobytes()
    assert first.size == other.size and first.tobytes() != other.tobytes()
    pixels = np.asarray(first, dtype=float)
    assert pixels.std() > 25, "an even sheet"
    for rows in np.array_split(pixels, 3):
        for part in np.array_split(rows, 3, axis=1):
            assert part.std() > 3, "a part of the sheet is empty"


def test_no_global_state_is_read_or_changed():
    np.random.seed(1)
    first = art.make("opart", 0, 64).tobytes()
    state = np.random.get_state()[1].copy()
    assert art.make("opart", 0, 64).tobytes() == first
    assert (np.random.get_state()[1] == state).all()


def test_a_composition_is_the_same_at_every_size():
    small = np.asarray(make("watercolour", 0, 96).resize((32, 32), Image.Resampling.BOX), dtype=float)
    large = np.asarray(art.make("watercolour", 0, 256).resize((32, 32), Image.Resampling.BOX), dtype=float)
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.9


def test_wrong_wishes_get_one_sentence():
    with pytest.raises(StudioError, match="no artwork 'mona': choose one of night, rain") as caught:
        art.make("mona")
    assert str(caught.value).count(".") == 1
    with pytest.raises(StudioError, match="at least 64 pixels"):
        art.make("wave", size=8)


def test_files_are_written_small_enough(tmp_path, monkeypatch):
    files = art.write(tmp_path / "new", ["opart", "ink"], size=160)
    assert [path.name for path in files] == ["opart.jpg", "ink.jpg"]
    with Image.open(files[0]) as picture:
        assert max(picture.size) == 160
    monkeypatch.setattr(art, "LARGEST_FILE", 3000)  # less than quality alone can do
    path = art.write(tmp_path, ["opart"], size=160)[0]
    assert path.stat().st_size < 3000
    with Image.open(path) as picture:
        assert max(picture.size) < 160


def test_the_shipped_files_are_those_of_the_list():
    assert {path.name for path in FILES} == {f"{name}.jpg" for name in art.NAMES}


@each_row("path", FILES)
def test_a_shipped_file_is_small_and_shows_its_artwork(path):
    assert path.stat().st_size < 150_000
    with Image.open(path) as picture:
        assert picture.format == "JPEG" and picture.mode == "RGB"
        assert min(picture.size) >= 500 and max(picture.size) <= 768
        made = make(path.stem, 0, 96)
        shipped = np.asarray(picture.resize(made.size, Image.Resampling.BOX), dtype=float)
    shipped, made = (
        np.asarray(Image.fromarray(p.astype("uint8")).resize((12, 12), Image.Resampling.BOX), dtype=float)
        for p in (shipped, np.asarray(made, dtype=float))
    )
    assert np.corrcoef(shipped.ravel(), made.ravel())[0, 1] > 0.6, "drawn by an older version: write the artworks again"


@each_row("kind", flowers.KINDS)
def test_a_flower_has_petals_and_a_disc_of_its_kind_and_only_its_seed_decides(kind):
    first, again, other = (np.asarray(flowers.make(kind, seed, 96)) for seed in (3, 3, 4))
    assert first.shape == (96, 96, 3) and (first == again).all() and (first != other).any()
    red, green, blue = first.reshape(-1, 3).astype(int).T
    white, yellow = (blue > 150) & (red > 150), (red > 150) & (blue < 100)
    brown, grass = (red < 120) & (red > 1.4 * blue) & (red >= green), (green > 1.2 * red) & (green > 1.2 * blue)
    petals, disc = (white, yellow) if kind == "daisy" else (yellow, brown)
    assert 0.1 < petals.mean() < 0.6 and 0.01 < disc.mean() < 0.2 and grass.mean() > 0.2


def test_a_flower_that_nobody_can_draw_gets_one_sentence():
    with pytest.raises(StudioError, match="no flower 'rose': choose one of daisy, sunflower"):
        flowers.make("rose")
    with pytest.raises(StudioError, match="at least 64 pixels"):
        flowers.make("daisy", size=20)


def test_the_shipped_flowers_are_those_of_the_seeds():
    files = sorted((ROOT / "assets" / "flowers").iterdir())
    assert [path.stem for path in files] == [
        f"{kind}-{i}" for kind, seeds in flowers.SEEDS.items() for i in range(1, len(seeds) + 1)
    ]
    for path in (files[0], files[-1]):
        kind, number = path.stem.split("-")
        made = np.asarray(flowers.make(kind, flowers.SEEDS[kind][int(number) - 1], 320), dtype=float)
        assert path.stat().st_size < 40_000
        assert np.abs(np.asarray(Image.open(path), dtype=float) - made).mean() < 4, "drawn by an older version: write them again"


def test_importing_brings_in_nothing_heavy():
    heavy = "{'numpy', 'PIL', 'scipy', 'skimage', 'torch'} & set(sys.modules)"
    code = f"import sys, imgstudio.art; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
