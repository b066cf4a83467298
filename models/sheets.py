"""Sheets through a scan, flat or curved, and what is seen on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.resample import OUTSIDE_HU
from node.domain.geometry import Affine
from node.domain.volume import Float32, Volume

Float64 = NDArray[np.float64]

#: Planes that a slab averages.
_PLANES = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """Points in the patient that a picture's pixels stand for.

    Parameters
    ----------
    points
        LPS mm, shape (row, column, 3); the first row is at the top, the first column at the left.
    step_mm
        Distance between neighbouring rows and columns.
    across
        Unit vector, LPS, at a right angle to the sheet: slabs are averaged along it.
    """

    points: Float64
    step_mm: float
    across: tuple[float, float, float]

    def place(self, lps: Float64) -> tuple[float, float]:
        """Column and row of the point of the sheet that is nearest to a place in the patient."""
        distance = np.linalg.norm(self.points - lps, axis=-1)
        row, column = np.unravel_index(int(distance.argmin()), distance.shape)
        return float(column), float(row)


def axial_sheet(centre: Float64, *, half_mm: float, step_mm: float) -> Sheet:
    """A square across the patient, as a radiologist looks at it: from the feet, the patient's right at the left."""
    steps = np.arange(-half_mm, half_mm + step_mm / 2.0, step_mm)
    back, left = np.meshgrid(steps, steps, indexing="ij")
    points = centre + np.stack((left, back, np.zeros_like(left)), axis=-1)
    return Sheet(points=points, step_mm=step_mm, across=(0.0, 0.0, 1.0))


def sagittal_sheet(through: Float64, *, heights_mm: tuple[float, float], half_mm: float, step_mm: float) -> Sheet:
    """A sheet from front to back that follows the spine to the sides: seen from the left, the front at the left.

    Parameters
    ----------
    through
        Middles of the bodies, LPS mm, shape (body, 3); beyond the first and the last the sheet goes straight on.
    heights_mm
        Of the lower and the upper edge, LPS z.
    half_mm
        What is shown before and behind the bodies' mean.
    """
    order = np.argsort(through[:, 2])
    low, high = heights_mm
    up = np.arange(high, low - step_mm / 2.0, -step_mm)
    back = float(through[:, 1].mean()) + np.arange(-half_mm, half_mm + step_mm / 2.0, step_mm)
    left = np.interp(up, through[order, 2], through[order, 0])
    points = np.empty((len(up), len(back), 3))
    points[..., 0], points[..., 1], points[..., 2] = left[:, None], back[None], up[:, None]
    return Sheet(points=points, step_mm=step_mm, across=(1.0, 0.0, 0.0))


def seen(volume: Volume, sheet: Sheet, *, slab_mm: float) -> Float32:
    """CT numbers on a sheet, HU, shape (row, column), averaged over a slab; linear between voxels."""
    offsets = np.linspace(-slab_mm / 2.0, slab_mm / 2.0, _PLANES)
    planes = [_sampled(volume.hu, volume.affine, sheet, offset, outside=OUTSIDE_HU) for offset in offsets]
    mean: Float32 = np.mean(planes, axis=0, dtype=np.float32)
    return mean


def share_inside(mask: NDArray[np.bool_], affine: Affine, sheet: Sheet) -> Float32:
    """How much of each pixel of a sheet lies inside a mask, 0 to 1, linear between voxels."""
    return _sampled(mask.astype(np.float32), affine, sheet, 0.0, outside=0.0)


def _sampled(values: Float32, affine: Affine, sheet: Sheet, offset_mm: float, *, outside: float) -> Float32:
    places = affine.to_index(sheet.points + offset_mm * np.array(sheet.across))
    found: Float32 = ndimage.map_coordinates(
        values, np.moveaxis(places, -1, 0), order=1, mode="constant", cval=outside, output=np.float32
    )
    return found
