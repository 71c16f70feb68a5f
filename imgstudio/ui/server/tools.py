"""The endpoints as tools for programs that speak MCP, the Model Context Protocol: Gradio's server, with calls of our own.

Gradio's own calls would read files of this machine that an argument names, keep pictures outside the folders of visitors, and
share one session among all callers. Here a call goes through the whole server as any other caller's does, so that all its
checks and limits hold.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import mimetypes
import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

import httpx
from gradio import route_utils
from gradio.mcp import GradioMCPServer
from gradio.route_utils import API_PREFIX

from ...errors import StudioError
from . import files

VARIABLE = "GRADIO_MCP_SERVER"
PICTURE = "A data: address, such as data:image/png;base64,..., or the address of a picture that another tool gave."
AMOUNTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "number"}}
SENT = 8_000_000  # bytes of pictures that an answer holds; of further ones it has the addresses

_FILE = f"{API_PREFIX}/file="


def wanted(option: bool | None) -> bool:
    """Whether tools are to be served: by launch's option `mcp_server`, or if that is None by the environment variable."""
    return option if option is not None else os.environ.get(VARIABLE, "").strip().lower() == "true"


def check(passwords: bool) -> None:
    """Raises StudioError where tools cannot be served."""
    if importlib.util.find_spec("mcp") is None:
        raise StudioError('Tools for MCP need a further package: install it with pip install "gradio[mcp]".')
    if passwords:
        raise StudioError("Tools for MCP ask for no password: serve them without --auth, or the page without --mcp.")


