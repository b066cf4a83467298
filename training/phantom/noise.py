"""Noise of a CT image: grainy, because the reconstruction filter passes some frequencies more than others."""

from __future__ import annotations

import numpy as np
from scipy import fft

from node.domain.volume import Float32
from training.phantom.scene import Grid

# The noise power spectrum of filtered back-projection rises with the frequency and is cut off by the kernel; this is
# where, in line pairs a mm times the kernel's blur in mm: at 0.32 a mm for the usual blur of 0.55 mm (plausible choice:
# soft-tissue kernels have their peak at about 0.2 to 0.3).
_CUTOFF_TIMES_BLUR = 0.176
# Noise falls from the middle of the body to its surface and beyond: what is left far outside, and how far that is, mm.
_OUTER_SHARE, _REACH_MM = 0.45, 150.0


class NoiseSource:
    """Noise for one slice after another.

    Parameters
    ----------
    sd_hu
        Standard deviation in the middle of the field of view, HU.
    blur_mm
        Of the kernel, standard deviation.
    """

    def __init__(self, grid: Grid, sd_hu: float, rng: np.random.Generator, *, blur_mm: float) -> None:
        self._rng = rng
        rows, columns = grid.shape[1:]
        radial = np.hypot(fft.fftfreq(rows, grid.spacing_mm[1])[:, None], fft.rfftfreq(columns, grid.spacing_mm[2]))
        response = np.sqrt(radial) * np.exp(-0.5 * (radial * blur_mm / _CUTOFF_TIMES_BLUR) ** 2)
        mirrored = np.full(response.shape[1], 2.0)
        mirrored[0] = 1.0
        if columns % 2 == 0:
            mirrored[-1] = 1.0
        power = float((response**2 * mirrored).sum() / (rows * columns))
        self._response = (response / np.sqrt(power)).astype(np.float32)
        self._sd = _profile(grid, sd_hu)
        self._shape = (rows, columns)

    def draw(self) -> Float32:
        """Noise of the next slice, shape (rows, columns), HU."""
        white = self._rng.standard_normal(self._shape, dtype=np.float32)
        coloured: Float32 = fft.irfft2(fft.rfft2(white) * self._response, s=self._shape).astype(np.float32)
        return coloured * self._sd


def _profile(grid: Grid, sd_hu: float) -> Float32:
    rows, columns = grid.shape[1:]
    j = (np.arange(rows) - 0.5 * (rows - 1)) * grid.spacing_mm[1]
    i = (np.arange(columns) - 0.5 * (columns - 1)) * grid.spacing_mm[2]
    fall = np.exp(-((j[:, None] / _REACH_MM) ** 2) - (i / (1.4 * _REACH_MM)) ** 2)
    profile: Float32 = (sd_hu * (_OUTER_SHARE + (1.0 - _OUTER_SHARE) * fall)).astype(np.float32)
    return profile
