"""Files of weights from strangers: whatever is in them, they end in a sentence or a model, and take no more than they hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import foreign
import hostile
import pytest
import torch
from safetensors.torch import save_file
from table import each_row

import imgstudio
from imgstudio import StudioError, catalog, loading, weights
from imgstudio.catalog.records import Embedded
from imgstudio.importing import activation_inference, arguments, import_weights, importing, recognise
from imgstudio.importing import importer as bringing
from imgstudio.models.tutorial_gan import TransposedGenerator
from imgstudio.studio import animation

ROOT = Path(__file__).parent.parent
MUTATED = 500
SECONDS = 600  # after which a file that never ends is given up, on any processor
GROWTH = 1000  # MB


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """What a test imports is gone after it."""
    monkeypatch.setattr(catalog, "_registered", {})
    monkeypatch.setattr("imgstudio.loading._nets", {})
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def fates(tmp_path_factory) -> list[dict]:
    """What became of all hostile files, imported by one process of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    hostile.write(folder, MUTATED)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *sys.path])
    env = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "IMGSTUDIO_DEVICE": "cpu"}
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "hostile.py"), str(folder)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    slow = max(rows, key=lambda row: row["seconds"])
    before, after = rows[0]["memory"], rows[-1]["memory"]
    print(f"{len(rows)} files; memory {before:.0f} -> {after:.0f} MB at most; longest {slow['name']}: {slow['seconds']:.1f} s")
    return rows


@pytest.mark.slow
def test_every_hostile_file_ends_in_a_sentence_or_a_model(fates):
    assert len(fates) >= 250 + MUTATED
    assert [row for row in fates if row["fate"].startswith("FAULT")] == []
    for row in fates:
        sentence = row["fate"].partition(" ")[2]
        assert len(sentence) < 700 and "\n" not in sentence, row
        assert "/hostile" not in sentence and "/tmp" not in sentence, "no path of the server"
    made = [row for row in fates if "mutated" not in row["name"]]
    assert [row["name"] for row in made if row["fate"].startswith("LOADED")] == []
    assert [row for row in fates if row["fate"].startswith("LOADED") and "mutated" in row["name"]], "some changes do no harm"


def test_hostile_files_take_little_memory(fates):
    assert fates[-1]["memory"] - fates[0]["memory"] < GROWTH


@each_row("name", hostile.KINDS)
def test_other_kinds_of_files_are_named(fates, name):
    (row,) = [row for row in fates if row["name"].endswith(f"kinds/{name}")]
    assert ("damaged" in row["fate"]) == (name in ("empty.pth", "empty.safetensors", "zeros.ckpt", "noise.pth"))
    told = {"page.pth": "web page", "pointer.safetensors": "Git LFS", "keras.h5": "HDF5", "a.onnx": "ONNX", "net.bin": "ONNX",
            "flax.msgpack": "Flax", "language.gguf": "GGUF", "picture.pth": "picture", "net.pkl": "pickle"}  # fmt: skip
    assert told.get(name, "") in row["fate"]


# --- good files are not called damaged ---


def small_dcgan() -> dict[str, torch.Tensor]:
    return hostile.nets()["dcgan"]


@each_row("config", ["this is no json", '["a list"]', '{"a": {"b": {"c": 1}}}', "7", "null", '{"latent": 10000000}'])
def test_metadata_of_other_tools_do_no_harm(tmp_path, config):
    save_file(small_dcgan(), tmp_path / "a.safetensors", {"config": config, "format": "pt", "modelspec.title": "x"})
    assert "DCGAN" in import_weights(tmp_path / "a.safetensors").note


@each_row("name", sorted(set(hostile.nets()) - {"taesd", "darknet", "fastgan", "vgg"}))
@each_row("ending", ["pth", "old", "protocol", "safetensors", "misnamed"])
def test_every_good_file_opens_in_every_format(tmp_path, name, ending):
    state = {key: value.contiguous() for key, value in hostile.nets()[name].items()}
    path = tmp_path / {"safetensors": "a.safetensors", "misnamed": "a.pth"}.get(ending, "b.pth")
    if ending in ("safetensors", "misnamed"):
        save_file(state, path)
    else:
        options = {"old": {"_use_new_zipfile_serialization": False}, "protocol": {"pickle_protocol": 4}}.get(ending, {})
        torch.save({"epoch": 3, "state_dict": state, "betas": (0.5, 0.9), "names": ["a"]}, path, **options)
    assert imgstudio.load(import_weights(path).name, "cpu")


