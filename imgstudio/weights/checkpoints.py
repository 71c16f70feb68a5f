"""PyTorch files: the zip archives of today, and the plain files of before 2020. Both are read as data, see `pickles`.

A file is first described; what its tensors would take is compared with the file's own size, and only then are they read.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor

from . import pickles
from .kinds import BRING, PROGRAM, Broken, Refused, printable
from .pickles import TENSORS, Described, Storage

GREATER = 2  # times the file's size that its tensors may take together: nets share tensors with their averages
SLACK = 1 << 16  # bytes beyond that, for small tensors that repeat one value
NAME = 512  # letters in the name of a tensor
NESTED = 8  # dictionaries in dictionaries that are looked into
VALUES = 1_000_000  # entries of all dictionaries together
_DIRECTORY = 4 << 20  # bytes of a zip archive's list of files, which has about a hundred for each
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of files of before 2020

Numbers = Callable[[Storage], bytearray]  # reads what a storage holds


def read_zip(file: BinaryIO, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """What a zip archive of `torch.save` holds, see `_filled`. Raises Refused and Broken, or any exception for broken bytes."""
    size = _size(file)
    members = _members(file, size)
    root = _root(members)
    order = members.get(f"{root}byteorder")
    if order is not None and _member(file, order) != b"little":
        raise Refused("was saved on a machine with another order of bytes: save it again on a usual one")
    said = pickles.load(io.BytesIO(_member(file, members[f"{root}data.pkl"])))

    def numbers(storage: Storage) -> bytearray:
        place = members[f"{root}data/{storage.key}"]
        return _cut(file, _begin(file, place), place.file_size, storage)

    return _filled(said, size, numbers, wanted)


def read_plain(file: BinaryIO, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """`read_zip` for a file of before 2020: a few pickles, and behind them the numbers."""
    if pickles.load(file) != _MAGIC:
        raise Refused(f"is a pickle, a program of Python, which is not executed here: {BRING}")
    if pickles.load(file) != _PROTOCOL or not isinstance(system := pickles.load(file), dict):
        raise Broken
    if system.get("little_endian") is not True:
        raise Refused("was saved on a machine with another order of bytes: save it again on a usual one")
    types: dict[str, torch.dtype] = {}
    said = pickles.load(file, types)
    keys = pickles.load(file)
    begin, size = file.tell(), _size(file)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(keys) > TENSORS:
        raise Broken
    places: dict[str, tuple[int, int]] = {}
    for key in keys:
        file.seek(begin)
        count = int.from_bytes(file.read(8), "little", signed=True)
        length, begin = count * types[key].itemsize, begin + 8
        if count < 0 or begin + length > size:
            raise Broken
        places[key], begin = (begin, length), begin + length
    return _filled(said, size, lambda storage: _cut(file, *places[storage.key], storage), wanted)


# --- zip archives ---


class _Listed(io.BufferedIOBase):
    """A file whose parts are read a few MB at a time at most: `zipfile` reads its list of files at once, however long."""

    def __init__(self, file: BinaryIO):
        self._file = file

    def read(self, count: int | None = -1) -> bytes:
        count = _DIRECTORY + 1 if count is None or count < 0 else count
        data = self._file.read(min(count, _DIRECTORY + 1))
        if len(data) > _DIRECTORY:
            raise Refused(f"is an archive of more than {2 * TENSORS:,} files, and is not opened")
        return data

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def _members(file: BinaryIO, size: int) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by name. None is compressed, and together they are no larger than the archive."""
    with zipfile.ZipFile(_Listed(file)) as archive:  # type: ignore[arg-type]
        members = archive.infolist()
    if len(members) > 2 * TENSORS:
        raise Refused(f"is an archive of more than {2 * TENSORS:,} files, and is not opened")
    _recognise(members)
    if any(each.compress_type != zipfile.ZIP_STORED or each.flag_bits & 1 for each in members):
        raise Refused("is a compressed archive, as torch.save makes none: unpack it, and bring the file inside")
    if any(each.compress_size != each.file_size for each in members) or sum(each.file_size for each in members) > size:
        raise Broken
    return {each.filename: each for each in members}


def _recognise(members: list[zipfile.ZipInfo]) -> None:
    """Raises Refused for archives that are no checkpoint."""
    names = [each.filename for each in members]
    if any(name.endswith(("/constants.pkl", "/code/__torch__.py")) or "/code/" in name for name in names):
        raise Refused(PROGRAM)
    if any(name.endswith("data.pkl") for name in names):
        return
    if any(name.endswith(".npy") for name in names):
        raise Refused(f"is an archive of NumPy arrays: {BRING}")
    if any(name.endswith((".weights.h5", "saved_model.pb")) for name in names):
        raise Refused(f"is a file of Keras, and only PyTorch nets run here: {BRING}")
    shown = f" ({printable(names[0])}, ...)" if names else ""
    raise Refused(f"is a zip archive{shown} and not a PyTorch file: unpack it, and bring the file of weights inside")


