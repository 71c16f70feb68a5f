"""Training sets that are drawn from what npm packages hold: cartoon heads and pixel-art characters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import StudioError
from .archives import members
from .fetch import Fetcher, npm_install, npm_pack, progress

AVATARS, AVATAR_SIDE = 7_500, 128
NOUNS, NOUN_SIDE = 20_000, 32

PACKAGES = {  # name and version -> what npm calls integrity
    "@dicebear/core@9.4.3": ("sha512-9ITrQI57k3p5hKuU8HZJ1d0kPdrmTKEJDOdlKQ8CpaChbtmnD1R+dtWmNz5IesYThXM8F64pJ0ZvJ2rsY8Hciw=="),
    "@dicebear/adventurer@9.4.3": (
        "sha512-LPzLiNBVSrzb2lBTwAP00+ew/VfqcImI/ULVFaL2LXEuY3QlAOLwvR4TpwX8AIqeo8JDQO4cVMHZsCm0c2uGdg=="
    ),
    "@resvg/resvg-js@2.6.2": ("sha512-xBaJish5OeGmniDj9cW5PRa/PtmuVU3ziqrbr5xJj901ZDN4TosrVaNZpEiLZAxdfnhAe7uQ7QFWfjPe9d9K2Q=="),
}
NOUNS_PACKAGE = "@nouns/assets@0.10.0"
NOUNS_SHA256 = "60ed1040e399e10113bd3e4a5c47b1618517c3bba082790b8bd5588af6ca3551"
PARTS = ("bodies", "accessories", "heads", "glasses")  # in the order in which they are laid over each other


def avatars(fetcher: Fetcher, target: Path) -> int:
    """Draws the heads with node and writes them; returns their number."""
    folder = npm_install(PACKAGES, fetcher.folder)
    shutil.copy(Path(__file__).with_name("avatars.mjs"), folder / "avatars.mjs")
    return write_images(_drawn(folder, AVATARS, AVATAR_SIDE), target)


def _drawn(folder: Path, count: int, side: int) -> np.ndarray:
    """uint8 [count, side, side, 3] that avatars.mjs writes."""
    node = shutil.which("node")
    if node is None:
        raise StudioError("This set is drawn by Node.js: install version 18 or newer, then run the command again.")
    images = np.empty((count, side, side, 3), np.uint8)
    command = [node, "avatars.mjs", str(count), str(side)]
    with (
        (folder / "node.log").open("w+", encoding="utf-8") as log,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log) as drawing,
        progress(count, "drawing", unit="head") as shown,
    ):
        assert drawing.stdout is not None  # a pipe was asked for
        for image in images:
            data = drawing.stdout.read(image.nbytes)
            if len(data) < image.nbytes:
                break
            image[:] = np.frombuffer(data, np.uint8).reshape(image.shape)
            shown.update(1)
        else:
            return images
        drawing.kill()
        log.seek(0)
        reason = next((line for line in log if "Error" in line), "it ended early").strip()
    raise StudioError(f"Node.js could not draw the heads ({reason[:200]}): install version 18 or newer, then try again.")


def nouns(fetcher: Fetcher, target: Path) -> int:
    """Puts random characters together from the parts in the package; returns their number."""
    path = npm_pack(NOUNS_PACKAGE, fetcher.folder, NOUNS_SHA256)
    data = next((data for _, data in members(path, lambda name: name == "package/dist/image-data.json")), None)
    if data is None:
        raise StudioError(f"{NOUNS_PACKAGE} holds no image data: it is another package.")
    return write_images(characters(json.loads(data), NOUNS).repeat(2, axis=1).repeat(2, axis=2), target)


def characters(parts: dict[str, Any], count: int, seed: int = 0) -> np.ndarray:
    """uint8 [count, 32, 32, 3]: a random ground, body, accessory, head and glasses each."""
    palette = np.array([_colour(code or "000000") for code in parts["palette"]], np.uint8)
    grounds = [_colour(code) for code in parts["bgcolors"]]
    layers = {name: [unpacked(each["data"], palette) for each in parts["images"][name]] for name in PARTS}
    generator = np.random.default_rng(seed)
    images = np.empty((count, NOUN_SIDE, NOUN_SIDE, 3), np.uint8)
    for image in images:
        image[:] = grounds[generator.integers(len(grounds))]
        for name in PARTS:
            colours, there = layers[name][generator.integers(len(layers[name]))]
            image[there] = colours[there]
    return images


def unpacked(data: str, palette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours uint8 [32, 32, 3] and a mask bool [32, 32] of a part.

    data is "0x" and hexadecimal bytes: the palette's number, the bounds (top, right, bottom, left; right is exclusive, bottom
    inclusive), then pairs of a run's length and its colour, row by row; colour 0 leaves what is below.
    """
    top, right, _bottom, left, *runs = bytes.fromhex(data.removeprefix("0x"))[1:]
    numbers = np.repeat(np.array(runs[1::2], int), np.array(runs[0::2], int))
    height, width = -(-len(numbers) // max(1, right - left)), right - left
    if not len(numbers):  # the accessory that is none
        return np.zeros((NOUN_SIDE, NOUN_SIDE, 3), np.uint8), np.zeros((NOUN_SIDE, NOUN_SIDE), bool)
    if width <= 0 or right > NOUN_SIDE or top + height > NOUN_SIDE or len(numbers) != height * width:
        raise StudioError(f"A part of the characters does not fit {NOUN_SIDE} x {NOUN_SIDE} pixels: the package has changed.")
    sheet = np.zeros((NOUN_SIDE, NOUN_SIDE), int)
    sheet[top : top + height, left:right] = numbers.reshape(height, width)
    return palette[sheet], sheet > 0


def _colour(code: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(code))


def write_images(images: np.ndarray | Sequence[np.ndarray], target: Path) -> int:
    """Writes uint8 [N, H, W, 3] as the array `images` of an .npz file, whole or not at all."""
    partial = target.with_name(f"{target.name}.part")
    with partial.open("wb") as file:
        np.savez_compressed(file, images=np.asarray(images, np.uint8))
    os.replace(partial, target)
    return len(images)
