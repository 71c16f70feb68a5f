"""Frames to a film: GIF, animated WebP or MP4, chosen by the file's ending."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image, ImageSequence

from .. import interrupt
from ..checks import check_choice, check_range
from ..errors import StudioError
from ..image import carrying, metadata, read_record
from .records.sheets import film_record

if TYPE_CHECKING:
    import av

Note: TypeAlias = "Callable[[Sequence[Image.Image]], str | None]"

MOST_FPS = 50  # frames a second
MAX_PIXELS = 300_000_000  # of all frames of a GIF or a WebP together, which are held in memory: 1.2 GB
_CODECS = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")  # builds of the video library differ


def check_format(name: object) -> str:
    """One of FORMATS. Raises StudioError."""
    return check_choice("format", name, FORMATS)


def save(frames: Iterable[Image.Image], path: str | os.PathLike[str], *, fps: float = 12, record: bool = True) -> Path:
    """Writes frames of one size as an endless .gif or .webp, or as an .mp4 (H.264, which every browser plays).

    frames: taken one by one; the MP4 holds none of them in memory, the others MAX_PIXELS at most. fps: 1 to 50 frames a second.
    record: the file holds the record of the call that made the frames, if they are of one.
    Raises StudioError for another ending, no frames, too many of them, or a place that cannot be written. The file appears
    whole or not at all.
    """
    path = Path(path)
    known = frames if isinstance(frames, Sequence) else None

    def note(seen: Sequence[Image.Image]) -> str | None:
        return carrying.text(film_record(known or seen, fps)) if record else None

    return _save(frames, path, fps, note)


def _save(frames: Iterable[Image.Image], path: Path, fps: float, note: Note) -> Path:
    """note: gives the text that goes into the file, from all frames or the first of them."""
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise StudioError(f"{path.name} is no kind of animation known here: give it the ending {', '.join(_WRITERS)}.")
    fps = check_range("The number of frames a second", fps, 1, MOST_FPS)
    if os.path.lexists(path) and not path.is_file():
        raise StudioError(f"{path.name} is a folder or a device, not a file: choose another place.")
    if isinstance(frames, Sequence) and frames:
        check_amount(len(frames), frames[0].size, path.suffix)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(_checked_frames(frames), partial, fps, note)
        os.replace(partial, path)
    except OSError as error:
        raise StudioError(f"{path} cannot be written ({error.strerror or error}): choose another place.") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def convert(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Writes an animation that `save` made in the format of another ending, at the same pace. Errors: those of `save`."""
    try:
        with Image.open(source) as film:
            frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(film)]
            fps = 1000 / (film.info.get("duration") or 1000 / MOST_FPS)
    except OSError as error:
        raise StudioError(f"{Path(source).name} cannot be read as an animation: draw it anew.") from error
    text = read_record(source)[0]
    return _save(frames, Path(path), min(fps, MOST_FPS), lambda _: text)


def _checked_frames(frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
    """The frames as RGB; at least one, and all of the first one's size."""
    size = None
    for frame in frames:
        interrupt.check()
        size = size or frame.size
        if frame.size != size:
            raise ValueError(f"a frame of {frame.size} pixels follows one of {size}")
        yield frame.convert("RGB")
    if size is None:
        raise StudioError("There are no frames to save: draw an animation first.")


def _collected(frames: Iterator[Image.Image], ending: str) -> list[Image.Image]:
    kept: list[Image.Image] = []
    for frame in frames:
        kept.append(frame)
        check_amount(len(kept), frame.size, ending)
    return kept


def check_amount(count: int, size: tuple[int, int], ending: str) -> None:
    """Raises StudioError if so many frames of a size, width and height, are more than a film of that ending can hold."""
    width, height = size
    if ending.lower() in (".gif", ".webp") and count * width * height > MAX_PIXELS:
        raise StudioError(
            f"{count} frames or more of {width} x {height} pixels are too many for a {ending}: choose fewer or smaller ones, "
            "or save as .mp4."
        )


def _write_gif(frames: Iterator[Image.Image], path: Path, fps: float, note: Note) -> None:
    """One palette for all frames, and no dithering: either would make still regions flicker."""
    kept = _collected(frames, ".gif")
    palette = _common_palette(kept)
    indexed = []
    for frame in kept:
        interrupt.check()
        indexed.append(frame.quantize(palette=palette, dither=Image.Dither.NONE))
    text = note(kept)
    more: dict[str, Any] = {} if text is None else {"comment": text.encode()}
    # GIF counts in hundredths of a second.
    more |= {"duration": round(100 / fps) * 10, "loop": 0}
    indexed[0].save(path, save_all=True, append_images=indexed[1:], optimize=False, **more)


def _common_palette(frames: list[Image.Image], side: int = 64, most: int = 64) -> Image.Image:
    """The 256 colours that suit all frames, found on thumbnails of up to `most` of them."""
    chosen = frames[:: -(-len(frames) // most)]
    strip = Image.new("RGB", (side, side * len(chosen)))
    for index, frame in enumerate(chosen):
        strip.paste(frame.resize((side, side), Image.Resampling.NEAREST), (0, side * index))
    return strip.quantize(256, method=Image.Quantize.MEDIANCUT)


def _write_webp(frames: Iterator[Image.Image], path: Path, fps: float, note: Note) -> None:
    kept = _collected(frames, ".webp")
    first, *rest = kept
    text = note(kept)
    more: dict[str, Any] = {} if text is None else {"exif": metadata.exif(text)}
    exact, good = {"lossless": True, "method": 0}, {"quality": 90, "method": 2}
    # Enlarged pixels take little space without loss, and blur with it; a photograph takes ten times as much.
    quality = exact if _webp_size(first, exact) < 2 * _webp_size(first, good) else good
    options: dict[str, Any] = {"save_all": True, "append_images": rest, "duration": round(1000 / fps), "loop": 0, **quality}
    first.save(path, **options, **more)


def _webp_size(image: Image.Image, quality: dict) -> int:
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", **quality)
    return buffer.tell()


def _write_mp4(frames: Iterator[Image.Image], path: Path, fps: float, note: Note) -> None:
    import av  # large, and for MP4 alone
    from av.video.reformatter import ColorRange, Colorspace

    first = next(frames)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:  # plays before it has loaded
        stream: Any = container.add_stream(_codec(), rate=round(fps), options={"crf": "16", "preset": "veryfast"})
        stream.width, stream.height = first.width + first.width % 2, first.height + first.height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = Colorspace.ITU709, ColorRange.MPEG
        if (text := note([first])) is not None:
            container.metadata["comment"] = text
        for image in chain([first], frames):
            container.mux(stream.encode(_video_frame(image)))
        container.mux(stream.encode())


def _codec() -> str:
    import av

    name = next((name for name in _CODECS if name in av.codecs_available), None)
    if name is None:
        raise StudioError("The video library of this installation writes no H.264: save as .webp or .gif.")
    return name


def _video_frame(image: Image.Image) -> av.VideoFrame:
    """H.264 needs even sides: an odd one gets its last row or column twice."""
    import av
    from av.video.reformatter import ColorRange, Colorspace

    pixels = np.pad(np.asarray(image), ((0, image.height % 2), (0, image.width % 2), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)


_WRITERS: dict[str, Callable[[Iterator[Image.Image], Path, float, Note], None]] = {
    ".gif": _write_gif,
    ".webp": _write_webp,
    ".mp4": _write_mp4,
}

ENDINGS = tuple(_WRITERS)
FORMATS = tuple(ending[1:] for ending in ENDINGS)
