"""Colours as they were meant: profiles converted to sRGB, transparent colours of any depth, texts of any length."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from table import each_row

from imgstudio import image
from imgstudio.errors import StudioError
from imgstudio.image import profiles
from imgstudio.studio.texture import export
from imgstudio.studio.texture.regions import from_labels

WHITE = (255, 255, 255)
DISPLAY_P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))  # chromaticities of red, green and blue
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
D50 = np.array([0.9642, 1.0, 0.8249])
D65_TO_D50 = np.array([[1.0479, 0.0229, -0.0502], [0.0296, 0.9904, -0.0171], [-0.0092, 0.0151, 0.7519]])


def fixed(*values: float) -> bytes:
    """Numbers as profiles write them."""
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*values)


def gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A colour profile, version 2, of a screen."""
    place, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += struct.pack(">4sII", name, place + len(data), len(content))
        data += content
    head = struct.pack(">I4sI4s4s4s", 0, b"\0\0\0\0", 0x02400000, b"mntr", space, b"XYZ ") + b"\0" * 12 + b"acsp"
    head += b"\0" * 28 + fixed(*D50) + b"\0" * 48
    whole = head + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", len(whole)) + whole[4:]


def rgb_profile(primaries: tuple, gamma: float = 2.2) -> bytes:
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    columns = D65_TO_D50 @ (columns * np.linalg.solve(columns, white))
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    curves = {name: gamma_curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return profile(b"RGB ", {b"wtpt": xyz(D50), **{name: xyz(column) for name, column in zip(names, columns.T)}, **curves})


P3, ADOBE = rgb_profile(DISPLAY_P3), rgb_profile(ADOBE_RGB)
GREY = profile(b"GRAY", {b"wtpt": xyz(D50), b"kTRC": gamma_curve(1.0)})
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def written(tmp_path, picture: Image.Image, name: str, **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path


def middle(picture: Image.Image) -> tuple:
    return picture.getpixel((picture.width // 2, picture.height // 2))


@each_row("name", ["a.png", "a.jpg", "a.webp", "a.tiff"])
def test_a_wide_gamut_is_converted(tmp_path, name):
    red = Image.new("RGB", (32, 32), (234, 51, 35))  # the red of sRGB, as a phone's photograph holds it
    made = middle(image.read(written(tmp_path, red, name, icc_profile=P3)))
    np.testing.assert_allclose(made, (255, 0, 0), atol=12)
    kept = middle(image.read(written(tmp_path, red, f"plain-{name}")))
    np.testing.assert_allclose(kept, (234, 51, 35), atol=12)


def test_adobe_rgb_is_converted(tmp_path):
    path = written(tmp_path, Image.new("RGB", (32, 32), (219, 0, 0)), "a.jpg", icc_profile=ADOBE, quality=95)
    np.testing.assert_allclose(middle(image.read(path)), (255, 0, 0), atol=6)


@each_row(("space", "kind", "converted"), [(0xFFFF, "R03", True), (0xFFFF, "R98", False), (1, "R03", False)])
@each_row("rotation", [1, 6])
def test_adobe_rgb_that_only_exif_tells_of_is_converted(tmp_path, space, kind, converted, rotation):
    """As cameras write it."""
    colours = Image.new("RGB", (32, 48), (219, 0, 0))
    colours.paste((100, 150, 60), (0, 0, 32, 32))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = rotation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = space
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {ExifTags.Interop.InteropIndex: kind}
    by_exif = image.read(written(tmp_path, colours, "a.jpg", exif=exif, quality=95))
    profile = {"icc_profile": ADOBE} if converted else {}
    wanted = image.read(written(tmp_path, colours, "b.jpg", exif={1: b"", 6: exif}[rotation], quality=95, **profile))
    assert by_exif.size == wanted.size == ((32, 48) if rotation == 1 else (48, 32))
    difference = np.abs(np.asarray(by_exif, np.int16) - np.asarray(wanted, np.int16))
    assert difference.max() <= 2
    assert (np.asarray(by_exif).max() > 245) is np.bool_(converted)


def test_neutral_colours_stay_and_a_picture_in_memory_counts_too():
    grey = Image.new("RGB", (2, 2), (128, 128, 128))
    grey.info["icc_profile"] = P3
    np.testing.assert_allclose(middle(image.read(grey)), (128, 128, 128), atol=3)
    assert grey.info["icc_profile"] == P3 and grey.mode == "RGB", "the caller's picture is left alone"


def test_a_grey_profile_and_a_palette(tmp_path):
    linear = written(tmp_path, Image.new("L", (8, 8), 55), "grey.png", icc_profile=GREY)
    np.testing.assert_allclose(middle(image.read(linear)), (128, 128, 128), atol=3)
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 234, 51, 35])
    path = written(tmp_path, palette, "palette.png", icc_profile=P3)
    np.testing.assert_allclose(middle(image.read(path)), (255, 0, 0), atol=6)


def test_a_deep_grey_profile(tmp_path):
    deep = Image.fromarray(np.full((8, 8), 55 * 257, np.uint16))
    np.testing.assert_allclose(middle(image.read(written(tmp_path, deep, "a.png", icc_profile=GREY))), (128, 128, 128), atol=3)


def test_transparency_survives_the_conversion(tmp_path):
    half = Image.new("RGBA", (8, 8), (234, 51, 35, 51))
    np.testing.assert_allclose(middle(image.read(written(tmp_path, half, "a.png", icc_profile=P3))), (255, 204, 204), atol=4)
    solid = Image.new("RGB", (8, 8), (234, 51, 35))
    path = written(tmp_path, solid, "b.png", icc_profile=P3, transparency=(234, 51, 35))
    assert middle(image.read(path)) == WHITE


@each_row("mode", ["RGB", "RGBA"])
def test_a_profile_that_says_srgb_changes_nothing(tmp_path, mode):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, len(mode)), dtype=np.uint8)
    noise[:, :, 3:] = 255
    path = written(tmp_path, Image.fromarray(noise, mode), "a.png", icc_profile=SRGB)
    np.testing.assert_array_equal(np.asarray(image.read(path)), noise[:, :, :3])


