"""Tools for MCP: refused in a sentence where they cannot be served, and a real client that lists and calls them."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
from collections.abc import Iterator
from typing import Any

import coroutines
import page_server
import pytest
from PIL import Image
from table import each_row

import imgstudio
from imgstudio import ui
from imgstudio.cli.main import main
from imgstudio.ui import api
from imgstudio.ui.server import files
from imgstudio.ui.server.page import Page

INSTALLED = importlib.util.find_spec("mcp") is not None
needs_mcp = pytest.mark.skipif(not INSTALLED, reason="needs imgstudio[mcp]")
FILE = {"meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    ("installed", "passwords", "words"),
    [(None, "", 'pip install "gradio[mcp]"'), (object(), "ann:secret", "ask for no password: serve them without --auth")],
)
def test_what_cannot_be_served_is_said_before_the_page_is_built(installed, passwords, words, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: installed)
    monkeypatch.setattr(ui, "build", lambda: pytest.fail("the page was built first"))
    monkeypatch.setenv("IMGSTUDIO_AUTH", passwords)
    assert main(["serve", "--mcp"]) == 2
    assert words in capsys.readouterr().err
    monkeypatch.setenv("GRADIO_MCP_SERVER", "True")
    assert main(["serve"]) == 2
    assert words in capsys.readouterr().err


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a page that has nothing but the endpoints, and their tools."""
    with Page() as demo:
        api.build()
    ui.launch(demo, mcp_server=True, prevent_thread_lock=True, quiet=True, server_port=page_server._free_port())
    yield demo.local_url
    demo.close()


def talk(address: str, *calls: tuple[str, dict]) -> tuple[list[Any], list[Any]]:
    """The tools, and the results of calls."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def session() -> tuple[list[Any], list[Any]]:
        async with streamable_http_client(f"{address}gradio_api/mcp/") as (read, write, _), ClientSession(read, write) as client:
            await client.initialize()
            return (await client.list_tools()).tools, [await client.call_tool(name, arguments) for name, arguments in calls]

    return coroutines.run(session())


def picture(content: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(content.data)))


@needs_mcp
def test_the_tools_are_the_documented_endpoints_and_give_pictures(address):
    names = [endpoint.__name__ for endpoint in api.ENDPOINTS]
    tools, (drawn, found) = talk(
        address, ("sample", {"model": "dcgan/nouns", "seeds": "3, 4"}), ("models", {"task": "translate"})
    )
    assert [tool.name for tool in tools] == names
    known = {tool.name: tool for tool in tools}
    assert known["sample"].description.startswith("Pictures from seeds.")
    properties = known["denoise"].inputSchema["properties"]
    assert properties["seed"]["default"] == 0 and properties["noise"]["description"].startswith("Standard deviation")
    assert "data: address" in properties["image"]["description"] and known["denoise"].inputSchema["required"] == ["image"]
    images = [picture(part) for part in drawn.content if part.type == "image"]
    wanted = imgstudio.sample("dcgan/nouns", [3, 4])
    assert [image.tobytes() for image in images] == [image.tobytes() for image in wanted]
    listed = json.loads(found.content[0].text.partition(": ")[2])
    assert [entry["name"] for entry in listed] == [spec.name for spec in imgstudio.models("translate")]


@needs_mcp
def test_a_tool_takes_data_and_what_another_tool_gave(address):
    stream = io.BytesIO()
    Image.effect_noise((48, 40), 60).convert("RGB").save(stream, "PNG")
    data = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
    options = {"method": "rof", "strength": 0.01}
    _, (first,) = talk(address, ("decompose", {"image": data, **options}))
    place = first.content[1].text.partition(": ")[2]
    _, (again,) = talk(address, ("decompose", {"image": place, **options}))
    for made in (first, again):
        assert not made.isError and picture(made.content[0]).size == (48, 40)


@needs_mcp
@each_row(
    ("tool", "arguments", "words"),
    [
        ("sample", {"model": "nobody/knows"}, "There is no model 'nobody/knows': choose one of"),
        ("sample", {"seed": 3}, "it takes model, seeds, truncation, label"),
        ("decompose", {}, "decompose needs image"),
        ("page", {}, "There is no tool 'page'"),
        ("decompose", {"image": "/etc/passwd"}, files.NOT_UPLOADED),
        ("decompose", {"image": {"path": "/etc/passwd", **FILE}}, files.NOT_UPLOADED),
        ("decompose", {"image": "http://127.0.0.1:9/gradio_api/file=x.png"}, files.NO_ADDRESSES),
        ("edit", {"amounts": {"path": "/etc/passwd", **FILE}}, files.NO_FILES_HERE),
        ("edit", {"amounts": {"path": "/missing", **FILE}}, files.NO_FILES_HERE),
    ],
)
def test_what_a_tool_does_not_take_is_a_sentence_and_no_file_is_read(address, tool, arguments, words):
    _, (answer,) = talk(address, (tool, arguments))
    assert answer.isError and words in answer.content[0].text