class Tools(GradioMCPServer):
    """One tool an endpoint of the page."""

    def create_mcp_server(self) -> Any:
        server, kinds = super().create_mcp_server(), self.types
        # Gradio's prompts and resources, of which there are none here, would be called in its own way as well.
        for kind in (kinds.ListResourcesRequest, kinds.ListResourceTemplatesRequest, kinds.ReadResourceRequest):
            server.request_handlers.pop(kind, None)
        for kind in (kinds.ListPromptsRequest, kinds.GetPromptRequest):
            server.request_handlers.pop(kind, None)

        @server.call_tool(validate_input=False)  # takes the place of Gradio's; the studio has a sentence for what is wrong
        async def call(name: str, arguments: dict[str, Any]) -> Any:
            return await self._call(name, arguments)

        return server

    @property
    def _file_data_tool_description(self) -> str:
        return ""  # each picture's own description says how it is sent

    def get_input_schema(self, tool_name: str, parameters: dict[str, str] | None = None) -> tuple[dict[str, Any], list]:
        """Gradio's, with pictures as addresses, amounts as numbers by names, and defaults that are 0, empty or false."""
        schema, places = super().get_input_schema(tool_name, parameters)
        for parameter in self._parameters(tool_name):
            name, field = parameter["parameter_name"], schema["properties"][parameter["parameter_name"]]
            description = field.get("description", "")
            if parameter["component"] == "Image":
                field = {"type": "string", "description": f"{description} {PICTURE}".strip()}
            elif parameter["component"] == "Json":
                field = {**AMOUNTS, "description": description}
            if parameter["parameter_default"] is not None:
                field = {**field, "default": parameter["parameter_default"]}
            schema["properties"][name] = field
        return schema, places

    def _parameters(self, tool: str) -> list[Any]:
        return self.api_info["named_endpoints"][self.tool_to_endpoint[tool]]["parameters"]

    async def _call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """One call, as the protocol has it: an error's sentence, or what the endpoint gave."""
        request = self.mcp_server.request_context.request
        root = route_utils.get_root_url(request=request, route_path=self.get_route_path(request), root_path=self.root_path)
        try:
            values = await self._asked(request, self.tool_to_endpoint.get(tool, ""), self._values(tool, arguments, root))
        except StudioError as error:
            return self.types.CallToolResult(content=[self._text(str(error))], isError=True)
        names = [each["label"] for each in self.api_info["named_endpoints"][self.tool_to_endpoint[tool]]["returns"]]
        left, content = SENT, []
        for name, value in zip(names, values):
            for part, size in self._contents(name, value, root, left):
                content.append(part)
                left -= size
        return self.types.CallToolResult(content=content)

    def _values(self, tool: str, arguments: Mapping[str, Any], root: str) -> list[Any]:
        """The arguments in the order of the endpoint, with defaults where they are left out. Raises StudioError."""
        if tool not in self.tool_to_endpoint:
            raise StudioError(f"There is no tool {tool[:60]!r}: choose one of {', '.join(self.tool_to_endpoint)}.")
        parameters = {each["parameter_name"]: each for each in self._parameters(tool)}
        if strange := sorted(set(arguments) - set(parameters)):
            raise StudioError(f"{tool} takes no {strange[0][:60]!r}: it takes {', '.join(parameters)}.")
        needed = [name for name, each in parameters.items() if not each["parameter_has_default"]]
        if missing := [name for name in needed if name not in arguments]:
            raise StudioError(f"{tool} needs {' and '.join(missing)}: give a value for each.")
        given = {name: each["parameter_default"] for name, each in parameters.items()} | dict(arguments)
        return [_sent(value, root) if parameters[name]["component"] == "Image" else value for name, value in given.items()]

    async def _asked(self, request: Any, endpoint: str, values: list[Any]) -> list[Any]:
        """What the endpoint answers. Raises StudioError with its sentence."""
        # Not over the network, so that the limits of an address count for that of the caller.
        inside = httpx.ASGITransport(app=self.blocks.app, client=tuple(request.client or ("", 0)))
        headers = {"accept-encoding": "identity"}
        async with httpx.AsyncClient(transport=inside, base_url="http://localhost", headers=headers, timeout=None) as client:
            way = f"{API_PREFIX}/call{endpoint}"
            answer = await client.post(way, json={"data": values})
            if answer.status_code != 200:
                raise StudioError(_refusal(answer))
            stream = await client.get(f"{way}/{answer.json()['event_id']}")
        event, data = _last(stream.text)
        if event != "complete":
            raise StudioError(_said(data))
        return data

    def _contents(self, name: str, value: Any, root: str, left: int) -> Iterator[tuple[Any, int]]:
        """Parts of an answer for one result, and how many bytes of pictures each has."""
        pictures = value if isinstance(value, list) and value and isinstance(value[0], dict) and "image" in value[0] else None
        if pictures:
            for each in pictures:
                for part, size in self._contents(f"{name} {each.get('caption') or ''}".strip(), each["image"], root, left):
                    yield part, size
                    left -= size
        elif isinstance(value, dict) and "path" in value and "meta" in value:
            path, kind = files.readable(value["path"]), mimetypes.guess_type(value["path"])[0] or ""
            if path is not None and kind.startswith("image/") and path.stat().st_size <= left:
                data = path.read_bytes()
                yield self.types.ImageContent(type="image", data=base64.b64encode(data).decode(), mimeType=kind), len(data)
            yield self._text(f"{name}: {root}{_FILE}{quote(value['path'])}"), 0
        elif value is not None:
            yield self._text(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"), 0

    def _text(self, text: str) -> Any:
        return self.types.TextContent(type="text", text=text)


def _sent(value: Any, root: str) -> Any:
    """A picture as the endpoints take it; what this server gave goes by its name."""
    if not isinstance(value, str):
        return value
    own = f"{root}{_FILE}"
    return {"path": unquote(value.removeprefix(own)) if value.startswith(own) else value}


def _last(stream: str) -> tuple[str, Any]:
    """The last event of a stream, and its data."""
    lines = [line for line in stream.splitlines() if line.startswith(("event: ", "data: "))]
    if len(lines) < 2:
        return "error", None
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


def _said(data: Any) -> str:
    sentence = data.get("error") if isinstance(data, dict) else data
    return str(sentence or "Something went wrong on the server; its log says what.")


def _refusal(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return answer.text[:300]
    return str(found.get("detail") or found.get("error") or found)[:300] if isinstance(found, dict) else str(found)[:300]
