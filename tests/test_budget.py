"""Memory: nets at rest give theirs back, and work that does not fit is done in smaller pieces, or answered in a sentence."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from conftest import SMALL, SmallModel
from PIL import Image
from table import each_row
from torch import nn

import imgstudio
from imgstudio import StudioError, loading
from imgstudio.models.adain import AdaIN
from imgstudio.models.transformer_net import TransformerNet
from imgstudio.models.vgg import VGG
from imgstudio.ops import optimise, pieces
from imgstudio.ops import style as ops
from imgstudio.ops.latent import sampling
from imgstudio.ops.style import feedforward
from imgstudio.studio import work
from imgstudio.studio.interpolation import codes

CPU = torch.device("cpu")


class Cramped(nn.Module):
    """A net on a device that runs out of memory when it gets more than `most` values at once."""

    def __init__(self, net: nn.Module, most: int, error: type[Exception] = torch.OutOfMemoryError):
        super().__init__()
        self.net, self.most, self.error, self.refused = net, most, error, 0

    def __getattr__(self, name: str):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("net"), name)

    def forward(self, x: torch.Tensor, *more):
        self._check(x)
        return self.net(x, *more)

    def measure(self, x: torch.Tensor):
        self._check(x)
        return self.net.measure(x)

    def encode(self, x: torch.Tensor):
        self._check(x)
        return self.net.encode(x)

    def _check(self, x: torch.Tensor) -> None:
        if x.numel() > self.most:
            self.refused += 1
            raise self.error("CUDA out of memory" if self.error is torch.OutOfMemoryError else "can't allocate memory: 1 byte")


# --- nets at rest


def resident_names() -> list[str]:
    return [name for name, _ in loading._nets]


def test_the_net_used_longest_ago_gives_its_memory_back(small_model, monkeypatch):
    for letter in "abcd":
        small_model(f"test/{letter}")
    one = imgstudio.load("test/a", "cpu")
    size = loading.resident(CPU)
    assert size == sum(t.numel() * t.element_size() for t in (*one.parameters(), *one.buffers()))
    monkeypatch.setenv("IMGSTUDIO_MEMORY", f"{3.5 * size / 1e9:.9f} GB")
    for letter in "bc":
        imgstudio.load(f"test/{letter}", "cpu")
    assert imgstudio.load("test/a", "cpu") is one  # and is now the last one used
    imgstudio.load("test/d", "cpu")
    assert resident_names() == ["test/c", "test/a", "test/d"]
    assert loading.resident(CPU) <= loading.budget(CPU)


def test_the_net_in_use_always_stays(small_model, monkeypatch):
    monkeypatch.setenv("IMGSTUDIO_MEMORY", "0")
    for letter in "ab":
        small_model(f"test/{letter}")
        imgstudio.load(f"test/{letter}", "cpu")
        assert resident_names() == [f"test/{letter}"]


def test_the_budget_is_a_share_or_gigabytes(monkeypatch):
    monkeypatch.delenv("IMGSTUDIO_MEMORY", raising=False)
    half = loading.budget(CPU)
    for setting, expected in (("50%", half), ("25 %", half // 2), ("6", 6e9), ("1.5GB", 1.5e9)):
        monkeypatch.setenv("IMGSTUDIO_MEMORY", setting)
        assert loading.budget(CPU) == pytest.approx(expected, abs=1)


def test_a_budget_that_cannot_be_read_is_explained(small_model, monkeypatch):
    small_model("test/a")
    monkeypatch.setenv("IMGSTUDIO_MEMORY", "plenty")
    with pytest.raises(StudioError, match="such as 6, or a share, such as 30%"):
        imgstudio.load("test/a", "cpu")


# --- smaller pieces


@each_row("error", [torch.OutOfMemoryError, RuntimeError])
def test_batches_shrink_until_they_fit(error):
    asked = []

    def make(part: slice) -> list[int]:
        asked.append(part.stop - part.start)
        if asked[-1] > 5:
            raise error("can't allocate memory")
        return list(range(part.start, part.stop))

    assert [n for some in pieces.batches(make, 23, 16) for n in some] == list(range(23))
    assert asked == [16, 8, 4, 4, 4, 4, 4, 3]


def test_one_that_does_not_fit_and_other_errors_are_not_hidden():
    for error in (torch.OutOfMemoryError("full"), RuntimeError("shapes differ"), ValueError("a mistake")):

        def fail(part: slice, error=error) -> None:
            raise error

        with pytest.raises(type(error), match=str(error)):
            list(pieces.batches(fail, 4, 4))


def test_a_generator_makes_the_same_pictures_in_smaller_batches(small_model, monkeypatch):
    net = small_model("test/gan").net.eval()
    z, labels = torch.randn(9, SMALL["latent"]), torch.zeros(9, dtype=torch.long)
    cramped = Cramped(net, 2 * SMALL["latent"])
    expected = sampling.generate(net, z, labels)
    whole = list(pieces.batches(lambda part: cramped(z[part], labels[part]).detach(), 9, 32))
    assert cramped.refused == 4  # 32, 16, 8 and 4 were too many
    torch.testing.assert_close(torch.cat(whole), expected, atol=2e-2, rtol=0)


def test_a_picture_that_does_not_fit_comes_in_tiles():
    torch.manual_seed(0)
    net = TransformerNet(width=4, blocks=1).eval()
    x = torch.rand(1, 3, 300, 520) * 2 - 1
    cramped = Cramped(net, 3 * 300 * 400)
    *_, (done, total, made) = feedforward.restyle(cramped, x)
    assert cramped.refused == 2 and done == total > 1  # too large whole, and still so when measured at half the side
    expected = feedforward.run(net, net, x)
    assert (made - expected).abs().mean() < 0.05  # the norms are measured on a smaller picture


def test_any_style_goes_in_smaller_tiles_with_the_same_result():
    torch.manual_seed(0)
    net = AdaIN(widths=(4, 4, 4, 4, 4)).eval()
    x, style = torch.rand(1, 3, 512, 512) * 2 - 1, torch.rand(1, 3, 64, 64) * 2 - 1
    cramped = Cramped(net, 3 * 480 * 480)
    *_, (_, _, expected) = feedforward.mix(net, x, [style], [1.0])
    *_, (_, _, made) = feedforward.mix(cramped, x, [style], [1.0])
    assert cramped.refused > 0
    torch.testing.assert_close(made, expected, atol=2e-2, rtol=0)


# --- a sentence


def plant(model: SmallModel, net: nn.Module) -> None:
    """Puts another net in the place of the loaded one."""
    imgstudio.load(model.spec.name)
    (key,) = loading._nets
    loading._nets[key] = (model.spec, net)


@each_row("error", [torch.OutOfMemoryError, RuntimeError])
def test_no_memory_at_all_is_one_sentence_and_frees_what_can_be(small_model, error):
    model = small_model("test/full")
    for make in (lambda: imgstudio.sample("test/full", [1]), lambda: list(imgstudio.walk("test/full", [1, 2], frames=2))):
        plant(model, Cramped(model.net.eval(), 0, error))
        with pytest.raises(StudioError, match=work.FULL):
            make()
    assert imgstudio.sample("test/full", [1])[0].size == (16, 16), "loaded anew, after the nets at rest were forgotten"


def test_other_errors_of_pytorch_stay_what_they_are(small_model):
    model = small_model("test/broken")
    plant(model, Cramped(model.net.eval(), 0, ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        imgstudio.sample("test/broken", [1])


# --- no waiting for the GPU


class Questions(torch.utils._python_dispatch.TorchDispatchMode):
    """Counts how often a number is asked for, at which the processor would wait for a GPU."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_a_generator_asks_for_no_number(small_model):
    net = small_model("test/gan").net.eval()
    with Questions() as asked:
        sampling.generate(net, torch.randn(4, SMALL["latent"]), torch.zeros(4, dtype=torch.long))
    assert asked.count == 0


