"""From the grid of a scan to the grid of a network."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, sparse

from models.parallel import for_each
from models.patient_axes import PatientAxes, axis_weights, nearest_axes
from node.domain.geometry import Affine
from node.domain.volume import Float32, Volume

#: What lies outside the scan: the lowest value that scanners write for air.
OUTSIDE_HU = -1024.0

#: Axes that leave those of the patient by less than this need no rotation: 400 mm away they are off by 0.4 mm.
_ALIGNED_TOLERANCE = 1e-3

Float64 = NDArray[np.float64]


def to_network_grid(volume: Volume, spacing_mm: tuple[float, float, float]) -> Volume:
    """The scan on a coarser grid whose k runs to the head, j to the back and i to the patient's left.

    Every new voxel is the mean over its own extent, so noise falls as in a thicker slice. Where the scan's own axes are
    oblique, the coarse grid is turned afterwards, and what lies outside the scan is `OUTSIDE_HU`. The scan is read
    slice by slice: no second array of its size is made.

    Parameters
    ----------
    spacing_mm
        Of the new grid, (k, j, i).
    """
    axes = nearest_axes(volume.affine)
    reduced, affine = _averaged(volume, axes, spacing_mm)
    if not _is_aligned(affine):
        reduced, affine = _turned(reduced, affine, spacing_mm)
    return Volume(hu=reduced, affine=affine, frame_of_reference=volume.frame_of_reference)


def _averaged(volume: Volume, axes: PatientAxes, spacing_mm: tuple[float, float, float]) -> tuple[Float32, Affine]:
    """The scan averaged along its own axes, these put in the order and direction of the network's."""
    view = axes.of_array(volume.hu)
    own = axes.of_affine(volume.affine, volume.shape)
    weights = []
    origin = []
    steps = []
    for size, old, new in zip(view.shape, own.spacing_mm, spacing_mm, strict=True):
        count, first = _samples(size, old, new)
        centres = first + np.arange(count, dtype=np.float64) * (new / old)
        weights.append(axis_weights(size, centres, new / old).astype(np.float32))
        origin.append(first)
        steps.append(new / old)
    reduced = _apply(view, weights)
    matrix = own.matrix.copy()
    matrix[:3, 3] = own.to_lps(np.array(origin))
    matrix[:3, :3] = own.matrix[:3, :3] * np.array(steps)
    return reduced, Affine(matrix)


def _samples(size: int, old: float, new: float) -> tuple[int, float]:
    """How many new voxels an axis gets, and where the first one's centre lies in old indices."""
    count = max(1, round(size * old / new))
    return count, (size - 1) / 2.0 - (count - 1) / 2.0 * (new / old)


def _apply(view: Float32, weights: list[sparse.csr_array]) -> Float32:
    """Apply the weights of k, j and i, one slice of the scan in memory at a time on each thread."""
    along_k, along_j, along_i = weights
    runs = np.array_split(np.arange(along_k.shape[0]), torch.get_num_threads())
    parts = for_each(lambda rows: _apply_to_rows(view, along_k[rows].tocsc(), along_j, along_i), runs)
    return np.concatenate(parts)


def _apply_to_rows(
    view: Float32, along_k: sparse.csc_array, along_j: sparse.csr_array, along_i: sparse.csr_array
) -> Float32:
    reduced = np.zeros((along_k.shape[0], along_j.shape[0], along_i.shape[0]), dtype=np.float32)
    for index in np.flatnonzero(np.diff(along_k.indptr)):
        first, last = along_k.indptr[index], along_k.indptr[index + 1]
        # Both products are sparse: dense ones take ten times as long, more where cores are shared.
        slab = (along_i @ (along_j @ view[index]).T).T
        for row, share in zip(along_k.indices[first:last], along_k.data[first:last], strict=True):
            reduced[row] += share * slab
    return reduced


def _is_aligned(affine: Affine) -> bool:
    return bool(np.allclose(affine.directions, np.eye(3)[::-1], atol=_ALIGNED_TOLERANCE))


def _turned(hu: Float32, affine: Affine, spacing_mm: tuple[float, float, float]) -> tuple[Float32, Affine]:
    """An oblique coarse grid put on the patient's axes."""
    corners = affine.to_lps(np.array(list(product(*((0, size - 1) for size in hu.shape))), dtype=np.float64))
    low, high = corners.min(0), corners.max(0)
    grid = Affine.from_spacing(spacing_mm, (low[0], low[1], low[2]))
    counts = np.ceil((high - low)[::-1] / np.array(spacing_mm) + 1e-6).astype(int) + 1
    mapping = np.linalg.inv(affine.matrix) @ grid.matrix
    turned: Float32 = ndimage.affine_transform(
        hu,
        mapping[:3, :3],
        offset=mapping[:3, 3],
        output_shape=tuple(counts),
        output=np.float32,
        order=1,
        mode="constant",
        cval=OUTSIDE_HU,
    )
    return turned, grid
