"""Files of weights: the right one is found and checked, and writing is all or nothing."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from table import each_row

from imgstudio import StudioError, weights


class Trap:
    """Unpickling it would create a file."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


def test_what_is_written_is_read(tmp_path):
    state = {
        "weight": torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last),
        "bias": torch.randn(4, requires_grad=True),
        "steps": torch.tensor(7),
        "shared": torch.zeros(4).expand(3, 4),
    }
    weights.write(tmp_path / "a.safetensors", state, {"size": 64, "note": "ü"})
    read = weights.read(tmp_path / "a.safetensors")
    assert read.keys() == state.keys()
    for name in ("weight", "bias", "shared"):
        assert read[name].dtype == torch.float32
        torch.testing.assert_close(read[name], state[name].detach().contiguous(), atol=2e-3, rtol=1e-3)
    assert read["steps"] == 7
    assert weights.read_config(tmp_path / "a.safetensors") == {"size": 64, "note": "ü"}


def test_only_what_is_wanted_is_read(tmp_path, monkeypatch):
    state = {"features.0": torch.ones(2), "head.0": torch.ones(3)}
    weights.write(tmp_path / "a.safetensors", state)
    torch.save(state, tmp_path / "a.pt")
    for name in ("a.safetensors", "a.pt"):
        assert set(weights.read(tmp_path / name, lambda key: key.startswith("features."))) == {"features.0"}


def test_floats_take_two_bytes_unless_they_are_too_large_for_it(tmp_path):
    weights.write(tmp_path / "a.safetensors", {"small": torch.ones(2), "large": torch.full((2,), 1e6)})
    stored = load_file(tmp_path / "a.safetensors")
    assert stored["small"].dtype == torch.float16
    assert stored["large"].tolist() == [1e6, 1e6]


def test_the_same_tensors_give_the_same_bytes(tmp_path):
    a, b = torch.randn(3), torch.randn(2)
    first = weights.write(tmp_path / "1.safetensors", {"a": a, "b": b}, {"x": 1, "y": 2})
    second = weights.write(tmp_path / "2.safetensors", {"b": b, "a": a}, {"y": 2, "x": 1})
    assert first == second == weights.sha256(tmp_path / "2.safetensors")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    before = weights.write(path, {"a": torch.zeros(1)})

    def half(tensors, filename, metadata):
        Path(filename).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(weights.writing, "save_file", half)
    with pytest.raises(StudioError, match="disk full"):
        weights.write(path, {"a": torch.ones(1)})
    assert weights.sha256(path) == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_verdict_follows_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    first = weights.write(path, {"a": torch.zeros(1)})
    second = weights.write(path, {"a": torch.ones(1)})
    assert weights.sha256(path) == second != first


def test_a_verdict_is_remembered(small_model, monkeypatch):
    model = small_model()
    weights.verify(model.spec, model.path)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("read again"))
    weights.verify(model.spec, model.path)


def test_a_missing_file_is_named(small_model):
    model = small_model()
    model.path.unlink()
    with pytest.raises(StudioError, match="test-small.safetensors.*IMGSTUDIO_WEIGHTS_DIR"):
        weights.locate(model.spec)


@each_row(
    ("spoil", "words"),
    [
        (lambda data: data[:-10], "incomplete"),
        (lambda data: data[:-1] + b"!", "not the expected one"),
        (lambda data: b"", "incomplete"),
    ],
)
def test_a_spoilt_file_is_named(small_model, spoil, words):
    model = small_model()
    model.path.write_bytes(spoil(model.path.read_bytes()))
    with pytest.raises(StudioError, match=words) as caught:
        weights.verify(model.spec, model.path)
    assert model.path.name in str(caught.value) and str(model.path) not in str(caught.value)


@each_row("content", [b"", b"short", b"\xff" * 100, b'\x08\0\0\0\0\0\0\0{"a": 1}'])
def test_damaged_safetensors(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    for function in (weights.read, weights.read_config):
        with pytest.raises(StudioError, match="damaged"):
            function(tmp_path / "a.safetensors")


def test_files_of_other_makers_have_no_config(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    assert weights.read_config(tmp_path / "a.safetensors") == {}


def test_pytorch_files_are_read_as_tensors(tmp_path):
    torch.save({"a": torch.ones(2, dtype=torch.float16), "epoch": 3}, tmp_path / "a.pt")
    state = weights.read(tmp_path / "a.pt")
    assert state["a"].dtype == torch.float32
    assert state["epoch"] == 3


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_nothing_in_a_pytorch_file_is_executed(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    if protocol == "torch":
        torch.save({"a": Trap()}, "a.pt")
    else:
        Path("a.pt").write_bytes(pickle.dumps({"a": Trap()}))
    with pytest.raises(StudioError, match="not opened"):
        weights.read(Path("a.pt"))
    assert not Path("sprung").exists()


def test_damaged_pytorch_files(tmp_path):
    torch.save({"a": torch.ones(1000)}, tmp_path / "a.pt")
    whole = (tmp_path / "a.pt").read_bytes()
    for content in (b"", b"hello", whole[: len(whole) // 2]):
        (tmp_path / "a.pt").write_bytes(content)
        with pytest.raises(StudioError):
            weights.read(tmp_path / "a.pt")
    torch.save(torch.ones(3), tmp_path / "a.pt")
    with pytest.raises(StudioError, match="by name"):
        weights.read(tmp_path / "a.pt")
