"""Training sets made of photographs and paintings in public archives and repositories, shrunk to the sizes the recipes read."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from ...errors import StudioError
from .archives import members, names, picture
from .fetch import Fetcher, Known, progress

LANCZOS = Image.Resampling.LANCZOS
Files = Iterable[tuple[str, bytes]]  # names in a set, and JPEG files

TITIAN = "jalpv1/best_art_works", "f896844bdc53f89570986f08b075763c6d42c61f"
NOT_TITIAN = ("Titian_18.jpg", "Titian_19.jpg", "Titian_197.jpg")  # the set never had these
FRUITS = "fruits-360/fruits-360-100x100", "1dccca52e58af29b4672c203c7720dad959d3cce"
FRUITS_EACH, OBJECTS_EACH = 145, 200
KINDS = {
    "Apple": "10, 11, 14, 17, 5, 6, Braeburn 1, Crimson Snow 1, Golden 1, Golden 2, Golden 3, Granny Smith 1, Pink Lady 1, "
    "Red 1, Red 2, Red 3, Red Delicious 1, Red Yellow 1, Red Yellow 2",
    "Cherry": "1, 2, 3, 4, Rainier 1, Rainier 2, Rainier 3, Sour 1, Wax 1, Wax 2, Wax Black 1, Wax Red 1, Wax Red 2, Wax Red 3, "
    "Wax Yellow 1",
    "Tomato": "1, 10, 11, 2, 3, 4, 5, 7, 8, 9, Cherry Maroon 1, Cherry Orange 1, Cherry Red 1, Cherry Red 2, Cherry Yellow 1, "
    "Heart 1, Maroon 1, Yellow 1",
}
VARIETIES = {f"{fruit} {kind}": fruit for fruit, kinds in KINDS.items() for kind in kinds.split(", ")}
CALTECH = "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip"
FLOWERS = "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"


@dataclass(frozen=True)
class Coding:
    """How a picture is written as JPEG: Pillow's quality, and subsampling (0: none, 2: colours at half the resolution)."""

    quality: int
    subsampling: int = 2


def jpeg(image: Image.Image, coding: Coding) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=coding.quality, subsampling=coding.subsampling, optimize=True)
    return file.getvalue()


def square(image: Image.Image, side: int) -> Image.Image:
    """The middle square, side x side."""
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    return image.crop((left, top, left + short, top + short)).resize((side, side), LANCZOS)


def shortened(image: Image.Image, short: int) -> Image.Image:
    """The picture with its shorter side at `short` px; a smaller one as it is."""
    scale = short / min(image.size)
    size = (max(short, round(image.width * scale)), max(short, round(image.height * scale)))
    return image if scale >= 1 else image.resize(size, LANCZOS)


def write_tar(files: Files, target: Path, total: int | None = None) -> int:
    """Writes files as a .tar, whole or not at all; the same files give the same bytes. Returns their number."""
    partial, count = target.with_name(f"{target.name}.part"), 0
    with tarfile.open(partial, "w") as tar, progress(total, target.name, unit="picture") as shown:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            shown.update(1)
            count += 1
    if count == 0:
        partial.unlink()
        raise StudioError(f"No picture for {target.name} was found at its source: it has changed.")
    os.replace(partial, target)
    return count


def archive(fetcher: Fetcher, repository: str, commit: str, most: int = 4 << 30) -> Path:
    """The files of a GitHub repository at a commit. GitHub packs them anew for each caller: the archive has no fixed hash."""
    address = f"https://codeload.github.com/{repository}/tar.gz/{commit}"
    return fetcher.get(address, f"{repository.replace('/', '+')}.tar.gz", Known(most=most))


def inside(name: str) -> str:
    """A path in a repository, from its name in an archive, whose first folder is the repository's own."""
    return name.partition("/")[2]