@pytest.mark.filterwarnings("ignore")
@each_row("old", [False, True])
@each_row("protocol", [2, 4, 5])
def test_tensors_are_those_that_pytorch_reads(tmp_path, protocol, old):
    base = torch.arange(1000.0)
    state = {
        "view": base[10:20],
        "turned": base.view(10, 100).t(),
        "steps": base[::7],
        "all": base,
        "half": torch.randn(5).half(),
        "bfloat": torch.randn(3).bfloat16(),
        "double": torch.randn(2).double(),
        "whole": torch.arange(4),
        "flag": torch.tensor([True, False]),
        "one": torch.tensor(3.0),
        "none": torch.zeros(0, 5),
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "bytes": torch.arange(9).byte(),
        "net": torch.nn.BatchNorm2d(3).state_dict(),
        "repeated": torch.ones(1).expand(50),
    }
    if not old:
        state |= {"float8": torch.randn(4, 4).to(torch.float8_e4m3fn), "uint16": torch.tensor([1, 2], dtype=torch.uint16)}
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=not old, pickle_protocol=protocol)

    def same(mine, other):
        assert mine.keys() == other.keys()
        for name, value in mine.items():
            if isinstance(value, dict):
                same(value, other[name])
                continue
            expected = other[name].detach()
            expected = expected.float() if expected.is_floating_point() else expected
            assert value.dtype == expected.dtype and torch.equal(value, expected) and value.is_contiguous(), name

    same(weights.read(tmp_path / "a.pth"), state)
    assert list(weights.read(tmp_path / "a.pth", lambda name: name == "view")) == ["view"]


def test_records_beside_the_weights_are_read_over(tmp_path):
    import argparse

    import numpy as np

    content = {"args": argparse.Namespace(lr=1), "best": np.float64(1), "path": Path("x"), "state_dict": small_dcgan()}
    torch.save(content, tmp_path / "a.pth")
    assert "DCGAN" in import_weights(tmp_path / "a.pth").note


def test_a_torchscript_program_is_named(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "a.pt"))
    with pytest.raises(StudioError, match=r"^a\.pt is a TorchScript program, which is not executed here: .*state_dict"):
        import_weights(tmp_path / "a.pt")


# --- values ---


