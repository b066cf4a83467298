"""The curve through the vertebral bodies, and where voxels lie along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import UnivariateSpline

from node.domain.volume import Float32

Float64 = NDArray[np.float64]

#: Distance between points of the curve along k, mm.
_STEP_MM = 0.5

#: The curve goes on straight beyond the outermost slices, mm: bodies there are tilted against the slices.
_BEYOND_MM = 20.0

#: How far the smoothed curve may leave the centroids of the slices, root mean square, mm.
_SMOOTHING_MM = 3.0

#: Tangents are smoothed over about half a vertebra, mm: a body is rigid and has one direction.
_TANGENT_SMOOTHING_MM = 8.0

#: A slice with less weight than this area, mm2, says too little about where the spine is.
_LEAST_AREA_MM2 = 100.0
_LEAST_SLICES = 6
_PROJECTION_STEPS = 8
# Below 1, so that points beside a bent curve do not jump to and fro.
_PROJECTION_GAIN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Centreline:
    """A curve from foot to head.

    Parameters
    ----------
    points_mm
        Shape (n, 3), (k, j, i) in mm from the centre of the grid's first voxel; k rises evenly.
    tangents
        Shape (n, 3), unit vectors towards the head.
    arc_mm
        Shape (n,), length along the curve, 0 at the first point.
    """

    points_mm: Float64
    tangents: Float64
    arc_mm: Float64

    def project(self, points_mm: Float64) -> tuple[Float64, Float64]:
        """Where points lie along the curve, and how far from it, both mm; points of shape (n, 3)."""
        step = self.points_mm[1, 0] - self.points_mm[0, 0]
        last = len(self.points_mm) - 1
        index = np.clip(np.rint((points_mm[:, 0] - self.points_mm[0, 0]) / step), 0, last).astype(int)
        moving = np.arange(len(index))
        for _ in range(_PROJECTION_STEPS):
            here = index[moving]
            ahead = ((points_mm[moving] - self.points_mm[here]) * self.tangents[here]).sum(1)
            there = np.clip(here + np.rint(ahead * _PROJECTION_GAIN / step).astype(int), 0, last)
            index[moving] = there
            # what stood still once stands still for good, and most do after two steps
            moving = moving[there != here]
        offset = points_mm - self.points_mm[index]
        along = (offset * self.tangents[index]).sum(1)
        radius = np.linalg.norm(offset - along[:, None] * self.tangents[index], axis=1)
        return self.arc_mm[index] + along, radius

    def at(self, arc_mm: float) -> tuple[Float64, Float64]:
        """Point, mm, and tangent at a length along the curve, each of shape (3,)."""
        point = np.array([np.interp(arc_mm, self.arc_mm, self.points_mm[:, axis]) for axis in range(3)])
        tangent = np.array([np.interp(arc_mm, self.arc_mm, self.tangents[:, axis]) for axis in range(3)])
        return point, tangent / np.linalg.norm(tangent)


def fit_centreline(weight: Float32, spacing_mm: tuple[float, float, float]) -> Centreline | None:
    """The smooth curve through the centroids of the slices, or `None` where too few slices have a centroid.

    Parameters
    ----------
    weight
        How much each voxel belongs to the column of bodies and discs, shape (k, j, i), k towards the head.
    """
    area = weight.sum((1, 2), dtype=np.float64) * spacing_mm[1] * spacing_mm[2]
    slices = np.flatnonzero(area > _LEAST_AREA_MM2)
    if len(slices) < _LEAST_SLICES:
        return None
    height = slices.astype(np.float64) * spacing_mm[0]
    heights = np.arange(height[0] - _BEYOND_MM, height[-1] + _BEYOND_MM, _STEP_MM, dtype=np.float64)
    curve = [heights]
    for axis in (1, 2):
        along = weight[slices].sum(3 - axis, dtype=np.float64)
        centroid = along @ np.arange(weight.shape[axis]) / along.sum(1) * spacing_mm[axis]
        curve.append(_smooth(height, centroid, heights))
    points = np.stack(curve, axis=1)
    tangents = np.gradient(points, axis=0)
    tangents = ndimage.gaussian_filter1d(tangents, _TANGENT_SMOOTHING_MM / _STEP_MM, axis=0, mode="nearest")
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return Centreline(points_mm=points, tangents=tangents, arc_mm=arc)


def _smooth(height: Float64, centroid: Float64, heights: Float64) -> Float64:
    spline = UnivariateSpline(height, centroid, k=3, s=len(height) * _SMOOTHING_MM**2)
    inside = np.clip(heights, height[0], height[-1])
    slope = spline.derivative()(inside)
    smooth: Float64 = spline(inside) + slope * (heights - inside)
    return smooth
