"""The feature net: VGG-19 under its true names, small enough nets of the same shape, and only what is needed read."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import torchvision
from safetensors.torch import save
from torch import nn

import imgstudio
from imgstudio import catalog, weights
from imgstudio.models.vgg import LAYERS, VGG

# Of timm/vgg19.tv_in1k: positions of its convolutions, and what else its file holds.
CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
CLASSIFIER = {"pre_logits.fc1": (4096, 512, 7, 7), "pre_logits.fc2": (4096, 4096, 1, 1), "head.fc": (1000, 4096)}
VGG19 = catalog.find("gatys/vgg19")
NARROW = (4, 6, 8, 8, 8)


@pytest.fixture(scope="module")
def original():
    """The convolutions of VGG-19 as torchvision builds them, with random weights."""
    torch.manual_seed(0)
    return torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["E"]).eval().requires_grad_(False)


def whole_file(widths: tuple[int, ...], shrink: int) -> dict[str, torch.Tensor]:
    """A state dict with all names of timm's VGG-19, in which each classifier dimension is divided by `shrink`."""
    blocks = [int(name[4]) - 1 for name in LAYERS]
    wide = [widths[block] for block in blocks]
    state = {}
    for position, narrow, width in zip(CONVOLUTIONS, (3, *wide), wide):
        state[f"features.{position}.weight"] = torch.randn(width, narrow, 3, 3) * (2 / (9 * narrow)) ** 0.5
        state[f"features.{position}.bias"] = torch.randn(width)
    for name, shape in CLASSIFIER.items():
        state[f"{name}.weight"] = torch.randn(*(max(1, side // shrink) for side in shape))
        state[f"{name}.bias"] = torch.randn(max(1, shape[0] // shrink))
    return state


def test_names_and_shapes_are_those_of_vgg19(original):
    given = {f"features.{key}": value for key, value in original.state_dict().items()}
    assert sorted({int(key.split(".")[1]) for key in given}) == list(CONVOLUTIONS)
    with torch.device("meta"):
        for deepest, count in (("relu5_1", 13), ("relu4_1", 9), ("relu5_4", 16)):
            wanted = VGG(deepest=deepest).state_dict()
            assert {key: value.shape for key, value in wanted.items()}.items() <= {k: v.shape for k, v in given.items()}.items()
            assert len(wanted) == 2 * count
    assert {key for key in given if VGG19.only(key)} == set(VGG().state_dict())
    assert not any(VGG19.only(f"{name}.weight") for name in CLASSIFIER)


def test_activations_are_those_of_vgg19(original):
    """Away from the borders, which are reflected here, and with the maximum that the classifier pools by."""
    net = VGG(pooling="max").eval()
    state = {f"features.{key}": value for key, value in original.state_dict().items()}
    net.load_state_dict({key: value for key, value in state.items() if VGG19.only(key)})
    x = torch.rand(1, 3, 128, 128)
    h = torchvision.transforms.functional.normalize(x, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    found = net(2 * x - 1, ["relu1_1", "relu2_2", "relu3_4", "relu4_1"])
    for name, position, margin in (("relu1_1", 1, 1), ("relu2_2", 8, 5), ("relu3_4", 17, 7), ("relu4_1", 20, 6)):
        theirs = original[: position + 1](h)
        inner = slice(margin, -margin)
        torch.testing.assert_close(found[name][:, :, inner, inner], theirs[:, :, inner, inner], atol=1e-4, rtol=1e-4)


def test_only_what_is_asked_for_is_computed(monkeypatch):
    net = VGG(widths=NARROW)
    asked = []
    for layer in net.features:
        layer.register_forward_hook(lambda layer, *_: asked.append(layer))
    assert list(net(torch.rand(1, 3, 40, 50), ["relu2_1", "relu1_1"])) == ["relu1_1", "relu2_1"]
    assert sum(isinstance(layer, nn.Conv2d) for layer in asked) == 3
    with pytest.raises(ValueError, match="relu9_1"):
        net(torch.rand(1, 3, 40, 50), ["relu9_1"])


def test_the_smallest_picture_reaches_the_deepest_layer():
    for deepest in ("relu3_2", "relu5_1"):
        net = VGG(widths=NARROW, deepest=deepest)
        assert net(torch.rand(1, 3, net.smallest, net.smallest), [deepest])[deepest].shape[2:] == (2, 2)


@pytest.fixture
def on_the_hub(patient_hub):
    """Puts a file of VGG-19's names on a loopback Hub and registers it as a model."""

    def make(widths: tuple[int, ...]) -> dict[str, torch.Tensor]:
        state = whole_file(widths, shrink=64)
        patient_hub.put(VGG19.source.repo, VGG19.source.filename, save(state), VGG19.source.revision)
        catalog.register(replace(VGG19, name="test/vgg19", kwargs={"widths": widths}, source=replace(VGG19.source, sha256=None)))
        return state

    yield make
    catalog.unregister("test/vgg19")


def test_a_vgg19_of_the_hub_is_read_as_far_as_needed(on_the_hub, monkeypatch):
    state = on_the_hub(NARROW)
    read, safe_open = [], weights.files.safe_open

    @contextlib.contextmanager
    def recording(*arguments, **options):
        with safe_open(*arguments, **options) as file:
            tensors = {"get_tensor": lambda name: read.append(name) or file.get_tensor(name)}
            yield SimpleNamespace(keys=file.keys, get_slice=file.get_slice, **tensors)

    monkeypatch.setattr(weights.files, "safe_open", recording)
    net = imgstudio.load("test/vgg19", "cpu")
    assert sorted(read) == sorted(key for key in state if VGG19.only(key))
    assert len(read) == 26
    for key, value in net.state_dict().items():
        torch.testing.assert_close(value, state[key])
    made = imgstudio.last(imgstudio.stylize("test/vgg19", *[torch.rand(64, 64, 3).numpy() for _ in range(2)], size=64, steps=2))
    assert made.done == 2


def test_a_vgg19_of_full_shape_loads(on_the_hub):
    state = on_the_hub((64, 128, 256, 512, 512))
    net = imgstudio.load("test/vgg19", "cpu")
    assert sum(parameter.numel() for parameter in net.parameters()) == 12_944_960
    assert net.widths["relu5_1"] == 512
    torch.testing.assert_close(net.state_dict()["features.28.bias"], state["features.28.bias"])
