"""Lines along the axis of a vertebral body, in a slab around its mid-sagittal plane, and where they cross its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.core import body_axes
from models.crops import BodyCrop
from node.domain.reasons import Reason, ReasonCode

Bool = NDArray[np.bool_]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

#: Distance of the places along a line, and of the lines from front to back, mm.
STEP_MM = 0.5

#: Half width of the slab, mm: clear of the uncinate and lateral rims; and the lines across it.
_HALF_SLAB_MM = 4.0
_LINES = 5

#: Voxels around the body in which the distance to it is needed.
_AROUND = 2

#: The body ends in front and behind where it has less than this share of its usual height: masks fray out there.
_EDGE_SHARE = 0.5

#: A body that is not as deep has no profile, mm.
_LEAST_DEPTH_MM = 12.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyFrame:
    """A body's own coordinates, mm: `up` along the spine, `back` and `left` at right angles to it, from its middle."""

    middle: Float64
    up: Float64
    back: Float64
    left: Float64

    def places(self, up: Float64, back: Float64, left: Float64) -> Float64:
        """Points in LPS, mm, of coordinates that broadcast; shape of the coordinates and 3."""
        parts = ((up, self.up), (back, self.back), (left, self.left))
        points: Float64 = self.middle + sum(along[..., None] * axis for along, axis in parts)
        return points


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskProfile:
    """The surface of a mask above and below its body, as lines along the axis cross it.

    Parameters
    ----------
    backs, lefts
        Where the lines are, mm, shape (back,) and (left,), from front to back.
    lower, upper
        Where they leave the mask, mm up the axis, shape (back, left).
    """

    frame: BodyFrame
    backs: Float64
    lefts: Float64
    lower: Float64
    upper: Float64


def mask_profile(crop: BodyCrop) -> MaskProfile | Reason:
    """The profile of a body that is whole, or why it has none.

    The surface is where the distance to the voxels inside equals that to those outside, interpolated between voxels, so
    that it is not bound to whole slices.
    """
    if not crop.body.any():
        return Reason(code=ReasonCode.ROI_TOO_SMALL, detail="No voxel of the body is left.")
    up, back = body_axes(crop)
    points = crop.affine.to_lps(np.argwhere(crop.body).astype(np.float64))
    # the arch is no part of the mask, so the mean lies in the plane of symmetry
    frame = BodyFrame(middle=points.mean(0), up=up, back=back, left=np.cross(up, back))
    ups, backs = (_places((points - frame.middle) @ axis) for axis in (up, back))
    lefts = np.linspace(-_HALF_SLAB_MM, _HALF_SLAB_MM, _LINES)
    lower, upper = _crossings(_depth(crop, frame.places(ups[:, None, None], backs[:, None], lefts)), ups)
    hit = np.isfinite(lower)
    height = np.where(2 * hit.sum(1) > _LINES, np.nansum(upper - lower, axis=1) / np.maximum(hit.sum(1), 1), 0.0)
    inside = np.flatnonzero(height > _EDGE_SHARE * np.median(height[height > 0.0])) if height.any() else np.empty(0)
    depth_mm = (inside[-1] - inside[0]) * STEP_MM if inside.size else 0.0
    if depth_mm < _LEAST_DEPTH_MM:
        return Reason(code=ReasonCode.IMPLAUSIBLE_ANATOMY, detail=f"The body is {depth_mm:.0f} mm deep in its middle.")
    kept = slice(inside[0], inside[-1] + 1)
    return MaskProfile(frame=frame, backs=backs[kept], lefts=lefts, lower=lower[kept], upper=upper[kept])


def _places(along: Float64) -> Float64:
    """Steps that begin and end outside of the body, mm."""
    return np.arange(along.min() - 3.0, along.max() + 3.0, STEP_MM)


def _depth(crop: BodyCrop, points: Float64) -> Float32:
    """How far points in LPS lie inside the body, mm, negative outside; shape of the points without the last axis."""
    spacing = crop.affine.spacing_mm
    (box,) = ndimage.find_objects(crop.body.view(np.uint8))
    body = np.pad(crop.body[box], _AROUND)
    inside = ndimage.distance_transform_edt(body, sampling=spacing)
    outside = ndimage.distance_transform_edt(~body, sampling=spacing)
    first = np.array([part.start - _AROUND for part in box])
    places = crop.affine.to_index(points.reshape(-1, 3)).T - first[:, None]
    depth: Float32 = ndimage.map_coordinates((inside - outside).astype(np.float32), places, order=1, mode="nearest")
    return depth.reshape(points.shape[:-1])


def _crossings(depth: Float32, ups: Float64) -> tuple[Float64, Float64]:
    """The lowest and the highest place of each line where the depth is 0, mm; NaN where a line misses the body.

    Parameters
    ----------
    depth
        Below the surface, mm, shape (up, back, left); negative outside, and so at both ends of each line.
    ups
        Places along the lines, mm.
    """
    inside = depth > 0.0
    bottom, top = inside.argmax(0), len(inside) - 1 - inside[::-1].argmax(0)
    pick = np.indices(bottom.shape)

    def beyond(place: NDArray[np.intp], step: int) -> Float64:
        here, there = depth[place, *pick], depth[np.clip(place + step, 0, len(inside) - 1), *pick]
        share: Float64 = here / np.maximum(here - there, 1e-6) * STEP_MM
        return share

    hit = inside.any(0)
    return np.where(hit, ups[bottom] - beyond(bottom, -1), np.nan), np.where(hit, ups[top] + beyond(top, 1), np.nan)
