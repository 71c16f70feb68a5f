"""axe-core finds nothing on any tab, light or dark. It comes from npm when the test runs, and into a cache of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from browser import PATIENCE
from test_browser_page import NAMES, RESULTS, boxes, tab

AXE = "axe-core@4"
RUN = """() => axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations.map(
  (each) => `${each.id}: ${each.nodes.length} times, such as ${each.nodes[0].html.slice(0, 200)}`))"""


@pytest.fixture(scope="session")
def axe(tmp_path_factory) -> str:
    """Path of the script. Skips where there is no npm or no network, but not in CI."""

    def give_up(reason: str) -> None:
        (pytest.fail if "IMGSTUDIO_CI" in os.environ else pytest.skip)(reason)

    if (npm := shutil.which("npm")) is None:
        give_up("there is no npm on PATH, which axe-core comes by")
    folder = tmp_path_factory.mktemp("axe")
    packed = subprocess.run([npm, "pack", AXE, "--silent"], cwd=folder, capture_output=True, text=True, timeout=120)
    if packed.returncode:
        give_up(f"npm could not fetch {AXE}: {packed.stderr.strip()[-200:]}")
    with tarfile.open(next(Path(folder).glob("axe-core-*.tgz"))) as archive:
        script = archive.extractfile("package/axe.min.js")
        (folder / "axe.min.js").write_bytes(script.read())
    return str(folder / "axe.min.js")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, axe, theme):
    page = open_page(query=f"?__theme={theme}")
    page.add_script_tag(path=axe)
    page.wait_for_function("() => window.axe !== undefined", timeout=PATIENCE)
    found = {}
    for place, name in zip(RESULTS, NAMES):
        tab(page, *place)
        boxes(page, RESULTS[place])
        page.wait_for_timeout(500)  # a tab fades in, and what is half transparent has too little contrast
        found[name] = page.evaluate(RUN)
    assert {name: faults for name, faults in found.items() if faults} == {}
