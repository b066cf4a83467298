"""From the axes of a scan to those of the patient, and from its voxels to those of another spacing along them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from node.domain.geometry import Affine

Float64 = NDArray[np.float64]
Voxel = TypeVar("Voxel", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientAxes:
    """Which array axis runs along the patient's k (head), j (back) and i (left), and which of these run backwards."""

    order: tuple[int, int, int]
    reversed: tuple[bool, bool, bool]

    def of_array(self, array: NDArray[Voxel]) -> NDArray[Voxel]:
        """A view of an array with its axes along k, j and i of the patient."""
        return array.transpose(self.order)[tuple(slice(None, None, -1 if back else 1) for back in self.reversed)]

    def of_affine(self, affine: Affine, shape: Sequence[int]) -> Affine:
        """The affine of that view of an array of this shape."""
        matrix = affine.matrix.copy()
        first = np.zeros(3)
        for column, (axis, back) in enumerate(zip(self.order, self.reversed, strict=True)):
            matrix[:3, column] = affine.matrix[:3, axis] * (-1.0 if back else 1.0)
            first[axis] = shape[axis] - 1 if back else 0
        matrix[:3, 3] = affine.to_lps(first)
        return Affine(matrix)


def nearest_axes(affine: Affine) -> PatientAxes:
    """The axes of a scan that run along those of the patient, as well as they do."""
    # Rows: canonical k, j, i (head, back, left), which are z, y and x of LPS.
    along = affine.directions[::-1]
    best = max(_ORDERS, key=lambda order: sum(abs(along[row, axis]) for row, axis in enumerate(order)))
    k, j, i = (bool(along[row, axis] < 0) for row, axis in enumerate(best))
    return PatientAxes(order=best, reversed=(k, j, i))


_ORDERS: tuple[tuple[int, int, int], ...] = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def axis_weights(size: int, centres: Float64, width: float) -> sparse.csr_array:
    """What each old voxel gives to each new one: its share of a coarser one, linear interpolation of a finer one.

    Centres and width of the new voxels are in old indices.
    """
    if width <= 1.0:
        places = np.clip(centres, 0.0, size - 1.0)
        first = np.minimum(places.astype(int), max(size - 2, 0))
        columns = first[:, None] + np.arange(min(2, size))
        shares = 1.0 - np.abs(columns - places[:, None])
    else:
        first = np.floor(centres - width / 2.0 + 0.5).astype(int)
        columns = first[:, None] + np.arange(int(np.ceil(width)) + 1)
        low = np.maximum(columns - 0.5, (centres - width / 2.0)[:, None])
        high = np.minimum(columns + 0.5, (centres + width / 2.0)[:, None])
        shares = np.where((columns >= 0) & (columns < size), np.maximum(high - low, 0.0), 0.0)
        shares = shares / shares.sum(1, keepdims=True)
    rows = np.broadcast_to(np.arange(len(centres))[:, None], columns.shape)
    used = shares > 0.0
    return sparse.csr_array((shares[used], (rows[used], columns[used])), shape=(len(centres), size))
