"""A page for each tab alone, all from one process: a page of one tab opens in a quarter of the time. Prints their addresses."""

from __future__ import annotations

import os
import threading

from imgstudio import ui

if __name__ == "__main__":
    port = int(os.environ.pop("PORT"))
    found = {}
    for offset, name in enumerate(ui.tabs.TABS):
        demo = ui.build([name])
        found[name] = ui.launch(demo, prevent_thread_lock=True, quiet=True, server_port=port + offset)[1]
    print("\n".join(f"{name}: {address}" for name, address in found.items()))
    threading.Event().wait()
