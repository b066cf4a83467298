"""Focal lesions in the trabecular core of a vertebral body: a part of it that is unlike the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.crops import BodyCrop
from node.domain.reasons import Reason, ReasonCode

# Plausible choices. In 496 bodies without a lesion, 28 of them real, the outermost 300 mm3 began at 8 HU from the
# median of the core in one half of them, at up to 34 HU in 99 of 100; noise of 40 HU at slices of 1 mm was among them.

#: How far part of a core lies from the median of the core, HU, once noise is smoothed away.
_UNLIKE_HU = 60.0

#: The least part that counts, mm3: a ball of 8 mm.
_LEAST_MM3 = 250.0

#: Noise and single trabeculae are smoothed away, standard deviation, mm.
_SMOOTHED_MM = 2.0

#: Standard deviations that the smoothing reaches.
_TRUNCATED = 4


def find_lesion(crop: BodyCrop, core: NDArray[np.bool_]) -> Reason | None:
    """Why the mean of a core would say nothing of its bone: lytic, sclerotic or fatty parts.

    A lesion that fills all of the core, or that lies outside of it, is not seen; the vein behind lies outside.

    Parameters
    ----------
    core
        The body's trabecular core, shape (k, j, i) of the crop.
    """
    if not core.any():
        return None
    voxel = crop.affine.voxel_volume_mm3
    off = _off_median(crop, core)
    below, above = (float(np.count_nonzero(sign * off > _UNLIKE_HU)) * voxel for sign in (-1.0, 1.0))
    if max(below, above) < _LEAST_MM3:
        return None
    what = "denser" if above > below else "less dense, as a lytic or fatty lesion is,"
    detail = f"{max(below, above):.0f} mm3 of its core are {what} by more than {_UNLIKE_HU:.0f} HU than its median."
    return Reason(code=ReasonCode.FOCAL_LESION, detail=detail)


def _off_median(crop: BodyCrop, core: NDArray[np.bool_]) -> NDArray[np.float32]:
    """CT numbers of the core's voxels, smoothed within the core, less their median, HU."""
    (box,) = ndimage.find_objects(core.view(np.uint8))
    sigmas = [_SMOOTHED_MM / step for step in crop.affine.spacing_mm]
    inside = core[box].astype(np.float32)
    hu = np.where(core[box], crop.hu[box], 0).astype(np.float32)
    weight, total = (
        ndimage.gaussian_filter(values, sigmas, mode="constant", truncate=_TRUNCATED) for values in (inside, hu)
    )
    smooth: NDArray[np.float32] = (total / np.maximum(weight, 1e-6))[core[box]]
    return smooth - np.median(smooth)
