"""Where the studio computes and in which precision: what the settings say, and what each kind of hardware can do."""

from __future__ import annotations

import ast
from pathlib import Path

import golden
import pytest
import torch
import torch.nn.functional as F
from table import each_row

import imgstudio
from imgstudio import StudioError, device, image, loading
from imgstudio.cli.main import main
from imgstudio.models.adain import AdaIN
from imgstudio.models.arbitrary_style import ArbitraryStyle
from imgstudio.ui import exit_with_sentence

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in ("IMGSTUDIO_DEVICE", "IMGSTUDIO_DTYPE", "SPACES_ZERO_GPU"):
        monkeypatch.setenv(name, "")


@pytest.fixture
def card(monkeypatch):
    """Call it with the compute capability of the two GPUs that this machine is to have."""

    def plug(*capability: int) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
        # As the T4 of Colab answers: yes, by emulation.
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)

    device._fastest.cache_clear()
    yield plug
    device._fastest.cache_clear()


@pytest.mark.parametrize(
    ("capability", "setting", "running", "training"),
    [
        ((7, 5), "", torch.float16, torch.float32),
        ((7, 5), "float32", torch.float32, torch.float32),
        ((8, 0), "", torch.bfloat16, torch.bfloat16),
        ((9, 0), "float16", torch.float16, torch.float32),
    ],
)
def test_the_precision_is_one_that_the_card_has(card, monkeypatch, capability, setting, running, training):
    card(*capability)
    monkeypatch.setenv("IMGSTUDIO_DTYPE", setting)
    assert device.pick() == CUDA
    assert device.compute_dtype(CUDA) is running and device.compute_dtype(CUDA, training=True) is training


def test_the_device_of_the_setting_is_used(card, monkeypatch):
    card(8, 0)
    for setting, chosen in {"cuda:1": "cuda:1", "cuda:0": "cuda", "CPU": "cpu", "": "cuda"}.items():
        monkeypatch.setenv("IMGSTUDIO_DEVICE", setting)
        assert str(device.pick()) == str(device.pick(None)) == chosen
    assert str(device.pick("cuda:1")) == "cuda:1"
    monkeypatch.setenv("IMGSTUDIO_DEVICE", "cuda:2")
    with pytest.raises(StudioError, match="IMGSTUDIO_DEVICE: This machine has no device cuda:2: use cuda or cuda:1 or cpu"):
        device.pick()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("IMGSTUDIO_DEVICE", "toaster", "use cpu, cuda"),
        ("IMGSTUDIO_DEVICE", "cuda:-1", "use cpu, cuda"),
        ("IMGSTUDIO_DEVICE", "cuda:99", "use cpu"),
        ("IMGSTUDIO_DTYPE", "double", "float32, bfloat16, float16"),
        ("IMGSTUDIO_DTYPE", "float16", "on a CPU use bfloat16 or float32"),
    ],
)
def test_a_wrong_setting_is_a_sentence_wherever_it_is_read(name, value, words, monkeypatch, capsys, tmp_path):
    if value != "cuda:99":
        monkeypatch.setenv("IMGSTUDIO_DEVICE", "cpu")
    monkeypatch.setenv(name, value)
    monkeypatch.setattr(loading, "_nets", {})
    monkeypatch.setattr(loading.weights, "locate", lambda *_, **__: pytest.fail("a file was looked for first"))
    for first_use in (lambda: imgstudio.load("dcgan/avatars"), lambda: imgstudio.sample("dcgan/avatars", [1])):
        with pytest.raises(StudioError, match=words):
            first_use()
    assert main(["serve"]) == 2
    assert name in (said := capsys.readouterr().err) and words in said and said.count("\n") == 1


def test_a_program_ends_with_the_sentence(monkeypatch):
    monkeypatch.setenv("IMGSTUDIO_DTYPE", "double")
    with pytest.raises(SystemExit, match="^imgstudio: IMGSTUDIO_DTYPE") as ended, exit_with_sentence():
        imgstudio.load("dcgan/avatars")
    assert ended.value.__suppress_context__


def test_the_command_line_chooses_the_device(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(loading, "_nets", {})
    command = ["sample", "dcgan/nouns", "--seeds", "1", "--out", str(tmp_path / "a.png"), "--device"]
    assert main([*command, "toaster"]) == 2 and "toaster" in capsys.readouterr().err
    assert main([*command, "cpu"]) == 0 and {key[1] for key in loading._nets} == {CPU}


def runs(spec, net, x):
    """What a net makes of a picture [1, 3, H, W], or of a latent vector."""
    if spec.task == "sample":
        label = torch.zeros(1, dtype=torch.int64) if net.classes else None
        return {"pictures": net(device.normal(3, 1, net.latent), label)}
    if spec.task == "reconstruct":
        mean, logvar = net.encode(F.adaptive_avg_pool2d(x, net.size))
        return {"mean": mean, "logvar": logvar, "pictures": net.decode(mean)}
    made = net(x, x.flip(3)) if isinstance(net, AdaIN | ArbitraryStyle) else net(x)
    return made if isinstance(made, dict) else {"made": made}


@each_row("spec", [spec for spec in imgstudio.models() if spec.embedded])
@torch.no_grad()
def test_every_net_is_finite_in_float16(spec):
    net = imgstudio.load(spec.name, "cpu")
    side = 64 if spec.task in ("reconstruct", "segment") else 32
    x = image.to_tensor(golden.scene(side)).contiguous(memory_format=torch.channels_last)
    wanted = runs(spec, net, x)
    with torch.autocast("cpu", torch.float16):
        found = runs(spec, net, x)
    for name, half in found.items():
        assert half.isfinite().all(), name
        assert (half.float() - wanted[name]).norm() < 0.05 * wanted[name].norm(), name


def test_training_never_runs_in_float16():
    """Without a scaler of the loss, small gradients would vanish: each autocast says that it is for training."""
    found = 0
    for path in sorted(Path(device.__file__).parent.joinpath("train").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("autocast", "compute_dtype"):
                found += 1
                assert "training" in {word.arg for word in node.keywords}, f"{path.name}:{node.lineno}"
    assert found > 20
