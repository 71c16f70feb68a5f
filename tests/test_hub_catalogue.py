"""Every model of the Hub, from a Hub on the loopback: a file with the published names and shapes, under its real name, loaded by
the whole path, against an independent computation; and what a person names as owner/repo."""

from __future__ import annotations

import functools
import io
from dataclasses import replace

import foreign
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hub_server import HubServer
from safetensors.torch import save
from table import each_row
from test_translation_nets import Published
from torch import nn

import imgstudio
from imgstudio import StudioError, catalog, weights
from imgstudio.models.fastgan import SIDES

HUB = [spec.name for spec in catalog.SPECS if isinstance(spec.source, imgstudio.Hub)]
ELSEWHERE = {  # entries whose tests are in other files, with independent computations of their own
    "features/vgg19": "test_vgg", "gatys/vgg19": "test_vgg", "vgg19/texture": "test_vgg", "dinov2/texture": "test_segmenters",
}  # fmt: skip


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(catalog, "_registered", {})
    monkeypatch.setattr("imgstudio.loading._nets", {})
    torch.manual_seed(0)


@pytest.fixture
def hub(patient_hub) -> HubServer:
    return patient_hub


def pickled(state) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def publish(hub: HubServer, name: str, data: bytes) -> imgstudio.Spec:
    """Puts a file where the catalogue expects it."""
    spec = catalog.find(name)
    hub.put(spec.source.repo, spec.source.filename, data, spec.source.revision)
    return spec


def load(name: str) -> nn.Module:
    return imgstudio.load(name, "cpu")


# --- FastGAN ---

WIDTHS = dict(zip(SIDES, (1024, 512, 256, 128, 128, 64, 32, 16, 8)))
TWICE = (8, 32, 128, 512)
GATES = {64: 4, 128: 8, 256: 16, 512: 32}


def normed(state, key, *shape, rows=0):
    """weight_orig, weight_u and weight_v as spectral norm leaves them; rows: the dimension of the output channels."""
    weight = torch.randn(*shape) * 0.05
    matrix = weight.transpose(0, rows).flatten(1)
    u = F.normalize(torch.randn(matrix.shape[0]), dim=0)
    state |= {f"{key}.weight_orig": weight, f"{key}.weight_u": u, f"{key}.weight_v": F.normalize(matrix.T @ u, dim=0)}


def batch_norm(state, key, channels):
    state[f"{key}.weight"], state[f"{key}.bias"] = torch.rand(channels) + 0.5, 0.2 * torch.randn(channels)
    state[f"{key}.running_mean"], state[f"{key}.running_var"] = 0.1 * torch.randn(channels), torch.rand(channels) + 0.5
    state[f"{key}.num_batches_tracked"] = torch.tensor(7)


