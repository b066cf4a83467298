"""Boxes of voxels: pieces of an array, as slices along k, j and i."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice, slice]
Steps = Sequence[int] | NDArray[np.int64]


def shifted(box: Sequence[slice], *, by: Steps) -> Box:
    """The box, moved by so many voxels along each axis."""
    k, j, i = (slice(part.start + int(step), part.stop + int(step)) for part, step in zip(box, by, strict=True))
    return k, j, i


def grown(box: Sequence[slice], *, by: Steps, shape: Sequence[int]) -> Box:
    """The box with so many voxels more on both sides of each axis, cut to an array of this shape."""
    k, j, i = (
        slice(max(0, part.start - int(step)), min(voxels, part.stop + int(step)))
        for part, step, voxels in zip(box, by, shape, strict=True)
    )
    return k, j, i


def around(boxes: Sequence[Box]) -> Box:
    """The smallest box that holds them all, an empty one where there are none."""
    if not boxes:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    k, j, i = (
        slice(min(part.start for part in parts), max(part.stop for part in parts)) for parts in zip(*boxes, strict=True)
    )
    return k, j, i


def whole(array: NDArray[Any]) -> Box:
    """The box of all voxels of an array."""
    k, j, i = array.shape
    return slice(0, k), slice(0, j), slice(0, i)


def corner(box: Box) -> tuple[int, int, int]:
    """Index of the box's first voxel."""
    k, j, i = (part.start for part in box)
    return k, j, i


def size(box: Box) -> tuple[int, int, int]:
    """Voxels along each axis."""
    k, j, i = (part.stop - part.start for part in box)
    return k, j, i
