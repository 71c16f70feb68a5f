"""Files of weights as strangers might send them, written by code: each is small, and asks for far more than it holds.

Run as a program, it imports all files of a folder, and prints what became of each, and how much memory and time that took.
"""

from __future__ import annotations

import io
import json
import pickle
import random
import re
import resource
import struct
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import foreign
import torch
from hostile_pickles import MANY, Files, archives, old_files, pickles, saved
from safetensors.torch import save, save_file

import imgstudio
from imgstudio.importing import import_weights

# --- metadata that ask for huge nets ---

CONFIGS: tuple[object, ...] = (
    {"latent": 128, "classes": 10_000_000}, {"latent": MANY}, {"latent": 0}, {"latent": -1}, {"latent": 1.5},
    {"latent": True}, {"flow": {"depth": MANY}}, {"flow": {"depth": MANY, "width": 8}}, {"flow": {"width": MANY}},
    {"flow": {"depth": 60, "width": 8}}, {"flow": {"flow": {"flow": {}}}}, {"flow": [1, 2]}, {"flow": MANY},
    {"channels": MANY}, {"widest": MANY, "channels": MANY}, {"size": 2**40}, {"size": 2**30, "channels": 1}, {"size": 0},
    {"size": -64}, {"size": 63}, {"size": 1e300}, {"pixel": MANY}, {"smooth": MANY}, {"depth": MANY}, {"depth": -1},
    {"groups": MANY}, {"components": MANY, "latent": 4096}, {"components": 4096}, {"patch": 0}, {"patch": MANY},
    {"widths": [MANY] * 5}, {"widths": list(range(1, 60))}, {"widths": []}, {"widths": [0] * 5}, {"widths": "abcde"},
    {"widths": [[1]] * 5}, {"widths": [8] * 100_000}, {"widths": {"0": 1}}, {"mapping": MANY}, {"style": MANY},
    {"offset": MANY}, {"blocks": MANY}, {"blocks": MANY, "channels": 1}, {"blocks": 64}, {"layers": MANY},
    {"layers": ["relu9_9"] * 4}, {"layers": ["relu1_1"] * 60}, {"deepest": "relu5_4", "widths": [MANY] * 5},
    {"deepest": "x" * 9999}, {"pooling": "none"}, {"upsample": "up"}, {"norm": "no"}, {"match": "__class__"}, {"heads": 0},
    {"heads": MANY}, {"ratio": MANY}, {"dimensions": MANY}, {"reach": float("inf")}, {"reach": float("nan")},
    {"blur": 10**6 + 1, "skip": True}, {"block": MANY}, {"deep": [MANY, MANY]}, {"grain": 1e308}, {"more": 1}, {"self": 1},
    {"__class__": "os.system"}, {"": ""}, {"a" * 5000: 1}, [], [1, 2], "text", 7, None, True,
    {"config": {"config": {"config": {}}}},
)  # fmt: skip


def metadata() -> Files:
    state = {"main.0.weight": torch.zeros(4, 4, 4, 4)}
    for i, config in enumerate(CONFIGS):
        yield f"config-{i}.safetensors", save(state, {"config": json.dumps(config)})
    deep = "[" * 200_000
    for i, raw in enumerate(
        (deep, '{"a":' * 100_000, "{", "no json", "9" * 100_000, '{"latent": 1' + "0" * 5000 + "}", "\\ud800")
    ):
        yield f"raw-{i}.safetensors", save(state, {"config": raw})


# --- safetensors ---


def safe(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(head) if length is None else length) + head + data


