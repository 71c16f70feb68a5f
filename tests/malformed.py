"""Pictures that are broken in every way that came to mind, made by code: small files that claim much or end too soon."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "TGA", "ICO")


def encoded(kind: str) -> bytes:
    """A whole picture in that format."""
    picture, data = Image.effect_noise((40, 30), 70).convert("RGB"), io.BytesIO()
    picture.save(data, kind)
    return data.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(width: int, height: int, depth: int = 8, kind: int = 2, rows: int = 4) -> bytes:
    """A PNG that says it is of that size, and holds `rows` rows of zeros at most."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    pixels = zlib.compress(bytes(min(rows * (1 + width * 3), 4_000_000)))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def texts(count: int, size: int) -> bytes:
    """A PNG with compressed texts that unpack to `size` bytes each."""
    packed = b"key\0\0" + zlib.compress(bytes(size))
    whole = encoded("PNG")
    return whole[:33] + chunk(b"zTXt", packed) * count + whole[33:]


def all_of_them() -> Iterator[tuple[str, bytes]]:
    """Name and content; always the same."""
    chance = random.Random(5)
    for kind in FORMATS:
        whole = encoded(kind)
        for part in range(1, 10):
            yield f"{kind} cut to {part} tenths", whole[: len(whole) * part // 10]
        for attempt in range(22):
            data = bytearray(whole)
            for _ in range(chance.choice((1, 2, 8))):
                data[chance.randrange(min(len(data), 120))] = chance.choice((0, 1, 127, 128, 255))
            yield f"{kind} with another header {attempt}", bytes(data)
    for side in (50_000, 65_535, 1_000_000, 2**31 - 1):
        for depth, kind in ((8, 2), (16, 2), (1, 0), (16, 4)):
            yield f"PNG of {side} x {side}, {depth} bits, kind {kind}", claiming(side, side, depth, kind)
    yield "PNG of one row", claiming(2**31 - 1, 1)
    yield "PNG of one column", claiming(1, 2**31 - 1)
    yield "PNG of no pixel", claiming(0, 0)
    yield "PNG of nearly all pixels that are allowed, and no data", claiming(7_000, 7_000)
    yield "PNG with texts that unpack", texts(40, 30_000_000)
    yield "GIF of a huge screen", b"GIF89a" + struct.pack("<HH", 65535, 65535) + encoded("GIF")[10:]
    yield "BMP of a huge size", encoded("BMP")[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + encoded("BMP")[26:]
    yield "PPM of a huge size", b"P6 99999999 99999999 255\n" + bytes(100)
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"
    yield "text", b"this is no picture"
    yield "zeros", bytes(10_000)
    yield "nothing", b""
