"""Opens the studio in a browser: python app.py"""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):
    import spaces  # noqa: F401  # on a ZeroGPU Space this has to come before anything that touches CUDA

from imgstudio.ui import build, exit_with_sentence, launch

with exit_with_sentence():
    demo = build()
    if __name__ == "__main__":
        launch(demo)
