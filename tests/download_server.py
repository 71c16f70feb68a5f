"""The page with a model from a Hub on the loopback in its catalogue, whose first download gets stuck halfway, and with a
repository that the catalogue does not know: run as a program, with a folder for the client's cache."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

os.environ.pop("HF_HUB_OFFLINE", None)  # before the client is imported
os.environ["HF_HUB_CACHE"] = sys.argv[1]

import torch
from foreign import Holder, dcgan
from hub_server import HubServer

from imgstudio import catalog, ui, weights
from imgstudio.catalog.records import Hub, Spec

NAME, REPO, FILE = "test/faraway", "someone/nets", "model.safetensors"
UNKNOWN = "anyone/dreams"


def register(hub: HubServer) -> None:
    """Puts the file of another model there, under a name of its own."""
    known = catalog.find("dcgan/nouns")
    data = weights.locate(known).read_bytes()
    hub.put(REPO, FILE, data)
    source = Hub(repo=REPO, filename=FILE, revision="main", sha256=known.source.sha256)
    fields = {"name": NAME, "title": "From far away", "source": source, "licence": "MIT", "origin": "a test"}
    catalog.register(Spec(**{**vars(known), **fields}))


def publish(hub: HubServer) -> None:
    """A repository with the checkpoint of a DCGAN for 32 px, as a tutorial saves it."""
    net = Holder("main", dcgan((20, 16, 8, 8, 3), (4, 4, 4, 4), (1, 2, 2, 2), (0, 1, 1, 1)))
    file = io.BytesIO()
    torch.save({"netG": net.state_dict(), "epoch": 3}, file)
    hub.put(UNKNOWN, "generator.pth", file.getvalue())


if __name__ == "__main__":
    server = HubServer()
    server.stuck = 1
    os.environ["HF_ENDPOINT"] = server.url
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    register(server)
    publish(server)
    ui.launch(ui.build())
