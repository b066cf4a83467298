"""Noise of a scan and its sharpness, in small squares of even tissue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from node.domain.reference_tissues import ImageNoise
from node.domain.volume import Float32, Volume

Float64 = NDArray[np.float64]

#: Side of a square, mm: it fits into an aorta of 20 mm, clear of the wall.
SQUARE_MM = 10.0

#: Fewer voxels a side, or fewer squares, tell nothing of frequencies.
_LEAST_SIDE, _LEAST_SQUARES = 5, 6

_MOST_SQUARES = 60


def measure_noise(volume: Volume, middles_lps_mm: Float64) -> ImageNoise | None:
    """Noise in squares of the scan's own slices; `None` where there are too few, or where pixels are too large.

    In every square a plane is taken out first. Values over all squares are medians, so that a few with a vessel, a
    plaque or a streak of fat do not count.

    Parameters
    ----------
    middles_lps_mm
        Middles of squares of `SQUARE_MM` that lie within one tissue, shape (square, 3).
    """
    spacing = volume.affine.spacing_mm
    rows, columns = (int(SQUARE_MM / step) for step in spacing[1:])
    if min(rows, columns) < _LEAST_SIDE:
        return None
    chosen = middles_lps_mm[:: max(1, len(middles_lps_mm) // _MOST_SQUARES)]
    squares = [
        square
        for place in volume.affine.to_index(chosen)
        if (square := _square(volume, place, rows, columns)) is not None
    ]
    if len(squares) < _LEAST_SQUARES:
        return None
    rest = _without_plane(np.stack(squares))
    # A plane has three parameters.
    variance = (rest**2).sum(axis=(1, 2)) / (rows * columns - 3)
    power = np.abs(np.fft.fft2(rest)) ** 2
    frequency = np.hypot(np.fft.fftfreq(rows, spacing[1])[:, None], np.fft.fftfreq(columns, spacing[2])[None, :])
    total = power.sum(axis=(1, 2))
    if not (total > 0.0).all():
        return None
    mean = (power * frequency).sum(axis=(1, 2)) / total
    return ImageNoise(sd_hu=float(np.sqrt(np.median(variance))), frequency_per_mm=float(np.median(mean)))


def _square(volume: Volume, place: Float64, rows: int, columns: int) -> Float32 | None:
    k, j, i = (round(float(index)) for index in place - (0.0, rows / 2.0, columns / 2.0))
    if k < 0 or j < 0 or i < 0 or k >= volume.shape[0] or j + rows > volume.shape[1] or i + columns > volume.shape[2]:
        return None
    return volume.hu[k, j : j + rows, i : i + columns]


def _without_plane(squares: Float32) -> Float64:
    count, rows, columns = squares.shape
    j, i = np.meshgrid(np.linspace(-1.0, 1.0, rows), np.linspace(-1.0, 1.0, columns), indexing="ij")
    basis = np.stack([np.ones(rows * columns), j.ravel(), i.ravel()], axis=1)
    basis /= np.linalg.norm(basis, axis=0)
    flat = squares.reshape(count, -1).astype(np.float64)
    rest: Float64 = (flat - (flat @ basis) @ basis.T).reshape(count, rows, columns)
    return rest
