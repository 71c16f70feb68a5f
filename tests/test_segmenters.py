"""Nets that embed pixels: what all of them promise, and those that were not trained here under their true names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hub_server import HubServer
from safetensors.torch import save
from table import each_row
from torch import nn
from torch.nn import functional as F

import imgstudio
from imgstudio import StudioError, catalog, weights
from imgstudio.catalog.records import Formula, Hub, Spec
from imgstudio.models.dinov2 import DINOv2
from imgstudio.models.embedding import blur, on_sphere, principal, standardised
from imgstudio.models.gabor import Gabor, kernels
from imgstudio.models.vgg_segmenter import VGGSegmenter
from imgstudio.studio.texture.mosaic import mosaic

DINO = catalog.find("dinov2/texture")
HERE = [spec.name for spec in catalog.models("segment") if spec.embedded]


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@each_row("name", HERE)
@torch.no_grad()
def test_every_size_gives_unit_vectors(name):
    net = imgstudio.load(name)
    for height, width in ((net.smallest, net.smallest), (45, 70), (64, net.smallest)):
        found = net(picture(height, width))
        assert found.dtype == torch.float32
        assert found.shape[2:] == (height, width)
        assert 8 <= found.shape[1] <= 32
        torch.testing.assert_close(found.norm(dim=1), torch.ones(1, height, width), atol=1e-3, rtol=0)


@each_row("name", HERE)
@torch.no_grad()
def test_pictures_of_a_batch_do_not_know_of_each_other(name):
    net, a, b = imgstudio.load(name), picture(48, 48, 1), picture(48, 48, 2)
    together = net(torch.cat([a, b]))
    for found, alone in zip(together, (a, b)):
        likeness = (found * net(alone)[0]).sum(dim=0)
        assert likeness.min() > 0.99


@each_row("name", ["gabor/texture", "vgg-small/texture"])
def test_two_textures_are_told_apart(name):
    made = mosaic(5, regions=2, size=96)
    found = imgstudio.segment(name, made.image, regions=2)
    assert (found.labels == made.labels).mean() > 0.9


# --- what they share ---


def test_blur_is_that_of_scipy():
    from scipy import ndimage

    x = picture(20, 30)
    expected = np.stack([ndimage.gaussian_filter(plane.numpy(), 2.0, mode="mirror", truncate=3) for plane in x[0]])
    np.testing.assert_allclose(blur(x, 2.0)[0], expected, atol=1e-5)


def test_principal_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    x = picture(12, 10).repeat(1, 2, 1, 1) + picture(12, 10, 3).repeat(1, 2, 1, 1).flip(1)
    expected = PCA(3).fit_transform(x[0].flatten(1).T.numpy()).T
    found = principal(x, 3)[0].flatten(1).numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)
    assert (principal(x, 9)[0, 6:] == 0).all()


def test_strength_survives_the_sphere():
    x = torch.tensor([1.0, 2.0, 4.0]).view(1, 1, 1, 3)
    found = on_sphere(x)
    likeness = torch.einsum("ncij,nckl->jl", found, found)
    assert likeness[0, 1] > likeness[0, 2]
    assert likeness[0, 2] < 0.95


def test_measurements_weigh_the_same_whatever_their_scale():
    x = picture(9, 9)
    torch.testing.assert_close(standardised(x), standardised(5 * x + 3), atol=1e-4, rtol=1e-4)
    assert standardised(x).square().mean(dim=(2, 3)).sum().item() == pytest.approx(1, abs=1e-4)


# --- Gabor filters ---


def test_gabor_filters_answer_to_their_own_stripes():
    bank = kernels((4.0,), 4, 7)  # even and odd, in four directions
    assert bank.sum(dim=(1, 2, 3)).abs().max() < 1e-5, "flat areas are nothing"
    x = torch.cos(2 * torch.pi * torch.arange(40.0) / 4).expand(1, 1, 40, 40)  # vertical stripes
    answer = F.conv2d(x, bank).square().mean(dim=(0, 2, 3)).view(4, 2).sum(dim=1)
    assert answer.argmax() == 0
    assert answer[0] > 20 * answer[2]


def test_gabor_needs_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr(imgstudio.loading, "_nets", {})
    assert isinstance(imgstudio.load("gabor/texture"), Gabor)
    assert not Gabor().state_dict()


def test_a_formula_has_no_size():
    known = catalog.find("gabor/texture")
    assert known.embedded
    assert isinstance(known.source, Formula)
    with pytest.raises(ValueError, match="size"):
        Spec(**{**{name: getattr(known, name) for name in known.__dataclass_fields__}, "size": 5})
    with pytest.raises(ValueError, match="size"):
        Spec(
            **{
                **{name: getattr(known, name) for name in known.__dataclass_fields__},
                "source": Hub(repo="a/b", filename="c", revision="d"),
            }
        )


def test_grey_pictures_have_no_colour_to_go_by():
    grey = picture(40, 40)[:, :1].expand(-1, 3, -1, -1)
    found = Gabor()(grey)
    assert found.isfinite().all()


# --- VGG ---


def test_vgg_segmenters_read_the_files_of_the_feature_nets():
    for name in ("vgg-small", "vgg19"):
        segmenter, features = catalog.find(f"{name}/texture"), catalog.find(f"features/{name}")
        assert segmenter.source == features.source
        assert segmenter.only == features.only
        with torch.device("meta"):
            net = VGGSegmenter(**segmenter.kwargs)
        assert net.layers[-1] == "relu5_1"
        assert set(net.descriptor_layers) <= set(net.layers)


# --- DINOv2 ---


def timm_state(width: int = 384, depth: int = 12, patch: int = 14, side: int = 37) -> dict[str, torch.Tensor]:
    """Random weights with the names and shapes of timm/vit_small_patch14_dinov2.lvd142m, or of a smaller one of its kind."""
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 1 + side * side, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
        "norm.weight": (width,),
        "norm.bias": (width,),
    }
    for i in range(depth):
        for name, (out, into) in {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}.items():
            shapes |= {f"blocks.{i}.{name}.weight": (out, into), f"blocks.{i}.{name}.bias": (out,)}
        for name, (out, into) in {"mlp.fc1": (4 * width, width), "mlp.fc2": (width, 4 * width)}.items():
            shapes |= {f"blocks.{i}.{name}.weight": (out, into), f"blocks.{i}.{name}.bias": (out,)}
        for name in ("norm1", "norm2"):
            shapes |= {f"blocks.{i}.{name}.weight": (width,), f"blocks.{i}.{name}.bias": (width,)}
        shapes |= {f"blocks.{i}.ls1.gamma": (width,), f"blocks.{i}.ls2.gamma": (width,)}
    generator = torch.Generator().manual_seed(0)
    return {name: 0.2 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def independent(state: dict[str, torch.Tensor], x: torch.Tensor, heads: int, positions: torch.Tensor) -> torch.Tensor:
    """Tokens [N, 1 + T, C] of a vision transformer with layer scale, by PyTorch's own attention."""
    width = state["cls_token"].shape[2]
    patch = state["patch_embed.proj.weight"].shape[2]
    x = (x + 1) / 2
    x = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    columns = F.unfold(x, patch, stride=patch)  # N,3pp,T
    tokens = columns.transpose(1, 2) @ state["patch_embed.proj.weight"].flatten(1).T + state["patch_embed.proj.bias"]
    h = torch.cat([state["cls_token"].expand(len(x), -1, -1), tokens], dim=1) + positions
    for i in range(sum(name.endswith("ls1.gamma") for name in state)):
        own = {name.removeprefix(f"blocks.{i}."): value for name, value in state.items() if name.startswith(f"blocks.{i}.")}
        attention = nn.MultiheadAttention(width, heads, batch_first=True)
        attention.load_state_dict(
            {
                "in_proj_weight": own["attn.qkv.weight"],
                "in_proj_bias": own["attn.qkv.bias"],
                "out_proj.weight": own["attn.proj.weight"],
                "out_proj.bias": own["attn.proj.bias"],
            }
        )
        normed = F.layer_norm(h, (width,), own["norm1.weight"], own["norm1.bias"], 1e-6)
        h = h + own["ls1.gamma"] * attention(normed, normed, normed)[0]
        normed = F.layer_norm(h, (width,), own["norm2.weight"], own["norm2.bias"], 1e-6)
        inner = nn.GELU()(normed @ own["mlp.fc1.weight"].T + own["mlp.fc1.bias"])
        h = h + own["ls2.gamma"] * (inner @ own["mlp.fc2.weight"].T + own["mlp.fc2.bias"])
    return F.layer_norm(h, (width,), state["norm.weight"], state["norm.bias"], 1e-6)


