"""Films are read back, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence
from table import each_row

from imgstudio import StudioError
from imgstudio.studio import animation

KINDS = ("gif", "webp", "mp4")


def film(count: int = 9, width: int = 48, height: int = 32) -> Iterator[Image.Image]:
    """A bright square that walks over a gradient, so that no two frames are alike."""
    ground = np.zeros((height, width, 3), np.uint8)
    ground[..., 0] = np.linspace(0, 200, width)
    ground[..., 2] = np.linspace(200, 0, height)[:, None]
    for i in range(count):
        frame = ground.copy()
        frame[4:12, 4 * i : 4 * i + 8] = (250, 240, 40)
        yield Image.fromarray(frame)


def frames_of(path: Path) -> list[np.ndarray]:
    if path.suffix == ".mp4":
        with av.open(str(path)) as container:
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with Image.open(path) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


@pytest.mark.parametrize("kind", KINDS)
def test_frames_that_are_held_in_memory_are_bounded(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(animation, "MAX_PIXELS", 3 * 48 * 32)
    taken = []

    def endless() -> Iterator[Image.Image]:
        for frame in film(9):
            taken.append(frame)
            yield frame

    if kind == "mp4":
        animation.save(endless(), tmp_path / "a.mp4")
        return
    for frames in (endless(), list(film(4))):
        with pytest.raises(StudioError, match="4 frames or more of 48 x 32 pixels are too many.*mp4"):
            animation.save(frames, tmp_path / f"a.{kind}")
    assert len(taken) == 4 and not list(tmp_path.iterdir())
    animation.save(film(3), tmp_path / f"a.{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_is_there_and_looks_right(tmp_path, kind):
    path = animation.save(film(), tmp_path / f"a.{kind}", fps=10)
    frames = frames_of(path)
    assert len(frames) == 9
    for frame, expected in zip(frames, film()):
        assert frame.shape == (32, 48, 3)
        assert np.abs(frame.astype(int) - np.asarray(expected)).mean() < 8
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@each_row("kind", ["gif", "webp"])
def test_pictures_play_on_and_on_at_the_given_pace(tmp_path, kind):
    with Image.open(animation.save(film(), tmp_path / f"a.{kind}", fps=10)) as image:
        assert image.info["loop"] == 0
        image.seek(1)
        image.load()
        assert image.info["duration"] == 100


def test_the_video_is_one_that_browsers_play(tmp_path):
    path = animation.save(film(), tmp_path / "a.mp4", fps=10)
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == 10
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index comes first, so that it plays while it loads"


def test_colours_of_the_video_are_those_of_the_pictures(tmp_path):
    colours = [(200, 30, 40), (30, 180, 60), (20, 60, 220), (128, 128, 128)]
    path = animation.save((Image.new("RGB", (64, 64), c) for c in colours), tmp_path / "a.mp4")
    for frame, colour in zip(frames_of(path), colours):
        np.testing.assert_allclose(frame[32, 32], colour, atol=6)


def test_a_gif_has_one_palette(tmp_path):
    path = animation.save(film(), tmp_path / "a.gif")
    pixels = np.concatenate([frame.reshape(-1, 3) for frame in frames_of(path)])
    assert len(np.unique(pixels, axis=0)) <= 256


def test_enlarged_pixels_stay_exact_in_webp(tmp_path):
    random = np.random.default_rng(0)
    frames = [Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8).repeat(16, 0).repeat(16, 1)) for _ in range(3)]
    for frame, expected in zip(frames_of(animation.save(frames, tmp_path / "a.webp")), frames):
        np.testing.assert_array_equal(frame, np.asarray(expected))


@each_row(("width", "height"), [(33, 32), (32, 31), (1, 1), (33, 17)])
def test_odd_sides_become_even_in_a_video(tmp_path, width, height):
    (frame, *_) = frames_of(animation.save(film(2, width, height), tmp_path / "a.mp4"))
    assert frame.shape == (height + height % 2, width + width % 2, 3)


@each_row("kind", KINDS)
def test_a_single_frame_is_a_film(tmp_path, kind):
    assert len(frames_of(animation.save(film(1), tmp_path / f"a.{kind}"))) == 1


def test_video_frames_are_taken_one_by_one(tmp_path):
    alive = 0

    class Counted(Image.Image):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def counted():
        nonlocal alive
        for frame in film(30):
            frame.__class__ = Counted
            alive += 1
            assert alive < 6
            yield frame
            del frame

    animation.save(counted(), tmp_path / "a.mp4")


@each_row("name", ["a.png", "a.avi", "a", "gif"])
def test_another_ending_is_refused_before_anything_is_drawn(tmp_path, name):
    with pytest.raises(StudioError, match=r"\.gif, \.webp, \.mp4"):
        animation.save((pytest.fail("drawn") for _ in range(1)), tmp_path / name)


@each_row("kind", KINDS)
def test_refusals(tmp_path, kind):
    with pytest.raises(StudioError, match="no frames"):
        animation.save([], tmp_path / f"a.{kind}")
    with pytest.raises(StudioError, match="cannot be written"):
        animation.save(film(2), tmp_path / "no" / "such" / f"a.{kind}")
    with pytest.raises(StudioError, match="from 1 to 50"):
        animation.save(film(2), tmp_path / f"a.{kind}", fps=0)
    with pytest.raises(ValueError, match="follows"):
        animation.save([Image.new("RGB", (4, 4)), Image.new("RGB", (5, 4))], tmp_path / f"a.{kind}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_breaks_off_leaves_the_old_file(tmp_path, kind):
    path = animation.save(film(2), tmp_path / f"a.{kind}")
    before = path.read_bytes()

    def broken():
        yield from film(3)
        raise RuntimeError("net on fire")

    with pytest.raises(RuntimeError, match="net on fire"):
        animation.save(broken(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