def _root(members: Mapping[str, zipfile.ZipInfo]) -> str:
    """The folder in the archive that holds the checkpoint, with a slash at its end."""
    found = [name.removesuffix("data.pkl") for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(found) != 1:
        raise Broken
    return found[0]


def _begin(file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Where the bytes of a file in the archive begin."""
    file.seek(member.header_offset)
    header = file.read(30)
    if len(header) != 30 or header[:4] != b"PK\x03\x04":
        raise Broken
    return member.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")


def _member(file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > pickles.PICKLED:
        raise Refused(f"describes more than a checkpoint does ({pickles.PICKLED >> 20} MB beside its numbers), and is not opened")
    file.seek(_begin(file, member))
    return file.read(member.file_size)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _cut(file: BinaryIO, begin: int, length: int, storage: Storage) -> bytearray:
    """The bytes of a storage, which lies in these of the file."""
    first = storage.start * storage.dtype.itemsize
    if first + storage.bytes > length:
        raise Broken
    numbers = bytearray(storage.bytes)
    file.seek(begin + first)
    if file.readinto(numbers) != len(numbers):  # type: ignore[attr-defined]
        raise Broken
    return numbers


# --- tensors ---


def _filled(said: Any, size: int, numbers: Numbers, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """What a file says by name, with its tensors: nested dictionaries of tensors, numbers and short texts; the rest is left out.

    size: of the file in bytes, which bounds what the tensors may take. wanted: of the outermost names.
    """
    if not isinstance(said, dict):
        raise Refused("holds no tensors by name: choose another file")
    said = {str(name): value for name, value in said.items() if wanted(str(name))}
    found = {id(each): each for each in _tensors(said)}
    within_bounds(list(set(found.values())), size)
    made: dict[Described, Tensor] = {}
    by_storage: dict[Storage, list[Described]] = {}
    for each in found.values():
        by_storage.setdefault(each.storage, []).append(each)
    if sum(storage.bytes for storage in by_storage) > GREATER * size + SLACK:
        raise Broken
    for storage, views in by_storage.items():
        run = numbers(storage)
        made.update({view: _view(run, view) for view in views if view not in made})
    return _plain(said, made, {}, 0)


def within_bounds(tensors: list[Described], size: int) -> None:
    """Raises Refused for tensors that are larger than their file, one by one or together."""
    if len(tensors) > TENSORS:
        raise Refused(f"holds more than {TENSORS:,} tensors, and is not opened")
    most = max(size, SLACK)
    if any(math.prod(max(1, length) for length in each.shape) * each.dtype.itemsize > most for each in tensors):
        raise Refused("holds a tensor that is larger than the file itself, and is not opened")
    if sum(each.bytes for each in tensors) > GREATER * size + SLACK:
        raise Refused("holds tensors that are together far larger than the file itself, and is not opened")


def _view(run: bytearray, view: Described) -> Tensor:
    if not view.count:
        return torch.empty(view.shape, dtype=view.dtype)
    """The tensor; one of a part of a storage has memory of its own, so that it does not keep the whole."""
    flat = torch.frombuffer(run, dtype=view.dtype, count=len(run) // view.dtype.itemsize)
    tensor = flat.as_strided(view.shape, view.stride, view.offset)
    return tensor.contiguous() if view.bytes == len(run) else tensor.clone(memory_format=torch.contiguous_format)


def _tensors(said: Any) -> Iterator[Described]:
    """All tensors in dictionaries of dictionaries, each dictionary once."""
    waiting, seen, entries = [(said, 0)], set(), 0
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, Described):
            yield value
        elif isinstance(value, dict) and id(value) not in seen and depth <= NESTED:
            seen.add(id(value))
            entries += len(value)
            if entries > VALUES:
                raise Refused("describes more than a checkpoint does, and is not opened")
            waiting += [(each, depth + 1) for each in value.values()]


def _plain(
    said: dict[Any, Any], made: Mapping[Described, Tensor], known: dict[int, dict[str, Any]], depth: int
) -> dict[str, Any]:
    if id(said) in known:
        return known[id(said)]
    plain = known[id(said)] = {}
    for name, value in said.items():
        if isinstance(value, Described) and value in made:
            plain[checked(str(name))] = made[value]
        elif isinstance(value, dict) and depth < NESTED:
            plain[str(name)[:NAME]] = _plain(value, made, known, depth + 1)
        elif type(value) in (bool, int, float) or (isinstance(value, str) and len(value) <= NAME):
            plain[str(name)[:NAME]] = value
    return plain


def checked(name: str) -> str:
    """The name of a tensor. Raises Refused for one that is none."""
    if len(name) > NAME:
        raise Refused(f"holds a tensor whose name has {len(name):,} letters: no net here has such names")
    return name
