"""Reads the stored arrays of an ONNX file, those in 8 bits as the numbers that they stand for.

ONNX is a protocol buffer: fields of a number, a wire type and a value. Of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
only what holds arrays is known here: ModelProto.graph (7), GraphProto.node (1) and initializer (5).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import StudioError

_TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}  # TensorProto.DataType
_TYPED = {1: 4, 6: 5, 3: 5, 2: 5, 7: 7}  # of a type: the field that holds its numbers where they are not raw bytes
_MOST = 1 << 28  # numbers of one array
_WRONG = (KeyError, ValueError, IndexError, TypeError, OverflowError)


def weights(data: bytes) -> dict[str, np.ndarray]:
    """The arrays that a file stores, float32, by name.

    Arrays of 8 or 32 bits that a DequantizeLinear node reads are scaled, along the node's axis where each channel has its own.
    """
    try:
        graph = _message(dict(_fields(data))[7])
        arrays = dict(_array(each) for number, each in graph if number == 5)
        for number, each in graph:
            if number == 1:
                _dequantise(_message(each), arrays)
    except _WRONG as error:
        raise StudioError("The ONNX file is damaged, or no ONNX file: delete it and run the command again.") from error
    return {name: array.astype(np.float32) for name, array in arrays.items() if array.dtype.kind == "f"}


def _dequantise(node: list[tuple[int, Any]], arrays: dict[str, np.ndarray]) -> None:
    """Puts in place of an array what a DequantizeLinear node makes of it."""
    inputs = [each.decode() for number, each in node if number == 1]
    kind = next((each for number, each in node if number == 4), b"")
    if kind != b"DequantizeLinear" or inputs[0] not in arrays or arrays[inputs[0]].dtype.kind == "f":
        return
    stored, scale = arrays[inputs[0]], arrays[inputs[1]]
    zero = arrays[inputs[2]] if len(inputs) > 2 else np.zeros_like(scale)
    if scale.size > 1:
        attributes = [_message(each) for number, each in node if number == 5]
        axis = next((dict(each).get(3, 0) for each in attributes if dict(each).get(1) == b"axis"), 1)
        shape = [-1 if i == axis else 1 for i in range(stored.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    outputs = [each.decode() for number, each in node if number == 2]
    arrays[outputs[0].removesuffix("_dequant")] = (stored.astype(np.float32) - zero.astype(np.float32)) * scale


def _array(data: bytes) -> tuple[str, np.ndarray]:
    """Name and numbers of a TensorProto."""
    fields = _message(data)
    first = dict(reversed(fields))
    kind = _TYPES.get(first[2], "<f4")
    shape = [n for number, each in fields if number == 1 for n in ([each] if isinstance(each, int) else _integers(each))]
    if math.prod(shape) > _MOST:
        raise ValueError("too large")
    if 9 in first:
        numbers = np.frombuffer(first[9], kind)
    elif first[2] == 1:
        numbers = np.frombuffer(b"".join(each for number, each in fields if number == 4), "<f4")
    else:
        parts = [each for number, each in fields if number == _TYPED.get(first[2])]
        numbers = np.array([n for each in parts for n in ([each] if isinstance(each, int) else _integers(each))], np.int64)
        numbers = numbers.astype(kind)
    return first[8].decode(), numbers.reshape(shape)


def _message(data: bytes) -> list[tuple[int, Any]]:
    return list(_fields(data))


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of the fields of a message: integers, or the bytes of anything longer."""
    place = 0
    while place < len(data):
        key, place = _integer(data, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _integer(data, place)
        elif wire in (1, 5, 2):
            length, place = _integer(data, place) if wire == 2 else ({1: 8, 5: 4}[wire], place)
            value, place = data[place : place + length], place + length
            if len(value) != length:
                raise ValueError("cut off")
        else:
            raise ValueError("unknown wire type")
        yield number, value


def _integers(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = _integer(data, place)
        yield value


def _integer(data: bytes, place: int) -> tuple[int, int]:
    """A base-128 number at a place, signed, and where it ends."""
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return (value - (1 << 64) if value >> 63 else value), place
        if shift > 63:
            raise ValueError("too long")
