"""The door for pictures: what goes in, what is refused, and that results come out as they went in."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from table import each_row

from imgstudio import StudioError, image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def noise(width: int = 12, height: int = 8, channels: int = 3, dtype: type = np.uint8) -> np.ndarray:
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def pixel(picture: Image.Image, x: int = 0, y: int = 0) -> tuple[int, ...]:
    assert picture.mode == "RGB"
    return picture.getpixel((x, y))


def saved(tmp_path: Path, picture: Image.Image, name: str, **options) -> Path:
    picture.save(tmp_path / name, **options)
    return tmp_path / name


# --- what goes in ---


def test_every_way_to_hand_over_a_picture(tmp_path):
    array = noise()
    path = saved(tmp_path, Image.fromarray(array), "a.png")
    for source in (array, array / 255, array.astype(np.int64), Image.fromarray(array), path, str(path)):
        np.testing.assert_array_equal(np.asarray(image.read(source)), array)


def test_the_result_is_a_copy_without_metadata(tmp_path):
    original = Image.new("RGB", (2, 2), RED)
    original.info["secret"] = "where I live"
    copy = image.read(original)
    copy.putpixel((0, 0), BLUE)
    assert pixel(original) == RED
    assert copy.info == {}


@each_row(
    ("mode", "colour", "expected"),
    [
        ("1", 1, WHITE),
        ("L", 77, (77, 77, 77)),
        ("RGB", RED, RED),
        ("RGBA", (255, 0, 0, 255), RED),
        ("RGBA", (0, 0, 0, 0), WHITE),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
        ("LA", (0, 0), WHITE),
        ("LA", (40, 255), (40, 40, 40)),
        ("RGBa", (0, 0, 0, 0), WHITE),
        ("CMYK", (0, 255, 255, 0), RED),
        ("YCbCr", (255, 128, 128), WHITE),
        ("HSV", (0, 255, 255), RED),
        ("I;16", 65535, WHITE),
        ("I;16", 257 * 9, (9, 9, 9)),
        ("I;16", 200, (1, 1, 1)),
        ("I", 65535, WHITE),
        ("I", 200, (200, 200, 200)),
        ("F", 1.0, WHITE),
        ("F", 0.2, (51, 51, 51)),
        ("F", 51.0, (51, 51, 51)),
    ],
)
def test_modes(mode, colour, expected):
    assert pixel(image.read(Image.new(mode, (3, 2), colour))) == expected


def test_deep_values_beyond_16_bits_are_stretched():
    deep = Image.fromarray(np.array([[-5.0, 0.0, 1e6 - 5]], dtype=np.float32))
    assert [pixel(image.read(deep), x)[0] for x in range(3)] == [0, 0, 255]


@each_row("name", ["a.png", "a.gif", "a.webp", "a.tiff", "a.bmp", "a.jpg", "a.jp2", "a.tga", "a.ico", "a.ppm"])
def test_formats(tmp_path, name):
    path = saved(tmp_path, Image.new("RGB", (32, 32), (200, 30, 40)), name)
    np.testing.assert_allclose(pixel(image.read(path), 16, 16), (200, 30, 40), atol=6)


def test_palettes(tmp_path):
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *GREEN])
    palette.putpixel((1, 0), 1)
    assert [pixel(image.read(palette), x) for x in (0, 1)] == [RED, GREEN]
    path = saved(tmp_path, palette, "clear.png", transparency=1)
    assert [pixel(image.read(path), x) for x in (0, 1)] == [RED, WHITE]
    path = saved(tmp_path, palette, "half.png", transparency=bytes([255, 51]))
    assert pixel(image.read(path), 1) == (204, 255, 204)


def test_a_transparent_colour_in_a_grey_picture(tmp_path):
    path = saved(tmp_path, Image.new("L", (2, 2), 7), "grey.png", transparency=7)
    assert pixel(image.read(path)) == WHITE


def test_16_bit_files(tmp_path):
    grey = noise(channels=0, dtype=np.uint16)
    expected = np.rint(grey / 257).astype(np.uint8)
    for name in ("a.png", "a.tiff"):
        read = np.asarray(image.read(saved(tmp_path, Image.fromarray(grey), name)))
        np.testing.assert_array_equal(read, np.repeat(expected[:, :, None], 3, axis=2))


def test_cmyk_jpeg(tmp_path):
    path = saved(tmp_path, Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "a.jpg")
    np.testing.assert_allclose(pixel(image.read(path)), RED, atol=3)


@each_row("orientation", range(1, 9))
@each_row("kind", ["L", "I;16", "RGB"])
def test_the_cameras_rotation(tmp_path, orientation, kind):
    upright = Image.fromarray({"L": noise(5, 3, 0), "I;16": noise(5, 3, 0, np.uint16), "RGB": noise(5, 3)}[kind])
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the Transpose that makes a picture need this orientation
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, stored, "a.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(image.read(path)), np.asarray(image.read(upright)))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_broken_exif_is_no_reason_to_refuse(tmp_path):
    path = saved(tmp_path, Image.new("RGB", (4, 4), RED), "a.png", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert pixel(image.read(path)) == RED


@each_row("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_gives_its_first_frame(tmp_path, name):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (BLUE, RED, GREEN)]
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(pixel(image.read(path)), BLUE, atol=4)


@each_row("shape", [(3, 4), (3, 4, 1), (3, 4, 3), (3, 4, 4)])
def test_array_shapes(shape):
    assert image.read(np.full(shape, 255, np.uint8)).size == (4, 3)


def test_array_types():
    assert pixel(image.read(np.full((1, 1), True))) == WHITE
    assert pixel(image.read(np.full((1, 1), 65535, np.uint16))) == WHITE
    assert pixel(image.read(np.full((1, 1, 3), 1.005, np.float32))) == WHITE
    assert pixel(image.read(np.full((1, 1, 3), 0.2, np.float16))) == (51, 51, 51)
    assert pixel(image.read(np.zeros((1, 1, 4)))) == WHITE
    assert image.read(noise(6, 4)[::-1, ::2]).size == (3, 4)


# --- what is refused ---


def refusal(source) -> str:
    with pytest.raises(StudioError) as caught:
        image.read(source)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def png_header(width: int, height: int) -> bytes:
    """A valid PNG that claims a size but holds next to no pixels: decoding it would cost all memory, or fail."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(10_000, 5_001), (12_000, 9_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_too_large_is_refused_before_decoding(tmp_path, size, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    (tmp_path / "bomb.png").write_bytes(png_header(*size))
    assert "at most 50 megapixels" in refusal(tmp_path / "bomb.png")


