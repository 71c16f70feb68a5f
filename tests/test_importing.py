"""Files of others: each is recognised by names and shapes, and its net gives the pictures of the net it came from."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import foreign
import pytest
import torch
from safetensors.torch import save_file
from table import each_row
from test_translation_nets import Published
from torch import nn

import imgstudio
from imgstudio import StudioError, catalog, weights
from imgstudio.importing import import_weights, importing
from imgstudio.models.dcgan import Generator


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """What a test brings is gone after it."""
    monkeypatch.setattr(catalog, "_registered", {})
    monkeypatch.setattr("imgstudio.loading._nets", {})
    torch.manual_seed(0)


@pytest.fixture
def bring(tmp_path):
    """Call it with a checkpoint for the record and the net of the model that it becomes."""

    def make(content, name: str = "brought.pth", **options):
        path = tmp_path / name
        save_file(content, path) if path.suffix == ".safetensors" else torch.save(content, path)
        spec = import_weights(path, **options)
        return spec, imgstudio.load(spec.name, "cpu")

    return make


def agree(net, z, expected, **tolerance):
    with torch.no_grad():
        made = net(z)
    assert made.shape[1] == 3
    torch.testing.assert_close(made, expected.expand_as(made), **{"atol": 1e-5, "rtol": 1e-4, **tolerance})


CHAINS = {  # size -> kernels, strides, paddings
    28: ((7, 4, 4), (1, 2, 2), (0, 1, 1)),
    "28 by 3": ((4, 3, 4, 4), (1, 2, 2, 2), (0, 1, 1, 1)),
    "28 unpadded": ((3, 4, 3, 4), (2, 1, 2, 2), (0, 0, 0, 0)),
    32: ((4, 4, 4, 4), (1, 2, 2, 2), (0, 1, 1, 1)),
    64: ((4, 4, 4, 4, 4), (1, 2, 2, 2, 2), (0, 1, 1, 1, 1)),
    128: ((4, 4, 4, 4, 4, 4), (1, 2, 2, 2, 2, 2), (0, 1, 1, 1, 1, 1)),
}


@each_row("colours", [1, 3])
@each_row("chain", CHAINS)
def test_a_dcgan_of_any_size_and_colour(bring, chain, colours):
    kernels, strides, paddings = CHAINS[chain]
    channels = (10, *(4 * (len(kernels) - i) for i in range(1, len(kernels))), colours)
    theirs = foreign.randomise_norms(foreign.dcgan(channels, kernels, strides, paddings))
    spec, net = bring(foreign.Holder("main", theirs).state_dict())
    z = torch.randn(3, 10)
    agree(net, z, theirs(z[:, :, None, None]).detach())
    assert spec.task == "sample"
    assert f"{net.size} px" in spec.title and ("grey" if colours == 1 else "colour") in spec.note


@each_row("name", ["main", "gen", "layer_stack", "model", "net", "module.main", "_orig_mod.model", ""])
@each_row("options", [{}, {"blocks": True}, {"bias": True, "norm": False}])
def test_a_dcgan_in_any_layout(bring, name, options):
    theirs = foreign.randomise_norms(foreign.dcgan((6, 8, 5, 4, 3), *CHAINS[32], **options))
    state = {f"{name}.{key}" if name else key: value for key, value in theirs.state_dict().items()}
    _, net = bring(state)
    z = torch.randn(2, 6)
    agree(net, z, theirs(z[:, :, None, None]).detach())


def test_twelve_layers_are_ordered_by_number_and_not_by_letter(bring):
    """A safetensors file keeps its tensors by name: layer 10 comes before layer 2."""
    theirs = foreign.randomise_norms(foreign.dcgan((6, 6, 6, 6, 6, 3), *CHAINS[64]))
    _, net = bring(theirs.state_dict(), "brought.safetensors")
    z = torch.randn(2, 6)
    agree(net, z, theirs(z[:, :, None, None]).detach())


@each_row("norm", ["", "features", "channels"])
def test_a_dcgan_that_begins_fully_connected(bring, norm):
    norms = {"": [], "features": [nn.BatchNorm1d(8 * 49)], "channels": []}[norm]
    square = [nn.Unflatten(1, (8, 7, 7)), *([nn.BatchNorm2d(8)] if norm == "channels" else [])]
    head = [nn.Linear(5, 8 * 49), *norms, *square, nn.ReLU()]
    rest = [nn.ConvTranspose2d(8, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Tanh()]
    theirs = foreign.randomise_norms(nn.Sequential(*head, *rest))
    _, net = bring(theirs.state_dict())
    assert net.size == 28
    z = torch.randn(3, 5)
    agree(net, z, theirs(z).detach())


@each_row("activation", [nn.ReLU, lambda: nn.LeakyReLU(0.2)])
def test_batch_norms_betray_the_activation(bring, activation):
    theirs = foreign.dcgan((16, 24, 16, 8, 1), *CHAINS[32], activation=activation)
    for _ in range(60):  # the norms get to know what the layers make
        theirs(torch.randn(64, 16, 1, 1))
    theirs.eval()
    spec, net = bring(theirs.state_dict())
    z = torch.randn(3, 16)
    agree(net, z, theirs(z[:, :, None, None]).detach())
    assert "follows from its batch norms" in spec.note


@each_row(
    ("widths", "options"),
    [
        ((100, 256, 512, 1024, 784), {}),
        ((64, 256, 256, 784), {"activation": nn.ReLU()}),
        ((100, 128, 256, 512, 1024, 784), {"norms": (1, 2, 3), "eps": 0.8}),
        ((10, 16, 32, 784), {"norms": (0, 1), "activation": nn.ReLU(), "output": nn.Sigmoid()}),
        ((20, 32, 3 * 32 * 32), {}),
    ],
)
def test_a_fully_connected_gan(bring, widths, options):
    theirs = foreign.randomise_norms(foreign.dense_gan(widths, **options))
    spec, net = bring(foreign.Holder("model", theirs).state_dict())
    z = torch.randn(2, widths[0])
    expected = theirs(z).detach().unflatten(1, (net.channels, net.size, net.size))
    agree(net, z, 2 * expected - 1 if "output" in options else expected)
    assert imgstudio.sample(spec.name, [3])[0].size == (net.size, net.size)


def test_a_vae_of_the_tutorials(bring):
    theirs = foreign.TutorialVAE().eval()
    spec, net = bring(theirs.state_dict())
    grey = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        for mine, other in zip(net.encode((2 * grey - 1).expand(-1, 3, -1, -1)), theirs.encode(grey)):
            torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-4)
        z = torch.randn(2, 6)
        torch.testing.assert_close(net.decode(z)[:, 1].flatten(1), 2 * theirs.decode(z) - 1, atol=1e-5, rtol=1e-4)
    picture = grey[0, 0].numpy()
    assert imgstudio.reconstruct(spec.name, picture).image.size == (28, 28)
    assert len(imgstudio.prior(spec.name, [1, 2])) == 2
    assert len(imgstudio.traverse(spec.name, picture, dimension=5)) == 7


@each_row("width", [4, 6])
def test_a_transformer_net_of_the_examples(bring, width):
    theirs = foreign.randomise_norms(foreign.ExamplesTransformer(width))
    state = theirs.state_dict()
    state["in1.running_mean"], state["in1.running_var"] = torch.zeros(width), torch.ones(width)  # as in old files
    spec, net = bring(state, "brought.model")
    x = torch.rand(1, 3, 40, 56)
    with torch.no_grad():
        agree(net, 2 * x - 1, theirs(255 * x).clamp(0, 255) / 127.5 - 1, atol=1e-3)
    made = imgstudio.last(imgstudio.stylize(spec.name, x[0].permute(1, 2, 0).numpy(), size=64))
    assert made.image.size == (64, 46)


def test_the_net_of_the_examples_in_tiles_is_the_net_on_the_whole(bring):
    _, net = bring(foreign.randomise_norms(foreign.ExamplesTransformer(4, blocks=1)).state_dict())
    x = torch.rand(1, 3, 32, 160) * 2 - 1
    with torch.no_grad():
        whole, moments = net(x), net.measure(x)
        left = net(x[:, :, :, : 40 + net.receptive_radius], moments)
    torch.testing.assert_close(left[:, :, :, :40], whole[:, :, :, :40], atol=1e-4, rtol=0)


@each_row("layout", ["huggan", "junyanz"])
def test_a_generator_of_cyclegan(bring, layout):
    theirs = Published(layout, 8, 3).eval()
    spec, net = bring({"netG_A": theirs.state_dict(), "epoch": 3})
    x = torch.rand(1, 3, 32, 40) * 2 - 1
    with torch.no_grad():
        agree(net, x, theirs(x))
    assert 'the part "netG_A"' in spec.note
    assert imgstudio.translate(spec.name, x[0].permute(1, 2, 0).add(1).div(2).numpy()).image.size == (40, 32)


def test_a_vgg19_serves_two_tabs(bring):
    wide = {1: 4, 2: 6, 3: 8, 4: 8, 5: 8}
    state, narrow, place = {}, 3, 0
    for block, count in zip(range(1, 6), (2, 2, 4, 4, 4)):
        for _ in range(count):
            state[f"features.{place}.weight"] = torch.randn(wide[block], narrow, 3, 3) / narrow
            state[f"features.{place}.bias"] = torch.zeros(wide[block])
            narrow, place = wide[block], place + 2
        place += 1
    state |= {"classifier.0.weight": torch.zeros(8, 8), "classifier.0.bias": torch.zeros(8)}
    spec, net = bring(state, "vgg.pth")
    assert spec.task == "stylize" and net.widths["relu5_1"] == 8
    torch.testing.assert_close(net.features[28].weight, state["features.28.weight"])
    texture, segmenter = bring(state, "vgg.pth", task="segment")
    assert texture.task == "segment" and texture.name != spec.name
    assert segmenter(torch.rand(1, 3, 40, 40)).shape == (1, 24, 40, 40)


def test_files_of_this_studio(bring, tmp_path):
    kwargs = {"latent": 8, "channels": 4, "size": 16, "classes": 2}
    net = Generator(**kwargs)
    weights.write(tmp_path / "mine.safetensors", net.state_dict(), kwargs)
    spec = import_weights(tmp_path / "mine.safetensors")
    assert spec.build.endswith("dcgan:Generator") and spec.labels == ("class 0", "class 1")
    assert imgstudio.sample(spec.name, [0], label="class 1")[0].size == (16, 16)
    known = catalog.find("dcgan/nouns")
    assert import_weights(weights.locate(known)) is known


# --- halves ---


def test_two_halves_of_a_taesd_become_one(tmp_path):
    encoder, decoder = foreign.taesd_state(latent=16)
    for name, state in (("encoder", encoder), ("decoder", decoder)):
        save_file({key: value.half() for key, value in state.items()}, tmp_path / f"tiny_{name}.safetensors")
    for source in (tmp_path, tmp_path / "tiny_decoder.safetensors", sorted(tmp_path.iterdir())):
        net = imgstudio.load(import_weights(source).name, "cpu")
        x = torch.rand(1, 3, 16, 24)
        with torch.no_grad():
            z = net.encode(2 * x - 1)
            rounded = [{key: value.half().float() for key, value in state.items()} for state in (encoder, decoder)]
            torch.testing.assert_close(z, foreign.taesd_encode(rounded[0], x), atol=1e-4, rtol=1e-3)
            torch.testing.assert_close(net.decode(z), 2 * foreign.taesd_decode(rounded[1], z) - 1, atol=1e-3, rtol=1e-3)


def test_half_a_taesd_says_what_it_lacks(bring):
    _, decoder = foreign.taesd_state()
    spec, net = bring(decoder)
    assert "bring the encoder together with it" in spec.note
    z = torch.randn(1, 4, 2, 3)
    with torch.no_grad():
        torch.testing.assert_close(net.decode(z), 2 * foreign.taesd_decode(decoder, z) - 1, atol=1e-4, rtol=1e-3)
    with pytest.raises(StudioError, match="encoder"):
        imgstudio.reconstruct(spec.name, torch.rand(16, 16).numpy())


def test_two_files_that_do_not_belong_together(tmp_path):
    for name in ("encoder", "decoder"):
        torch.save(foreign.taesd_state()[0], tmp_path / f"{name}.pth")
    with pytest.raises(StudioError, match="not the two halves of one autoencoder"):
        import_weights(tmp_path)


# --- how they are packed ---

SMALL = ((6, 8, 4, 3), *CHAINS[28])


@each_row(
    "wrap",
    [
        lambda g, d: {"state_dict": g, "epoch": 3, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
        lambda g, d: {"model_state_dict": g, "optimizer_state_dict": {"state": {0: {"step": torch.tensor(1.0)}}}},
        lambda g, d: {"discriminator": d, "generator": g},
        lambda g, d: {"netD": d, "netG": g},
        lambda g, d: {"d": d, "g": {key: value + 1 for key, value in g.items()}, "g_ema": g},
        lambda g, d: {"state_dict": {**{f"d.{k}": v for k, v in d.items()}, **{f"generator.{k}": v for k, v in g.items()}}},
        lambda g, d: {"models": {"G": {f"module.{key}": value for key, value in g.items()}, "D": d}},
    ],
)
def test_training_checkpoints(bring, wrap):
    theirs = foreign.randomise_norms(foreign.dcgan(*SMALL))
    judge = nn.Sequential(
        nn.Conv2d(3, 4, 4, 2, 1), nn.LeakyReLU(), nn.Conv2d(4, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 1, 7)
    )
    _, net = bring(wrap(theirs.state_dict(), judge.state_dict()))
    z = torch.randn(2, 6)
    agree(net, z, theirs(z[:, :, None, None]).detach())


def test_a_file_that_was_saved_on_a_gpu(tmp_path):
    theirs = foreign.randomise_norms(foreign.dcgan(*SMALL))
    buffer, path = io.BytesIO(), tmp_path / "cuda.pth"
    torch.save(theirs.state_dict(), buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.endswith("data.pkl"):
                assert b"X\x03\0\0\0cpu" in data
                data = data.replace(b"X\x03\0\0\0cpu", b"X\x06\0\0\0cuda:0")
            new.writestr(item, data)
    net = imgstudio.load(import_weights(path).name, "cpu")
    z = torch.randn(2, 6)
    agree(net, z, theirs(z[:, :, None, None]).detach())


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


def test_nothing_in_a_file_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Evil()}, "evil.pth")
    torch.save(foreign.dcgan(*SMALL), "whole.pth")  # a pickled module
    for name in ("evil.pth", "whole.pth"):
        with pytest.raises(StudioError, match="holds more than tensors"):
            import_weights(name)
    assert not Path("was-run").exists()


# --- what is not recognised ---


def refusal(bring, content, **options) -> str:
    with pytest.raises(StudioError) as caught:
        bring(content, **options)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    return text


def test_an_unknown_net_is_refused_with_its_first_keys(bring):
    text = refusal(bring, nn.Transformer(8, 2, 1, 1, 8).state_dict())
    assert "encoder.layers.0.self_attn.in_proj_weight [24, 8]" in text and "known are DCGAN" in text
    assert "holds no tensors" in refusal(bring, {"epoch": 3})


@each_row(
    ("make", "words"),
    [
        (lambda: foreign.dcgan((6, 8, 4, 3), (4, 5, 4), (1, 2, 2), (0, 2, 1)), "kernel of 5 x 5 px"),
        (lambda: foreign.dcgan((6, 4, 3), (4, 4), (1, 2), (0, 1)), "DCGAN of 8 px"),
    ],
)
def test_a_dcgan_that_cannot_be_told(bring, make, words):
    assert words in refusal(bring, make().state_dict())


def test_a_missing_and_a_surplus_key_are_named(bring):
    state = foreign.ExamplesTransformer().state_dict()
    del state["res3.in1.weight"]
    assert "res3.in1.weight is missing" in refusal(bring, state)
    assert "gate.weight has no place" in refusal(
        bring, foreign.dcgan(*SMALL).state_dict() | {"gate.weight": torch.zeros(3, 3, 3, 3, 3)}
    )
    _encoder, decoder = foreign.taesd_state()
    del decoder["12.weight"]
    assert "decoder.12.weight is missing" in refusal(bring, decoder)


def test_a_place_where_nothing_is(tmp_path):
    with pytest.raises(StudioError, match="There is no file"):
        import_weights(tmp_path / "nothing.pth")
    with pytest.raises(StudioError, match="no file of weights"):
        import_weights(tmp_path)
    (tmp_path / "mine.pth").write_bytes(b"anything")
    for source in (tmp_path / "mine.pth", "../mine.pth", "mine.pth"):
        with pytest.raises(StudioError, match="There is no file"):
            drained(importing(source, here=False))


# --- names ---


def drained(steps):
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def test_names_tell_files_apart_and_files_of_a_visitor_are_not_listed(bring, tmp_path):
    first, second = (foreign.dcgan((6, 8, 4, c), *CHAINS[28]).state_dict() for c in (1, 3))
    torch.save(second, tmp_path / "brought.pth")
    one, _ = bring(first, "my net.pth")
    assert one.name == "own/my-net" and one in imgstudio.models("sample")
    assert bring(first, "my net.pth")[0] == one
    two, _ = bring(second, "my net.pth")
    assert two.name != one.name and catalog.find(one.name) == one
    hidden = drained(importing(tmp_path / "brought.pth", listed=False))
    assert hidden not in imgstudio.models() and catalog.find(hidden.name) == hidden
    with pytest.raises(StudioError) as unknown:
        imgstudio.load("no/such")
    assert hidden.name not in str(unknown.value)


def test_a_file_that_changed_meanwhile_is_noticed(bring, tmp_path):
    spec, _ = bring(foreign.dcgan(*SMALL).state_dict())
    torch.save(foreign.dcgan((6, 8, 5, 3), *CHAINS[28]).state_dict(), tmp_path / "brought.pth")
    import imgstudio.loading as loading

    loading._nets.clear()
    with pytest.raises(StudioError, match="not the expected one|incomplete"):
        imgstudio.load(spec.name, "cpu")
    (tmp_path / "brought.pth").unlink()
    with pytest.raises(StudioError, match="no longer there"):
        imgstudio.load(spec.name, "cpu")