@each_row("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers_are_refused_at_import_and_when_loaded(tmp_path, value):
    state = {**small_dcgan()}
    state["0.weight"] = torch.full_like(state["0.weight"], value)
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(StudioError, match=r"no numbers \(NaN\) or infinite"):
        import_weights(tmp_path / "a.pth")
    spec = catalog.find("dcgan/nouns")
    net = loading.resolve(spec.build)(**spec.kwargs).state_dict()
    net["main.0.weight"].fill_(value)
    with pytest.raises(StudioError, match="NaN"):
        loading.build(spec, net)


# --- work is bounded before it begins ---


@each_row("spec", catalog.SPECS)
def test_nets_without_memory_have_the_names_and_shapes_of_real_ones(spec):
    real, outline = loading.resolve(spec.build)(**spec.kwargs).state_dict(), loading.state_shapes(spec.build, spec.kwargs)
    assert list(outline) == list(real) and all(tensor.is_meta for tensor in outline.values())
    for key, tensor in real.items():
        assert (outline[key].shape, outline[key].dtype) == (tensor.shape, tensor.dtype), key


def test_the_arguments_of_the_nets_of_this_studio_are_allowed():
    for spec in catalog.SPECS:
        if isinstance(spec.source, Embedded):
            assert arguments.fitting(json.loads(json.dumps(dict(spec.kwargs))), 500) is not None, spec.name


@each_row("config", [{"flow": {"depth": 60, "width": 8}}, {"blocks": 60}, {"latent": 0}, {"pixel": 10**9}, {"more": 1}])
def test_arguments_out_of_range_or_for_more_layers_than_tensors_are_not_built(config):
    assert arguments.fitting(config, 10) is None


def test_metadata_name_arguments_as_they_are_called_now_or_as_they_were():
    old = {"channels": 32, "grain": 0.12, "motley": True, "combed": 8.0, "bridges": True, "sees": 72, "even": True}
    new = arguments.fitting(old, 500)
    assert new == arguments.fitting(new, 500) and set(new) & set(old) == {"channels"}
    assert (new["noise_std"], new["input_size"], new["antialias"]) == (0.12, 72, True)


def test_a_net_that_would_compute_for_minutes_is_not_tried_out():
    layers = [(1024, 4, 1, 0), *[(1024, 4)] * 4, (3, 4)]
    with torch.device("meta"):
        large, small = TransposedGenerator(1024, layers), TransposedGenerator(100, [(64, 4, 1, 0), (32, 4), (16, 4), (3, 4)])
    assert (
        activation_inference._draws(large) < activation_inference.FEWEST
        and activation_inference._draws(small) == activation_inference.DRAWS
    )


def test_checkpoints_of_countless_parts_are_looked_at_for_a_while_only():
    fan: dict = {"w": torch.zeros(1)}
    for _ in range(4):
        fan = {f"{i}": fan for i in range(50)}
    with pytest.raises(StudioError, match="no net that is known"):
        recognise(fan, "fan.pth")


# --- limits, and who leaves ---


def test_a_file_may_not_be_larger_than_allowed(tmp_path):
    torch.save(small_dcgan(), tmp_path / "a.pth")
    with pytest.raises(StudioError, match=r"a\.pth has 0 MB, and 0 MB are allowed here"):
        list(importing(tmp_path / "a.pth", limit=1000))


def test_work_ends_with_its_visitor_and_has_a_limit(tmp_path, monkeypatch):
    torch.save(foreign.dcgan((6, 4, 3), (4, 5), (1, 2), (0, 1)).state_dict(), tmp_path / "a.pth")
    opened = []
    monkeypatch.setattr(weights, "read", lambda path: opened.append(path))
    steps = importing(tmp_path / "a.pth")
    assert next(steps).text == "Looking at it ..."
    steps.close()
    assert opened == []
    monkeypatch.undo()
    clock = iter(range(0, 100_000, 50))
    monkeypatch.setattr(bringing, "time", type("Clock", (), {"monotonic": lambda: next(clock)}))
    with pytest.raises(StudioError, match="took longer than 60 s"):
        list(importing(tmp_path / "a.pth"))


# --- names ---


@each_row(
    "source", [None, 7, b"a.pth", ["a", None], [[]], {}, "~nouser/a.pth", "a" * 300, "a" * 5000, "a/" * 3000, "\0", "a\0b/c", ""]
)
def test_what_is_no_name_is_a_sentence(source):
    with pytest.raises(StudioError) as caught:
        import_weights(source)
    assert len(str(caught.value)) < 300 and str(caught.value).endswith(".")


def test_devices_and_pipes_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    for path in ("/dev/zero", tmp_path / "pipe.pth"):
        with pytest.raises(StudioError, match="is a device, not a file"):
            import_weights(path)
    for path in (Path("/dev/zero"), tmp_path / "pipe.pth", tmp_path, tmp_path / "none.pth"):
        with pytest.raises(StudioError):
            weights.read(path)


# --- writing ---


def test_only_files_are_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    for path in (
        tmp_path / "pipe",
        Path("/dev/null"),
        tmp_path,
        tmp_path / "lost",
        Path("/dev/null/a.safetensors"),
        tmp_path / "file" / "a",
    ):
        with pytest.raises(StudioError) as caught:
            weights.write(path, {"a": torch.ones(1)})
        assert str(tmp_path) not in str(caught.value)
    assert not Path("/dev/null").is_file() and (tmp_path / "pipe").is_fifo()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "lost", "pipe"]


def test_what_a_killed_process_left_is_removed_at_the_next_write(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    stale, fresh, other = (tmp_path / name for name in (f".a.safetensors.{ended.pid}.part", f".b.{ended.pid}.part", "c.part"))
    running = tmp_path / f".d.{os.getppid()}.part"
    for path in (stale, fresh, other, running):
        path.write_bytes(b"half")
    for path in (stale, other, running):
        os.utime(path, (time.time() - 3600,) * 2)
    weights.write(tmp_path / "a.safetensors", {"a": torch.ones(1)})
    assert {path.name for path in tmp_path.iterdir()} == {"a.safetensors", fresh.name, other.name, running.name}


def test_an_animation_replaces_only_files(tmp_path):
    from PIL import Image

    os.mkfifo(tmp_path / "film.gif")
    with pytest.raises(StudioError, match="is a folder or a device"):
        animation.save([Image.new("RGB", (8, 8))], tmp_path / "film.gif")
    assert (tmp_path / "film.gif").is_fifo()


def test_joined_halves_of_killed_processes_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bringing._folder.cache_clear()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    old, mine = (tmp_path / f"imgstudio-joined-{number}-abc" for number in (ended.pid, os.getpid()))
    for path in (old, mine):
        path.mkdir()
        os.utime(path, (time.time() - 3600,) * 2)
    assert bringing._folder().parent == tmp_path and not old.exists() and mine.exists()
    bringing._folder.cache_clear()
