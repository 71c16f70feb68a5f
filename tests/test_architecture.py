"""The floors of the house: who may import whom. Read from the source, so that an import inside a function counts too."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import imgstudio

ROOT = Path(__file__).parent.parent

# Room or floor -> the parts of the package it may know. `imgstudio` stands for the public names.
ALLOWED = {
    "app": {"ui"},
    "__init__": {"models", "catalog", "errors", "importing", "loading", "studio"},  # most of them for type checkers alone
    "__main__": {"cli"},
    "cli": {
        *("imgstudio", "cli", "ui", "train", "bench", "art", "studio", "importing", "catalog", "weights"),
        *("checks", "image", "memory", "resources", "errors"),
    },
    "ui": {"checks", "imgstudio", "ui", "studio", "art", "catalog", "interrupt", "resources", "errors"},
    "bench": {"bench", "studio", "resources", "loading", "catalog", "ops", "metrics", "image", "device", "errors"},
    "studio": {
        *("studio", "importing", "loading", "catalog", "models", "weights", "ops", "metrics"),
        *("checks", "image", "device", "gpu", "memory", "interrupt", "resources", "errors"),
    },
    "train": {"train", "models", "ops", "metrics", "weights", "device", "errors"},
    "metrics": {"metrics", "ops", "models"},
    "art": {"art", "errors"},
    "ops": {"ops", "models", "device", "interrupt"},
    "models": {"models"},
    "importing": {"importing", "checks", "catalog", "loading", "models", "weights", "errors"},
    "loading": {"checks", "catalog", "weights", "memory", "device", "errors"},
    "catalog": {"catalog", "checks", "errors"},
    "weights": {"weights", "catalog", "resources", "errors"},
    "image": {"image", "checks", "errors"},
    "checks": {"errors"},
    "resources": set(),
    "device": {"checks", "errors"},
    "gpu": {"device", "errors"},
    "memory": set(),
    "interrupt": set(),
    "errors": set(),
}

# Library -> the only parts that may know it.
RESERVED = {
    "gradio": {"ui", "app"},
    "spaces": {"app", "gpu"},
    "huggingface_hub": {"weights"},
    "argparse": {"cli"},
}

# Part -> libraries it may never know. For the nets and the artworks, the list of all they may know is short enough to be
# written down.
FORBIDDEN = {
    "ui": {"torch", "torchvision", "safetensors", "skimage"},
    "app": {"torch", "PIL", "numpy"},
    "ops": {"PIL", "pathlib", "os"},
    "metrics": {"PIL", "pathlib", "os"},
    "cli": {"torch"},
    "__main__": {"torch"},
}
KNOWS = {
    "models": {"torch", "torchvision", *sys.stdlib_module_names} - {"os", "pathlib", "argparse"},
    "art": {"numpy", "PIL", "scipy", "skimage", *sys.stdlib_module_names},
}


def part_of(module: str) -> str:
    """imgstudio.ui.kit.layout -> ui, imgstudio.weights -> weights, imgstudio -> imgstudio, app -> app."""
    names = module.split(".")
    return names[1] if names[0] == "imgstudio" and len(names) > 1 else names[0]


def imports(source: str, module: str, *, package: bool) -> set[str]:
    """Full names of the modules that a source text imports. `package` is true for an __init__.py."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")
            base = base[: len(base) - node.level + package] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            parts = {f"{origin}.{alias.name}" for alias in node.names}
            # `from imgstudio import weights` names a module, `from imgstudio import sample` a public name.
            found |= {name if is_module(name) else origin for name in parts}
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def faults(source: str, module: str, *, package: bool = False) -> list[str]:
    """What is wrong with the imports of one file, a sentence each."""
    part = "__init__" if module == "imgstudio" else part_of(module)
    found = []
    for name in sorted(imports(source, module, package=package)):
        library = name.split(".")[0]
        if library == "imgstudio":
            if part_of(name) not in ALLOWED[part]:
                found.append(f"{module} may not import {name}")
        elif part not in RESERVED.get(library, {part}):
            found.append(f"{module} may not import {library}, which is for {', '.join(sorted(RESERVED[library]))}")
        elif library in FORBIDDEN.get(part, ()) or (part in KNOWS and library not in KNOWS[part]):
            found.append(f"{module} may not import {library}")
    return found


def sources() -> list[tuple[str, Path]]:
    files = [path for path in sorted((ROOT / "imgstudio").rglob("*.py"))]
    named = [(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path) for path in files]
    return [*named, *([("app", ROOT / "app.py")] if (ROOT / "app.py").exists() else [])]


def test_directions():
    found = [faults(path.read_text(encoding="utf-8"), module, package=path.name == "__init__.py") for module, path in sources()]
    assert [fault for faults in found for fault in faults] == []


