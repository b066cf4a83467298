"""Masks without dents and holes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def closed(mask: Mask, radius: float) -> Mask:
    """The mask with its holes, and its dents that are narrower than a ball of this radius (closing by a ball).

    Parameters
    ----------
    mask
        Shape (k, j, i); beyond its edges there is nothing.
    radius
        In voxels.
    """
    boxes = ndimage.find_objects(mask.view(np.uint8))
    if not boxes:
        return mask
    (box,) = boxes
    # Distances are cheaper than a structuring element of hundreds of voxels.
    margin = int(np.ceil(radius)) + 1
    dilated = ndimage.distance_transform_edt(~np.pad(mask[box], margin)) <= radius
    inner = (slice(margin, -margin),) * mask.ndim
    filled = mask.copy()
    filled[box] |= ndimage.binary_fill_holes((ndimage.distance_transform_edt(dilated) > radius)[inner])
    return filled
