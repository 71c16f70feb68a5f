"""Models that a person brings: a file, or a repository of the Hub, recognised by the names and shapes of its tensors.

    spec = imgstudio.import_weights("owner/repo")
    imgstudio.sample(spec.name, [1, 2, 3])

A new family of nets is one function in `generators`, `autoencoders`, `restylers` or `seers`, and a word in FAMILIES there.
"""

from __future__ import annotations

from .importer import Looking, import_weights, importing
from .recognition import Recognised, recognise

__all__ = ["Looking", "Recognised", "import_weights", "importing", "recognise"]
