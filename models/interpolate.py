"""From the grid of a network back to the grid of a scan."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from models.box import Box, corner, size
from node.domain.geometry import Affine
from node.domain.volume import Float32

Float64 = NDArray[np.float64]

#: Entries of the matrix from indices to indices that are smaller count as 0: over 1,000 voxels they move nothing.
_ALIGNED_TOLERANCE = 1e-5


def on_grid(field: Float32, affine: Affine, *, grid: Affine, box: Box) -> Float32:
    """A field that was computed on one grid, on a box of another; linear between voxels.

    Parameters
    ----------
    field
        Shape (k, j, i); beyond its edge it goes on as at the edge.
    affine
        Of the field.
    grid
        The wanted grid; `box` is in its indices.
    """
    start = grid.shifted(corner(box))
    mapping = np.linalg.inv(affine.matrix) @ start.matrix
    shape = size(box)
    source = _source_axes(mapping[:3, :3])
    values = field.astype(np.float32, copy=False)
    if source is None:
        # An oblique scan: every voxel for itself, some ten times slower.
        turned: Float32 = ndimage.affine_transform(
            values,
            mapping[:3, :3],
            offset=mapping[:3, 3],
            output_shape=shape,
            output=np.float32,
            order=1,
            mode="nearest",
        )
        return turned
    for axis in range(3):
        wanted = source.index(axis)
        places = mapping[axis, 3] + mapping[axis, wanted] * np.arange(shape[wanted], dtype=np.float64)
        values = _along(values, _linear(places, field.shape[axis]), axis)
    return np.ascontiguousarray(values.transpose(source))


def with_margin(field: Float32, affine: Affine) -> tuple[Float32, Affine]:
    """A field with a voxel of 0 on each side, for `on_grid` to find nothing beyond its edge, and its affine."""
    return np.pad(field, 1), affine.shifted((-1, -1, -1))


def box_on_grid(box: Box, affine: Affine, *, grid: Affine, shape: tuple[int, int, int]) -> Box:
    """The smallest box of `grid`, cut to its `shape`, that holds a box of voxels of another grid."""
    edges = [(part.start - 0.5, part.stop - 0.5) for part in box]
    corners = grid.to_index(affine.to_lps(np.array(list(product(*edges)))))
    low = np.clip(np.floor(corners.min(0)), 0, shape).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 1, low, shape).astype(int)
    k, j, i = (slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    return k, j, i


def _source_axes(linear: Float64) -> tuple[int, int, int] | None:
    """For each wanted axis the field's axis that runs along it, or `None` where the axes are oblique."""
    used = np.abs(linear) > _ALIGNED_TOLERANCE
    if not ((used.sum(0) == 1).all() and (used.sum(1) == 1).all()):
        return None
    k, j, i = (int(axis) for axis in used.argmax(0))
    return k, j, i


def _along(field: Float32, weights: sparse.csr_array, axis: int) -> Float32:
    """The weights applied along one axis."""
    first = np.moveaxis(field, axis, 0)
    applied = (weights @ first.reshape(first.shape[0], -1)).reshape(-1, *first.shape[1:])
    moved: Float32 = np.moveaxis(applied, 0, axis)
    return moved


def _linear(places: Float64, size: int) -> sparse.csr_array:
    inside = np.clip(places, 0.0, size - 1.0)
    low = np.minimum(np.floor(inside), max(size - 2, 0)).astype(int)
    share = inside - low
    rows = np.tile(np.arange(len(places)), 2)
    columns = np.concatenate((low, np.minimum(low + 1, size - 1)))
    entries = np.concatenate((1.0 - share, share)).astype(np.float32)
    return sparse.csr_array((entries, (rows, columns)), shape=(len(places), size))
