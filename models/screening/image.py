"""The image of one vertebral body: its middle planes, whatever the grid of the scan and the tilt of the body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.core import body_axes
from models.crops import BodyCrop
from models.resample import OUTSIDE_HU
from models.screening.case import PIXEL_MM, SIDE, BodyImage

Float64 = NDArray[np.float64]

#: A plane is the mean over this thickness, mm: a single one of a thin scan would show noise more than bone, and scans
#: of thin and of thick slices look more alike. A plausible choice.
SLAB_MM = 5.0

#: Where in the slab the scan is read, mm from its middle.
_OFFSETS_MM = np.arange(-SLAB_MM / 2.0 + 0.5, SLAB_MM / 2.0)


def body_image(crop: BodyCrop) -> BodyImage:
    """The middle planes of a body through the centre of its mask.

    Raises
    ------
    ValueError
        Where the mask is empty, or a middle plane misses the body.
    """
    if not crop.body.any():
        raise ValueError("a body without voxels has no image")
    centre = crop.affine.to_lps(np.argwhere(crop.body).astype(np.float64).mean(0))
    up, back = body_axes(crop)
    left = np.cross(back, up)
    planes = ((back, left, up), (-up, left, back), (-up, back, left))
    slabs = [_slab(crop, centre, *axes) for axes in planes]
    hu = np.clip(np.rint(np.stack([hu for hu, _ in slabs])), -32768, 32767).astype(np.int16)
    return BodyImage(hu=hu, body=np.stack([body for _, body in slabs]))


def _slab(crop: BodyCrop, centre: Float64, down: Float64, right: Float64, through: Float64) -> tuple[Float64, ...]:
    """Mean CT numbers of a plane, and whether at least half of its thickness there is body."""
    steps = (np.arange(SIDE) - (SIDE - 1) / 2.0) * PIXEL_MM
    plane = centre + steps[:, None, None] * down + steps[None, :, None] * right
    points = plane[None] + _OFFSETS_MM[:, None, None, None] * through
    index = np.moveaxis(crop.affine.to_index(points), -1, 0)
    hu, body = (
        ndimage.map_coordinates(values.astype(np.float32), index, order=1, mode="constant", cval=outside).mean(0)
        for values, outside in ((crop.hu, OUTSIDE_HU), (crop.body, 0.0))
    )
    return hu, body >= 0.5
