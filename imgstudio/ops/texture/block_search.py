"""Where in a sample a block fits: all places compared at once, by the Fourier transform. Pictures are float32 [H, W, C]."""

from __future__ import annotations

import numpy as np
from scipy import fft


class Search:
    """The places of a sample, each named by the top left corner of a block of side `patch`."""

    def __init__(self, sample: np.ndarray, patch: int, valid: np.ndarray | None = None):
        """valid: bool [h, w], where the sample may be used; None: everywhere."""
        self.patch = patch
        self.shape = sample.shape[0] - patch + 1, sample.shape[1] - patch + 1
        self.allowed = np.flatnonzero(np.ones(self.shape, bool) if valid is None else whole_blocks(valid, patch))
        self._sample = sample
        self._full = tuple(fft.next_fast_len(side, real=True) for side in sample.shape[:2])
        self._mean = sample.mean(axis=(0, 1))  # taken off, as small numbers lose less in single precision
        centred = sample - self._mean
        self._spectrum = self._transform(centred)
        self._square = self._transform((centred**2).sum(axis=2))
        self._energies: dict[bytes, np.ndarray] = {}

    def block(self, place: tuple[int, int]) -> np.ndarray:
        """The block [p, p, C] there."""
        y, x = place
        return self._sample[y : y + self.patch, x : x + self.patch]

    def misfit(self, block: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Mean squared difference to a block [p, p, C] where that is known, bool [p, p], at each place [h - p + 1, w - p + 1]."""
        wanted = (block - self._mean) * known[:, :, None]
        key = known.tobytes()
        if key not in self._energies:
            self._energies[key] = self._back(self._square * self._transform(known.astype(np.float32)).conj())
        products = self._back((self._spectrum * self._transform(wanted).conj()).sum(axis=2))
        return np.maximum(self._energies[key] - 2 * products + (wanted**2).sum(), 0) / known.sum()

    def _transform(self, x: np.ndarray) -> np.ndarray:
        return fft.rfft2(x, self._full, axes=(0, 1))

    def _back(self, spectrum: np.ndarray) -> np.ndarray:
        return fft.irfft2(spectrum, self._full, axes=(0, 1))[: self.shape[0], : self.shape[1]]


def whole_blocks(valid: np.ndarray, patch: int) -> np.ndarray:
    """Where a whole block lies in the valid part, bool by its top left corner."""
    sums = np.pad(valid.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[patch:, patch:] - sums[:-patch, patch:] - sums[patch:, :-patch] + sums[:-patch, :-patch]
    return inside == patch * patch


def fits(valid: np.ndarray, patch: int) -> bool:
    """True if a block of that side lies in the valid part, bool [h, w], somewhere."""
    return min(valid.shape) >= patch and bool(whole_blocks(valid, patch).any())
