"""The page with a model from a Hub on the loopback in its catalogue, whose first download gets stuck halfway: run as a program,
with a folder for the client's cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.pop("HF_HUB_OFFLINE", None)  # before the client is imported
os.environ["HF_HUB_CACHE"] = sys.argv[1]

from hub_server import HubServer  # noqa: E402

from imgstudio import catalog, ui, weights  # noqa: E402
from imgstudio.spec import Hub, Spec  # noqa: E402

NAME, REPO, FILE = "test/faraway", "someone/nets", "model.safetensors"


def register(hub: HubServer) -> None:
    """Puts the file of another model there, under a name of its own."""
    known = catalog.find("dcgan/nouns")
    data = weights.locate(known).read_bytes()
    hub.put(REPO, FILE, data)
    source = Hub(repo=REPO, filename=FILE, revision="main", sha256=known.source.sha256)
    fields = {"name": NAME, "title": "From far away", "source": source, "licence": "MIT", "origin": "a test"}
    catalog.register(Spec(**{**vars(known), **fields}))


if __name__ == "__main__":
    server = HubServer()
    server.stuck = 1
    os.environ["HF_ENDPOINT"] = server.url
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    register(server)
    ui.launch(ui.build())
