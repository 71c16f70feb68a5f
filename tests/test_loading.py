"""From a name to a net: the catalogue's records, and the one path through loading."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch
from conftest import SMALL
from table import each_row

import imgstudio
from imgstudio import StudioError, catalog, loading, weights
from imgstudio.catalog.records import Embedded, Formula, Hub, Spec
from imgstudio.models.dcgan import Generator

HASH = "0" * 64


def record(**fields) -> Spec:
    plain = {
        "name": "family/variant",
        "task": "sample",
        "title": "Title",
        "build": "imgstudio.models.dcgan:Generator",
        "source": Embedded(filename="a.safetensors", sha256=HASH),
        "size": 1,
        "licence": "MIT",
        "origin": "here",
        "data": "none",
    }
    return Spec(**{**plain, **fields})


# --- records ---


@each_row(
    "fields",
    [
        {"name": "avatars"},
        {"name": "a/b/c"},
        {"name": "/b"},
        {"task": "paint"},
        {"source": "weights/a.safetensors"},
        {"source": None},
        {"size": 0},
        {"licence": ""},
        {"title": ""},
        {"build": "imgstudio.models.dcgan"},
        {"inverse": "back"},
    ],
)
def test_wrong_records_are_refused(fields):
    assert record().name == "family/variant"
    with pytest.raises(ValueError):
        record(**fields)


@each_row(
    "make",
    [
        lambda: Embedded(filename="../a.safetensors", sha256=HASH),
        lambda: Embedded(filename="a.pt", sha256=HASH),
        lambda: Embedded(filename="a.safetensors", sha256="0"),
        lambda: Hub(repo="a", filename="b", revision="main"),
        lambda: Hub(repo="a/b", filename="", revision="main"),
        lambda: Hub(repo="a/b", filename="c", revision=""),
        lambda: Hub(repo="a/b", filename="c", revision="main", sha256="F" * 64),
    ],
)
def test_wrong_sources_are_refused(make):
    with pytest.raises(ValueError):
        make()


def test_records_are_frozen_and_hashable():
    with pytest.raises(AttributeError):
        record().name = "other/name"
    assert len({record(kwargs={"size": 64}), record(kwargs={"size": 64})}) == 1


def test_the_catalogue_lists_by_task(small_model):
    here = small_model("test/here", task="segment").spec
    away = small_model("test/away", task="segment", hub=Hub(repo="a/b", filename="c", revision="main")).spec
    assert imgstudio.models("segment")[-2:] == (here, away)
    elsewhere = small_model("test/elsewhere", task="features").spec
    assert elsewhere not in imgstudio.models("segment")
    assert {here, away, elsewhere} <= set(imgstudio.models())
    assert catalog.default("segment").embedded
    assert catalog.find("test/away") is away


def test_an_unknown_name_lists_some_known_ones():
    with pytest.raises(StudioError, match=r"'test/gone'.*stylegan2/avatars.*\(\d+ in all\)"):
        imgstudio.load("test/gone")
    with pytest.raises(StudioError, match="reconstruct"):
        imgstudio.models("paint")


def test_the_table_cannot_be_overwritten(monkeypatch):
    monkeypatch.setattr(catalog, "SPECS", (record(name="own/model"),))
    with pytest.raises(StudioError, match="own/model"):
        catalog.register(record(name="own/model"))


def test_names_in_the_table_are_unique():
    names = [spec.name for spec in catalog.SPECS]
    assert len(names) == len(set(names))


@each_row("spec", [s for s in catalog.SPECS if s.embedded])
def test_every_embedded_model_loads(spec):
    if not isinstance(spec.source, Formula):
        assert weights.locate(spec).stat().st_size == spec.size < 10_000_000
    net = imgstudio.load(spec.name, "cpu")
    assert not net.training


# --- loading ---


def test_a_net_comes_ready_to_use(small_model):
    model = small_model()
    net = imgstudio.load("test/small", "cpu")
    assert isinstance(net, Generator)
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())
    assert all(p.dtype == torch.float32 for p in net.parameters())
    assert net.main[0].weight.is_contiguous(memory_format=torch.channels_last)
    z = torch.randn(3, SMALL["latent"])
    torch.testing.assert_close(net(z), model.net.eval()(z), atol=2e-3, rtol=0)


def test_a_net_is_loaded_once(small_model):
    small_model()
    nets = []
    threads = [threading.Thread(target=lambda: nets.append(imgstudio.load("test/small", "cpu"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(nets) == 8
    assert len(set(map(id, nets))) == 1


def test_a_name_that_comes_to_mean_another_model_is_loaded_anew(small_model):
    model = small_model()
    first = imgstudio.load("test/small", "cpu")
    catalog.register(replace(model.spec, title="Another"))
    assert imgstudio.load("test/small", "cpu") is not first


@each_row(
    ("fields", "words"),
    [
        ({"kwargs": {**SMALL, "latent": 9}}, r"centre has the shape \[1, 8\], not \[1, 9\]"),
        ({"kwargs": {**SMALL, "classes": 3}}, "embed.weight is missing"),
        ({"convert": lambda state: {**state, "extra": torch.zeros(1)}}, "extra is unknown"),
        ({"convert": lambda state: {**state, "main.0.weight": 3}}, "main.0.weight is missing"),
    ],
)
def test_the_first_key_that_does_not_fit_is_named(small_model, fields, words):
    small_model(**fields)
    with pytest.raises(StudioError, match=words):
        imgstudio.load("test/small", "cpu")


def test_keys_are_converted(small_model):
    model = small_model("test/renamed")
    weights.write(model.path, {f"net.{key}": value for key, value in model.net.state_dict().items()})
    catalog.register(
        replace(
            model.spec,
            source=Embedded(filename=model.path.name, sha256=weights.sha256(model.path)),
            convert=lambda state: {key.removeprefix("net."): value for key, value in state.items()},
        )
    )
    assert imgstudio.load("test/renamed", "cpu") is not None


def test_weights_are_verified(small_model):
    model = small_model()
    data = model.path.read_bytes()
    model.path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(StudioError, match="not the expected one"):
        imgstudio.load("test/small", "cpu")


@each_row("device", ["toaster", "cuda:99", "meta"])
def test_a_device_that_is_not_there(small_model, device):
    small_model()
    with pytest.raises(StudioError, match=device):
        imgstudio.load("test/small", device)


def test_build_takes_a_callable_too(small_model):
    model = small_model()
    assert isinstance(loading.build(replace(model.spec, build=Generator), weights.read(model.path)), Generator)
