"""A grid as one page of HTML that needs no other file and no network."""

from __future__ import annotations

import base64
import html as escaping
import json
from collections.abc import Sequence

from PIL import Image

from ...image import carried, png

_STYLE = """
body{font:15px system-ui,sans-serif;margin:1.5rem;color:#222;background:#fff}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#16171a}}
div{overflow:auto}table{border-spacing:4px}th{font-weight:500;padding:.2rem .5rem}th[scope=row]{text-align:right}
img{display:block;min-width:64px;image-rendering:pixelated}summary{cursor:pointer;font-size:12px}pre{font-size:11px;max-width:40rem;overflow:auto}
""".strip()


def html(title: str, x_labels: Sequence[str], y_labels: Sequence[str], cells: Sequence[Sequence[Image.Image | None]]) -> str:
    """The page. Each picture is a PNG with its record, which can be opened under it."""
    head = "".join(f'<th scope="col">{escaping.escape(label)}</th>' for label in x_labels)
    rows = "".join(
        f'<tr><th scope="row">{escaping.escape(label)}</th>{"".join(_cell(cell, x) for cell, x in zip(row, x_labels))}</tr>\n'
        for label, row in zip(y_labels, cells)
    )
    named = escaping.escape(title)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
        f"<title>{named}</title><style>{_STYLE}</style>\n<h1>{named}</h1>\n"
        f"<div><table><tr><td></td>{head}</tr>\n{rows}</table></div></html>\n"
    )


def _cell(picture: Image.Image | None, label: str) -> str:
    if picture is None:
        return "<td></td>"
    data = base64.b64encode(png.encoded(picture)).decode()
    record = carried(picture)
    text = escaping.escape(json.dumps(record, indent=1)) if record else ""
    details = f"<details><summary>record</summary><pre>{text}</pre></details>" if text else ""
    return f'<td><img alt="{escaping.escape(label)}" src="data:image/png;base64,{data}">{details}</td>'
