"""Settings that must stand before anything is imported, and what several test files share."""

from __future__ import annotations

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "2")
for name in ("IMGSTUDIO_WEIGHTS", "IMGSTUDIO_WEIGHTS_DIR", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE"):
    os.environ.pop(name, None)

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from browser import context, open_page  # noqa: F401 (fixtures)

from imgstudio import catalog, loading, weights
from imgstudio.models.dcgan import Generator
from imgstudio.spec import Embedded, Hub, Spec

SMALL = {"latent": 8, "channels": 4, "size": 16}  # arguments of a generator that computes in no time


@dataclass(frozen=True)
class SmallModel:
    """A registered model with random weights, and its file."""

    spec: Spec
    net: Generator
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
