"""Regions on their way out: a label map, cut-outs, a table, and JSON as COCO has it."""

from __future__ import annotations

import csv as tables
import io
import os
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from ...checks import shown
from ...errors import StudioError
from ...image import Source, png, read
from ..records import record_of, zips
from .overlays import check_same_size, label_map, palette
from .regions import Segmentation

__all__ = ["COLUMNS", "coco", "csv", "cutouts", "label_map", "read_label_map", "table"]

COLUMNS = ("region", "share", "pixels", "mean colour", "colour on the map")


def read_label_map(source: str | os.PathLike[str] | Image.Image) -> np.ndarray:
    """The labels of a label map, int32 [H, W]: a picture of mode "P" or "L", as a file or opened.

    What the studio writes counts from 1, what its older versions wrote from 0; `from_labels` makes the same regions of both.
    """
    try:
        picture = source if isinstance(source, Image.Image) else Image.open(source, formats=["PNG"])
        picture.load()
    except Exception as error:  # no file, no picture, or a damaged one: Pillow raises almost anything
        raise StudioError(
            f"{shown(source)} is not a label map that can be read: choose a PNG that was written as one."
        ) from error
    if picture.mode not in ("P", "L"):
        raise StudioError(f"A label map is a picture of mode P or L, not {picture.mode}: choose one that was written as such.")
    return np.asarray(picture).astype(np.int32)


def cutouts(image: Source, segmentation: Segmentation, path: str | os.PathLike[str]) -> Path:
    """Writes a zip of region-01.png, region-02.png, ...: each region with everything else transparent, cropped to it; and how the
    regions were found, in `records.json`."""
    picture, path = read(image), Path(path)
    check_same_size(picture, segmentation)
    digits = max(2, len(str(segmentation.regions)))
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed already
            for region in range(1, segmentation.regions + 1):
                # An entry without today's date, so that equal regions give equal files.
                entry = zipfile.ZipInfo(f"region-{region:0{digits}}.png")
                archive.writestr(entry, png.encoded(_cutout(picture, segmentation.labels == region)))
            zips.add(archive, {"regions": record_of(segmentation)})
    except OSError as error:
        raise StudioError(f"{path} cannot be written ({error.strerror or error}): choose another place.") from error
    return path


def _cutout(picture: Image.Image, mask: np.ndarray) -> Image.Image:
    alpha = Image.fromarray(mask.astype(np.uint8) * 255)
    cut = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    cut.paste(picture, mask=alpha)
    return cut.crop(alpha.getbbox())


def table(segmentation: Segmentation, image: Source) -> list[dict]:
    """A row a region, keys as in COLUMNS: its number from 1, its share of the picture, pixels, its mean colour and
    its colour on the map as #rrggbb."""
    picture = read(image)
    check_same_size(picture, segmentation)
    labels = segmentation.labels.ravel()
    length = segmentation.regions + 1  # with 0, which is no region
    pixels = np.bincount(labels, minlength=length)[1:]
    channels = np.asarray(picture).reshape(-1, 3).T
    means = np.stack([np.bincount(labels, channel, length)[1:] / pixels for channel in channels], axis=1)
    rows = zip(segmentation.areas, pixels.tolist(), np.rint(means).astype(int).tolist(), palette(segmentation.regions))
    return [
        dict(zip(COLUMNS, (number, share, count, _hex(mean), _hex(colour)), strict=True))
        for number, (share, count, mean, colour) in enumerate(rows, start=1)
    ]


def _hex(colour: tuple[int, ...] | list[int]) -> str:
    return "#" + bytes(colour).hex()


def csv(segmentation: Segmentation, image: Source) -> str:
    """The table as text with commas and a line of headings."""
    text = io.StringIO()
    writer = tables.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "share": f"{row['share']:.6f}"} for row in table(segmentation, image))
    return text.getvalue()


def coco(segmentation: Segmentation, *, name: str = "picture.png") -> dict:
    """The regions in the form of the COCO data set (https://cocodataset.org/#format-data), ready for JSON.

    One image of that file name, and an annotation and a category a region. Masks are uncompressed run lengths, column by
    column as COCO counts them, so each has iscrowd 1.
    """
    width, height = segmentation.size
    annotations, categories = [], []
    for region in range(1, segmentation.regions + 1):
        mask = segmentation.labels == region
        annotations.append(
            {
                "id": region,
                "image_id": 1,
                "category_id": region,
                "segmentation": {"size": [height, width], "counts": _run_lengths(mask)},
                "area": int(mask.sum()),
                "bbox": _box(mask),
                "iscrowd": 1,
            }
        )
        categories.append({"id": region, "name": f"region {region}", "supercategory": "texture"})
    return {
        "info": {"description": "Texture regions, made with imgstudio"},
        "images": [{"id": 1, "file_name": os.path.basename(name), "width": width, "height": height}],
        "annotations": annotations,
        "categories": categories,
    }


def _run_lengths(mask: np.ndarray) -> list[int]:
    """Lengths of the runs of zeros and ones in turn, down the columns, beginning with zeros."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return [0, *lengths] if flat[0] else lengths


def _box(mask: np.ndarray) -> list[int]:
    """Left, top, width and height of the smallest rectangle around the region."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]
