"""A copy of the project as a ZeroGPU Space: its environment variables, a stand-in that forks and pickles, all tabs at work."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import page_server
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from imgstudio.ui.kit import layout

TESTS = Path(__file__).parent
LEFT_OUT = (".git", ".venv*", "__pycache__", ".pytest_cache", ".ruff_cache", "runs", "*.egg-info", "tests", ".gradio")
GAN, VAE = (layout.default_model(task).name for task in ("sample", "reconstruct"))


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> tuple[Client, Path]:
    """The page's client, and the stand-in's list of loans."""
    folder = tmp_path_factory.mktemp("space")
    clone, loans = folder / "imgstudio", folder / "loans"
    shutil.copytree(TESTS.parent, clone, ignore=shutil.ignore_patterns(*LEFT_OUT))
    loans.touch()
    variables = {
        "SPACE_ID": "someone/imgstudio",
        "SPACE_HOST": "someone-imgstudio.hf.space",
        "SPACE_AUTHOR_NAME": "someone",
        "SPACE_REPO_NAME": "imgstudio",
        "SPACE_TITLE": "imgstudio",
        "SYSTEM": "spaces",
        "ACCELERATOR": "zero-a10g",
        "SPACES_ZERO_GPU": "true",
        "STANDIN_LOG": str(loans),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(map(str, (clone, TESTS, TESTS / "standin"))),
    }
    url = page_server.address(str(TESTS / "space_server.py"), root=clone, **variables)
    return Client(url, verbose=False, download_files=str(folder / "downloads")), loans


@pytest.fixture
def photo(tmp_path) -> str:
    path = tmp_path / "photo.png"
    Image.radial_gradient("L").resize((72, 64)).convert("RGB").save(path)
    return handle_file(path)


def borrowed(loans: Path) -> list[dict]:
    return [json.loads(line) for line in loans.read_text().splitlines()]


def test_the_page_opens_without_borrowing_anything(space):
    client, loans = space
    page = client.view_api(return_format="dict", print_info=False)
    assert {"/sample", "/interpolate", "/translate", "/stylize", "/segment"} <= set(page["named_endpoints"])
    assert borrowed(loans) == []


@pytest.mark.parametrize(
    ("endpoint", "values", "function"),
    [
        ("/sample", lambda photo: (GAN, "1, 2"), "sample"),
        ("/walk", lambda photo: (GAN, "1, 2", 2, 0.7, True, "", 12, "gif"), "walk"),
        ("/prior", lambda photo: (VAE, "1"), "prior"),
        ("/reconstruct", lambda photo: (VAE, photo), "reconstruct"),
        ("/interpolate", lambda photo: (VAE, photo, photo, 3), "interpolate"),
        ("/translate", lambda photo: ("cyclegan/apple2tomato", photo), "translation_steps"),
        ("/stylize", lambda photo: ("fast/udnie", photo, None, 1, 1, 1, 64), "stylize"),
        ("/stylize", lambda photo: ("gatys/vgg-small", photo, photo, 1, 1, 1, 64, 2), "stylize"),
        ("/segment", lambda photo: ("unet/texture", photo, 2), "embed"),
        ("/synthesize", lambda photo: (photo, 64, 2, 0, "gatys"), "synthesize"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_functions_of_all_tabs_run_on_a_lent_gpu(space, photo, endpoint, values, function):
    client, loans = space
    before = len(borrowed(loans))
    assert client.predict(*values(photo), api_name=endpoint)
    after = borrowed(loans)[before:]
    assert {loan["function"] for loan in after} == {function}
    assert all(0 < loan["seconds"] <= 120 for loan in after)


def test_mistakes_come_back_as_sentences(space, photo):
    client, loans = space
    before = len(borrowed(loans))
    with pytest.raises(Exception, match="Truncation goes from 0 to 1.5"):
        client.predict(GAN, "0", 9.0, api_name="/sample")
    assert len(borrowed(loans)) == before + 1
