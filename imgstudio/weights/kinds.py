"""What kind of file it is, told by its first bytes, and what to bring in the place of one that is no file of weights."""

from __future__ import annotations

import re
from typing import BinaryIO, Literal, TypeAlias

from ..errors import StudioError

Kind: TypeAlias = Literal["safetensors", "zip", "pickle"]

BRING = "bring the weights as .safetensors, or as a PyTorch file of state_dict()"
_HEAD = 512

_MAGIC = (  # first bytes -> what the file is, and what to do
    (b"\x89HDF\r\n\x1a\n", f"is an HDF5 file, as Keras writes it, and only PyTorch nets run here: {BRING}"),
    (b"GGUF", f"is a GGUF file, a language model with rounded weights: {BRING}"),
    (b"\x93NUMPY", f"is a NumPy array: {BRING}"),
    (b"version https://git-lfs", "is a pointer of Git LFS to a file: run git lfs pull, or download the file itself"),
    (b"\x1f\x8b", "is compressed: unpack it, and bring the file inside"),
    (b"BZh", "is compressed: unpack it, and bring the file inside"),
    (b"\xfd7zXZ\0", "is compressed: unpack it, and bring the file inside"),
    (b"\x28\xb5\x2f\xfd", "is compressed: unpack it, and bring the file inside"),
    (b"7z\xbc\xaf\x27\x1c", "is an archive: unpack it, and bring the file inside"),
    (b"Rar!", "is an archive: unpack it, and bring the file inside"),
    (b"\x89PNG\r\n\x1a\n", f"is a picture, not a file of weights: {BRING}"),
    (b"\xff\xd8\xff", f"is a picture, not a file of weights: {BRING}"),
    (b"GIF8", f"is a picture, not a file of weights: {BRING}"),
    (b"RIFF", f"is a picture or a sound, not a file of weights: {BRING}"),
    (b"%PDF", f"is a PDF, not a file of weights: {BRING}"),
    (b"model_checkpoint_path:", f"is part of a TensorFlow checkpoint, and only PyTorch nets run here: {BRING}"),
)  # fmt: skip
_ENDINGS = {  # of files without magic bytes
    ".onnx": "is an ONNX file, a net without PyTorch's names",
    ".pb": "is a TensorFlow graph, and only PyTorch nets run here",
    ".h5": "is a file of Keras, and only PyTorch nets run here",
    ".keras": "is a file of Keras, and only PyTorch nets run here",
    ".tflite": "is a TensorFlow Lite file, and only PyTorch nets run here",
    ".index": "is part of a TensorFlow checkpoint, and only PyTorch nets run here",
    ".weights": "is a file of the Darknet program",
    ".caffemodel": "is a Caffe file, and only PyTorch nets run here",
    ".msgpack": "is a file of Flax, and only PyTorch nets run here",
    ".mlmodel": "is a Core ML file, and only PyTorch nets run here",
    ".pkl": "is a pickle, a program of Python, which is not executed here",
}
_TORCH = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".model")  # endings of what would be opened if it were whole
PROGRAM = "is a TorchScript program, which is not executed here: save the state_dict() of the net and bring that file"


class Refused(StudioError):
    """A file that is whole, and is not opened here. The text continues a sentence that begins with its name."""


class Broken(Exception):
    """A file of which something is missing or wrong."""


def printable(text: str, longest: int = 80) -> str:
    """A text of a file, fit for a sentence."""
    text = "".join(c if c.isprintable() else "?" for c in text[: longest + 1])
    return text if len(text) <= longest else f"{text[:longest]}..."


def kind_of(file: BinaryIO, name: str) -> Kind:
    """How the file is to be read. Raises Refused for other kinds, and Broken for what ends like weights and holds none."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if not head:
        raise Refused("is empty, so damaged or incomplete: get it again")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "safetensors"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if said := _other(head, ending):
        raise Refused(said)
    if head[:1] == b"\x80" and 1 <= head[1] <= 5:
        return "pickle"
    if ending in _TORCH:
        raise Broken
    raise Refused(f"is no file of weights that is known here: {BRING}")


def _other(head: bytes, ending: str) -> str:
    """What else it is, or nothing."""
    if said := next((said for magic, said in _MAGIC if head.startswith(magic)), ""):
        return said
    if head[257:262] == b"ustar":
        old = head.startswith((b"sys_info", b"pickle", b"storages", b"tensors"))
        inside = "is an archive: unpack it, and bring the file inside"
        return "is in the format of PyTorch 0.1: open it there and save it with a newer version" if old else inside
    if head[4:8] == b"TFL3":
        return f"{_ENDINGS['.tflite']}: {BRING}"
    if re.match(rb"\s*<(!doctype|html|head|\?xml)", head, re.IGNORECASE):
        return "is a web page, perhaps one that asks to log in, in the place of a file: download the file itself"
    if ending in _ENDINGS:
        return f"{_ENDINGS[ending]}: {BRING}"
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x1a"):  # protocol buffers: a version, then a text
        return f"is an ONNX or TensorFlow file: {BRING}"
    if head[:1] in (b"\xde", b"\xdf") or (0x81 <= head[0] <= 0x8F and head[1:2] > b"\x9f"):  # a map of MessagePack
        return f"{_ENDINGS['.msgpack']}: {BRING}"
    if _is_text(head):
        return f"is a text, not a file of weights: {BRING}"
    return ""


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not just the last letter, cut in two
            return False
        text = head[: error.start].decode("utf-8")
    return len(text) > 16 and all(c.isprintable() or c in "\r\n\t" for c in text)