@functools.cache
def fastgan_state(shrink: int = 1) -> dict[str, torch.Tensor]:
    """All 142 tensors; `shrink` divides the channels."""
    torch.manual_seed(3)
    wide, state = {side: max(2, width // shrink) for side, width in WIDTHS.items()}, {}
    normed(state, "_init._layers.0._conv", 256 // shrink, 2 * wide[4], 4, 4, rows=1)
    batch_norm(state, "_init._layers.1", 2 * wide[4])
    for side in SIDES[1:]:
        block = f"_upsample_{side}._layers"
        normed(state, f"{block}.1._conv", 2 * wide[side], wide[side // 2], 3, 3)
        if side in TWICE:
            normed(state, f"{block}.5._conv", 2 * wide[side], wide[side], 3, 3)
            for noise, norm in ((2, 3), (6, 7)):
                state[f"{block}.{noise}._weight"] = torch.randn(1)
                batch_norm(state, f"{block}.{norm}", 2 * wide[side])
        else:
            batch_norm(state, f"{block}.2", 2 * wide[side])
    for fine, coarse in GATES.items():
        normed(state, f"_sle_{fine}._layers.1._conv", wide[fine], wide[coarse], 4, 4)
        normed(state, f"_sle_{fine}._layers.3._conv", wide[fine], wide[fine], 1, 1)
    normed(state, "_out_128.0._conv", 3, wide[128], 1, 1)
    normed(state, "_out_1024.0._conv", 3, wide[1024], 3, 3)
    return state


def fastgan(state, z, planes=None):
    """The generator as a function of its published state."""
    planes = iter(planes or [])

    def weight(key, rows=0):
        w, u, v = (state[f"{key}._conv.weight_{part}"] for part in ("orig", "u", "v"))
        return w / (u @ w.transpose(0, rows).flatten(1) @ v)

    def norm_glu(key, h):
        parts = (state[f"{key}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.glu(F.batch_norm(h, *parts), dim=1)

    def noisy(key, h):
        plane = next(planes, None)
        return h if plane is None else h + state[f"{key}._weight"] * plane

    h = norm_glu("_init._layers.1", F.conv_transpose2d(z[:, :, None, None], weight("_init._layers.0", rows=1)))
    features = {4: h}
    for side in SIDES[1:]:
        block = f"_upsample_{side}._layers"
        h = F.conv2d(F.interpolate(h, scale_factor=2), weight(f"{block}.1"), padding=1)
        if side in TWICE:
            h = norm_glu(f"{block}.3", noisy(f"{block}.2", h))
            h = norm_glu(f"{block}.7", noisy(f"{block}.6", F.conv2d(h, weight(f"{block}.5"), padding=1)))
        else:
            h = norm_glu(f"{block}.2", h)
        if side in GATES:
            gate = F.silu(F.conv2d(F.adaptive_avg_pool2d(features[GATES[side]], 4), weight(f"_sle_{side}._layers.1")))
            h = h * torch.sigmoid(F.conv2d(gate, weight(f"_sle_{side}._layers.3")))
        features[side] = h
    return torch.tanh(F.conv2d(h, weight("_out_1024.0"), padding=1))


def test_the_published_size_of_a_fastgan():
    state = fastgan_state()
    spec = catalog.find("fastgan/shells")
    assert len(state) == 142
    assert abs(sum(t.numel() * t.element_size() for t in state.values()) - spec.size) < 0.001 * spec.size


@pytest.mark.parametrize("name", ["fastgan/shells", "fastgan/universe"])
def test_fastgan(hub, name):
    shrink = 1 if name == "fastgan/shells" else 16  # one of true size, one that is quick
    state = fastgan_state(shrink)
    spec = publish(hub, name, pickled(state))
    if shrink > 1:
        kwargs = {"latent": 256 // shrink, "widths": tuple(max(2, width // shrink) for width in WIDTHS.values())}
        spec = catalog.register(replace(spec, name="test/fastgan", kwargs=kwargs))
    net, z = load(spec.name), torch.randn(1, 256 // shrink)
    with torch.no_grad():
        torch.testing.assert_close(net(z), fastgan(state, z), atol=1e-4, rtol=1e-3)
        if shrink > 1:
            planes = net.noise(5)
            assert [plane.shape[2] for plane in planes] == [8, 8, 32, 32, 128, 128, 512, 512]
            torch.testing.assert_close(net(z, None, planes), fastgan(state, z, planes), atol=1e-4, rtol=1e-3)
            assert not torch.equal(net.noise(6)[0], planes[0])
            one, other = imgstudio.sample(spec.name, [3, 4])
            assert one.size == (1024, 1024) and one.tobytes() != other.tobytes()
            assert imgstudio.sample(spec.name, [3])[0].tobytes() == one.tobytes()
            assert len(list(imgstudio.walk(spec.name, [1, 2], frames=2, loop=False))) == 3


# --- the others ---


@pytest.mark.parametrize("colours", [1, 3])
def test_dcgan_of_digits(hub, colours):
    chain = ((4, 4, 4, 4, 4), (1, 2, 2, 2, 2), (0, 1, 1, 1, 1))
    theirs = foreign.randomise_norms(foreign.dcgan((100, 512, 256, 128, 64, colours), *chain))
    state = foreign.Holder("model", theirs).state_dict()
    spec = publish(hub, "dcgan/mnist", pickled(state))
    assert abs(len(pickled(state)) - spec.size) < 0.01 * spec.size
    z = torch.randn(2, 100)
    with torch.no_grad():
        expected = theirs(z[:, :, None, None]).expand(-1, 3, -1, -1)
        torch.testing.assert_close(load(spec.name)(z), expected, atol=1e-4, rtol=1e-3)
    assert imgstudio.sample(spec.name, [0])[0].size == (64, 64)


def test_taesd(hub):
    encoder, decoder = foreign.taesd_state()
    data = save(foreign.diffusers_names(encoder, decoder))
    spec = publish(hub, "taesd/sd", data)
    assert abs(len(data) - spec.size) < 0.01 * spec.size
    net, x = load(spec.name), torch.rand(1, 3, 24, 16)
    with torch.no_grad():
        z = net.encode(2 * x - 1)
        torch.testing.assert_close(z, foreign.taesd_encode(encoder, x), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(net.decode(z), 2 * foreign.taesd_decode(decoder, z) - 1, atol=1e-4, rtol=1e-3)


def test_what_a_taesd_can_and_cannot(hub):
    publish(hub, "taesd/sd", save(foreign.diffusers_names(*foreign.taesd_state())))
    rng = np.random.default_rng(0)
    a, b = rng.random((37, 50, 3)), rng.random((64, 20, 3))
    made = imgstudio.reconstruct("taesd/sd", a)
    assert made.image.size == (50, 37) and made.kl is None
    strip = imgstudio.interpolate("taesd/sd", a, b, steps=3)
    assert [picture.size for picture in strip] == [(50, 37)] * 3
    assert strip[0].tobytes() == made.image.tobytes()
    sheet = imgstudio.manifold("taesd/sd", [a, b, a, b], size=2, side=16)
    assert sheet[0][0].size == (16, 12)
    above, below = (np.asarray(row[0], np.int16) for row in sheet)  # the corners of a sheet are sums, rounded in their own way
    assert np.abs(above - below).max() <= 2
    assert imgstudio.denoise("taesd/sd", a, noise=0.1).image.size == (50, 37)
    assert imgstudio.attributes("taesd/sd") == ()
    for refused in (
        lambda: imgstudio.prior("taesd/sd", [1]),
        lambda: imgstudio.traverse("taesd/sd", a, dimension=0),
        lambda: imgstudio.attribute("taesd/sd", a, {"a to b": 1.0}),
    ):
        with pytest.raises(StudioError, match="keep pictures and not to invent any.*such as vae/avatars"):
            refused()


@each_row("name", [name for name in HUB if name.startswith("maze/")])
def test_fast_style(hub, name):
    theirs = foreign.randomise_norms(foreign.BlockTransformer(width=32))
    state = theirs.state_dict()
    assert len(state) == 62 and sum(t.numel() for t in state.values()) == 1_679_235
    publish(hub, name, pickled(state))
    x = torch.rand(1, 3, 32, 40)
    with torch.no_grad():
        torch.testing.assert_close(load(name)(2 * x - 1), theirs(255 * x).clamp(0, 255) / 127.5 - 1, atol=2e-3, rtol=0)
    made = imgstudio.last(imgstudio.stylize(name, x[0].permute(1, 2, 0).numpy(), size=64))
    assert made.image.size == (64, 51)


@each_row("name", ["cyclegan/sim2real", "cyclegan/real2sim"])
def test_cyclegan(hub, name):
    theirs = Published("huggan", 64, 9).eval()
    data = pickled(theirs.state_dict())
    spec = publish(hub, name, data)
    assert abs(len(data) - spec.size) < 0.001 * spec.size
    x = torch.rand(1, 3, 32, 40) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(load(name)(x), theirs(x), atol=1e-4, rtol=1e-3)


def test_every_entry_is_tested():
    here = {"fastgan/shells", "fastgan/universe", "dcgan/mnist", "taesd/sd", "cyclegan/sim2real", "cyclegan/real2sim"}
    assert here | {name for name in HUB if name.startswith("maze/")} | set(ELSEWHERE) == set(HUB)


# --- other places ---


def test_a_person_can_name_other_places(hub, monkeypatch):
    state = foreign.diffusers_names(*foreign.taesd_state())
    hub.put("me/copy", "mine.safetensors", save(state), "v2")
    monkeypatch.setenv("IMGSTUDIO_HUB", "taesd/sd = me/copy/mine.safetensors@v2, fastgan/shells=me/shells")
    moved = catalog.find("taesd/sd")
    assert moved.source == imgstudio.Hub(repo="me/copy", filename="mine.safetensors", revision="v2")
    assert catalog.find("fastgan/shells").source.filename == "pytorch_model.bin"
    torch.testing.assert_close(load("taesd/sd").encoder[0].weight, state["encoder.layers.0.weight"])
    assert any("/me/copy/resolve/v2/mine.safetensors" in path for _, path in hub.requests)


@pytest.mark.parametrize("setting", ["taesd/sd", "taesd/sd=me", "vae/avatars=me/copy", "no/such=me/copy", "taesd/sd=/etc/passwd"])
def test_a_setting_that_cannot_be_read_is_explained(monkeypatch, setting):
    monkeypatch.setenv("IMGSTUDIO_HUB", setting)
    with pytest.raises(StudioError, match="IMGSTUDIO_HUB says .* owner/repo"):
        imgstudio.models()


# --- bring your own, from the Hub ---

DCGAN = ((6, 8, 4, 3), (7, 4, 4), (1, 2, 2), (0, 1, 1))


@pytest.mark.parametrize("source", ["me/digits", "me/digits/nets/g.pth", "https://huggingface.co/me/digits", "me/digits@main"])
def test_a_repository_is_recognised(hub, source):
    theirs = foreign.randomise_norms(foreign.dcgan(*DCGAN))
    for name in ("pytorch_model.bin", "nets/g.pth"):
        hub.put("me/digits", name, pickled(theirs.state_dict()))
    hub.put("me/digits", "README.md", b"a card")
    spec = imgstudio.import_weights(source)
    assert spec.name == ("own/g" if "nets" in source else "own/digits")
    assert spec.source.repo == "me/digits" and "huggingface.co/me/digits" in spec.origin
    z = torch.randn(2, 6)
    with torch.no_grad():
        torch.testing.assert_close(load(spec.name)(z), theirs(z[:, :, None, None]), atol=1e-5, rtol=1e-4)


def test_two_halves_in_a_repository(hub):
    encoder, decoder = foreign.taesd_state()
    for name, state in (("tiny_encoder", encoder), ("tiny_decoder", decoder)):
        hub.put("me/tiny", f"{name}.safetensors", save(state))
    for source in ("me/tiny", "me/tiny/tiny_decoder.safetensors"):
        assert load(imgstudio.import_weights(source).name).halves == ("encoder", "decoder")


def test_a_repository_with_several_files_names_them(hub):
    for name in ("one.pth", "two.pth"):
        hub.put("me/several", name, pickled(foreign.dcgan(*DCGAN).state_dict()))
    with pytest.raises(
        StudioError, match=r"several files of weights, so name one, as in me/several/one\.pth: one\.pth, two\.pth"
    ):
        imgstudio.import_weights("me/several")
    hub.put("me/empty", "README.md", b"nothing")
    with pytest.raises(StudioError, match="me/empty has no file of weights"):
        imgstudio.import_weights("me/empty")
    with pytest.raises(StudioError, match="me/nothing"):
        imgstudio.import_weights("me/nothing")


def test_a_mirror_that_lists_nothing(hub, monkeypatch):
    hub.put("me/digits", "generator.pth", pickled(foreign.dcgan(*DCGAN).state_dict()))
    real = weights.listing

    def unlisted(repo, revision):
        real("me/unknown", revision)

    monkeypatch.setattr(weights, "listing", unlisted)
    assert imgstudio.import_weights("me/digits").source.filename == "generator.pth"