def test_an_optimisation_asks_for_all_its_numbers_at_once():
    torch.manual_seed(0)
    net = VGG(widths=(4, 4, 4, 4, 4)).eval().requires_grad_(False)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    goal = ops.style_goal(net, x, [x], [1.0], ops.default_layers(net))
    with Questions() as asked:
        optimise.loss_and_gradient(net, goal, ops.Weights(), x)
    assert asked.count == 0  # not one by one: a list of all of them is a single question


def test_a_net_that_encoded_pictures_leaves_with_its_codes(monkeypatch):
    """What is kept of pictures is keyed by digests and goes with the net."""
    monkeypatch.setattr(loading, "_nets", {})
    monkeypatch.setattr(codes, "KEPT", 3)
    for level in range(8):
        codes.encode("vae/hands", Image.new("RGB", (64, 64), (level, level, level)))
    net = weakref.ref(loading.load("vae/hands", "cpu"))
    kept = codes._codes[net()]
    assert len(kept) == 3 and all(len(digest) == 32 for digest, _ in kept)
    again = codes.encode("vae/hands", Image.new("RGB", (64, 64), (7, 7, 7)))
    assert again is list(kept.values())[-1]
    loading.release()
    gc.collect()
    assert net() is None and loading.resident(CPU) == 0
