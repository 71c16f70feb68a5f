"""Models that a person brings: a file, or a repository of the Hub, recognised by the names and shapes of its tensors.

    spec = imgstudio.import_weights("owner/repo")
    imgstudio.sample(spec.name, [1, 2, 3])

Another layout is one module in `families`, which holds both how its files are recognised and the map of their keys, and one word
in the list there. Files that this studio wrote are recognised by `own`.
"""

from __future__ import annotations

from .importer import Looking, import_weights, importing
from .recognition import Recognised, recognise

__all__ = ["Looking", "Recognised", "import_weights", "importing", "recognise"]
