"""Connected components of a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from models.box import Box

#: Voxels that share a face, an edge or a corner belong together.
TOUCHING = np.ones((3, 3, 3), dtype=np.bool_)


def components(mask: NDArray[np.bool_], structure: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.int32], int]:
    """The number of each voxel's component, from 1, shape (k, j, i), 0 outside the mask; and how many there are.

    SciPy takes as long for an empty corner as for a full one; what is looked for here fills a part of a scan.

    Parameters
    ----------
    structure
        Which neighbours belong together, shape (3, 3, 3); those that share a face by default.
    """
    labels = np.zeros(mask.shape, dtype=np.int32)
    box = _box_around(mask)
    labels[box], count = ndimage.label(mask[box], structure)
    return labels, int(count)


def _box_around(mask: NDArray[np.bool_]) -> Box:
    k = _extent(mask, (1, 2))
    return k, _extent(mask[k], (0, 2)), _extent(mask[k], (0, 1))


def _extent(mask: NDArray[np.bool_], others: tuple[int, int]) -> slice:
    """From the first to the last place along an axis that holds something; `others` are the other two axes."""
    places = np.flatnonzero(mask.any(axis=others))
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0)
