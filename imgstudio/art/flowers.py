"""Daisies and sunflowers, rendered like photographs: something to translate where nobody has one at hand.

    from imgstudio.art import flowers
    flowers.make("daisy", seed=3).show()

Petals lie in two whorls, each lit from above left and throwing a shadow on what is below; the florets of the disc stand in
Vogel's spiral, one golden angle after the other (Vogel 1979, Mathematical Biosciences 44). What stands behind is out of focus.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator, default_rng
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from ..errors import StudioError
from .sheet import Array, palette, ramp

GOLDEN = np.pi * (3 - 5**0.5)
LIGHT = np.array([-0.5, -0.85])  # where it comes from, across and down
FINER = 2  # drawn at so many times the size, then shrunk
SEEDS = {"daisy": (4, 1, 9, 2), "sunflower": (2, 7, 4, 9)}  # of those in assets/flowers


@dataclass(frozen=True, kw_only=True)
class Kind:
    """petals: how many in a whorl, from and to; wide: their width by their length; disc: its radius by the flower's;
    petal: colours at the foot and at the tip; florets: colours of the disc in its middle, between, and at its rim."""

    petals: tuple[int, int]
    wide: float
    disc: tuple[float, float]
    petal: Array  # [2, 3]
    florets: Array  # [3, 3]


KINDS = {
    "daisy": Kind(
        petals=(15, 20),
        wide=0.3,
        disc=(0.24, 0.31),
        petal=palette("#dbded1", "#f7f7fa"),
        florets=palette("#ccb829", "#f5c414", "#e0940a"),
    ),
    "sunflower": Kind(
        petals=(19, 24),
        wide=0.32,
        disc=(0.4, 0.47),
        petal=palette("#eb9908", "#fcd41a"),
        florets=palette("#42331a", "#331c0d", "#6b380d"),
    ),
}


def make(kind: str, seed: int = 0, size: int = 320) -> Image.Image:
    """A "daisy" or a "sunflower" as an RGB picture of size x size pixels; the same seed gives the same pixels again.

    Raises StudioError for another kind, or a size below 64 pixels.
    """
    if kind not in KINDS:
        raise StudioError(f"There is no flower {kind!r}: choose one of {', '.join(KINDS)}.")
    if size < 64:
        raise StudioError(f"A flower needs at least 64 pixels, not {size}.")
    rng, side = default_rng([seed, *kind.encode()]), size * FINER
    picture = _meadow(rng, side)
    for _ in range(rng.integers(1, 4)):
        far = _Flower(KINDS[kind], rng, side, rng.uniform(0.1, 0.17), rng.uniform(0.05, 0.95, 2) * (1, 0.8))
        picture = far.paint(picture, blur=side * rng.uniform(0.008, 0.018))
    near = _Flower(KINDS[kind], rng, side, rng.uniform(0.33, 0.4), rng.uniform(0.43, 0.57, 2))
    picture = near.paint(picture, blur=0.6 * FINER)
    picture = picture + rng.normal(0, 0.012, (side, side, 1))
    pixels = (picture.clip(0, 1) * 255 + 0.5).astype("uint8")
    return Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS)


def write(folder: str | Path, size: int = 320) -> list[Path]:
    """Writes the flowers of SEEDS to `<folder>/daisy-1.jpg` and so on; returns the files."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for kind, seeds in SEEDS.items():
        for number, seed in enumerate(seeds, start=1):
            files.append(folder / f"{kind}-{number}.jpg")
            make(kind, seed, size).save(files[-1], quality=90, optimize=True)
    return files


def _meadow(rng: Generator, side: int) -> np.ndarray:
    """Grass and leaves far out of focus, [side, side, 3]."""
    dark, bright = np.array([0.07, 0.14, 0.04]), np.array([0.36, 0.5, 0.14]) * rng.uniform(0.75, 1.2)
    clouds = sum(_noise(rng, side, side * scale) * weight for scale, weight in ((0.12, 0.6), (0.05, 0.3), (0.015, 0.1)))
    share = (0.42 + 0.3 * clouds + np.linspace(0.12, -0.12, side)[:, None]).clip(0, 1)[..., None]
    return dark + (bright - dark) * share


def _noise(rng: Generator, side: int, scale: float) -> np.ndarray:
    """Smooth noise of deviation 1, with blots of about `scale` pixels."""
    noise = gaussian_filter(rng.normal(size=(side, side)).astype("float32"), scale, mode="wrap")
    return (noise - noise.mean()) / noise.std()