@each_row("data", [b"", b"no profile", P3[:200], P3[:36] + b"\xff" * 400, GREY, bytes(profiles.LARGEST + 1)])
def test_a_profile_that_is_none_is_ignored(tmp_path, data):
    picture = Image.new("RGB", (8, 8), (234, 51, 35))
    picture.info["icc_profile"] = data
    assert middle(image.read(picture)) == (234, 51, 35)


def test_a_cmyk_picture_with_a_profile_of_screens_keeps_its_colours(tmp_path):
    path = written(tmp_path, Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "a.jpg", icc_profile=P3)
    np.testing.assert_allclose(middle(image.read(path)), (255, 0, 0), atol=3)


def cmyk_profile() -> bytes:
    """A profile of a press whose table has two entries a colour: more ink is darker, in Lab."""
    corners = np.array(np.meshgrid(*[[0, 1]] * 4, indexing="ij")).reshape(4, -1).T  # C, M, Y, K; K runs fastest
    lab = b"".join(bytes([round(255 * max(0, 1 - c.sum() / 2)), 128, 128]) for c in corners)
    matrix = fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + lab + ramp * 3
    made = profile(b"CMYK", {b"wtpt": xyz(D50), b"A2B0": table})
    return made[:12] + b"prtr" + made[16:20] + b"Lab " + made[24:]


def test_a_cmyk_picture_with_a_profile(tmp_path):
    plain = Image.new("CMYK", (16, 16), (128, 0, 0, 0))
    path = written(tmp_path, plain, "a.jpg", icc_profile=cmyk_profile(), quality=95)
    made = middle(image.read(path))
    assert max(made) - min(made) <= 6, "this press prints greys only"
    assert 160 < made[0] < 215


# --- transparent colours


def test_a_deep_grey_with_a_transparent_colour_is_laid_on_white(tmp_path):
    deep = Image.fromarray(np.array([[1000, 1000], [1000, 50_000]], np.uint16))
    path = written(tmp_path, deep, "a.png", transparency=1000)
    read = image.read(path)
    assert [read.getpixel(place) for place in ((0, 0), (1, 0), (0, 1))] == [WHITE] * 3
    assert read.getpixel((1, 1)) == (195, 195, 195)


def raw_png(bits: int, colour: int, rows: bytes, transparent: bytes, side: int = 8) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"tRNS", transparent), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@each_row(
    ("bits", "colour", "row", "transparent"),
    [
        (1, 0, b"\xff", struct.pack(">H", 1)),
        (2, 0, b"\xaa\xaa", struct.pack(">H", 2)),
        (4, 0, b"\x55" * 4, struct.pack(">H", 5)),
        (16, 2, struct.pack(">HHH", 300, 20_000, 65_000) * 8, struct.pack(">HHH", 300, 20_000, 65_000)),
    ],
)
def test_a_transparent_colour_counts_at_every_depth(tmp_path, bits, colour, row, transparent):
    path = tmp_path / "a.png"
    path.write_bytes(raw_png(bits, colour, (b"\0" + row) * 8, transparent))
    assert middle(image.read(path)) == WHITE


# --- texts


def with_texts(tmp_path, **texts: str):
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text, zip=name != image.SETTINGS_KEY)
    return written(tmp_path, Image.new("RGB", (8, 8), (9, 8, 7)), "long.png", pnginfo=info)


def test_a_picture_with_megabytes_of_text_opens(tmp_path):
    path = with_texts(tmp_path, workflow="a" * 3_000_000)
    assert middle(image.read(path)) == (9, 8, 7)
    with pytest.raises(StudioError, match="holds no settings"):
        image.read_settings(path)


def test_settings_are_found_beside_long_texts_and_are_bounded_themselves(tmp_path):
    assert image.read_settings(with_texts(tmp_path, workflow="a" * 3_000_000, imgstudio='{"seed": 3}')) == {"seed": 3}
    with pytest.raises(StudioError, match="holds no settings"):
        image.read_settings(with_texts(tmp_path, imgstudio='{"seed": "' + "3" * 2_000_000 + '"}'))


# --- results


def test_results_say_that_they_are_in_srgb(tmp_path):
    path = image.save_png(Image.new("RGB", (4, 4), (1, 2, 3)), tmp_path / "a.png", {"seed": 1})
    assert Image.open(path).info["srgb"] == 0 and image.read_settings(path) == {"seed": 1}
    assert path.stat().st_size < 300 and middle(image.read(path)) == (1, 2, 3)


def test_cut_outs_say_so_too(tmp_path):
    regions = from_labels(np.array([[0, 0], [0, 1]]))
    with zipfile.ZipFile(export.cutouts(Image.new("RGB", (2, 2)), regions, tmp_path / "a.zip")) as archive:
        assert all(Image.open(io.BytesIO(archive.read(name))).info["srgb"] == 0 for name in archive.namelist())
