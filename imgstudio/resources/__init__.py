"""The files that come with the package and are no code: `weights/` and `assets/`.

In a clone they lie beside the package, at its top; an installed package has them in this folder (`package-dir` in
pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder "weights" or "assets" of this installation."""
    inside = _HERE / name
    return inside if inside.is_dir() else _HERE.parents[1] / name
