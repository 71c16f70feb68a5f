"""The page as a ZeroGPU Space serves it, where every net counts as heavy: run as a program."""

from __future__ import annotations

import spaces  # noqa: F401  # as in app.py, before anything that could touch a GPU

from imgstudio import ui
from imgstudio.studio import work

if __name__ == "__main__":
    work.LIGHT = 0
    ui.launch(ui.build())
