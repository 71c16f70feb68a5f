"""Real checkpoints of others, if there are any at hand: IMGSTUDIO_PEERS names their folder. Each has the outputs that its own net
gave (`ref_io.pt`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from table import each_row

import imgstudio
from imgstudio import catalog

FOLDER = Path(os.environ.get("IMGSTUDIO_PEERS", ""))

pytestmark = pytest.mark.skipif("IMGSTUDIO_PEERS" not in os.environ, reason="IMGSTUDIO_PEERS names no folder")


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(catalog, "_registered", {})


def reference(name: str) -> dict[str, torch.Tensor]:
    return torch.load(FOLDER / name / "ref_io.pt", weights_only=True)


def close(made: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(made, expected, atol=1e-3, rtol=0)


@torch.no_grad()
def test_a_dcgan_of_digits():
    spec = imgstudio.import_weights(FOLDER / "dcgan_mnist" / "generator.pth")
    known = reference("dcgan_mnist")
    made = imgstudio.load(spec.name, "cpu")(known["z"].flatten(1))
    close(made[:, :1], known["fake"])
    assert spec.task == "sample" and "28 px" in spec.title
    assert imgstudio.sample(spec.name, [0])[0].size == (28, 28)


@torch.no_grad()
@each_row("file", ["", "taef2_encoder.pth", "taef2_decoder.pth"])
def test_a_tiny_autoencoder_in_two_halves(file):
    spec = imgstudio.import_weights(FOLDER / "taef2" / file)
    known, net = reference("taef2"), imgstudio.load(spec.name, "cpu")
    close(net.encode(2 * known["input_0_1"] - 1), known["taef2_latent"])
    close((net.decode(known["taef2_latent"]) + 1) / 2, known["taef2_decoded"])


@torch.no_grad()
def test_a_classifier():
    spec = imgstudio.import_weights(FOLDER / "tiny_darknet" / "torch_state_dict.pt")
    known = reference("tiny_darknet")
    made = imgstudio.load(spec.name, "cpu")(2 * known["input_0_1"] - 1, ["logits"])["logits"]
    close(made, known["logits"])
    picture = known["input_0_1"][0].permute(1, 2, 0).numpy()
    texture = imgstudio.import_weights(FOLDER / "tiny_darknet" / "torch_state_dict.pt", task="segment")
    assert imgstudio.segment(texture.name, picture, regions=3).regions == 3
