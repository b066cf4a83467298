"""Height of a vertebral body in front, in the middle and behind, from its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.core import body_axes
from models.crops import BodyCrop
from node.domain.levels import VertebralLevel
from node.domain.measurement import Measurement, NotMeasurable, Quantity, Unit
from node.domain.reasons import Reason, ReasonCode

Float64 = NDArray[np.float64]

#: Name and version of this procedure; change the version with any number below.
METHOD = "mid-sagittal-heights-1"

_QUANTITIES = (Quantity.ANTERIOR_HEIGHT, Quantity.MIDDLE_HEIGHT, Quantity.POSTERIOR_HEIGHT)

#: Slices that are thicker tell too little of where an endplate lies, mm.
THICKEST_MM = 3.0

#: Distance of the front and the rear height from the edges of the body, mm: the edge itself has no height.
_EDGE_INSET_MM = 2.0

#: Half width of the slab around the mid-sagittal plane that is looked at, mm: clear of the uncinate and lateral rims.
_HALF_SLAB_MM = 4.0
_LINES = 5

_STEP_MM = 0.5

#: Voxels around the body in which the distance to it is needed.
_AROUND = 2

#: Fewer steps along the back of the body are no profile.
_LEAST_DEPTH_MM = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyHeights:
    """Heights along the body's own axis in its mid-sagittal plane, mm.

    The front and rear ones are taken 2 mm inside the edges of the body, the middle one half way between the edges.
    """

    anterior: float
    middle: float
    posterior: float


def measure_heights(crop: BodyCrop, level: VertebralLevel) -> tuple[Measurement | NotMeasurable, ...]:
    """The three heights of a body that is whole as measurements, or why they could not be taken.

    Parameters
    ----------
    crop
        Of a body that is whole.
    level
        The name that the measurements carry.
    """
    found = body_heights(crop)
    if isinstance(found, Reason):
        return tuple(NotMeasurable(quantity=quantity, site=level, reason=found) for quantity in _QUANTITIES)
    values = zip(_QUANTITIES, (found.anterior, found.middle, found.posterior), strict=True)
    return tuple(
        Measurement(quantity=quantity, value=value, unit=Unit.MM, site=level, method=METHOD)
        for quantity, value in values
    )


def body_heights(crop: BodyCrop) -> BodyHeights | Reason:
    """The three heights of a body that is whole, or why they cannot be taken.

    The surface is where the distance to the voxels inside equals that to those outside, interpolated between voxels, so
    that a height is not bound to whole slices.
    """
    if max(crop.affine.spacing_mm) > THICKEST_MM:
        detail = f"Heights need slices of at most {THICKEST_MM:g} mm, these are {max(crop.affine.spacing_mm):.2g} mm."
        return Reason(code=ReasonCode.SLICES_TOO_THICK, detail=detail)
    if not crop.body.any():
        return Reason(code=ReasonCode.ROI_TOO_SMALL, detail="No voxel of the body is left.")
    thickness, backs = _profile(crop)
    reached = np.flatnonzero(thickness > 0.0)
    depth_mm = (reached[-1] - reached[0]) * _STEP_MM if reached.size else 0.0
    if depth_mm < _LEAST_DEPTH_MM:
        return Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=f"The body is {depth_mm:.0f} mm deep in its middle.")
    front, rear = backs[reached[0]], backs[reached[-1]]
    places = (front + _EDGE_INSET_MM, 0.5 * (front + rear), rear - _EDGE_INSET_MM)
    anterior, middle, posterior = (float(height) for height in np.interp(places, backs, thickness))
    return BodyHeights(anterior=anterior, middle=middle, posterior=posterior)


def _profile(crop: BodyCrop) -> tuple[Float64, Float64]:
    """Height at every place from front to back, mm, mean over the slab, 0 outside; and those places, mm."""
    up, back = body_axes(crop)
    left = np.cross(up, back)
    points = crop.affine.to_lps(np.argwhere(crop.body).astype(np.float64))
    # the arch is no part of the mask, so the mean lies in the plane of symmetry
    middle = points.mean(0)
    ups, backs = (_places((points - middle) @ axis) for axis in (up, back))
    sides = np.linspace(-_HALF_SLAB_MM, _HALF_SLAB_MM, _LINES)
    grid = middle + ups[:, None, None, None] * up + backs[:, None, None] * back + sides[:, None] * left
    distance, first = _signed_distance(crop)
    places = crop.affine.to_index(grid.reshape(-1, 3)).T - first[:, None]
    depth = ndimage.map_coordinates(distance, places, order=1, mode="nearest").reshape(grid.shape[:-1])
    heights = _extent(depth)
    present = (heights > 0.0).sum(1)
    thickness: Float64 = np.where(2 * present > _LINES, heights.sum(1) / np.maximum(present, 1), 0.0)
    return thickness, backs


def _places(along: Float64) -> Float64:
    """Steps that begin and end outside of the body, mm."""
    return np.arange(along.min() - 3.0, along.max() + 3.0, _STEP_MM)


def _extent(depth: NDArray[np.float32]) -> Float64:
    """From the lowest to the highest place of each line where the depth is 0, mm; 0 where a line misses the body.

    Parameters
    ----------
    depth
        Below the surface, mm, shape (up, back, left); negative outside, and so at both ends of each line.
    """
    inside = depth > 0.0
    bottom, top = inside.argmax(0), len(inside) - 1 - inside[::-1].argmax(0)
    pick = np.indices(bottom.shape)

    def beyond(place: NDArray[np.intp], step: int) -> Float64:
        here, there = depth[place, *pick], depth[np.clip(place + step, 0, len(inside) - 1), *pick]
        share: Float64 = here / np.maximum(here - there, 1e-6)
        return share

    extent = (top - bottom + beyond(bottom, -1) + beyond(top, 1)) * _STEP_MM
    return np.where(inside.any(0), extent, 0.0)


def _signed_distance(crop: BodyCrop) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """How far voxels lie inside the body, mm, negative outside, in a box around it; and that box's first voxel."""
    spacing = crop.affine.spacing_mm
    (box,) = ndimage.find_objects(crop.body.view(np.uint8))
    body = np.pad(crop.body[box], _AROUND)
    inside = ndimage.distance_transform_edt(body, sampling=spacing)
    outside = ndimage.distance_transform_edt(~body, sampling=spacing)
    return (inside - outside).astype(np.float32), np.array([part.start - _AROUND for part in box])
