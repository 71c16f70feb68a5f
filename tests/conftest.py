"""Settings that must stand before anything is imported, and what several test files share."""

from __future__ import annotations

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that share a busy processor wait for each other most of the time
for name in ("IMGSTUDIO_WEIGHTS", "IMGSTUDIO_WEIGHTS_DIR", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE"):
    os.environ.pop(name, None)

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import page_server
import pytest
import torch
from browser import context, driver, open_page  # noqa: F401 (fixtures)
from hub_server import HubServer
from torch import nn

from imgstudio import catalog, loading, weights
from imgstudio.catalog.records import Embedded, Hub, Spec
from imgstudio.models.dcgan import Generator
from imgstudio.models.resnet_generator import ResnetGenerator
from imgstudio.models.stylegan2 import Generator as StyleGAN2
from imgstudio.ops.latent.styles import principal_directions

TRAINING = ("test_train", "test_recipes", "test_muon", "test_flow")
SERVING = (
    "test_attack",
    "test_server_",
    "test_readme",
    "test_package",
    "test_space",
    "test_typing",
    "test_prepared",
)

SMALL = {"latent": 8, "channels": 4, "size": 16}  # arguments of a generator that computes in no time
STYLES = {"latent": 8, "style": 16, "mapping": 2, "widths": (16, 16), "size": 16, "components": 3}  # of a StyleGAN2


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks a test by its file: `browser`, `train`, and `slow`, which both of them are, too."""
    kinds = {"browser": ("test_browser",), "train": TRAINING, "slow": ("test_browser", *TRAINING, *SERVING)}
    for kind, files in kinds.items():
        if item.path.stem.startswith(files):
            item.add_marker(kind)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """For `-n 2`: all browser tests go to one process, the files of others to the next that is free. Two browsers at once on two
    processors are slower than one after the other."""
    from xdist.scheduler import LoadScopeScheduling

    class OneBrowser(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if "test_browser" in nodeid else nodeid.partition("::")[0]

    return OneBrowser(config, log)


@pytest.fixture(scope="module", autouse=True)
def _pages_of_this_file() -> Iterator[None]:
    yield
    page_server.stop_others()


@dataclass(frozen=True)
class SmallModel:
    """A registered model with random weights, and its file."""

    spec: Spec
    net: nn.Module
    path: Path


@pytest.fixture
def small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., SmallModel]]:
    """Call it for a model of the catalogue with random weights: `small_model("dcgan/small", **spec fields)`."""
    folder = tmp_path / "weights"
    monkeypatch.setenv("IMGSTUDIO_WEIGHTS_DIR", str(folder))
    monkeypatch.setattr(loading, "_nets", {})
    names = []

    def make(name: str = "test/small", *, hub: Hub | None = None, **fields) -> SmallModel:
        torch.manual_seed(0)
        net = Generator(**SMALL)
        for parameter in net.parameters():
            parameter.data.mul_(10 if parameter.ndim == 4 else 1)  # so that no two pictures are alike
        path = folder / f"{name.replace('/', '-')}.safetensors"
        digest = weights.write(path, net.state_dict())
        spec = Spec(
            name=name,
            task="sample",
            title="Small",
            build="imgstudio.models.dcgan:Generator",
            kwargs=SMALL,
            source=hub or Embedded(filename=path.name, sha256=digest),
            size=path.stat().st_size,
            licence="CC0-1.0",
            origin="random numbers",
            data="none",
        )
        names.append(name)
        return SmallModel(catalog.register(replace(spec, **fields)), net, path)

    yield make
    for name in names:
        catalog.unregister(name)


@pytest.fixture
def small_stylegan(small_model) -> Callable[..., SmallModel]:
    """Call it for a registered StyleGAN2 with random weights: `small_stylegan("test/styles", **spec fields)`."""

    def make(name: str, *, kwargs: dict | None = None, **fields) -> SmallModel:
        arguments = STYLES | (kwargs or {})
        torch.manual_seed(0)
        net = StyleGAN2(**arguments)
        for layer in net.layers:
            layer.strength.data.fill_(0.3)
        for colours in net.colours:
            colours.weight.data.mul_(0.3)
        w = net.map(torch.randn(512, net.latent), torch.arange(512) % max(net.classes, 1)).detach()
        net.centre.copy_(torch.stack([w[i :: len(net.centre)].mean(dim=0) for i in range(len(net.centre))]))
        net.directions.copy_(principal_directions(w - w.mean(dim=0), len(net.directions)))
        model = small_model(name, build="imgstudio.models.stylegan2:Generator", kwargs=arguments, **fields)
        source = Embedded(filename=model.path.name, sha256=weights.write(model.path, net.state_dict()))
        spec = catalog.register(replace(model.spec, source=source, size=model.path.stat().st_size))
        return SmallModel(spec, net.eval().requires_grad_(False), model.path)

    return make


@pytest.fixture
def translations(small_model) -> Callable[..., tuple[str, str]]:
    """Call it with the arguments of a CycleGAN's generator for two registered models, test/there and test/back, whose
    random weights lie in real files: `translations(channels=4, blocks=1)`."""

    def make(**kwargs) -> tuple[str, str]:
        names = "test/there", "test/back"
        for seed, (name, inverse) in enumerate(zip(names, reversed(names))):
            torch.manual_seed(seed)
            net = ResnetGenerator(**kwargs)
            build = "imgstudio.models.resnet_generator:ResnetGenerator"
            model = small_model(name, task="translate", build=build, kwargs=kwargs, inverse=inverse, side=32)
            digest = weights.write(model.path, net.state_dict())
            catalog.register(replace(model.spec, source=Embedded(filename=model.path.name, sha256=digest)))
        return names

    return make


@pytest.fixture
def patient_hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    """A Hub on the loopback with a cache of its own, which is given time: it hashes large files while the machine is busy."""
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setattr(weights.hub.client().constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights.hub, "_silence", {})
    monkeypatch.setattr(weights.hub, "PATIENCE", 60.0)
    yield server
    server.close()
