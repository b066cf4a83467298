"""The trabecular core of a vertebral body: where bone is measured, clear of cortex, endplates and the vein behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.crops import BodyCrop

Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]

#: Name and version of this procedure; change the version with any number below.
METHOD = "trabecular-core-1"

#: Kept away from the surface, mm: cortex and endplate with their blur. Nearer than 3 mm the mean rises with the
#: sharpness of the kernel instead of the bone.
EROSION_MM = 3.0

#: Share of the body's height, in its middle, that the core may take: clear of endplates and their sclerosis.
_HEIGHT_SHARE = 0.5

#: Share of the body's depth behind the core. The basivertebral vein enters there; Comp2Comp's region for the same
#: purpose begins at a third of the depth (comp2comp/spine/fda_spine_utils.py, centre at 0.58, half of it each way).
_POSTERIOR_SHARE = 1.0 / 3.0

#: Height and depth are taken between these percentiles of the voxels: a spur does not move the core.
_EXTENT_PERCENTILES = (2.0, 98.0)

_BACK_LPS = np.array((0.0, 1.0, 0.0))


def trabecular_core(crop: BodyCrop) -> Bool:
    """True inside the core, shape (k, j, i) of the crop; all false where the body has none.

    The surface runs half a voxel outside the outermost voxel centres, so that a core voxel's centre is `EROSION_MM` and
    half the smallest spacing from every centre outside the body.
    """
    if not crop.body.any():
        return np.zeros_like(crop.body)
    spacing = crop.affine.spacing_mm
    eroded = depth_mm(crop) >= EROSION_MM + 0.5 * min(spacing)
    up, back = body_axes(crop)
    voxels = np.argwhere(crop.body)
    points = crop.affine.to_lps(voxels.astype(np.float64))
    core = np.zeros_like(crop.body)
    core[tuple(voxels[_central(points @ up) & _clear_of_back(points @ back)].T)] = True
    inside: Bool = core & eroded
    return inside


def depth_mm(crop: BodyCrop) -> Float64:
    """How far each voxel of the body lies from the nearest one outside, mm; 0 outside."""
    # in the smallest box around the body: the transform's time goes with the voxels, and most are margin
    (box,) = ndimage.find_objects(crop.body.view(np.uint8))
    inside = ndimage.distance_transform_edt(np.pad(crop.body[box], 1), sampling=crop.affine.spacing_mm)
    depth = np.zeros(crop.body.shape)
    depth[box] = inside[1:-1, 1:-1, 1:-1]
    return depth


def body_axes(crop: BodyCrop) -> tuple[Float64, Float64]:
    """Unit vectors of the body in LPS: up along the spine, and to the back at a right angle to it."""
    up = np.array(crop.vertebra.up_lps)
    back = _BACK_LPS - (_BACK_LPS @ up) * up
    return up, back / np.linalg.norm(back)


def _central(height: Float64) -> Bool:
    low, high = np.percentile(height, _EXTENT_PERCENTILES)
    central: Bool = np.abs(height - (low + high) / 2.0) <= _HEIGHT_SHARE * (high - low) / 2.0
    return central


def _clear_of_back(depth: Float64) -> Bool:
    low, high = np.percentile(depth, _EXTENT_PERCENTILES)
    clear: Bool = depth <= high - _POSTERIOR_SHARE * (high - low)
    return clear