@pytest.fixture(scope="module")
def small_dino():
    state = timm_state(width=24, depth=3, patch=14, side=4)
    net = DINOv2(width=24, depth=3, heads=3, patch=14, side=56).eval().requires_grad_(False)
    net.load_state_dict(state)
    return net, state


def test_names_and_shapes_are_those_of_timm():
    with torch.device("meta"):
        wanted = {name: tuple(value.shape) for name, value in DINOv2(**DINO.kwargs).state_dict().items()}
    assert wanted == {name: tuple(value.shape) for name, value in timm_state().items()}


@torch.no_grad()
def test_dinov2_computes_what_an_independent_transformer_does(small_dino):
    net, state = small_dino
    x = picture(56, 56)
    expected = independent(state, x, 3, state["pos_embed"])[:, 1:]
    torch.testing.assert_close(net.patches(x).flatten(2).transpose(1, 2), expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_positions_are_stretched_to_other_sizes(small_dino):
    net, state = small_dino
    x = picture(28, 84)
    square = state["pos_embed"][0, 1:].T.view(1, 24, 4, 4)
    stretched = F.interpolate(square, (2, 6), mode="bicubic", antialias=True, align_corners=False)[0].flatten(1).T
    positions = torch.cat([state["pos_embed"][0, :1], stretched])[None]
    expected = independent(state, x, 3, positions)[:, 1:]
    torch.testing.assert_close(net.patches(x).flatten(2).transpose(1, 2), expected, atol=1e-4, rtol=1e-4)
    for size in ((1, 1), (30, 50), (90, 61)):
        assert net(picture(*size)).shape == (1, 24, *size)


def test_dinov2_comes_from_the_hub_and_segments(monkeypatch, tmp_path):
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights.hub, "_silence", {})
    monkeypatch.setattr(imgstudio.loading, "_nets", {})
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    try:
        server.put(DINO.source.repo, DINO.source.filename, save(timm_state()), DINO.source.revision)
        net = imgstudio.load("dinov2/texture")
    finally:
        server.close()
    torch.testing.assert_close(net.cls_token.cpu(), timm_state()["cls_token"])
    assert imgstudio.segment("dinov2/texture", mosaic(0, regions=2, size=64).image, regions=2).regions == 2


def test_without_the_hub_an_embedded_model_is_named(monkeypatch):
    monkeypatch.setattr(imgstudio.loading, "_nets", {})
    monkeypatch.setattr(weights.hub, "_silence", {})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_CACHE", "/nonexistent")
    with pytest.raises(StudioError, match=rf"use .*\({catalog.default('segment').name}\)"):
        imgstudio.segment("dinov2/texture", mosaic(0, regions=2, size=64).image)