def content_digest(files: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over the sorted paths and git ids of files: what no repacking changes."""
    rows = sorted((path, hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()) for path, data in files)
    return hashlib.sha256("".join(f"{blob} {path}\n" for path, blob in rows).encode()).hexdigest()


def repository_files(fetcher: Fetcher, source: tuple[str, str], wanted: Callable[[str], bool], sha256: str) -> dict[str, bytes]:
    """Path and contents of the wanted files at a commit of a repository, which are exactly those that the hash is of."""
    path = archive(fetcher, *source, most=512 << 20)
    found = {inside(name): data for name, data in members(path, lambda name: wanted(inside(name)))}
    if content_digest(found.items()) != sha256:
        path.unlink()
        raise StudioError(f"{source[0]} does not hold the pictures it should: its archive was deleted, try again later.")
    return found


def hands(fetcher: Fetcher, target: Path) -> int:
    source = "ardamavi/Sign-Language-Digits-Dataset", "4b09433ef9d5c60602e8805bb54b8aa2428527f8"
    sha256 = "a861855190d80c90b40494461a452fe31a300d0bd7852a30a94fc367b3688757"
    found = repository_files(fetcher, source, lambda path: path.startswith("Dataset/") and path.lower().endswith(".jpg"), sha256)
    files = (
        (path.removeprefix("Dataset/").lower(), jpeg(picture(data, path).resize((64, 64), LANCZOS), Coding(92, 0)))
        for path, data in sorted(found.items())
    )
    return write_tar(files, target, len(found))


def clothing(fetcher: Fetcher, target: Path) -> int:
    source = "alexeygrigorev/clothing-dataset-small", "11961516512414bf9f6c150a832cfd21b54a6b54"
    sha256 = "b9293d458e45029b1d5c1a0fc34d7e1bb453d2b67b9f3ca034ec113865189cad"
    found = repository_files(fetcher, source, lambda path: path.endswith(".jpg"), sha256)
    files = (
        (f"{path.split('/')[1]}/{i:05d}.jpg", jpeg(square(picture(data, path), 128), Coding(84)))
        for i, (path, data) in enumerate(sorted(found.items()))
    )
    return write_tar(files, target, len(found))


def first_by_hash(found: Iterable[str], most: int) -> list[str]:
    """At most so many of the names, chosen by their hash: the same ones everywhere, and of no special kind."""
    return sorted(sorted(found, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:most])


def chosen(found: Iterable[str], group: Callable[[str], str], most: int) -> set[str]:
    """At most so many names of every group."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in found:
        groups[group(name)].append(name)
    return {name for part in groups.values() for name in first_by_hash(part, most)}


def fruits(fetcher: Fetcher, target: Path) -> int:
    path = archive(fetcher, *FRUITS)

    def variety(name: str) -> str:
        parts = name.split("/")
        return parts[-2] if len(parts) == 4 and parts[1] in ("Training", "Test") and name.endswith(".jpg") else ""

    outcome = {}  # no two under one name, should both parts have a photograph of that number
    for name in names(path, lambda name: variety(name) in VARIETIES):
        outcome.setdefault((variety(name), name.rpartition("/")[2]), name)
    keep = chosen(outcome.values(), variety, FRUITS_EACH)
    files = (
        (f"{VARIETIES[variety(name)]}/{variety(name).replace(' ', '_')}__{name.rpartition('/')[2]}", data)
        for name, data in members(path, keep.__contains__)
    )
    return write_tar(
        ((name, jpeg(picture(data, name).resize((64, 64), LANCZOS), Coding(90, 0))) for name, data in files), target, len(keep)
    )


def objects(fetcher: Fetcher, target: Path) -> int:
    path = fetcher.get(CALTECH, "caltech-101.zip", Known(md5="3138e1922a9193bfa496528edbbc45d0", most=512 << 20))
    packed = fetcher.folder / "101_ObjectCategories.tar.gz"
    _unpack_one(path, packed)

    def category(name: str) -> str:
        return name.split("/")[-2] if name.count("/") >= 1 and name.endswith(".jpg") else ""

    left_out = ("", "BACKGROUND_Google", "Faces_easy")
    keep = chosen(names(packed, lambda name: category(name) not in left_out), category, OBJECTS_EACH)
    files = (
        (f"{category(name)}/{name.rpartition('/')[2]}", jpeg(square(picture(data, name), 128), Coding(81)))
        for name, data in members(packed, keep.__contains__)
    )
    return write_tar(files, target, len(keep))


def _unpack_one(path: Path, target: Path) -> None:
    """Copies the archive of pictures out of the archive around it."""
    import zipfile

    if target.is_file():
        return
    partial, left = target.with_name(f"{target.name}.part"), 512 << 20
    try:
        with zipfile.ZipFile(path) as outer, partial.open("wb") as file:
            info = next((i for i in outer.infolist() if i.filename.endswith("101_ObjectCategories.tar.gz")), None)
            if info is None:
                raise StudioError(f"{path.name} holds no 101_ObjectCategories.tar.gz: its source has changed.")
            with outer.open(info) as member:
                while chunk := member.read(1 << 20):
                    left -= len(chunk)
                    if left < 0:
                        raise StudioError(f"{path.name} holds far more than it should: nothing was made of it.")
                    file.write(chunk)
    except zipfile.BadZipFile as error:
        raise StudioError(f"{path.name} is damaged or no archive: delete it and run the command again.") from error
    os.replace(partial, target)


def flowers(fetcher: Fetcher, target: Path) -> int:
    path = fetcher.get(FLOWERS, "flower_photos.tgz", Known(size=228_813_984))
    folders = {name: name for name in ("daisy", "dandelion", "roses", "tulips")} | {"sunflowers": "sunflower"}

    def kind(name: str) -> str:
        return folders.get(name.split("/")[-2], "") if name.count("/") >= 1 and name.endswith(".jpg") else ""

    numbers = {name: i for i, name in enumerate(names(path, lambda name: bool(kind(name))), start=1)}
    files = (
        (f"{kind(name)}/{numbers[name]:04d}.jpg", jpeg(shortened(picture(data, name), 240), Coding(82)))
        for name, data in members(path, numbers.__contains__)
    )
    return write_tar(files, target, len(numbers))


@dataclass(frozen=True)
class Single:
    """A row of pictures.tsv: a picture of a public repository, and what is made of it."""

    name: str
    repository: str
    commit: str
    path: str
    blob: str
    size: tuple[int, int]
    box: tuple[float, ...] | None
    bytes: int
    note: str

    @property
    def address(self) -> str:
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{quote(self.path)}"


def singles(prefix: str) -> list[Single]:
    """The rows of pictures.tsv whose name begins so."""
    text = Path(__file__).with_name("pictures.tsv").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    rows = []
    for name, repository, commit, path, blob, length, size, box, note in csv.reader(
        lines, delimiter="\t", quoting=csv.QUOTE_NONE
    ):
        width, height = map(int, size.split("x"))
        shares = None if box == "-" else tuple(map(float, box.split(",")))
        rows.append(Single(name, repository, commit, path, blob, (width, height), shares, int(length), note))
    return [row for row in rows if row.name.startswith(prefix)]


def _fetched(fetcher: Fetcher, rows: list[Single], coding: Coding) -> Iterator[tuple[str, bytes]]:
    for row in rows:
        path = fetcher.get(row.address, f"{row.blob}.image", Known(git=row.blob, size=row.bytes))
        image = picture(path.read_bytes(), row.name)
        if row.box:
            edges = (round(share * side) for share, side in zip(row.box, image.size * 2))
            image = image.crop(tuple(edges))
        yield row.name, jpeg(image if image.size == row.size else image.resize(row.size, LANCZOS), coding)


def _sources(rows: list[Single], folder: str) -> tuple[str, bytes]:
    lines = (f"{row.name.rpartition('/')[2]}\t{row.repository}\t{row.path}\t{row.note}\n" for row in rows)
    return f"{folder}SOURCES.tsv", "".join(("file\trepository\tpath\tlicence or work\n", *lines)).encode()


def photos(fetcher: Fetcher, target: Path) -> int:
    rows = singles("photo/")
    files = (*_fetched(fetcher, rows, Coding(86)), _sources(rows, "photo/"))
    return write_tar(files, target, len(files)) - 1


def paintings(fetcher: Fetcher, target: Path) -> int:
    sha256 = "6177dafb6c031c3399ae99212f2e4f9673291765b458660445339fb972041510"
    old = repository_files(fetcher, TITIAN, lambda path: path.startswith("Titian/") and path.endswith(".jpg"), sha256)
    kept = [path for path in sorted(old) if path.rpartition("/")[2] not in NOT_TITIAN]
    groups = {folder: singles(folder) for folder in ("impressionist/", "styles/")}
    codings = {"impressionist/": Coding(90), "styles/": Coding(92)}

    def files() -> Files:
        for folder, rows in groups.items():
            yield from _fetched(fetcher, rows, codings[folder])
            yield _sources(rows, folder)
        for i, path in enumerate(kept, start=1):
            yield f"oldmaster/{i:04d}.jpg", jpeg(shortened(picture(old[path], path), 286), Coding(88))

    return write_tar(files(), target) - len(groups)