def safetensors() -> Files:
    def one(**change: object) -> dict:
        return {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], **change}}

    data = bytes(16)
    yield "cut.safetensors", safe(one(), data[:8])
    yield "longer.safetensors", safe(one(), data + b"more")
    yield "negative.safetensors", safe(one(shape=[-2, -2]), data)
    yield "vast.safetensors", safe(one(shape=[2**40, 2**40]), data)
    yield "vast-and-empty.safetensors", safe(one(shape=[2**40, 0, 2**20], data_offsets=[0, 0]))
    yield "wide-and-empty.safetensors", safe(one(shape=[MANY, 0], data_offsets=[0, 0]))
    yield "dimensions.safetensors", safe(one(shape=[1] * 5000 + [4]), data)
    yield "strange.safetensors", safe(one(dtype="F99"), data)
    yield "beyond.safetensors", safe(one(data_offsets=[0, 2**60]), data)
    yield "backwards.safetensors", safe(one(data_offsets=[16, 0]), data)
    yield "list.safetensors", safe(b"{[" + b"[" * 100_000, data)
    yield "deep.safetensors", safe(b'{"a":' * 100_000, data)
    yield "head.safetensors", safe(one(), data, length=2**31)
    yield "header.safetensors", safe(one(), data, length=2**63)
    yield "no-header.safetensors", safe({})
    yield "letters.safetensors", safe(b'{"\xff": 1}')
    both = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    yield "shared.safetensors", safe({f"layer.{i}.weight": both for i in range(2000)}, data)
    crowd = {f"l.{i}.weight": {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i in range(40_000)}
    yield "crowd.safetensors", safe(crowd, bytes(40_000))
    yield "long-name.safetensors", safe({"ema_" * 100_000: both}, data)
    yield "long-header.safetensors", safe(b"{" + b" " * (9 << 20) + b"}")
    for dtype, width in (("I8", 1), ("BOOL", 1), ("U16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("F64", 8), ("C64", 8), ("F4", 0)):
        yield f"{dtype}.safetensors", safe(one(dtype=dtype, data_offsets=[0, 4 * width or 2]), bytes(4 * width or 2))


# --- tensors under known names, of shapes that no net has ---


def nets() -> dict[str, dict[str, torch.Tensor]]:
    """A small net of each family."""
    from imgstudio.models.resnet_generator import ResnetGenerator
    from imgstudio.models.tiny_darknet import TinyDarknet

    chain = ((4, 4, 4, 4), (1, 2, 2, 2), (0, 1, 1, 1))
    half = {f"conv{i}.weight": torch.ones(2, 2, 1, 1) for i in range(1, 17)}
    norms = {f"bn{i}.{part}": torch.ones(2) for i in range(1, 16) for part in ("weight", "bias", "running_mean", "running_var")}
    assert len(TinyDarknet().state_dict()) == 32
    spectral = {"weight_orig": torch.ones(3, 2, 4, 4), "weight_u": torch.ones(2), "weight_v": torch.ones(48)}
    return {
        "dcgan": foreign.randomise_norms(foreign.dcgan((6, 8, 5, 4, 3), *chain)).state_dict(),
        "dense": foreign.randomise_norms(foreign.dense_gan((8, 16, 784), norms=(0,))).state_dict(),
        "vae": foreign.TutorialVAE().state_dict(),
        "examples": foreign.ExamplesTransformer(2, 2).state_dict(),
        "blocks": foreign.BlockTransformer(2).state_dict(),
        "cyclegan": ResnetGenerator(channels=2, blocks=1, upsample="transposed").state_dict(),
        "taesd": {
            "1.conv.4.weight": torch.ones(4, 4, 3, 3),
            "0.weight": torch.ones(4, 3, 3, 3),
            "14.weight": torch.ones(4, 4, 3, 3),
        },
        "darknet": {**half, **norms, "conv16.bias": torch.ones(2)},
        "fastgan": {f"_init._layers.0._conv.{name}": value for name, value in spectral.items()},
        "vgg": {f"features.{i}.weight": torch.ones(4, 4, 3, 3) for i in range(0, 30)},
    }


def shapes() -> Files:
    for name, state in nets().items():
        key = next(iter(state))
        for kind, odd in (
            ("scalar", torch.tensor(1.0)), ("empty", torch.zeros(0, 4, 4, 4)), ("whole", state[key].round().int()),
            ("complex", state[key] + 0j), ("nan", state[key] * float("nan")), ("flat", state[key].flatten()),
        ):  # fmt: skip
            yield f"{name}-{kind}.pth", saved({**state, key: odd})
    far = {f"layers.{number}.weight": torch.ones(4, 4) for number in (0, 999_999_999, 10**400)}
    yield "far-layers.pth", saved(far)
    yield "far-blocks.pth", saved({f"model.{i * 10**8}.conv_block.1.weight": torch.ones(2, 2, 3, 3) for i in range(50)})
    yield (
        "far-residual.pth",
        saved({f"ResidualBlock.{10**12}.conv1.conv.weight": torch.ones(1), "ResidualBlock.5.x": torch.ones(1)}),
    )
    yield "far-fc.pth", saved({f"fc{n}.weight": torch.ones(2, 2) for n in ("9" * 400, "91", "92", "1", "2")})
    yield "words.pth", saved({"a." * 200 + "weight": torch.ones(1), "_".join(["ema"] * 100): torch.ones(1)})
    yield "prefixes.pth", saved({f"{i}a.{i}b.{i}c.{i}d.w": torch.tensor(1.0) for i in range(3000)})
    yield "infinite.pth", saved({**nets()["dcgan"], "0.weight": torch.full((6, 8, 4, 4), float("inf"))})
    yield "variance.pth", saved({**nets()["dcgan"], "1.running_var": -torch.ones(8)})
    wide = {"conv1.weight": torch.ones(1, 30_000, 1, 1), **{f"bn1.{part}": torch.ones(30_000) for part in ("weight", "bias")}}
    wide |= {"bn1.running_mean": torch.ones(30_000), "bn1.running_var": torch.ones(30_000)}
    yield "product.pth", saved({**nets()["darknet"], **wide})


# --- other kinds of files ---

KINDS: dict[str, bytes] = {
    "a.onnx": b"\x08\x07\x12\x07pytorch" + bytes(50), "net.bin": b"\x08\x07\x12\x07pytorch" + bytes(50),
    "keras.h5": b"\x89HDF\r\n\x1a\n" + bytes(50), "language.gguf": b"GGUF\x03" + bytes(50),
    "flax.msgpack": b"\x81\xa6params\x80" + bytes(40), "flax.bin": b"\x81\xa6params\x80" + bytes(40),
    "graph.pb": b"\x08\x01\x12\x04" + bytes(50), "lite.tflite": b"\x1c\0\0\0TFL3" + bytes(50),
    "array.npy": b"\x93NUMPY\x01\0" + bytes(50), "net.pkl": pickle.dumps({"a": 1}, 4), "packed.pth": b"\x1f\x8b" + bytes(50),
    "page.pth": b"\n<!DOCTYPE html><html><body>Log in</body></html>",
    "page.safetensors": b"<html><head><title>Sign in</title>",
    "pointer.safetensors": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    "text.pth": b"These are no weights at all.", "picture.pth": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "photo.bin": b"\xff\xd8\xff\xe0" + bytes(50), "paper.pt": b"%PDF-1.7" + bytes(50), "tiny.weights": bytes(80),
    "empty.pth": b"", "empty.safetensors": b"", "noise.pth": random.Random(0).randbytes(3000), "zeros.ckpt": bytes(3000),
    "model.index": bytes(60), "checkpoint": b'model_checkpoint_path: "model.ckpt-1"\n',
}  # fmt: skip


def kinds() -> Files:
    yield from KINDS.items()
    for name, inside in (
        ("arrays.npz", "a.npy"),
        ("net.keras", "model.weights.h5"),
        ("folder.zip", "readme.txt"),
        ("script.pt", "net/code/a.py"),
    ):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(inside, b"x")
            archive.writestr("net/constants.pkl" if name == "script.pt" else "other", b"x")
        yield name, made.getvalue()
    for name, inside in (("old.tar", "sys_info"), ("some.tar", "readme")):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            archive.addfile(tarfile.TarInfo(inside), io.BytesIO())
        yield name, made.getvalue()


GROUPS: tuple[Callable[[], Files], ...] = (metadata, safetensors, pickles, archives, old_files, shapes, kinds)


# --- good files, changed at random ---


def good() -> list[tuple[str, bytes]]:
    found = []
    for name, state in nets().items():
        if name in ("taesd", "darknet", "fastgan", "vgg"):  # stumps
            continue
        state = {key: value.contiguous() for key, value in state.items()}
        found += [
            (f"{name}.pth", saved({"state_dict": state, "epoch": 3})),
            (f"{name}.safetensors", save(state, {"config": "{}"})),
        ]
        found.append((f"{name}-old.pth", saved(state, _use_new_zipfile_serialization=False)))
    return found


def mutated(count: int, seed: int) -> Files:
    """Half of them with other bytes, half with other tensors."""
    chance, whole, states = random.Random(seed), good(), list(nets().items())
    for i in range(count):
        if i % 2:
            name, state = chance.choice(states)
            yield f"{i}-{name}.pth", saved(_with_other_tensors(dict(state), chance))
        else:
            name, data = chance.choice(whole)
            yield f"{i}-{name}", _with_other_bytes(bytearray(data), chance)


def _with_other_bytes(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 6)):
        # Mostly where the structure is told: at both ends.
        near = chance.choice((64, 600, 4000, len(data)))
        at = chance.randrange(min(near, len(data)))
        at = at if chance.random() < 0.5 else len(data) - 1 - at
        how = chance.randrange(5)
        if how < 3:
            data[at] = chance.randrange(256) if how else data[at] ^ (1 << chance.randrange(8))
        elif how == 3:
            del data[at : at + chance.randint(1, 40)]
        else:
            data[at:at] = data[at : at + chance.randint(1, 40)]
        if not data:
            break
    return bytes(data)


def _with_other_tensors(state: dict[str, torch.Tensor], chance: random.Random) -> dict[str, object]:
    for _ in range(chance.randint(1, 3)):
        key = chance.choice(list(state))
        state[key] = _changed(state[key], chance)
        if chance.random() < 0.3:
            other = chance.choice((key + "_orig", key.replace("weight", "bias"), key.replace("0", "1"), "extra.weight"))
            state[other] = state[key]
        if chance.random() < 0.3:
            del state[key]
        if not state or not all(isinstance(each, torch.Tensor) for each in state.values()):
            break
    return state


def _changed(value: torch.Tensor, chance: random.Random) -> object:
    changes: tuple[Callable[[], object], ...] = (
        lambda: torch.ones([chance.choice((0, 1, 2, 3, 7, 50)) for _ in range(chance.randrange(6))]),
        lambda: value[None],
        lambda: value.flatten(),
        lambda: value.int(),
        lambda: value.float() + 0j,
        lambda: value.bool(),
        lambda: value * float("nan"),
        lambda: value.half(),
        lambda: value.transpose(0, -1) if value.ndim else value,
        lambda: value[:0] if value.ndim else value,
        lambda: value.tolist(),
        lambda: {"weight": value},
        lambda: -value.double(),
    )
    return chance.choice(changes)()


# --- the run ---


def fate(path: Path) -> str:
    """What becomes of a file: the sentence that refuses it, or the model's name."""
    try:
        spec = import_weights(path)
        imgstudio.load(spec.name, "cpu")
        return f"LOADED {spec.name}"
    except imgstudio.StudioError as error:
        return f"REFUSED {error}"
    except BaseException as error:  # a fault that the test reports
        return f"FAULT {type(error).__name__}: {error}"
    finally:
        imgstudio.loading.release()


def memory() -> float:
    """Most MB that this process ever had."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts on Linux what the process had that started this one
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)


def write(folder: Path, count: int) -> None:
    """All files, and as many good ones changed at random."""
    groups = {**{group.__name__: group for group in GROUPS}, "mutated": lambda: mutated(count, seed=0)}
    for number, (name, group) in enumerate(groups.items()):
        place = folder / f"{number}-{name}"
        place.mkdir()
        for file, data in group():
            (place / file).write_bytes(data)


def run(folder: Path) -> None:
    """Prints a line of JSON for each file: its name, its size, its fate, seconds of computing, and the most MB so far."""
    import imgstudio.loading  # noqa: F401

    save_file(nets()["dcgan"], folder / "first.safetensors")
    fate(folder / "first.safetensors")  # what the libraries load when they are first used is no fault of a file
    for path in sorted(folder.glob("*/*"), key=lambda path: (path.parent.name, len(path.name), path.name)):
        began = time.process_time()
        found = fate(path)
        row = {"name": f"{path.parent.name}/{path.name}", "size": path.stat().st_size, "fate": found}
        print(json.dumps({**row, "seconds": time.process_time() - began, "memory": memory()}), flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))
