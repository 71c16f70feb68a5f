"""The weights as a repository of the Hugging Face Hub: which files, and the model card that goes with them."""

from __future__ import annotations

from pathlib import Path

from .. import catalog, weights
from ..catalog.records import Embedded, Spec

_TAGS = ("gan", "vae", "style-transfer", "texture-segmentation", "image-generation", "imgstudio")


def files(repo: str) -> dict[str, Path | bytes]:
    """What `repo` is to hold, by name: every embedded file, checked against the catalogue, and the card as README.md."""
    found: dict[str, Path | bytes] = {"README.md": text(repo).encode()}
    for name, specs in _by_file().items():
        found[name] = weights.folder() / name
        weights.verify(specs[0], weights.folder() / name)
    return found


def text(repo: str) -> str:
    """The card: front matter, how to use the weights, a row a file, and the recipes and scores of weights/README.md."""
    rows = "\n".join(_row(name, specs) for name, specs in _by_file().items())
    return f"""{_front_matter()}
# Weights of imgstudio

Small nets for images, trained by the project imgstudio. They run in its page, on its command line and from Python. To have it
take them from here:

```bash
IMGSTUDIO_WEIGHTS={repo} python -m imgstudio serve
```

| file | models | task | size | licence | data | paper |
|---|---|---|---|---|---|---|
{rows}

{_recipes_and_scores()}"""


def _by_file() -> dict[str, list[Spec]]:
    """The models of each embedded file; some files serve several."""
    found: dict[str, list[Spec]] = {}
    for spec in catalog.SPECS:
        if isinstance(spec.source, Embedded):
            found.setdefault(spec.source.filename, []).append(spec)
    return found


def _front_matter() -> str:
    licences = sorted({specs[0].licence.lower() for specs in _by_file().values()})
    lines = ["license:", *(f"- {licence}" for licence in licences), "library_name: imgstudio", "tags:"]
    return "\n".join(["---", *lines, *(f"- {tag}" for tag in _TAGS), "---", ""])


def _row(name: str, specs: list[Spec]) -> str:
    first = specs[0]
    models, tasks = (", ".join(dict.fromkeys(words)) for words in ((f"`{s.name}`" for s in specs), (s.task for s in specs)))
    cells = (f"`{name}`", models, tasks, f"{first.size / 1e6:.1f} MB", first.licence, first.data, first.paper)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _recipes_and_scores() -> str:
    """weights/README.md from its first section on; its title and links to the code are the project's."""
    path = weights.folder() / "README.md"
    written = path.read_text(encoding="utf-8") if path.is_file() else ""
    return written[written.find("## ") :] if "## " in written else ""
