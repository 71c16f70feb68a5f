"""The page with two small translations in its catalogue, whose random weights lie in real files: run as a program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from imgstudio import catalog, ui, weights
from imgstudio.models.resnet_generator import ResnetGenerator
from imgstudio.spec import Embedded, Spec

NET = {"channels": 8, "blocks": 1, "skip": True}
NAMES = ("test/sepia", "test/back")


def register(folder: Path) -> None:
    """Adds both models; their files go to `folder`, in which everything else in `weights/` is found as well."""
    for file in weights.folder().glob("*.safetensors"):
        (folder / file.name).symlink_to(file)
    os.environ["IMGSTUDIO_WEIGHTS_DIR"] = str(folder)
    for seed, (name, inverse) in enumerate(zip(NAMES, reversed(NAMES))):
        torch.manual_seed(seed)
        net = ResnetGenerator(**NET)
        net.model[-1].weight.data *= 6  # or else nobody would see that anything has changed
        path = folder / f"{name.replace('/', '-')}.safetensors"
        digest = weights.write(path, net.state_dict())
        catalog.register(
            Spec(
                name=name,
                task="translate",
                title="Noise to chaos" if seed == 0 else "Chaos to noise",
                build="imgstudio.models.resnet_generator:ResnetGenerator",
                kwargs=NET,
                source=Embedded(filename=path.name, sha256=digest),
                size=path.stat().st_size,
                licence="CC0-1.0",
                origin="random numbers",
                data="none",
                inverse=inverse,
                side=96,
            )
        )


if __name__ == "__main__":
    register(Path(sys.argv[1]))
    ui.launch(ui.build())
