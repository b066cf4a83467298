"""Metal and cement in or beside a vertebral body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.core import EROSION_MM, depth_mm
from models.crops import BodyCrop
from node.domain.reasons import Reason, ReasonCode

# Plausible choices. Nothing that a body is made of comes near: in 496 bodies without metal, 28 of them real, the
# brightest voxel within 10 mm had 1545 HU, and none deeper than 3.5 mm had 600.

#: Brighter than any bone, HU; titanium and steel reach the end of the scale.
_METAL_HU = 2000.0

#: Less than this in one piece, mm3, is noise, a clip or a wire, and no screw.
_LEAST_METAL_MM3 = 30.0

#: Cement, or sclerosis as dense as cortex, HU; trabecular bone stays below 400 even in the young.
_DENSE_HU = 600.0

#: So much of it inside of the body, mm3, or this share of the core, is more than a bone island that moves no mean.
_LEAST_DENSE_MM3 = 200.0
_LARGEST_DENSE_SHARE = 0.05


def find_inclusion(crop: BodyCrop, core: NDArray[np.bool_]) -> Reason | None:
    """Why a body cannot be measured for what was put into it or beside it.

    Metal is looked for in the body's own slices, where its streaks are, within what the crop holds beside the body.

    Parameters
    ----------
    core
        The body's trabecular core, shape (k, j, i) of the crop.
    """
    if not crop.body.any():
        return None
    return find_metal(crop) or _dense_material(crop, core)


def find_metal(crop: BodyCrop) -> Reason | None:
    """Why a body lies in streaks, which may be why it looks like none; `None` where no metal is near."""
    if not crop.body.any():
        return None
    slices = np.flatnonzero(crop.body.any((1, 2)))
    bright = crop.hu[slices[0] : slices[-1] + 1] > _METAL_HU
    largest = _largest_piece(bright) * crop.affine.voxel_volume_mm3
    if largest < _LEAST_METAL_MM3:
        return None
    detail = f"{largest:.0f} mm3 above {_METAL_HU:.0f} HU lie in it or within 10 mm."
    return Reason(code=ReasonCode.METAL, detail=detail)


def _dense_material(crop: BodyCrop, core: NDArray[np.bool_]) -> Reason | None:
    # a slice's partial volume with an endplate reaches one slice deep
    inside = depth_mm(crop) >= EROSION_MM + max(crop.affine.spacing_mm)
    volume = float(np.count_nonzero(crop.hu[inside] > _DENSE_HU)) * crop.affine.voxel_volume_mm3
    share = float((crop.hu[core] > _DENSE_HU).mean()) if core.any() else 0.0
    if volume < _LEAST_DENSE_MM3 and share <= _LARGEST_DENSE_SHARE:
        return None
    detail = f"{volume:.0f} mm3 inside of it and {100.0 * share:.0f} % of its core lie above {_DENSE_HU:.0f} HU."
    return Reason(code=ReasonCode.DENSE_MATERIAL, detail=detail)


def _largest_piece(mask: NDArray[np.bool_]) -> int:
    """Voxels of the largest piece of a mask, neighbours at edges and corners included."""
    if not mask.any():
        return 0
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    return int(np.bincount(labels.ravel())[1:].max())