WRONG = [
    ("import gradio", "imgstudio.studio.sampling"),
    ("def f():\n    import gradio.themes as themes", "imgstudio.image"),
    ("from huggingface_hub import hf_hub_download", "imgstudio.loading"),
    ("import argparse", "imgstudio.studio.sampling"),
    ("import torch", "imgstudio.ui.kit.layout"),
    ("from ...models.dcgan import Generator", "imgstudio.ui.tabs.sampling"),
    ("from ... import loading", "imgstudio.ui.tabs.sampling"),
    ("from .. import sample", "imgstudio.studio.interpolation"),
    ("import imgstudio", "imgstudio.train.gan.dcgan"),
    ("from ...studio import sampling", "imgstudio.train.gan.dcgan"),
    ("from imgstudio.train import sampling", "imgstudio.studio.sampling"),
    ("from ..image import read", "imgstudio.ops.tiles"),
    ("from PIL import Image", "imgstudio.ops.latent"),
    ("from ..ops import latent", "imgstudio.models.vae"),
    ("import numpy", "imgstudio.models.vae"),
    ("from . import loading", "imgstudio.weights"),
    ("import torch", "imgstudio.art.wave"),
    ("from ..image import read", "imgstudio.art.wave"),
    ("from .ui import build", "imgstudio.catalog"),
    ("import imgstudio.studio.sampling", "app"),
    ("import torch", "app"),
]


def test_a_wrong_direction_is_found():
    assert [(source, module) for source, module in WRONG if len(faults(source, module)) != 1] == []


RIGHT = [
    (
        "import gradio as gr\nimport imgstudio\nfrom ... import sample\nfrom ...studio import sampling",
        "imgstudio.ui.tabs.sampling",
        False,
    ),
    ("from . import header", "imgstudio.ui", True),
    ("from .. import loading, weights\nfrom ..ops import latent\nfrom . import pictures", "imgstudio.studio.steps", False),
    ("from torch import nn\nimport math\nfrom .dcgan import Generator", "imgstudio.models.vae", False),
    ("from ...models.dcgan import Generator\nfrom ... import device as devices", "imgstudio.train.gan.dcgan", False),
    ("from imgstudio.ui import build", "app", False),
]


def test_a_right_direction_is_left_alone():
    assert [faults(source, module, package=package) for source, module, package in RIGHT] == [[]] * len(RIGHT)


def test_every_part_has_a_rule():
    parts = {"__init__" if module == "imgstudio" else part_of(module) for module, _ in sources()}
    assert parts <= set(ALLOWED)


def test_every_public_name_exists_where_it_is_said_to_be():
    for name in imgstudio.__all__:
        assert getattr(imgstudio, name) is not None
    assert set(imgstudio.__all__) <= set(dir(imgstudio))
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        imgstudio.paint  # noqa: B018


def test_importing_the_package_brings_in_nothing_heavy_and_no_network():
    code = """
import socket, sys
def refuse(*_, **__): raise AssertionError("a socket was opened")
socket.socket = socket.create_connection = socket.getaddrinfo = refuse
import imgstudio
assert callable(imgstudio.models) and "load" in dir(imgstudio)
heavy = {"torch", "torchvision", "gradio", "huggingface_hub", "PIL", "numpy", "safetensors"} & set(sys.modules)
assert not heavy, heavy
imgstudio.models("sample")
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)


def test_the_nets_folder_and_the_function_share_a_name():
    code = "import imgstudio.models.dcgan as d, imgstudio; assert imgstudio.models() == imgstudio.models(None); d.Generator"
    subprocess.run([sys.executable, "-W", "error::ImportWarning", "-c", code], cwd=ROOT, check=True)


def test_the_guide_names_files_that_exist():
    text = (ROOT / "imgstudio" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.\w+)?|[a-z_]+\.py)`", text))
    places = [ROOT, ROOT / "imgstudio", ROOT / "imgstudio" / "ui" / "kit"]
    assert len(named) > 40
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def catalogue_names(path: Path) -> list[str]:
    """Where the sentence of a StudioError calls a model by its catalogue name alone."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "StudioError":
            parts = [part.value for part in ast.walk(node) if isinstance(part, ast.FormattedValue)]
            bare = [
                ast.unparse(part) for part in parts if ast.unparse(part) in ("spec.name", "model", "point.model", "self.model")
            ]
            found += [f"{path.name}:{node.lineno} {name}" for name in bare]
    return found


def test_errors_call_a_model_by_the_title_that_people_choose_it_by():
    """`Spec.known_as` has the title, and the name for who works with Python or the command line."""
    files = [path for room in ("studio", "weights", "ui") for path in (ROOT / "imgstudio" / room).rglob("*.py")]
    assert [place for path in [ROOT / "imgstudio" / "loading.py", *files] for place in catalogue_names(path)] == []