def test_the_largest_allowed_size_is_allowed(tmp_path):
    (tmp_path / "large.png").write_bytes(png_header(10_000, 5_000))
    assert "damaged" in refusal(tmp_path / "large.png"), "it is opened, and then found to have no pixels"
    assert image.read(Image.new("1", (10_000, 5_000))).size == (10_000, 5_000)


def test_too_large_in_memory():
    wide = np.broadcast_to(np.uint8(0), (10_000, 10_000))  # takes no memory
    assert "10000 x 10000" in refusal(wide)
    assert "at most 50" in refusal(Image.new("1", (10_000, 5_001)))


@each_row("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.tiff", "a.bmp"])
@each_row("share", [0.2, 0.6, 0.9])
def test_truncated_files(tmp_path, name, share):
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(buffer, format={"jpg": "JPEG", "tiff": "TIFF"}.get(name[2:], name[2:].upper()))
    (tmp_path / name).write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
    text = refusal(tmp_path / name)
    assert name in text


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_noise_in_a_file_never_escapes_as_another_error(tmp_path):
    random = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"):
        buffer = io.BytesIO()
        Image.fromarray(noise(16, 16)).save(buffer, format=kind)
        for _ in range(40):
            data = bytearray(buffer.getvalue())
            for position in random.integers(0, len(data), 6):
                data[position] = random.integers(0, 256)
            (tmp_path / "a").write_bytes(data)
            with contextlib.suppress(StudioError):
                image.read(tmp_path / "a")


@each_row(
    ("content", "words"),
    [
        (b"", "empty file"),
        (b"hello", "not a picture"),
        (b"<svg/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture"),
    ],
)
def test_not_pictures(tmp_path, content, words):
    (tmp_path / "a.png").write_bytes(content)
    assert words in refusal(tmp_path / "a.png")


@each_row(
    ("source", "words"),
    [
        (None, "choose one first"),
        ("/nowhere/a.png", "/nowhere/a.png"),
        ("/", "no picture file"),
        (42, "int"),
        (np.zeros((0, 5, 3)), "no pixels"),
        (np.zeros((5,)), "shape"),
        (np.zeros((5, 5, 2)), "shape"),
        (np.zeros((1, 5, 5, 3)), "shape"),
        (np.full((2, 2), 255.0), "from 0 to 1"),
        (np.full((2, 2), -0.5), "from 0 to 1"),
        (np.full((2, 2), np.nan), "from 0 to 1"),
        (np.full((2, 2), 256), "from 0 to 255"),
        (np.full((2, 2), "a"), "numbers"),
        (Image.new("RGB", (0, 3)), "no pixels"),
    ],
)
def test_other_refusals(source, words):
    assert words in refusal(source)


# --- tensors ---


