"""PyTorch files written by hand, byte by byte: pickles and archives that ask for memory, time or programs."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Iterator

import torch

Files = Iterator[tuple[str, bytes]]
MANY = 10**9

# --- pickles, written by hand ---

START, END = b"\x80\x02", b"."


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    data = pickle.encode_long(value)
    return b"\x8a" + bytes([len(data)]) + data


def named(name: str) -> bytes:
    module, _, attribute = name.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(count: int, key: str = "0", kind: str = "torch.FloatStorage") -> bytes:
    return b"(" + text("storage") + named(kind) + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(count: int, shape: tuple, stride: tuple, offset: int = 0, **options: str) -> bytes:
    hooks = named("collections.OrderedDict") + b")R"
    inside = storage(count, **options) + number(offset) + numbers(*shape) + numbers(*stride) + b"\x89" + hooks
    return named("torch._utils._rebuild_tensor_v2") + b"(" + inside + b"tR"


def dictionary(**values: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in values.items()) + b"u"


def zipped(pickled: bytes, data: dict[str, bytes] | None = None, *, compressed: bool = False, **more: bytes) -> bytes:
    """An archive as of torch.save."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED, compresslevel=1) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, content in (data or {"0": bytes(4096)}).items():
            archive.writestr(f"archive/data/{key}", content)
        for name, content in more.items():
            archive.writestr(f"archive/{name}", content)
    return made.getvalue()


