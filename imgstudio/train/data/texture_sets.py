"""The textures: materials of ambientCG and Poly Haven (both CC0), as crops of photographs and as small tiles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from ...errors import StudioError
from .archives import members, picture
from .fetch import Fetcher, Known, progress
from .photo_sets import LANCZOS, Coding, jpeg, write_tar

CATALOGUE = "https://ambientcg.com/api/v2/full_json?type=Material&include=downloadData&limit=100&offset={offset}"
HAVEN = "https://api.polyhaven.com/files/{name}"
HOSTS = ("ambientcg.com", "polyhaven.org", "polyhaven.com", "struffelproductions.com")  # addresses in answers lead nowhere else
PAGES = 60
SIDE = 320  # px of a crop

MATERIALS = (
    *("Asphalt003", "Bricks008", "Bricks076C", "Concrete034", "CorrugatedSteel005", "Facade005", "Ground003", "Ground023"),
    *("Ground037", "Ice003", "Marble001", "Marble006", "Metal002", "Metal007", "Metal055A", "Onyx003", "Plaster002", "Rock020"),
    *("Rock023", "Rock058", "Snow006", "Tiles036", "Wood026", "WoodFloor043", "WoodSiding008"),
)
HAVEN_MATERIALS = ("factory_wall", "rusty_metal_05")
# Tiles of each category of ambientCG, as many as the first set had.
TILES = {
    **{"Asphalt": 16, "Bamboo": 6, "Bricks": 103, "Chipboard": 8, "Concrete": 51, "Cork": 3, "CorrugatedSteel": 9, "Fabric": 56},
    **{"Granite": 14, "Ground": 76, "Marble": 19, "Metal": 60, "Net": 4, "OfficeCeiling": 5, "Onyx": 15, "PavingStones": 138},
    **{"Planks": 57, "Plaster": 4, "Plastic": 3, "Road": 7, "Rock": 61, "Rocks": 26, "Rubber": 3, "Rust": 8, "Snow": 14},
    **{"SolarPanel": 4, "Tatami": 5, "Tiles": 152, "Travertine": 14, "Wallpaper": 3, "Wood": 66, "WoodFloor": 59},
    **{"WoodSiding": 11},
}


def textures(fetcher: Fetcher, target: Path) -> int:
    """Fetches the colour map of one material after the other; what is finished is kept, so that a second run goes on."""
    maps = _catalogue(fetcher)
    tiles = _tiles(maps)
    missing = [name for name in MATERIALS if name not in maps]
    if missing:
        fetcher.say(f"ambientCG does not list {', '.join(missing)}: the set is made without.")

    def files() -> Iterator[tuple[str, bytes]]:
        for name in MATERIALS:
            if name in maps:
                yield from _crops(name, _colours(fetcher, name, maps[name]))
        for name in HAVEN_MATERIALS:
            yield from _crops(f"ph_{name}", _haven(fetcher, name))
        for name in tiles:
            tile = _colours(fetcher, name, maps[name])
            yield f"tiles128/{category(name)}/{name}.jpg", jpeg(tile.resize((128, 128), LANCZOS), Coding(92))

    return write_tar(files(), target)


def category(name: str) -> str:
    """ "PavingStones012B" -> "PavingStones"."""
    return re.sub(r"\d+[A-Z]?(_\w+)?$", "", name)


def _tiles(maps: dict[str, str]) -> list[str]:
    left, found = Counter(TILES), []
    for name in sorted(maps):
        if left[category(name)] > 0 and name not in MATERIALS:
            left[category(name)] -= 1
            found.append(name)
    return found


def _catalogue(fetcher: Fetcher) -> dict[str, str]:
    """Material -> address of its archive of 1K JPEG maps."""
    found: dict[str, str] = {}
    with progress(None, "catalogue", unit="page") as shown:
        for page in range(PAGES):
            assets = fetcher.json(CATALOGUE.format(offset=100 * page)).get("foundAssets") or []
            found |= {asset["assetId"]: address for asset in assets if (address := _archive(asset))}
            shown.update(1)
            if not assets:
                break
    if not found:
        raise StudioError("The service of ambientCG lists no materials in the form known here: it has changed.")
    return found


def _archive(asset: dict[str, Any]) -> str:
    folders = asset.get("downloadFolders", {}).get("default", {}).get("downloadFiletypeCategories", {})
    for each in folders.get("zip", {}).get("downloads", []):
        if each.get("attribute") == "1K-JPG" and re.fullmatch(r"[A-Za-z]+\d+\w*", asset.get("assetId", "")):
            return _trusted(each["downloadLink"])
    return ""


def _trusted(address: str) -> str:
    host = urlsplit(address).hostname or ""
    if urlsplit(address).scheme != "https" or not any(host == known or host.endswith(f".{known}") for known in HOSTS):
        raise StudioError(
            f"A service of textures names the address {address[:200]!r}, which is not its own: nothing was fetched."
        )
    return address


def _colours(fetcher: Fetcher, name: str, address: str) -> Image.Image:
    """The colour map of a material. It is kept and its archive of several maps is not, which is ten times as large."""
    kept = fetcher.folder / f"{name}.jpg"
    if not kept.is_file():
        path = fetcher.get(address, f"{name}.zip", Known(most=128 << 20))
        data = next((data for _, data in members(path, lambda inner: inner.endswith(("_Color.jpg", "_Color.JPG")))), None)
        if data is None:
            raise StudioError(f"The archive of {name} holds no colour map: its source has changed.")
        partial = kept.with_name(f"{kept.name}.part")
        partial.write_bytes(data)
        partial.replace(kept)
        path.unlink()
    return picture(kept.read_bytes(), name)


def _haven(fetcher: Fetcher, name: str) -> Image.Image:
    """The colour map of a material of Poly Haven, whose service tells size and MD5 of its files."""
    maps = fetcher.json(HAVEN.format(name=name))
    entry = (maps.get("Diffuse") or maps.get("diff") or {}).get("1k", {}).get("jpg")
    if not entry:
        raise StudioError(f"Poly Haven lists no colour map of {name} in the form known here: its service has changed.")
    path = fetcher.get(_trusted(entry["url"]), f"ph_{name}.jpg", Known(md5=entry.get("md5"), size=entry.get("size")))
    return picture(path.read_bytes(), name)


def _crops(name: str, image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Fourteen squares of 320 px: nine of the map as it is, four at half its scale, and all of it."""
    place = 0
    for span, parts in ((SIDE, 3), (2 * SIDE, 2), (min(image.size), 1)):
        span = min(span, *image.size)
        for down in range(parts):
            for across in range(parts):
                left, top = ((side - span) * k // max(1, parts - 1) for side, k in zip(image.size, (across, down)))
                part = image.crop((left, top, left + span, top + span))
                yield f"materials/{name}/{place:04d}.jpg", jpeg(part.resize((SIDE, SIDE), LANCZOS), Coding(88))
                place += 1
