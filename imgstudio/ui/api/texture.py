"""The API of the tab "Texture"."""

from __future__ import annotations

from typing import Any

from ...checks import check_count, check_range
from ...studio import pictures
from ...studio import texture as studio_texture
from ...studio.steps import last
from ...studio.texture import decomposition, export, synthesis
from ...studio.texture import retexture as studio_retexture
from ..kit.layout import file_name, folder
from . import bounds
from .files import file


def segment(model: str, image: str, regions: int = 0, opacity: float = 0.5) -> tuple[str, str, list[dict[str, Any]]]:
    """A picture taken apart into its textures.

    Args:
        model: Name of a model for segmentation, such as gabor/texture.
        image: The picture.
        regions: How many regions; 0 finds out the number.
        opacity: Of the colours over the picture, from 0 to 1.

    Returns:
        overlay: The regions laid over the picture, as a PNG file.
        label map: A PNG whose colour indices are the regions; 1 is the largest.
        regions: A line for each region with its number as on the map, its share, pixels and colours.
    """
    picture, opacity = pictures.read(image), check_range("The opacity", opacity, 0, 1)
    found = studio_texture.segment(model, picture, regions=regions or None)
    settings = {"task": "segment", "model": model, "regions": found.regions}
    labels = folder() / f"{file_name(model, 'labels')}.png"
    export.label_map(found).save(labels)
    shown = file(model, studio_texture.overlay(picture, found, opacity=opacity), settings)
    return shown, str(labels), export.table(found, picture)


def decompose(image: str, strength: float = 0.5, method: str = "rtv", size: int = 0) -> tuple[str, str]:
    """A picture parted in structure and texture, which add up to it exactly: structure + texture - 128.

    Args:
        image: The picture.
        strength: 0 (everything is structure) to 1.
        method: rtv (relative total variation) or rof (total variation).
        size: Longer side in pixels at most; 0 leaves the picture as large as it is, up to what the server allows.

    Returns:
        structure: A PNG file.
        texture: A PNG file, around mid-grey.
    """
    picture = pictures.read(image)
    side = bounds.side(size, picture)
    made = decomposition.decompose(picture, strength=strength, method=method, size=side)
    settings = {"task": "decompose", "strength": strength, "method": method, "size": side}
    return file("structure", made.structure, settings), file("texture", made.texture, settings)


def synthesize(
    image: str,
    size: int = 512,
    steps: int = synthesis.STEPS,
    seed: int = 0,
    method: str = "gatys",
    model: str = "gatys/vgg-small",
    seamless: bool = False,
    scale: float = 1.0,
    start: str = "noise",
) -> str:
    """New texture like that of a sample.

    Args:
        image: The sample.
        size: Side of the new square picture in pixels.
        steps: Of the optimisation; gatys only.
        seed: Each number is another piece of the texture.
        method: gatys (optimises, slow) or quilting (sews pieces together, fast).
        model: Whose features count; gatys only.
        seamless: Whether copies of it tile a plane.
        scale: How large the pattern is; 1 is as in the sample.
        start: What an optimisation begins with: noise, or quilting, which keeps regular patterns straight; gatys only.

    Returns:
        picture: A PNG file.
    """
    slow = {"steps": steps, "model": model, "start": start}
    options = {"size": size, "seed": seed, "method": method, "seamless": seamless, "scale": scale, **slow}
    return file(method, last(synthesis.synthesize(image, **options)).image, {"task": "synthesize", **options})


def retexture(
    model: str,
    image: str,
    texture: str,
    region: int = 1,
    regions: int = 0,
    shading: float = 1.0,
    scale: float = 1.0,
    seed: int = 0,
) -> str:
    """One region of a picture filled with another texture.

    Args:
        model: Name of the model that finds the regions, as in /segment.
        image: The picture.
        texture: A sample of the texture.
        region: Which region, by its number in the label map of /segment; 1 is the largest.
        regions: How many regions; 0 finds out the number.
        shading: How much of the region's light and shadow stays: 0 none, 1 all, up to 2 for more.
        scale: How large the pattern is; 1 is as in the sample.
        seed: Each number sews the texture together in another way.

    Returns:
        picture: A PNG file.
    """
    picture, sample = pictures.read(image), pictures.read(texture)
    options = {"shading": shading, "scale": scale, "seed": seed}
    studio_retexture.check_options(**options)
    region = check_count("The region", region, 1, studio_texture.MOST)
    found = studio_texture.segment(model, picture, regions=regions or None)
    made = studio_retexture.retexture(picture, found, region, sample, **options)
    return file(model, made, {"task": "retexture", "model": model, "region": region, **options})