class _Flower:
    """One flower: `radius` and `place` (across, down) are shares of the picture's side."""

    def __init__(self, kind: Kind, rng: Generator, side: int, radius: float, place: np.ndarray):
        self.kind, self.rng = kind, rng
        down, across = np.mgrid[:side, :side].astype("float32")
        # From the middle of the flower, in units of its radius.
        self.across, self.down = x, y = (across / side - place[0]) / radius, (down / side - place[1]) / radius
        turn, tilt = rng.uniform(-0.5, 0.5), rng.uniform(0.72, 0.97)  # seen a little from the side
        self.x = x * np.cos(turn) + y * np.sin(turn)
        self.y = (y * np.cos(turn) - x * np.sin(turn)) / tilt
        self.disc = rng.uniform(*kind.disc)
        self.bend = rng.uniform(-0.25, 0.25)

    def paint(self, picture: np.ndarray, blur: float) -> np.ndarray:
        """The flower over a picture [S, S, 3] in [0, 1], out of focus by so many pixels."""
        colour, cover = np.zeros_like(picture), np.zeros(picture.shape[:2], "float32")
        for paint in (self._stem, self._petals, self._florets):
            paint(colour, cover)
        cover = gaussian_filter(cover, blur)
        colour = np.stack([gaussian_filter(colour[..., c], blur) for c in range(3)], -1)  # already times the cover
        return picture * (1 - cover[..., None]) + colour

    def _stem(self, colour: np.ndarray, cover: np.ndarray) -> None:
        off = self.across - self.bend * self.down.clip(0) ** 1.5 * 0.4
        thick = 0.05
        inside = (abs(off) < thick) & (self.down > 0)
        green = np.array([0.3, 0.42, 0.12]) * (0.75 - 0.35 * off[..., None] / thick)
        _lay(colour, cover, np.nonzero(inside), green[inside])

    def _petals(self, colour: np.ndarray, cover: np.ndarray) -> None:
        count = int(self.rng.integers(*self.kind.petals))
        for whorl, shade in ((0, 0.72), (1, 1.0)):
            angles = (np.arange(count) + whorl / 2 + self.rng.normal(0, 0.13, count)) * 2 * np.pi / count
            for angle in self.rng.permutation(angles):
                self._petal(colour, cover, angle, shade)

    def _petal(self, colour: np.ndarray, cover: np.ndarray, angle: float, shade: float) -> None:
        rng, kind = self.rng, self.kind
        length, width = rng.uniform(0.86, 1.0), kind.wide * rng.uniform(0.8, 1.05) / 2
        sway, wave, phase, hollow = rng.normal(0, 0.08), rng.uniform(7, 9), rng.normal(), rng.choice([-1, 1])
        near = np.nonzero(abs(self.y * np.cos(angle) - self.x * np.sin(angle)) < 1.6 * width)  # all else is left out of account
        x, y = self.x[near], self.y[near]
        along = x * np.cos(angle) + y * np.sin(angle)
        aside = y * np.cos(angle) - x * np.sin(angle) - sway * along**2
        share = along / length  # 0 in the middle of the flower, 1 at the tip
        outline = width * np.sin(np.pi * share.clip(0, 1) ** 1.25).clip(0) ** 0.62
        across = aside / np.maximum(outline, 1e-6)
        shadow = (abs(aside + 0.02) < outline * 1.15) & (share > 0)
        colour[near[0][shadow], near[1][shadow]] *= 0.78
        ridges = 1 + 0.05 * np.cos(across * wave + phase) - 0.16 * across**2
        facing = 1 + 0.1 * np.dot(LIGHT, (np.cos(angle), np.sin(angle))) + 0.12 * across * hollow
        base = ramp(share, kind.petal)
        depth = (0.62 + 0.38 * ((share - self.disc) / 0.3).clip(0, 1)) * shade * ridges * facing * rng.uniform(0.92, 1.02)
        inside = (abs(across) < 1) & (share > 0)
        _lay(colour, cover, (near[0][inside], near[1][inside]), (base * depth[:, None])[inside])

    def _florets(self, colour: np.ndarray, cover: np.ndarray) -> None:
        count = 330
        order = np.arange(count)
        spread = self.disc * np.sqrt((order + 0.5) / count)
        at = np.stack([spread * np.cos(order * GOLDEN), spread * np.sin(order * GOLDEN)], -1)
        distance = np.hypot(self.x, self.y)
        inside = distance < self.disc * 1.03
        points = np.stack([self.x[inside], self.y[inside]], -1)
        near, which = cKDTree(at).query(points)
        size = self.disc * (np.pi / count) ** 0.5
        lit = ((points - at[which]) @ LIGHT / size).clip(-1, 1)
        dome = 1 - 0.5 * (near / size).clip(0, 1.3) ** 2 + 0.25 * lit
        slope = 1 + 0.16 * (points @ LIGHT) / self.disc  # the disc itself is a dome
        share = distance[inside] / self.disc + self.rng.normal(0, 0.06, count)[which]
        tone = ramp(share, self.kind.florets, (0, 0.55, 1))
        colour[(distance < self.disc * 1.12) & ~inside] *= 0.75
        uneven = self.rng.uniform(0.85, 1.1, count)[which]
        _lay(colour, cover, np.nonzero(inside), tone * (dome * slope * uneven)[:, None])


def _lay(colour: np.ndarray, cover: np.ndarray, at: tuple[np.ndarray, np.ndarray], pixels: np.ndarray) -> None:
    colour[at] = pixels
    cover[at] = 1