def plain(pickled: bytes, keys: list[str], rest: bytes) -> bytes:
    """A file of before 2020."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    before = b"".join(pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, system))
    return before + pickled + pickle.dumps(keys, 2) + rest


def saved(content: object, **options: object) -> bytes:
    made = io.BytesIO()
    torch.save(content, made, **options)
    return made.getvalue()


# --- pickles that ask for memory, time or programs ---

OPERATIONS = (
    *(f"torch._utils._rebuild_{kind}" for kind in ("sparse_tensor", "qtensor", "meta_tensor_no_storage", "wrapper_subclass")),
    "os.system", "builtins.eval", "builtins.getattr", "torch.hub.load", "torch.nn.modules.linear.Linear", "models.Generator",
    "torch.storage._load_from_bytes", "torch.load", "numpy.load", "subprocess.Popen", "posix.system", "functools.partial",
)  # fmt: skip


def pickles() -> Files:
    wide = tensor(1, (100_000, 20_000), (0, 0))
    yield "expanded.pth", zipped(START + dictionary(**{"main.0.weight": wide}) + END)
    yield (
        "many-expanded.pth",
        zipped(START + dictionary(**{f"main.{i}.weight": tensor(1, (9000 + i,), (0,)) for i in range(5000)}) + END),
    )
    yield "overlapping.pth", zipped(START + dictionary(a=tensor(1024, (512, 512), (1, 1))) + END)
    yield (
        "one-storage.pth",
        zipped(START + dictionary(**{f"{i}.weight": tensor(1024, (1024 - i,), (1,)) for i in range(900)}) + END),
    )
    yield "beyond.pth", zipped(START + dictionary(a=tensor(1024, (1025,), (1,))) + END)
    yield "far.pth", zipped(START + dictionary(a=tensor(1024, (2,), (2**60,))) + END)
    yield "offset.pth", zipped(START + dictionary(a=tensor(1024, (1,), (1,), offset=2**62)) + END)
    yield "negative.pth", zipped(START + dictionary(a=tensor(1024, (-1,), (1,))) + END)
    yield "backwards.pth", zipped(START + dictionary(a=tensor(1024, (2,), (-1,), offset=5)) + END)
    yield "huge-storage.pth", zipped(START + dictionary(a=tensor(2**45, (4,), (1,))) + END)
    yield "no-storage.pth", zipped(START + dictionary(a=tensor(4, (4,), (1,), key="9")) + END)
    yield "up.pth", zipped(START + dictionary(a=tensor(4, (4,), (1,), key="../../etc/passwd")) + END)
    yield "kind.pth", zipped(START + dictionary(a=tensor(4, (4,), (1,), kind="torch.QInt8Storage")) + END)
    yield "dimensions.pth", zipped(START + dictionary(a=tensor(4, (1,) * 4000, (1,) * 4000)) + END)
    yield "empty-and-vast.pth", zipped(START + dictionary(**{"main.0.weight": tensor(4, (0, 2**40), (1, 1))}) + END)
    for name in OPERATIONS:
        yield f"{name}.pth", zipped(START + dictionary(a=named(name) + numbers(1, 2) + b"R") + END)
    yield "size.pth", zipped(START + dictionary(a=named("torch.Tensor") + numbers(10**6, 10**6) + b"R") + END)
    yield "bytearray.pth", zipped(START + dictionary(a=named("builtins.bytearray") + numbers(2 * MANY) + b"R") + END)
    yield "float-storage.pth", zipped(START + dictionary(a=named("torch.FloatStorage") + numbers(MANY) + b"R") + END)
    encode = named("_codecs.encode") + b"q\0(" + text("x" * 10**6) + text("latin1") + b"tq\x01"
    yield "copies.pth", zipped(START + b"](" + encode + b"h\0h\x01R" * 100_000 + b"e" + END)
    # Tuples of tuples: to hash the last one takes 2^60 steps.
    knot = b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    yield "knot.pth", zipped(START + b"}" + knot + number(1) + b"s" + END)
    yield "knot-set.pth", zipped(START + named("builtins.set") + b"](" + knot + b"e\x85R" + END)
    # Dictionaries of dictionaries: ten names lead to ten each, nine deep.
    fans = b"".join(
        b"}q" + bytes([i]) + b"(" + b"".join(text(f"{k}") + b"h" + bytes([i - 1]) for k in range(10)) + b"u" for i in range(1, 10)
    )
    leaf = dictionary(**{"main.0.weight": tensor(1024, (4, 4, 4, 4), (64, 16, 4, 1))}) + b"q\0"
    yield "fans.pth", zipped(START + leaf + fans + END)
    yield "itself.pth", zipped(START + b"}q\0" + text("model") + b"h\0s" + END)
    yield "deep.pth", zipped(START + b"".join(b"}" + text("a") for _ in range(100_000)) + b"N" + b"s" * 100_000 + END)
    yield "deep-lists.pth", zipped(START + b"]" * 500_000 + b"a" * 499_999 + END)
    yield "marks.pth", zipped(START + b"(" * 10**6 + END)
    yield "memo.pth", zipped(START + b"}r\xff\xff\xff\xff" + END)
    yield "long.pth", zipped(START + b"\x8b\xff\xff\xff\x7f" + END)
    yield "digits.pth", zipped(START + b"L" + b"9" * 10**6 + b"L\n" + END)
    yield "string.pth", zipped(START + b"X\xff\xff\xff\xff" + END)
    yield "frame.pth", zipped(b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f" + END)
    again = b"q\x01" + named("collections.OrderedDict") + b"q\x02h\x01\x85R"
    pairs = b"](" + (b"]" + b"(" + text("a") + number(1) + b"e") * 10_000 + b"e"
    yield "pairs.pth", zipped(START + b"](" + pairs + again + b"h\x02h\x01\x85R" * 60_000 + b"e" + END)
    yield (
        "states.pth",
        zipped(START + dictionary(**{f"k{i}": b"N" for i in range(50_000)}) + b"q\x01" + b"h\x01b" * 10 + b"h\x01" + END),
    )
    shared = (
        named("torch._utils._rebuild_tensor_v2") + b"q\x01(" + storage(4) + number(0) + numbers(4) + numbers(1) + b"\x89Ntq\x02"
    )
    yield "reductions.pth", zipped(START + b"](" + shared + b"h\x01h\x02R" * 500_000 + b"e" + END)
    yield "persistent.pth", zipped(START + b"](" + text("module") * 3 + b"tQe" + END)
    yield "long-pickle.pth", zipped(START + b"]" + b"0]" * (5 << 20) + END)
    yield "instance.pth", zipped(b"\x80\x02(ios\nsystem\n.")
    yield "extension.pth", zipped(START + b"\x82\x01" + END)
    yield "list.pth", zipped(START + b"]" + END)
    yield "no-end.pth", zipped(START + dictionary(a=tensor(4, (4,), (1,))))
    yield "nothing.pth", zipped(b"")
    yield "protocol.pth", zipped(b"\x80\xff.")
    yield "byteorder.pth", zipped(START + b"}" + END, byteorder=b"big")


def archives() -> Files:
    state = START + dictionary(**{"main.0.weight": tensor(50 << 20, (50 << 20,), (1,))}) + END
    yield "zeros.pth", zipped(state, {"0": bytes(200 << 20)}, compressed=True)
    yield "zeros-in-pickle.pth", zipped(START + b"]" * (64 << 20), compressed=True)
    whole = saved({"main.0.weight": torch.zeros(64, 64)})
    yield "half.pth", whole[: len(whole) // 2]
    yield "directory.pth", whole[:-40]
    yield "two.pth", zipped(START + b"}" + END, **{"b/data.pkl": START + b"}" + END})
    listed = io.BytesIO()
    with zipfile.ZipFile(listed, "w") as archive:
        for i in range(60_000):
            archive.writestr(zipfile.ZipInfo(f"archive/data/{i}"), b"")
    yield "listed.pth", listed.getvalue()
    # One member's bytes, told three hundred times.
    size = 1 << 20
    local = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, size, size, 1, 0) + b"a" + bytes(size)
    names = [b"archive/data.pkl", *(f"archive/data/{i}".encode() for i in range(300))]
    entries = [
        b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, size, size, len(n), 0, 0, 0, 0, 0, 0) + n
        for n in names
    ]
    listing = b"".join(entries)
    last = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(listing), len(local), 0)
    yield "overlapping-members.pth", local + listing + last


def old_files() -> Files:
    state = START + dictionary(a=tensor(4, (4,), (1,))) + END
    for name, count, data in (("cut", 4, b""), ("vast", 2**45, b""), ("negative", -4, b""), ("other", 2, bytes(8))):
        yield f"old-{name}.pth", plain(state, ["0"], struct.pack("<q", count) + data)
    yield "old-key.pth", plain(state, ["7"], struct.pack("<q", 4) + bytes(16))
    yield "old-keys.pth", plain(state, [f"{i}" for i in range(300_000)], b"")
    yield "old-expanded.pth", plain(START + dictionary(a=tensor(1, (MANY,), (0,))) + END, ["0"], struct.pack("<q", 1) + bytes(4))
    yield "old-program.pth", plain(START + named("os.system") + b"(" + text("true") + b"tR" + END, [], b"")
    yield "no-magic.pth", pickle.dumps({"a": 1}, 2)
    yield "program.pth", pickle.dumps(print, 2)