def test_every_value_survives_the_round_trip():
    array = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    tensor = image.to_tensor(array)
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.dtype == torch.float32
    assert (tensor.min(), tensor.max()) == (-1, 1)
    np.testing.assert_array_equal(np.asarray(image.to_image(tensor)), array)


def test_tensors_outside_the_range_are_clipped():
    assert pixel(image.to_image(torch.full((3, 1, 1), 5.0))) == WHITE
    assert pixel(image.to_image(torch.full((1, 3, 1, 1), -5.0, dtype=torch.bfloat16))) == (0, 0, 0)


def test_several_pictures_keep_their_order():
    pictures = [Image.fromarray(noise(5, 4) // (i + 1)) for i in range(3)]
    again = image.to_images(torch.cat([image.to_tensor(p) for p in pictures]))
    assert [p.tobytes() for p in again] == [p.tobytes() for p in pictures]


@each_row("shape", [(2, 3, 4, 4), (4, 4), (1, 4, 4), (1, 1, 4, 4)])
def test_a_tensor_of_another_shape_is_no_picture(shape):
    with pytest.raises(ValueError):
        image.to_image(torch.zeros(shape))


def test_resizing_takes_the_middle_square():
    stripes = np.zeros((10, 30, 3), np.uint8)
    stripes[:, :10], stripes[:, 10:20], stripes[:, 20:] = RED, GREEN, BLUE
    for size in (1, 5, 10, 16):
        tensor = image.to_tensor(stripes, size)
        assert tensor.shape == (1, 3, size, size)
        assert pixel(image.to_image(tensor), size // 2, size // 2) == GREEN
        assert pixel(image.to_image(tensor)) == GREEN


@each_row("side", [64, 63, 65])
def test_resizing_is_antialiased(side):
    board = (np.indices((side, side)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = np.asarray(image.to_image(image.to_tensor(board, 8)))
    np.testing.assert_allclose(small, 127.5, atol=12)


def test_one_pixel_is_a_picture():
    assert image.to_tensor(np.zeros((1, 1)), 64).shape == (1, 3, 64, 64)


# --- pictures for people ---


def test_plain_enlarging_makes_squares_of_pixels():
    picture = Image.fromarray(noise(4, 3))
    large = image.enlarge(picture, 15)
    assert large.size == (12, 9)
    np.testing.assert_array_equal(np.asarray(large)[1::3, 1::3], np.asarray(picture))
    np.testing.assert_array_equal(np.asarray(large)[::3, 2::3], np.asarray(picture))


def test_smooth_enlarging_reaches_the_side():
    assert image.enlarge(Image.new("RGB", (64, 48)), 500, smooth=True).size == (500, 375)


@each_row("smooth", [False, True])
def test_enlarging_never_shrinks(smooth):
    assert image.enlarge(Image.new("RGB", (64, 48)), 20, smooth).size == (64, 48)


def test_a_grid_reads_row_by_row():
    cells = [Image.new("RGB", (4, 4), (i, 0, 0)) for i in range(5)]
    sheet = image.grid(cells, gap=1)
    assert sheet.size == (3 * 5 - 1, 2 * 5 - 1)
    assert [pixel(sheet, 5 * (i % 3), 5 * (i // 3))[0] for i in range(5)] == list(range(5))
    assert pixel(sheet, 4, 0) == pixel(sheet, 10, 5) == WHITE
    assert image.grid(cells, columns=1, gap=0).size == (4, 20)
    assert image.grid(cells[:1], columns=7, gap=9).size == (4, 4)


def test_a_grid_of_nothing_is_refused():
    with pytest.raises(StudioError):
        image.grid([])


def test_settings_travel_in_the_file(tmp_path):
    settings = {"model": "dcgan/avatars", "seeds": [1, 2], "title": "Über", "truncation": 0.7}
    array = noise()
    path = image.save_png(Image.fromarray(array), tmp_path / "a.png", settings)
    assert image.read_settings(path) == settings
    np.testing.assert_array_equal(np.asarray(image.read(path)), array)


def test_files_without_settings_say_so(tmp_path):
    plain = image.save_png(Image.new("RGB", (2, 2)), tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(plain.read_bytes()[:40])
    for path in (plain, tmp_path / "bad.png", saved(tmp_path, Image.new("RGB", (2, 2)), "a.jpg"), tmp_path / "missing.png"):
        with pytest.raises(StudioError):
            image.read_settings(path)


def test_only_png_is_written(tmp_path):
    with pytest.raises(StudioError, match="ending .png"):
        image.save_png(Image.new("RGB", (2, 2)), tmp_path / "a.jpg")
    with pytest.raises(StudioError, match="cannot be written"):
        image.save_png(Image.new("RGB", (2, 2)), tmp_path / "no" / "such" / "a.png")
