"""Pickles of PyTorch checkpoints, read as data: names, shapes, and where the bytes of each tensor lie.

Nothing that a pickle names is imported or called. What it may name is a list of plain records below, each with a stand-in that
does no work of its own, so that neither memory nor time can exceed what the bytes of the pickle account for.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch

from .kinds import Refused, printable

PICKLED = 4 << 20  # bytes of a pickle: a tensor takes about 150
READS = 2_000_000  # of a few bytes each, as which a pickle is read: a tensor takes about 80
NESTED = 1000  # lists in lists that are not finished yet
TENSORS = 20_000  # in one file; a large diffusion model with its optimiser has 7,000
DIMENSIONS = 16

_TYPES = {  # of storages
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16, "CharStorage": torch.int8,
    "ByteStorage": torch.uint8, "BoolStorage": torch.bool, "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128, "UntypedStorage": torch.uint8,
}  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """A run of numbers in the file."""

    key: str
    dtype: torch.dtype
    count: int  # of numbers
    start: int = 0  # the first of them, in a run of that key that several share

    @property
    def bytes(self) -> int:
        return self.count * self.dtype.itemsize


@dataclass(frozen=True)
class Described:
    """A tensor that is still in the file: a view of a storage, as of `torch.as_strided`."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    @property
    def count(self) -> int:
        """Of values."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def bytes(self) -> int:
        return self.count * self.dtype.itemsize


class _Inert:
    """In the place of a record that no net needs."""

    __slots__ = ()


def load(file: BinaryIO, storages: dict[str, torch.dtype] | None = None) -> Any:
    """What a pickle says, with `Described` in the place of tensors; fills `storages` with the types of all that it names.

    Raises Refused for what is no plain record, and any exception at all for bytes that are no pickle.
    """
    return _Reader(_Bounded(file), {} if storages is None else storages).load()


class _Bounded:
    """A file of which no more than PICKLED bytes are read, and no more often than READS."""

    def __init__(self, file: BinaryIO):
        self._file, self._left, self._reads = file, PICKLED, 0

    def read(self, count: int) -> bytes:
        return self._counted(self._file.read(max(0, min(count, self._left + 1))))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._left + 1))

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        self._reads += 1
        if self._left < 0 or self._reads > READS:
            raise Refused(f"describes more than a checkpoint does ({PICKLED >> 20} MB beside its numbers), and is not opened")
        return data


# --- stand-ins for what a pickle may name ---


def _whole(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value < 1 << 48 for value in values)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any, dtype: torch.dtype | None = None) -> Described:
    """Checked to lie within its storage."""
    plain = isinstance(storage, Storage) and isinstance(shape, tuple) and isinstance(stride, tuple)
    if not plain or len(shape) != len(stride) or len(shape) > DIMENSIONS or not _whole(offset, *shape, *stride):
        raise ValueError("no tensor")
    if dtype is None:
        dtype = storage.dtype
    held = storage.bytes // dtype.itemsize
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride))
    if last >= held and 0 not in shape:
        raise ValueError("a tensor beyond its storage")
    return Described(storage, offset, shape, stride, dtype)


def _untyped(storage: Any, offset: Any, shape: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any, *_: Any) -> Described:
    if not isinstance(dtype, torch.dtype):
        raise ValueError("no type of numbers")
    return _tensor(storage, offset, shape, stride, dtype=dtype)


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _subclass(make: Any, _kind: Any, arguments: Any, *_: Any) -> Any:
    if make not in (_tensor, _untyped, _parameter) or not isinstance(arguments, tuple) or len(arguments) > DIMENSIONS:
        raise ValueError("no tensor")
    return make(*arguments)


def _ordered(pairs: Sequence[Any] = ()) -> dict[Any, Any]:
    """OrderedDict: of nothing, or as Python 2 wrote it, of a list of pairs, which is emptied."""
    if not pairs:
        return {}
    if not isinstance(pairs, list):
        raise ValueError("no pairs")
    made = {_key(pair[0]): pair[1] for pair in pairs}
    pairs.clear()  # a list that is given again and again would be copied as often
    return made


def _unread(*_: Any) -> _Inert:
    return _Inert()


def _empty(*_: Any) -> dict[Any, Any]:
    return {}


def _key(key: Any) -> Any:
    """A key of a dictionary: a plain one, for a tuple of tuples of tuples may take for ever to hash."""
    if type(key) not in (str, int, float, bool, bytes, type(None)):
        raise ValueError("no plain key")
    return key


_MAKERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _untyped,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _subclass,
    "collections.OrderedDict": _ordered,
    "collections.defaultdict": _empty,
}
_RECORDS = {  # what stands beside weights in checkpoints: read over
    "torch.Size", "torch.device", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.serialization._get_layout",
    "collections.Counter", "_codecs.encode", "argparse.Namespace", "pathlib.PosixPath", "pathlib.WindowsPath",
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in (
        "set", "frozenset", "bytearray", "complex", "slice", "range", "dict", "list", "int", "float", "str")),
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    "numpy.dtype", "numpy.ndarray",
}  # fmt: skip
_OTHERS = {  # functions of torch._utils -> tensors that no net here has
    "_rebuild_qtensor": "quantized", "_rebuild_sparse_tensor": "sparse", "_rebuild_sparse_csr_tensor": "sparse",
    "_rebuild_nested_tensor": "nested", "_rebuild_meta_tensor_no_storage": "empty (meta)",
    "_rebuild_wrapper_subclass": "wrapped", "_rebuild_device_tensor_from_numpy": "converted",
}  # fmt: skip


def _find(module: Any, name: Any) -> Any:
    full = f"{module}.{name}"
    if full in _MAKERS:
        return _MAKERS[full]
    if full in _RECORDS:
        return _unread
    if module in ("torch", "torch.cuda", "torch.storage"):
        if name in _TYPES:
            return _TYPES[name]
        if isinstance(found := getattr(torch, name, None) if module == "torch" and name.isidentifier() else None, torch.dtype):
            return found
    if module == "torch._utils" and name in _OTHERS:
        raise Refused(f"holds {_OTHERS[name]} tensors: save plain ones, as of state_dict(), and bring that file")
    raise Refused(
        f"holds more than tensors ({printable(full)}), which is not opened: save the net's state_dict() and bring that file"
    )


_Unpickler: Any = pickle._Unpickler  # type: ignore[attr-defined]  # the one written in Python: no table sized by the file


class _Reader(_Unpickler):
    """Understands the operations that records of data need."""

    def __init__(self, file: Any, storages: dict[str, torch.dtype]):
        super().__init__(file, encoding="utf-8", errors="replace")
        self._storages, self._made = storages, 0

    def find_class(self, module: str, name: str) -> Any:
        return _find(module, name)

    def persistent_load(self, pid: Any) -> Storage:
        self._count()
        if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] not in ("storage", b"storage"):
            raise Refused(
                "holds more than tensors (a program), which is not opened: save the net's state_dict() and bring that file"
            )
        _, dtype, key, _, count = pid[:5]
        start = 0
        if len(pid) == 6 and pid[5] is not None:
            _, start, count = pid[5]
        if not isinstance(dtype, torch.dtype) or not isinstance(key, str | bytes) or not _whole(start, count):
            raise ValueError("no storage")
        key = key if isinstance(key, str) else key.decode()
        self._storages[key] = dtype
        return Storage(key, dtype, count, start)

    def _count(self) -> None:
        self._made += 1
        if self._made > 4 * TENSORS:
            raise Refused(f"holds more than {TENSORS:,} tensors, and is not opened")

    def _mark(self) -> None:
        if len(self.metastack) > NESTED:
            raise ValueError("lists without an end")
        self.load_mark()

    def _frame(self) -> None:
        self.read(8)  # its length, which is no use where a file is read with a limit

    def _reduce(self) -> None:
        self._count()
        arguments = self.stack.pop()
        make = self.stack[-1]
        if not callable(make) or not isinstance(arguments, tuple) or len(arguments) > DIMENSIONS:
            raise ValueError("no record")
        self.stack[-1] = make(*arguments)

    def _build(self) -> None:
        self.stack.pop()  # what an object is told of itself, such as the version of its class

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _dictionary(self.stack[-1])[_key(key)] = value

    def _set_items(self) -> None:
        items = self.pop_mark()
        target = _dictionary(self.stack[-1])
        for key, value in zip(items[::2], items[1::2]):
            target[_key(key)] = value

    def _dict(self) -> None:
        items = self.pop_mark()
        self.append({_key(key): value for key, value in zip(items[::2], items[1::2])})

    def _add_items(self) -> None:
        self.pop_mark()

    def _new_set(self) -> None:
        self.append(_Inert())

    def _frozen_set(self) -> None:
        self.pop_mark()
        self.append(_Inert())

    dispatch = {  # noqa: RUF012
        **{code: read for code, read in pickle._Unpickler.dispatch.items() if code in b"".join((  # type: ignore[attr-defined]
            pickle.PROTO, pickle.STOP, pickle.POP, pickle.POP_MARK, pickle.DUP, pickle.NONE,
            pickle.NEWTRUE, pickle.NEWFALSE, pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG, pickle.LONG1,
            pickle.FLOAT, pickle.BINFLOAT, pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.BINBYTES,
            pickle.SHORT_BINBYTES, pickle.UNICODE, pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.EMPTY_LIST, pickle.LIST,
            pickle.APPEND, pickle.APPENDS, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3,
            pickle.EMPTY_DICT, pickle.GET, pickle.BINGET, pickle.LONG_BINGET, pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT,
            pickle.MEMOIZE, pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.BINPERSID,
        ))},
        pickle.MARK[0]: _mark, pickle.FRAME[0]: _frame, pickle.REDUCE[0]: _reduce, pickle.NEWOBJ[0]: _reduce,
        pickle.BUILD[0]: _build, pickle.SETITEM[0]: _set_item, pickle.SETITEMS[0]: _set_items, pickle.DICT[0]: _dict,
        pickle.EMPTY_SET[0]: _new_set, pickle.ADDITEMS[0]: _add_items, pickle.FROZENSET[0]: _frozen_set,
    }  # fmt: skip


def _dictionary(target: Any) -> dict[Any, Any]:
    """A dictionary to fill; for the stand-in of a record, one that is forgotten."""
    if isinstance(target, dict):
        return target
    if isinstance(target, _Inert):
        return {}
    raise ValueError("no dictionary")
